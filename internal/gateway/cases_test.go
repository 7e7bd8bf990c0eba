package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"
)

// said is how often each AT command line was given.
func said(network *simulator.Network) map[string]int {
	lines := map[string]int{}
	for _, e := range network.Ledger() {
		if e.Kind == simulator.KindAT {
			lines[e.Text+e.Detail]++
		}
	}
	return lines
}

// Telit LE910C1: AT+CPIN? gives +CME ERROR: 10 until the module is reset.
func TestAModemThatFindsItsCardOnlyAfterARestartIsRestartedOnce(t *testing.T) {
	network, err := simulator.New(simulator.Config{Profile: "generic", Commands: true, Boot: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = network.Close() })
	path, err := network.Modem(0).Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	restarted := func() bool { return said(network)["AT+CFUN=1,1"] > 0 }
	h := newHouse()
	f := run(t, Options{
		Stations: []StationConfig{{Name: "m0", Modem: modem.Config{Port: path, CommandTimeout: time.Second, AnswerWait: 2 * time.Second}}},
		Lines:    h, Inward: h, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Pace: brisk,
		Open: func(ctx context.Context, c modem.Config) (*modem.Modem, error) {
			if !restarted() {
				return nil, fmt.Errorf("%w: +CME ERROR: 10", modem.ErrNoSIM)
			}
			return modem.Open(ctx, c)
		},
	})
	wait(t, "line", h.lines)
	if s := f.Status()[0]; s.Recoveries[Reset] != 1 || said(network)["AT+CFUN=1,1"] != 1 {
		t.Errorf("%v, restarted %d times", s.Recoveries, said(network)["AT+CFUN=1,1"])
	}
}

func TestAModemWithoutACardIsNotRestartedAgainAndAgain(t *testing.T) {
	var restarts, opened atomic.Int32
	h := newHouse()
	tried := make(chan struct{}, 1000)
	f := run(t, Options{
		Stations: []StationConfig{{Name: "m0", Modem: modem.Config{Port: "tcp://127.0.0.1:1"}}},
		Lines:    h, Inward: h, Logger: slog.New(slog.DiscardHandler), Pace: Pace{ReopenMin: time.Millisecond, ReopenMax: 5 * time.Millisecond, Rest: time.Millisecond, Parked: time.Hour},
		Open: func(context.Context, modem.Config) (*modem.Modem, error) {
			opened.Add(1)
			tried <- struct{}{}
			return nil, modem.ErrNoSIM
		},
		Restart: func(context.Context, modem.Config, func(commander)) error { restarts.Add(1); return nil },
	})
	for range 20 {
		wait(t, "a try", tried)
	}
	if n := restarts.Load(); n != 1 {
		t.Errorf("restarted %d times in %d tries", n, opened.Load())
	}
	eventually(t, f, func(s Status) bool { return s.State == Parked })
}

func TestAModemThatMayNotBeResetIsNotForWantOfACard(t *testing.T) {
	h := newHouse()
	tried := make(chan struct{}, 1000)
	var restarts atomic.Int32
	run(t, Options{
		Stations: []StationConfig{{Name: "m0", NoReset: true, Modem: modem.Config{Port: "tcp://127.0.0.1:1"}}},
		Lines:    h, Inward: h, Logger: slog.New(slog.DiscardHandler), Pace: Pace{ReopenMin: time.Millisecond, ReopenMax: 5 * time.Millisecond, Rest: time.Millisecond},
		Open: func(context.Context, modem.Config) (*modem.Modem, error) {
			tried <- struct{}{}
			return nil, modem.ErrNoSIM
		},
		Restart: func(context.Context, modem.Config, func(commander)) error { restarts.Add(1); return nil },
	})
	for range 10 {
		wait(t, "a try", tried)
	}
	if restarts.Load() != 0 {
		t.Error("reset = false")
	}
}

func TestACallIsEndedCountedAndKeepsNoTextWaiting(t *testing.T) {
	for _, hangUp := range []bool{true, false} {
		t.Run(fmt.Sprintf("hang_up = %v", hangUp), func(t *testing.T) {
			f, h, network := fleetOf(t, simulator.Config{Commands: true}, brisk, func(_ int, _ string, s *StationConfig) { s.HangUp = hangUp })
			line := wait(t, "line", h.lines)
			strike(t, network, simulator.Fault{Fault: "line", Value: "RING", Count: 3})
			eventually(t, f, func(s Status) bool { return s.Calls == 1 && (!hangUp || said(network)["AT+CHUP"] > 0) })
			submit(t, line, "+8613900000001", "after")
			if s := f.Status()[0]; s.Calls != 1 {
				t.Errorf("three RINGs are one call, not %d", s.Calls)
			}
			if n := said(network)["AT+CHUP"]; hangUp == (n == 0) {
				t.Errorf("AT+CHUP was said %d times", n)
			}
		})
	}
}

