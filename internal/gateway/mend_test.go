package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"
	"attestd/pdu"
	"attestd/queue"
)

// brisk is the ladder with waits for tests; what the modem needs is not shortened.
var brisk = Pace{ReopenMin: 10 * time.Millisecond, ReopenMax: 200 * time.Millisecond, Parked: time.Hour,
	Health: 200 * time.Millisecond, Drain: time.Minute, Rest: 50 * time.Millisecond, Boot: 5 * time.Second, Scan: time.Minute}

// fleetOf keeps a fleet on the modems of a network, in a folder of its own; edit sees each station before it starts.
func fleetOf(t *testing.T, c simulator.Config, pace Pace, edit func(i int, dir string, s *StationConfig)) (*Fleet, *house, *simulator.Network) {
	t.Helper()
	network, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Cleanup(func() { _ = network.Close() })
	var all []StationConfig
	for i := range network.Modems() {
		port, err := network.Modem(i).Listen(dir)
		if err != nil {
			t.Fatal(err)
		}
		s := StationConfig{Name: fmt.Sprintf("m%d", i), Modem: modem.Config{
			Port: port, SubmitTimeout: 2 * time.Second, CommandTimeout: time.Second, LateResultWait: 500 * time.Millisecond, AnswerWait: 2 * time.Second,
		}}
		if edit != nil {
			edit(i, dir, &s)
		}
		all = append(all, s)
	}
	h := newHouse()
	return run(t, Options{Stations: all, Lines: h, Inward: h, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Pace: pace}), h, network
}

// run keeps a fleet until the test ends.
func run(t *testing.T, o Options) *Fleet {
	f := New(o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f
}

func strike(t *testing.T, n *simulator.Network, f simulator.Fault) {
	t.Helper()
	if err := n.Fault(f); err != nil {
		t.Fatal(err)
	}
}

func TestASilentModemIsResynchronisedInItsOpenSession(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{}, brisk, nil)
	wait(t, "line", h.lines)
	strike(t, network, simulator.Fault{Fault: "hang", For: "1500ms"})
	wait(t, "line taken back", h.gone)
	again := wait(t, "line again", h.lines)
	if o := submit(t, again, "+8613900000001", "after"); o.Kind != queue.OutcomeAccepted {
		t.Errorf("%+v", o)
	}
	if s := f.Status()[0]; s.Recoveries[Resync] != 1 || len(s.Recoveries) != 1 || s.Opened != 1 {
		t.Errorf("%v, opened %d times", s.Recoveries, s.Opened)
	}
}

func TestARestartedModemIsInitialisedAgainAndSends(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{}, brisk, nil)
	wait(t, "line", h.lines)
	network.Modem(0).Restart()
	wait(t, "line taken back", h.gone)
	for accepted := false; !accepted; { // a modem that still boots may lose its line once more
		accepted = submit(t, wait(t, "line again", h.lines), "+8613900000001", "after").Kind == queue.OutcomeAccepted
	}
	if s := f.Status()[0]; s.Recoveries[Reinit] == 0 || s.Recoveries[Reset] != 0 {
		t.Errorf("%v", s.Recoveries)
	}
}

func TestAModemThatAcceptsNothingClimbsToItsRestartAndGetsNoWorkMeanwhile(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{Profile: "huawei", Commands: true}, brisk, nil)
	if err := network.Modem(0).Next("refused-038", 12); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for s := f.Status()[0]; s.Recoveries[Reset] == 0; s = f.Status()[0] {
		line := wait(t, "line", h.lines)
		for taken := false; !taken; {
			select {
			case <-h.gone:
				taken = true
			default:
				if sent++; sent > 20 {
					t.Fatalf("sent %d, and still %v", sent, s.Recoveries)
				}
				submit(t, line, fmt.Sprintf("+86139000%05d", sent), "no")
				time.Sleep(20 * time.Millisecond) // a line's worker leaves between two messages, too
			}
		}
	}
	if o := submit(t, wait(t, "line again", h.lines), "+8613900000001", "after"); o.Kind != queue.OutcomeTemporary && o.Kind != queue.OutcomeAccepted {
		t.Errorf("%+v", o)
	}
	var said []string
	for _, e := range network.Ledger() {
		if e.Kind == simulator.KindAT {
			said = append(said, e.Text+e.Detail)
		}
	}
	for _, want := range []string{"AT+CFUN=4", "AT+CFUN=1", "AT^RESET"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("%s was never said", want)
		}
	}
	if s := f.Status()[0]; s.Recoveries[Resync] != 1 || s.Recoveries[Reinit] != 1 || s.Recoveries[Radio] != 1 || s.Recoveries[Reset] != 1 {
		t.Errorf("%v", s.Recoveries)
	}
}

