package queue_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/msisdn"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/pdu"
	"attestd/queue"

	"pgregory.net/rapid"
)

// world is a model of everything outside the queue, which knows what really happened to every attempt.
type world struct {
	t     *rapid.T
	store *store.Store
	q     *queue.Queue
	p     queue.Policy

	lines   []*modelLine
	ids     []string
	numbers map[string]msisdn.Number
	truths  []*truth
	byID    map[string]*truth
	repeats map[string]int         // repetitions in doubt, by segment
	ended   map[string]queue.State // terminal states seen, by message and by segment
	dead    map[string]time.Time   // deadlines
	ahead   time.Duration          // of the gateway's clock: jump_property_test.go
}

type modelLine struct {
	queue.Line
	mr     byte
	flight *truth // the attempt under way
}

// truth is what really became of an attempt.
type truth struct {
	queue.Attempt
	took     bool // the network has it
	mr       byte
	told     queue.OutcomeKind
	settled  bool // the queue was told an outcome that is not Unknown
	reported bool
	stamp    time.Time
}

func segmentKey(id string, seq int) string { return fmt.Sprintf("%s/%d", id, seq) }

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(fn func(tx *store.Tx) error) {
	w.t.Helper()
	w.check(w.store.Update(context.Background(), fn))
}

func (w *world) Enqueue(t *rapid.T) {
	if len(w.ids) >= 8 {
		t.Skip("enough")
	}
	n, err := msisdn.Parse(fmt.Sprintf("+86139%08d", 10_000*len(w.ids)+len(w.ids)), "86")
	w.check(err)
	d := queue.Draft{
		To: n, Text: strings.Repeat("x", rapid.SampledFrom([]int{10, 10, 200, 400}).Draw(t, "length")), Report: true,
		Priority:   queue.Priority(rapid.IntRange(0, 2).Draw(t, "priority")),
		Repeatable: rapid.Bool().Draw(t, "repeatable"),
		Deadline:   time.Now().Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "minutes")) * time.Minute),
		Origin:     fmt.Sprint("origin-", len(w.ids)),
	}
	m, err := w.q.Enqueue(context.Background(), d)
	w.check(err)
	w.ids, w.numbers[m.ID], w.dead[m.ID] = append(w.ids, m.ID), n, m.Deadline.Round(0) // by the wall clock, whatever has passed
}

func (w *world) Claim(t *rapid.T) {
	l := rapid.SampledFrom(w.lines).Draw(t, "line")
	if l.flight != nil {
		t.Skip("busy")
	}
	time.Sleep(2 * time.Second) // no radio is faster; the service centre's stamps tell attempts apart
	now := time.Now()
	var a queue.Attempt
	var found bool
	w.update(func(tx *store.Tx) (err error) {
		a, found, err = w.q.ClaimFor(context.Background(), tx, l.Line, now)
		return err
	})
	if !found {
		t.Skip("no work")
	}
	if !now.Before(w.dead[a.MessageID]) {
		t.Fatalf("claimed after the deadline")
	}
	w.mayBeMade(a)
	l.flight = &truth{Attempt: a, stamp: w.atNetwork(now).Truncate(time.Second)} // the service centre stamps it within seconds
	w.truths = append(w.truths, l.flight)
	w.byID[a.ID] = l.flight
}

// mayBeMade is the invariant: no segment is sent twice unless the attempt before was not sent, or nobody can tell and its
// sender allowed one repetition.
func (w *world) mayBeMade(a queue.Attempt) {
	w.t.Helper()
	all, err := w.store.Attempts(context.Background(), a.MessageID)
	w.check(err)
	for _, before := range all {
		if before.Seq != a.Seq || before.ID == a.ID {
			continue
		}
		switch before.Result {
		case queue.ResultNotSent, queue.ResultTemporary, queue.ResultSick:
		case queue.ResultUnknown:
			if before.N == a.N-1 {
				w.repeats[segmentKey(a.MessageID, a.Seq)]++
			}
		default:
			w.t.Fatalf("attempt %d follows attempt %d, which ended %q", a.N, before.N, before.Result)
		}
	}
	m, err := w.store.Message(context.Background(), queue.Everyone, a.MessageID)
	w.check(err)
	if n := w.repeats[segmentKey(a.MessageID, a.Seq)]; n > 1 || n == 1 && !m.Repeatable {
		w.t.Fatalf("repeated in doubt %d times, repeatable %v", n, m.Repeatable)
	}
}

