package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"attestd/internal/inbox"
	"attestd/modem"
	"attestd/modem/at"
	"attestd/modem/simulator"
	"attestd/pdu"
	"attestd/queue"
)

func TestEveryEndOfASubmissionIsCarriedInTheQueuesWords(t *testing.T) {
	for _, c := range []struct {
		err  error
		want queue.OutcomeKind
	}{
		{nil, queue.OutcomeAccepted},
		{fmt.Errorf("x: %w", modem.ErrNotSent), queue.OutcomeNotSent},
		{fmt.Errorf("x: %w", modem.ErrOutcomeUnknown), queue.OutcomeUnknown},
		{at.CMSError{Code: 1}, queue.OutcomeRefused},    // unassigned number
		{at.CMSError{Code: 38}, queue.OutcomeTemporary}, // network out of order
		{at.CMSError{Code: 50}, queue.OutcomeSick},      // facility not subscribed: the SIM, not the message
		{at.CMSError{Code: 332}, queue.OutcomeUnknown},  // network timeout: it may be out
	} {
		if got := outcome(7, c.err).Kind; got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// house is the rest of the gateway as a station sees it.
type house struct {
	mu      sync.Mutex
	lines   chan queue.Line
	gone    chan string
	texts   []inbox.Received
	reports []queue.Report
	stored  chan struct{}
	failing int    // so many stores fail first
	trying  func() // before each try to store; may be nil
}

func newHouse() *house {
	return &house{lines: make(chan queue.Line, 16), gone: make(chan string, 16), stored: make(chan struct{}, 64)}
}

func (h *house) Attach(l queue.Line) func(bool) {
	h.lines <- l
	return func(bool) { h.gone <- l.Station }
}

func (h *house) fail() error {
	if h.trying != nil {
		h.trying()
	}
	if h.failing > 0 {
		h.failing--
		return errors.New("the disk is full")
	}
	return nil
}

func (h *house) Text(_ context.Context, r inbox.Received) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail(); err != nil {
		return err
	}
	h.texts = append(h.texts, r)
	h.stored <- struct{}{}
	return nil
}

func (h *house) Report(_ context.Context, r queue.Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail(); err != nil {
		return err
	}
	h.reports = append(h.reports, r)
	h.stored <- struct{}{}
	return nil
}

func (h *house) LateResult(context.Context, string, queue.Outcome) error { return nil }

func (h *house) StrayResult(context.Context, string, string, string, byte) error { return nil }

var quick = Pace{ReopenMin: 10 * time.Millisecond, ReopenMax: 50 * time.Millisecond, Parked: time.Hour, Health: time.Second, Drain: time.Minute}

// keep runs a fleet of one station on a simulated modem until the test ends.
func keep(t *testing.T, c simulator.Config, edit func(*StationConfig)) (*Fleet, *house, *simulator.Network) {
	t.Helper()
	network, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	port, err := network.Modem(0).Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse()
	station := StationConfig{Name: "m0", Modem: modem.Config{Port: port, SubmitTimeout: 5 * time.Second}}
	if edit != nil {
		edit(&station)
	}
	f := New(Options{Stations: []StationConfig{station}, Lines: h, Inward: h, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Pace: quick})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = network.Close()
	})
	return f, h, network
}

func wait[T any](t *testing.T, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(20 * time.Second):
		t.Fatal("not within 20 s: " + what)
	}
	return v
}

// eventually waits for a status; it has no channel, and is only looked at by people and scrapes.
func eventually(t *testing.T, f *Fleet, ok func(Status) bool) Status {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if s := f.Status()[0]; ok(s) {
			return s
		} else if time.Now().After(deadline) {
			t.Fatalf("status stays %+v", s)
		}
	}
}

func submit(t *testing.T, l queue.Line, to, text string) queue.Outcome {
	t.Helper()
	parts, err := pdu.Encode(pdu.Message{To: to, Text: text, StatusReport: true})
	if err != nil {
		t.Fatal(err)
	}
	return l.Submit(t.Context(), queue.Submission{AttemptID: "a", TPDU: parts[0].TPDU})
}

