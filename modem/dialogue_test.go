package modem_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/modem"
	"attestd/modem/dialogue"
)

// TestEveryDialogueEndsAsItsFileSays plays each testdata/*.at: the modem's side from the file, ours by the driver. The
// verbs:
//
//	alone                      the modem has no habits but the file's; before open
//	open [OPTION ...]          opens the session: direct, unconfirmed, pin=, smsc=
//	fails TEXT                 it could not be opened, and the error has this text
//	stored "TEXT" [from N]     the next text that was taken in, and then acknowledged
//	stored HEX                 the same by its TPDU: what has no text
//	report MR STATUS           the next status report, as 12 0x00
//	kept RAW                   the next that could not be read whole, as the modem gave it
//	nothing                    nothing was taken in meanwhile
//	restarted                  the modem restarted; it is initialised again and drained, as the gateway does
//	event KIND                 another event
//	drain, check               lists the stores; asks whether its settings still stand
//	drain fails TEXT           the same, with an error
//	submit HEX                 hands over a TPDU; what follows is what the modem does with it
//	sent MR, unknown, not-sent, refused CODE     how that ended
//	slow DURATION              from now on storing takes so long
//	wait DURATION              lets time pass
//	never LINE                 the driver does not write this from here on
//	deaf no, deaf TEXT         whether it tells of what it receives; if not, why
//	identity KEY=VALUE         as sim, imsi, smsc, number, model
//	registered WHAT            it can send: home, roaming
//	unregistered WHAT          it cannot: searching, denied, ...
func TestEveryDialogueEndsAsItsFileSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.at")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".at"), func(t *testing.T) {
			d := readDialogue(t, file)
			synctest.Test(t, func(t *testing.T) { newHost(t, d).play(d) })
		})
	}
}

func readDialogue(t *testing.T, file string) dialogue.Dialogue {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := dialogue.Read(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if about := strings.Join(d.About, "\n"); !strings.Contains(about, "Device:") || !strings.Contains(about, "Fact:") {
		t.Errorf("%s does not begin with the device and the fact that it shows", file)
	}
	return d
}

// host is the driver's owner in a dialogue.
type host struct {
	t      *testing.T
	peer   *dialogue.Peer
	slow   time.Duration // how long storing takes
	ours   net.Conn
	m      *modem.Modem
	opened error
	config modem.Config
	traces []string

	came   chan modem.Event // received, in order
	others chan modem.Event
	ended  chan error // of the submit under way
	mr     byte
	never  map[string]int // the line, and how many lines had been written when it was forbidden
}

func newHost(t *testing.T, d dialogue.Dialogue) *host {
	ours, theirs := net.Pipe()
	habits := [][]dialogue.Exchange{dialogue.Plain(), d.Habits}
	if len(d.Acts) > 0 && d.Acts[0].Verb == "alone" {
		habits = habits[1:]
	}
	return &host{
		t: t, ours: ours, peer: dialogue.NewPeer(theirs, habits...), came: make(chan modem.Event, 1000), others: make(chan modem.Event, 1000),
		ended: make(chan error, 1), never: map[string]int{},
	}
}

// patience bounds every wait, in fake time.
const patience = 10 * time.Minute

func (h *host) play(d dialogue.Dialogue) {
	defer func() {
		if h.m != nil {
			h.m.Close()
		}
		h.ours.Close()
		if h.t.Failed() {
			for _, line := range h.traces[max(0, len(h.traces)-20):] {
				h.t.Log(line)
			}
		}
	}()
	for _, a := range d.Acts {
		if !h.act(a) {
			return
		}
	}
	synctest.Wait()
	if h.opened != nil {
		h.t.Errorf("it was not opened: %v", h.opened)
	}
	if len(h.came) > 0 {
		e := <-h.came
		h.t.Errorf("%s was taken in, and the dialogue does not have it", shown(e))
	}
	heard := h.peer.Heard()
	for line, from := range h.never {
		if slices.Contains(heard[from:], line) {
			h.t.Errorf("%s was written", line)
		}
	}
	for _, what := range h.peer.Wrong() {
		h.t.Error(what)
	}
}

// act carries out a verb and the exchanges that follow it.
func (h *host) act(a dialogue.Act) bool {
	exchanges := a.Exchanges
	var unasked []dialogue.Say
	for len(exchanges) > 0 && exchanges[0].Driver == "" {
		unasked = append(unasked, exchanges[0].Says...)
		exchanges = exchanges[1:]
	}
	var had <-chan struct{}
	if unasked == nil {
		had = h.peer.Expect(exchanges)
	}
	if err := h.verb(a.Verb, a.Args); err != nil {
		h.t.Errorf("line %d: %s: %v", a.Line, strings.TrimSpace(a.Verb+" "+a.Args), err)
		return false
	}
	if unasked != nil {
		had = h.peer.Expect(exchanges)
		h.peer.Say(unasked)
	}
	select {
	case <-had:
		return true
	case <-time.After(patience):
		h.t.Errorf("the driver did not write %s", h.peer.Due())
		return false
	}
}

func (h *host) verb(verb, args string) error {
	ctx := context.Background()
	switch verb {
	case "alone":
		return nil
	case "open":
		return h.open(args)
	case "fails":
		if h.opened == nil || !strings.Contains(h.opened.Error(), args) {
			return fmt.Errorf("it ended with %v", h.opened)
		}
		h.opened = nil
		return nil
	}
	if h.m == nil {
		return fmt.Errorf("it is not open: %v", h.opened)
	}
	switch verb {
	case "stored", "kept", "report":
		return h.received(verb, args)
	case "nothing":
		synctest.Wait()
		if len(h.came) > 0 {
			return fmt.Errorf("%s was taken in", shown(<-h.came))
		}
		return nil
	case "restarted":
		return h.restarted(ctx)
	case "event":
		return h.event(args)
	case "drain":
		return h.drain(ctx, args)
	case "submit":
		return h.submit(ctx, args)
	case "sent", "unknown", "not-sent", "refused":
		return h.outcome(verb, args)
	case "slow":
		d, err := time.ParseDuration(args)
		h.slow = d
		return err
	case "wait":
		d, err := time.ParseDuration(args)
		time.Sleep(d)
		return err
	case "never":
		h.never[args] = len(h.peer.Heard())
		return nil
	case "identity":
		return h.identity(args)
	case "deaf":
		synctest.Wait()
		if why := h.m.Deaf(); why == "" && args != "no" || !strings.Contains(why+"no", args) {
			return fmt.Errorf("it is deaf because %q", why)
		}
		return nil
	case "registered", "unregistered":
		if r, err := h.m.Registration(ctx); err != nil || r.Ready() != (verb == "registered") || r.String() != args {
			return fmt.Errorf("it is %v, ready: %v (%v)", r, r.Ready(), err)
		}
		return nil
	}
	return errors.New("there is no such verb")
}