func (l *modelLine) String() string {
	return fmt.Sprintf("%s mr=%d busy=%v", l.Station, l.mr, l.flight != nil)
}

func (a *truth) String() string {
	return fmt.Sprintf("attempt %d of %s/%d on %s: took=%v mr=%d told=%v", a.N, a.MessageID[len(a.MessageID)-4:], a.Seq, a.Station, a.took, a.mr, a.told)
}

func (w *world) flying(t *rapid.T) *modelLine {
	l := rapid.SampledFrom(w.lines).Draw(t, "line")
	if l.flight == nil {
		t.Skip("idle")
	}
	return l
}

// decide lets the network take the attempt or not.
func (w *world) decide(l *modelLine, took bool) {
	if l.flight.took {
		return // its report came before its result
	}
	l.flight.took = took
	if took {
		l.mr++
		l.flight.mr = l.mr
	}
}

func (w *world) Accept(t *rapid.T) {
	l := w.flying(t)
	w.decide(l, true)
	w.tell(l, queue.Outcome{Kind: queue.OutcomeAccepted, MR: l.mr})
}

func (w *world) Fail(t *rapid.T) {
	l := w.flying(t)
	if l.flight.took {
		t.Skip("the network has it")
	}
	w.decide(l, false)
	w.tell(l, queue.Outcome{Kind: rapid.SampledFrom([]queue.OutcomeKind{
		queue.OutcomeRefused, queue.OutcomeTemporary, queue.OutcomeTemporary, queue.OutcomeSick, queue.OutcomeNotSent,
	}).Draw(t, "kind"), Detail: "model"})
}

func (w *world) LoseTheAnswer(t *rapid.T) {
	l := w.flying(t)
	w.decide(l, rapid.Bool().Draw(t, "took"))
	time.Sleep(30 * time.Second)
	w.tell(l, queue.Outcome{Kind: queue.OutcomeUnknown})
	time.Sleep(time.Second) // the line is brought back to its senses first
}

func (w *world) tell(l *modelLine, o queue.Outcome) {
	l.flight.told, l.flight.settled = o.Kind, o.Kind != queue.OutcomeUnknown
	w.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(context.Background(), l.flight.ID)
		if err != nil {
			return err
		}
		return w.q.SettleFor(context.Background(), tx, a, o, time.Now())
	})
	l.flight = nil
}

func (w *world) Restart(t *rapid.T) {
	for _, l := range w.lines {
		if l.flight != nil {
			w.decide(l, rapid.Bool().Draw(t, "took"))
			l.flight.told = queue.OutcomeUnknown
			l.flight = nil
		}
	}
	time.Sleep(20 * time.Second)
	w.check(w.q.Recover(context.Background()))
	time.Sleep(10 * time.Second) // modems are opened and greeted
}

func (w *world) some(t *rapid.T, want func(*truth) bool) *truth {
	var fit []*truth
	for _, one := range w.truths {
		if want(one) {
			fit = append(fit, one)
		}
	}
	if len(fit) == 0 {
		t.Skip("none")
	}
	return rapid.SampledFrom(fit).Draw(t, "attempt")
}

func (w *world) LateResult(t *rapid.T) {
	a := w.some(t, func(a *truth) bool { return a.told == queue.OutcomeUnknown && !a.settled && !w.inFlight(a) })
	o := queue.Outcome{Kind: queue.OutcomeAccepted, MR: a.mr}
	if !a.took {
		o.Kind = rapid.SampledFrom([]queue.OutcomeKind{queue.OutcomeRefused, queue.OutcomeTemporary}).Draw(t, "kind")
	}
	a.settled = true
	w.check(w.q.LateResult(context.Background(), a.ID, o))
}

func (w *world) inFlight(a *truth) bool {
	for _, l := range w.lines {
		if l.flight == a {
			return true
		}
	}
	return false
}