func TestAStationOffersALineSendsAndBringsTheReport(t *testing.T) {
	f, h, network := keep(t, simulator.Config{}, nil)
	line := wait(t, "line", h.lines)
	if line.IMEI != network.Modem(0).IMEI() || line.SIM != network.Modem(0).ICCID() {
		t.Errorf("line of %s, %s", line.IMEI, line.SIM)
	}
	o := submit(t, line, "+8613900000001", "hello")
	if o.Kind != queue.OutcomeAccepted {
		t.Fatalf("%+v", o)
	}
	wait(t, "report", h.stored)
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.reports[0]; r.MR != o.MR || r.Status.Class() != pdu.Delivered || r.SIM != line.SIM {
		t.Errorf("%+v", r)
	}
	if s := f.Status()[0]; s.State != Ready || s.Submitted != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAFillingMemoryIsShownBeforeItIsFullAndEmptiesWhenItsTextsAreStored(t *testing.T) {
	f, h, network := keep(t, simulator.Config{MECapacity: 5}, nil)
	wait(t, "line", h.lines)
	h.mu.Lock()
	h.failing = math.MaxInt
	h.mu.Unlock()
	for i := range 4 {
		if err := network.Inject(0, "+8613900000001", fmt.Sprintf("keep %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, f, func(s Status) bool { return s.Stored == 4 && s.Room == 5 })
	h.mu.Lock()
	h.failing = 0
	h.mu.Unlock()
	for range 4 {
		wait(t, "store", h.stored)
	}
	eventually(t, f, func(s Status) bool { return s.Stored == 0 && s.Room == 5 })
}

func TestAVanishedPortIsOpenedAgainWhenItComesBack(t *testing.T) {
	f, h, network := keep(t, simulator.Config{}, nil)
	wait(t, "line", h.lines)
	if err := network.Modem(0).Unplug(); err != nil {
		t.Fatal(err)
	}
	wait(t, "line taken back", h.gone)
	eventually(t, f, func(s Status) bool { return s.State == Recovering && s.Error != "" })
	if _, err := network.Modem(0).Replug(false); err != nil {
		t.Fatal(err)
	}
	if o := submit(t, wait(t, "second line", h.lines), "+8613900000001", "again"); o.Kind != queue.OutcomeAccepted {
		t.Errorf("%+v", o)
	}
}

func TestASIMThatWantsAPINParksTheStationWithWhatToDo(t *testing.T) {
	f, _, _ := keep(t, simulator.Config{PIN: "1234"}, nil)
	if s := eventually(t, f, func(s Status) bool { return s.State == Parked }); !strings.Contains(s.Error, "PIN") {
		t.Error(s.Error)
	}
}

func TestAWrongPINIsTriedOnceAndParksTheStation(t *testing.T) {
	f, _, _ := keep(t, simulator.Config{PIN: "1234"}, func(c *StationConfig) { c.Modem.PIN = "9999" })
	if s := eventually(t, f, func(s Status) bool { return s.State == Parked }); !strings.Contains(s.Error, "PIN") {
		t.Error(s.Error)
	}
}

func TestAnotherModuleThanConfiguredIsRefused(t *testing.T) {
	f, _, _ := keep(t, simulator.Config{}, func(c *StationConfig) { c.IMEI = "490154203237518" })
	if s := eventually(t, f, func(s Status) bool { return s.State == WrongModem }); !strings.Contains(s.Error, "490154203237518") {
		t.Error(s.Error)
	}
}

func TestAStationWithoutNetworkOffersNoLineAndSaysWhy(t *testing.T) {
	f, h, network := keep(t, simulator.Config{}, nil)
	wait(t, "line", h.lines)
	network.Modem(0).SetRegistration(3)
	wait(t, "line taken back", h.gone)
	if s := eventually(t, f, func(s Status) bool { return s.State == Refused }); !strings.Contains(s.Error, "refuses") {
		t.Error(s.Error)
	}
	network.Modem(0).SetRegistration(1)
	wait(t, "line again", h.lines)
}