func TestTwoModemsWithOneIMEIAreFoundAgainAfterBothWerePulled(t *testing.T) {
	dir := t.TempDir()
	stick(t, dir, "1-1", "dead:beef", map[string]string{"ttyUSB0": "00"})
	stick(t, dir, "1-2", "dead:beef", map[string]string{"ttyUSB1": "00"})
	scan := []string{filepath.Join(dir, "dev", "ttyUSB*")}
	a := StationConfig{Name: "a", Modem: modem.Config{Port: Auto}, Scan: scan}
	b := StationConfig{Name: "b", Modem: modem.Config{Port: Auto}, Scan: scan}
	o := Options{Stations: []StationConfig{a, b}, Logger: slog.New(slog.DiscardHandler)}
	o.Pace.fill()
	f := newFinder(o)
	f.sysfs = filepath.Join(dir, "sys")
	f.probe = func(context.Context, modem.Config) (modem.Identity, error) {
		return modem.Identity{IMEI: "860000000000000"}, nil
	}
	take := func(c StationConfig) func() {
		t.Helper()
		path, release, err := f.acquire(t.Context(), c)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		f.learn(c, path, modem.Identity{IMEI: "860000000000000"}, nil)
		return release
	}
	pull := map[string]func(){"a": take(a), "b": take(b)}
	for range 3 { // one after the other, each back before the next goes
		for _, c := range []StationConfig{a, b} {
			pull[c.Name]()
			pull[c.Name] = take(c)
		}
	}
	f.tasks.Wait()
}

// Seen on a real kernel: at every second boot the modem that takes any was first, and kept the other's for good.
func TestAModemThatTakesAnyLeavesWhatAnothersPatternFits(t *testing.T) {
	dir := t.TempDir()
	stick(t, dir, "1-1", "dead:beef", map[string]string{"ttyUSB0": "00"})
	stick(t, dir, "1-2", "dead:beef", map[string]string{"ttyUSB1": "00"})
	picky := StationConfig{Name: "picky", Modem: modem.Config{Port: filepath.Join(dir, "dev", "*USB0")}}
	takesAny := StationConfig{Name: "any", Modem: modem.Config{Port: Auto}, Scan: []string{filepath.Join(dir, "dev", "ttyUSB*")}}
	o := Options{Stations: []StationConfig{picky, takesAny}, Logger: slog.New(slog.DiscardHandler)}
	o.Pace.fill()
	f := newFinder(o)
	f.sysfs = filepath.Join(dir, "sys")
	f.probe = func(_ context.Context, c modem.Config) (modem.Identity, error) {
		return modem.Identity{IMEI: filepath.Base(c.Port)}, nil
	}
	defer f.tasks.Wait()
	for range 2 {
		path, release, err := f.acquire(t.Context(), takesAny)
		if err != nil || filepath.Base(path) != "ttyUSB1" {
			t.Fatal(path, err)
		}
		path, releasePicky, err := f.acquire(t.Context(), picky)
		if err != nil || filepath.Base(path) != "ttyUSB0" {
			t.Fatal(path, err)
		}
		release()
		releasePicky()
	}
}

func TestAnIMEIIsComparedByTheDigitsThatNameTheModule(t *testing.T) {
	const labelled = "490154203237518"
	for _, said := range []string{labelled, "49015420323751", "4901542032375100"} {
		if !sameModule(labelled, said) {
			t.Errorf("%s is %s (TS 23.003 6.2)", said, labelled)
		}
	}
	for _, said := range []string{"", "490154203237", "490154203237528"} {
		if sameModule(labelled, said) {
			t.Errorf("%q is not %s", said, labelled)
		}
	}
}

func TestACardThatIsMissingOrCannotBeReadHasASymptomOfItsOwn(t *testing.T) {
	for _, err := range []error{modem.ErrNoSIM, modem.ErrSIMFailure} {
		if s := symptomOf(fmt.Errorf("x: %w", err)); s != Cardless {
			t.Errorf("%v is %s", err, s)
		}
	}
	if s := symptomOf(errors.New("no such port")); s != Shut {
		t.Error(s)
	}
	for symptom, rungs := range ladders {
		if symptom != Locked && len(rungs) == 0 {
			t.Errorf("%s has no rung", symptom)
		}
		if slices.Contains(rungs, Park) {
			t.Errorf("%s: park is what is left", symptom)
		}
	}
}