func (w *world) Report(t *rapid.T) {
	a := w.some(t, func(a *truth) bool { return a.took && !w.inFlight(a) })
	status := rapid.SampledFrom([]pdu.Status{0, 0, 1, 0x20, 0x46, 0x63}).Draw(t, "status")
	matched, err := w.q.Report(context.Background(), queue.Report{
		SIM: a.SIM, MR: a.mr, Recipient: w.numbers[a.MessageID].E164(), Status: status, SCTS: a.stamp, Received: time.Now(),
	})
	w.check(err)
	if !matched {
		if w.ahead != 0 && a.told == queue.OutcomeUnknown {
			a.reported = true // it is held, and may find it yet
			return            // clocks that differ, and perhaps no reference beside it: nothing says that it is this one
		}
		if w.alike(a) {
			a.reported = true // and so here
			return
		}
		t.Fatalf("no attempt was found for a report on %+v", a)
	}
	a.reported = true
}

// EarlyReport is one that comes before the final result.
func (w *world) EarlyReport(t *rapid.T) {
	l := w.flying(t)
	if l.flight.reported {
		t.Skip("it came")
	}
	w.decide(l, true)
	l.flight.reported = true
	_, err := w.q.Report(context.Background(), queue.Report{
		SIM: l.SIM, MR: l.flight.mr, Recipient: w.numbers[l.flight.MessageID].E164(), SCTS: l.flight.stamp, Received: time.Now(),
	})
	w.check(err)
}

// alike says whether a report may as well be about another part of the message, which is in doubt too or under way.
func (w *world) alike(a *truth) bool {
	for _, b := range w.truths {
		if b != a && b.MessageID == a.MessageID && b.SIM == a.SIM && a.told == queue.OutcomeUnknown && !a.settled &&
			(w.inFlight(b) || b.told == queue.OutcomeUnknown && !b.settled) {
			return true
		}
	}
	return false
}

func (w *world) Evidence(t *rapid.T) {
	a := w.some(t, func(a *truth) bool { return a.took && !w.inFlight(a) })
	w.update(func(tx *store.Tx) error { return w.q.Evidence(context.Background(), tx, a.MessageID) })
}

func (w *world) Cancel(t *rapid.T) {
	if len(w.ids) == 0 {
		t.Skip("none")
	}
	i := rapid.IntRange(0, len(w.ids)-1).Draw(t, "message")
	if rapid.Bool().Draw(t, "by its origin") {
		w.update(func(tx *store.Tx) error {
			return queue.CancelOf(context.Background(), tx, w.p, fmt.Sprint("origin-", i), time.Now())
		})
		return
	}
	_, _ = w.q.Cancel(context.Background(), queue.Everyone, w.ids[i])
}

func (w *world) PassTime(t *rapid.T) {
	time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 20, 200, 2000, 9000}).Draw(t, "seconds")) * time.Second)
	next, err := w.q.Sweep(context.Background(), time.Now())
	w.check(err)
	if !next.IsZero() && !next.After(time.Now()) {
		t.Fatalf("the sweep left something due at %v", next)
	}
}

// Invariants holds after every action.
func (w *world) Invariants(t *rapid.T) {
	for _, id := range w.ids {
		m, err := w.store.Message(context.Background(), queue.Everyone, id)
		w.check(err)
		w.stays(id, m.State)
		if m.State.Terminal() == m.Ended.IsZero() {
			t.Fatalf("%s ended at %v", m.State, m.Ended)
		}
		sims := map[string]bool{}
		for _, p := range m.Parts {
			w.stays(segmentKey(id, p.Seq), p.State)
			if p.State == queue.Submitted || p.State == queue.Delivered {
				sims[p.SIM] = true
			}
			if m.State.Terminal() && p.State == queue.Queued {
				t.Fatalf("the message is %s, but part %d waits to be sent", m.State, p.Seq)
			}
		}
		attempts, err := w.store.Attempts(context.Background(), id)
		w.check(err)
		open := map[int]int{}
		for _, a := range attempts {
			one := w.byID[a.ID]
			state := m.Parts[a.Seq-1].State
			if a.Result == queue.Open {
				if open[a.Seq]++; open[a.Seq] > 1 {
					t.Fatalf("two attempts of one part are under way")
				}
			}
			if !a.Reported.IsZero() && !one.reported {
				t.Fatalf("a report was credited to an attempt that it was not about: %+v", a)
			}
			if a.MR >= 0 && a.MR != int(one.mr) {
				t.Fatalf("an attempt is said to have a reference that is another's: %+v, %v", a, one)
			}
			if a.Result == queue.ResultAccepted && !one.took {
				t.Fatalf("an attempt that the network did not take counts as accepted: %+v", a)
			}
			if one.took && (state == queue.Rejected || state == queue.Expired || state == queue.Cancelled) {
				t.Fatalf("the network took attempt %d, and yet the part is %s", a.N, state)
			}
		}
	}
}