func TestNoRecipientHoweverOftenTriedMakesAModemSick(t *testing.T) {
	var b breaker
	to := func(number string) []byte {
		parts, err := pdu.Encode(pdu.Message{To: number, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		return parts[0].TPDU
	}
	failing := queue.Outcome{Kind: queue.OutcomeTemporary}
	for range 10 {
		if b.count(failing, nil, to("+8613900099041")) {
			t.Fatal("one bad number opened the breaker")
		}
	}
	if b.count(failing, nil, to("+8613900000002")) {
		t.Error("two numbers are no proof")
	}
	if !b.count(failing, nil, to("+8613900000003")) {
		t.Error("three recipients in a row, and still well")
	}
	b.count(queue.Outcome{Kind: queue.OutcomeRefused}, nil, to("+8613900099001"))
	first, second := b.count(queue.Outcome{Kind: queue.OutcomeNotSent}, modem.ErrNotSent, nil), b.count(queue.Outcome{Kind: queue.OutcomeNotSent}, modem.ErrNotSent, nil)
	if first || second {
		t.Error("a refusal of one message did not clear the count")
	}
	if !b.count(queue.Outcome{Kind: queue.OutcomeNotSent}, modem.ErrNotSent, nil) {
		t.Error("nothing could be handed over three times, and still well")
	}
	b.close(true)
	if !b.count(failing, nil, to("+8613900000004")) {
		t.Error("a parked modem is tried with one message")
	}
}

func TestAModemLongWithoutNetworkSearchesAnewThenItsRadioThenItIsRestarted(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{Profile: "simcom", Commands: true}, brisk, func(_ int, _ string, s *StationConfig) { s.Search = 100 * time.Millisecond })
	wait(t, "line", h.lines)
	network.Modem(0).SetRegistration(2)
	wait(t, "line taken back", h.gone)
	s := eventually(t, f, func(s Status) bool { return s.Recoveries[Reset] > 0 })
	if s.Recoveries[Operator] != 1 || s.Recoveries[Radio] != 1 {
		t.Errorf("%v", s.Recoveries)
	}
	if !slices.ContainsFunc(network.Ledger(), func(e simulator.Entry) bool { return e.Kind == simulator.KindAT && e.Text+e.Detail == "AT+COPS=0" }) {
		t.Error("it was not told to look for a network")
	}
	eventually(t, f, func(s Status) bool { return s.Recoveries[Park] > 0 })
	network.Modem(0).SetRegistration(1)
	back := time.Now()
	wait(t, "line again", h.lines)
	t.Logf("from network to line: %s", time.Since(back).Round(time.Millisecond))
}

func TestAModemThatTheNetworkRefusesIsLeftInPeace(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{}, brisk, func(_ int, _ string, s *StationConfig) { s.Search = 50 * time.Millisecond })
	wait(t, "line", h.lines)
	network.Modem(0).SetRegistration(3)
	wait(t, "line taken back", h.gone)
	since := eventually(t, f, func(s Status) bool { return s.State == Refused }).Since
	eventually(t, f, func(Status) bool { return time.Since(since) > time.Second })
	if s := f.Status()[0]; len(s.Recoveries) > 0 {
		t.Errorf("%v", s.Recoveries)
	}
}

func TestNoTwoModemsAreRestartedAtTheSameTime(t *testing.T) {
	const boot = 300 * time.Millisecond
	f, h, network := fleetOf(t, simulator.Config{Modems: 3, Profile: "quectel", Boot: boot, Replug: 300 * time.Millisecond}, brisk,
		func(_ int, _ string, s *StationConfig) { s.Search = 50 * time.Millisecond })
	for range 3 {
		wait(t, "line", h.lines)
	}
	for i := range 3 {
		network.Modem(i).SetRegistration(2)
	}
	for i := range 3 {
		for deadline := time.Now().Add(60 * time.Second); f.Status()[i].Recoveries[Reset] == 0 || f.Status()[i].State != Searching; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%+v", f.Status()[i])
			}
		}
	}
	down := -1
	for _, e := range network.Ledger() {
		switch {
		case e.Kind == simulator.KindModem && strings.Contains(e.Detail, "+CFUN=1,1"):
			if down >= 0 {
				t.Errorf("modem %d restarts while modem %d is away", e.Modem, down)
			}
			down = e.Modem
		case e.Kind == simulator.KindModem && e.Detail == "up" && e.Modem == down:
			down = -1
		}
	}
}

func TestNothingIsDoneToAModemWhileALateResultMayCome(t *testing.T) {
	const late = 700 * time.Millisecond
	f, h, _ := fleetOf(t, simulator.Config{}, brisk, func(_ int, _ string, s *StationConfig) {
		s.Modem.SubmitTimeout, s.Modem.LateResultWait = 200*time.Millisecond, late
	})
	line := wait(t, "line", h.lines)
	var suffix string
	for _, one := range simulator.Fates() {
		if one.Name == "silent-sent" {
			suffix = one.Suffix
		}
	}
	for i := range sickAfter {
		if o := submit(t, line, fmt.Sprintf("+86139%03d%s", i, suffix), "no answer"); o.Kind != queue.OutcomeUnknown {
			t.Fatalf("%+v", o)
		}
	}
	unknown := time.Now()
	wait(t, "line taken back", h.gone)
	eventually(t, f, func(s Status) bool { return len(s.Recoveries) > 0 })
	if took := time.Since(unknown); took < late-50*time.Millisecond {
		t.Errorf("the first rung was taken %s after the submission, when its result could still come", took)
	}
}