// stays is the invariant: terminal states never change.
func (w *world) stays(key string, s queue.State) {
	w.t.Helper()
	if before, ok := w.ended[key]; ok && before != s {
		w.t.Fatalf("%s was %s and became %s", key, before, s)
	}
	if s.Terminal() {
		w.ended[key] = s
	}
}

// Quiet lets everything end: no message may stay open for ever.
func (w *world) everythingEnds() {
	for _, l := range w.lines {
		if l.flight != nil {
			w.decide(l, false)
			w.tell(l, queue.Outcome{Kind: queue.OutcomeUnknown})
		}
	}
	for range 50 {
		_, err := w.q.Sweep(context.Background(), time.Now())
		w.check(err)
		time.Sleep(2 * time.Hour)
	}
	time.Sleep(w.p.KeepNumbers)
	_, err := w.q.Sweep(context.Background(), time.Now())
	w.check(err)
	for _, id := range w.ids {
		m, err := w.store.Message(context.Background(), queue.Everyone, id)
		w.check(err)
		if !m.State.Terminal() {
			w.t.Fatalf("a message is %s for ever", m.State)
		}
		if m.Text != "" || !m.To.IsZero() {
			w.t.Fatalf("its text or its number was never wiped")
		}
	}
}

func TestInvariantNothingIsSentTwiceAndNothingThatEndedChangesUnderAnyOrderOfEvents(t *testing.T) {
	dir := t.TempDir()
	cases := 0
	rapid.Check(t, func(rt *rapid.T) {
		cases++
		path := filepath.Join(dir, fmt.Sprint(cases, ".db"))
		defer func() { _ = os.Remove(path) }()
		inBubble(t, func() { live(rt, path) })
	})
}

// inBubble runs a case in a bubble of its own; what rapid throws in it comes out of it.
func inBubble(t *testing.T, fn func()) {
	var thrown any
	bubble(t, func(*testing.T) {
		defer func() { thrown = recover() }()
		fn()
	})
	if thrown == nil {
		return
	}
	if fmt.Sprintf("%T", thrown) == "rapid.invalidData" {
		panic(thrown) // not where a failure is: rapid tells failures apart by the line, and would shrink one to this
	}
	panic(thrown)
}

// live is one random life of a gateway.
func live(rt *rapid.T, path string) {
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + path, Keys: seal.Random(), Exclusive: jump != nil})
	if err != nil {
		rt.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	p := queue.DefaultPolicy()
	p.OnUnknown = rapid.SampledFrom([]queue.OnUnknown{queue.Wait, queue.Repeat, queue.Hold}).Draw(rt, "on unknown")
	p.MaxFaults = 2
	p.MaxAttempts = 3
	w := &world{
		t: rt, store: s, p: p, q: queue.New(s.Queue(), p, nil), numbers: map[string]msisdn.Number{}, byID: map[string]*truth{},
		repeats: map[string]int{}, ended: map[string]queue.State{}, dead: map[string]time.Time{},
	}
	for _, name := range []string{"a", "b"} {
		w.lines = append(w.lines, &modelLine{Line: queue.Line{Station: name, SIM: "sim-" + name}, mr: 250})
	}
	defer w.undoJumps()
	rt.Repeat(w.withJumps(map[string]func(*rapid.T){
		"": w.Invariants, "enqueue": w.Enqueue, "claim": w.Claim, "claim too": w.Claim, "accept": w.Accept, "fail": w.Fail,
		"lose the answer": w.LoseTheAnswer, "restart": w.Restart, "late result": w.LateResult, "report": w.Report, "early report": w.EarlyReport,
		"evidence": w.Evidence, "cancel": w.Cancel, "pass time": w.PassTime,
	}))
	w.everythingEnds()
	w.Invariants(rt)
}
