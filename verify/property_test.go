package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var errCrash = errors.New("the process died before COMMIT")

// world is several filings that share phones, and everything that can happen to them in any order.
type world struct {
	*bench
	rt      *rapid.T
	ended   map[string]string   // what was terminal, and how: it must stay so
	order   []string            // filings, as they came
	claimed map[string]struct{} // challenges that a 3 or 31 was answered for
}

var phones = []string{phoneA, phoneB, "13700137000"}
var tails = []string{tailA, tailB, "654321"}

// maybeCrash has the next transaction run and then not commit.
func (w *world) maybeCrash() bool {
	if rapid.IntRange(0, 9).Draw(w.rt, "crash") == 0 {
		w.m.fail = errCrash
		return true
	}
	return false
}

func (w *world) run(fn func(Tx) error) bool {
	crash := w.maybeCrash()
	err := w.m.Update(context.Background(), fn)
	w.m.fail = nil
	if err != nil && !(crash && errors.Is(err, errCrash)) {
		w.rt.Fatal(err)
	}
	if crash { // and starts again, with nothing but what is stored
		w.s = &Service{store: w.m, vault: openVault{}, policy: w.s.policy, templates: w.s.templates, draw: w.s.draw}
	}
	return err == nil
}

func (w *world) file(rt *rapid.T) {
	w.rt = rt
	r := FilingRequest{Type: "first", Reference: rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(rt, "reference")}
	for i := range rapid.IntRange(1, 3).Draw(rt, "sites") + 1 {
		p := PersonRequest{Role: "website_head", Site: fmt.Sprint("s", i), Mobile: rapid.SampledFrom(phones).Draw(rt, "mobile"), CertificateTail: rapid.SampledFrom(tails).Draw(rt, "tail")}
		if i == 0 {
			p.Role, p.Site = "entity_head", ""
		}
		r.Persons = append(r.Persons, p)
	}
	in, err := receive(r, w.s.policy)
	if err != nil {
		rt.Fatal(err)
	}
	id := ""
	if w.run(func(tx Tx) error {
		f, created, err := w.s.create(context.Background(), tx, in, w.now)
		if errors.Is(err, ErrReferenceConflict) {
			return nil
		}
		if created {
			id = f.ID
		}
		return err
	}) && id != "" {
		w.order = append(w.order, id)
	}
}

// entry draws what a person enters: often a code that was sent, to the right phone or another.
func (w *world) entry(rt *rapid.T) submission {
	code := w.wrong(rapid.IntRange(1, 50).Draw(rt, "wrong"))
	mobile, tail := rapid.SampledFrom(phones).Draw(rt, "mobile"), rapid.SampledFrom(append(tails, "999999")).Draw(rt, "tail")
	if n := len(w.m.rows.texts); n > 0 && rapid.Bool().Draw(rt, "use a code") {
		s := w.m.rows.texts[rapid.IntRange(0, n-1).Draw(rt, "of")]
		code = sixDigits.FindString(s.Text)
		if rapid.IntRange(0, 3).Draw(rt, "own phone") > 0 {
			mobile = s.To.National()
		}
	}
	in, faults := w.s.readCheck(CheckRequest{Code: code, Mobile: mobile, Tail: tail})
	if faults != nil {
		rt.Fatal(faults)
	}
	if f := w.anyFiling(rt); f != "" && rapid.IntRange(0, 3).Draw(rt, "named") == 0 {
		in.filing = f
	}
	return in
}

func (w *world) anyFiling(rt *rapid.T) string {
	if len(w.order) == 0 {
		return ""
	}
	return w.order[rapid.IntRange(0, len(w.order)-1).Draw(rt, "filing")]
}

func (w *world) enter(rt *rapid.T) {
	w.rt = rt
	in := w.entry(rt)
	before := maps.Clone(w.m.rows.challenges)
	var a Answer
	if !w.run(func(tx Tx) (err error) {
		a, err = w.s.check(context.Background(), tx, in, w.now)
		return err
	}) || a.Result != ResultPassed && a.Result != ResultVerified {
		return
	}
	for id, c := range w.m.rows.challenges {
		was, ok := before[id]
		if !ok || was.State == c.State || c.State != ChallengeVerified {
			continue
		}
		if _, twice := w.claimed[id]; twice {
			rt.Fatal("one challenge was verified twice")
		}
		w.claimed[id] = struct{}{}
		h := w.s.hash(in.number, in.tail, in.code)
		if tail, code := h.matches(was); !tail || !code || was.State.Terminal() || !w.now.Before(was.Deadline) || was.Wrong >= was.MaxWrong {
			rt.Fatalf("verified with tail %t, code %t, in state %s, %s before the deadline, after %d wrong", tail, code, was.State, was.Deadline.Sub(w.now), was.Wrong)
		}
		return
	}
	rt.Fatalf("answered %d and verified nothing", a.Result)
}

func (w *world) again(rt *rapid.T) {
	w.rt = rt
	in, _ := w.s.read(rapid.SampledFrom(phones).Draw(rt, "mobile"), rapid.SampledFrom(tails).Draw(rt, "tail"), "")
	in.door = "resend"
	w.run(func(tx Tx) error {
		_, err := w.s.resend(context.Background(), tx, in, w.now)
		return err
	})
}

// news is a report about any SMS, early, late, twice or out of order.
func (w *world) news(rt *rapid.T) {
	w.rt = rt
	n := len(w.m.rows.texts)
	if n == 0 {
		return
	}
	i := rapid.IntRange(0, n-1).Draw(rt, "sms")
	s := w.m.rows.texts[i]
	sms := SMS{MessageID: s.id, State: rapid.SampledFrom([]string{"submitting", "unknown", "submitted", "delivered", "rejected"}).Draw(rt, "state")}
	if sms.State == "submitted" || sms.State == "delivered" {
		sms.Accepted = w.now.Add(-time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(rt, "accepted ago")))
	}
	if sms.State == "delivered" {
		sms.Delivered = w.now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(rt, "delivered")))
	}
	w.run(func(tx Tx) error {
		if !s.cancelled {
			w.m.rows.texts[i].state = sms.State
		}
		return w.s.messageChanged(context.Background(), tx, s.ChallengeID, sms, w.now)
	})
}

func (w *world) wait(rt *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 11 * time.Second, 5 * time.Minute, time.Hour, 8 * time.Hour, 24 * time.Hour, -time.Hour, -25 * time.Hour}).Draw(rt, "wait")
	w.now = w.now.Add(d)
}

func (w *world) clean(rt *rapid.T) {
	w.rt = rt
	w.run(func(tx Tx) error {
		if _, err := w.s.sweep(context.Background(), tx, w.now); err != nil {
			return err
		}
		_, err := w.s.tidy(context.Background(), tx, w.now)
		return err
	})
}

func (w *world) withdraw(rt *rapid.T) {
	w.rt = rt
	if id := w.anyFiling(rt); id != "" && rapid.IntRange(0, 3).Draw(rt, "really") == 0 {
		w.run(func(tx Tx) error {
			_, err := w.s.cancel(context.Background(), tx, id, "", w.now)
			return err
		})
	}
}

// holds is what must hold after everything.
func (w *world) holds(rt *rapid.T) {
	if len(w.m.broken) > 0 {
		rt.Fatal(w.m.broken)
	}
	codes := map[string]string{}
	for id, c := range w.m.rows.challenges {
		w.challengeHolds(rt, c)
		if !c.State.Terminal() {
			key := string(c.NumberMAC) + string(c.CodeMAC)
			if other, twice := codes[key]; twice {
				rt.Fatalf("%s and %s have the same code on the same phone", id, other)
			}
			codes[key] = id
		}
		w.stays(rt, id, string(c.State), c.State.Terminal())
	}
	w.dailyLimitHolds(rt)
	for id, f := range w.m.rows.filings {
		w.stays(rt, id, string(f.State), f.State.Terminal())
		w.filingHolds(rt, f)
	}
}

func (w *world) dailyLimitHolds(rt *rapid.T) {
	byPhone := map[string][]time.Time{}
	for _, s := range w.m.rows.sent {
		byPhone[s.mac] = append(byPhone[s.mac], s.at)
	}
	for _, times := range byPhone {
		slices.SortFunc(times, time.Time.Compare)
		for i := w.s.policy.SMSPerDay; i > 0 && i < len(times); i++ {
			if d := times[i].Sub(times[i-w.s.policy.SMSPerDay]); d < day {
				rt.Fatalf("%d SMS to a phone in %s", w.s.policy.SMSPerDay+1, d)
			}
		}
	}
}

func (w *world) stays(rt *rapid.T, id, state string, terminal bool) {
	if was, ok := w.ended[id]; ok && was != state {
		rt.Fatalf("%s went from %s to %s", id, was, state)
	}
	if terminal {
		w.ended[id] = state
	}
}

func (w *world) challengeHolds(rt *rapid.T, c Challenge) {
	texts, charged := 0, 0
	for _, s := range w.m.rows.texts {
		if s.ChallengeID == c.ID && !s.Answer {
			texts++
		}
	}
	for _, e := range w.m.rows.events {
		if e.typ == "check.refused" && e.data["challenge"] == c.ID {
			charged++
		}
	}
	if texts != c.Sends || c.Sends > 3 {
		rt.Fatalf("%d SMS were queued, %d are counted", texts, c.Sends)
	}
	if charged != c.Wrong || c.Wrong > 5 || c.Wrong == 5 && c.State != ChallengeLocked {
		rt.Fatalf("%d wrong entries were compared, %d are counted, it is %s", charged, c.Wrong, c.State)
	}
	if c.State.Terminal() && (c.CodeMAC != nil || c.CodeSealed != nil || c.Ended.IsZero() || !c.Due.IsZero() && c.State != ChallengeLocked) {
		rt.Fatalf("ended, with its code: %+v", c)
	}
	if !c.Accepted.IsZero() && c.Deadline.After(c.Accepted.Add(c.HardEnd)) {
		rt.Fatalf("lives %s after acceptance", c.Deadline.Sub(c.Accepted))
	}
}

func (w *world) filingHolds(rt *rapid.T, f Filing) {
	passed := w.m.counted("filing.passed", f.ID)
	if f.State == FilingPassed != (passed == 1) || passed > 1 {
		rt.Fatalf("is %s with %d passed events", f.State, passed)
	}
	verified := true
	for _, p := range f.Persons {
		_, ok := w.claimed[p.ChallengeID]
		if (p.State == PersonVerified) != ok {
			rt.Fatalf("a person is %s, verified %t", p.State, ok)
		}
		verified = verified && ok
	}
	if verified != (f.State == FilingPassed) {
		rt.Fatalf("everyone verified: %t; the filing is %s", verified, f.State)
	}
	for _, c := range w.m.rows.challenges {
		if c.FilingID == f.ID && f.State.Terminal() && !c.State.Terminal() {
			rt.Fatalf("the filing is %s, a challenge %s", f.State, c.State)
		}
	}
}

func TestNoInterleavingExceedsACapReopensAnEndOrPassesAFilingTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { interleave(t, rt) })
}

// FuzzRules is the same, led by what the code does.
func FuzzRules(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, drawn []byte) { rapid.MakeFuzz(func(rt *rapid.T) { interleave(t, rt) })(t, drawn) })
}

// interleave lets anything happen in any order, and holds after each.
func interleave(t *testing.T, rt *rapid.T) {
	w := &world{bench: newBench(t, func(p *Policy) {
		p.NewCodeOnResend = rapid.Bool().Draw(rt, "new code on re-send")
		p.RejectOnLock = rapid.SampledFrom([]string{RejectAtOnce, RejectAtDeadline}).Draw(rt, "reject on lock")
		p.SMSPerDay = rapid.SampledFrom([]int{0, 4}).Draw(rt, "SMS a day")
		p.SMSGap = rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(rt, "SMS gap")
	}), ended: map[string]string{}, claimed: map[string]struct{}{}}
	w.rt = rt
	drawn := 0
	w.s.draw = func() string { // few codes, so that they would collide if they could
		drawn++
		return fmt.Sprintf("%06d", drawn*7%40*1001)
	}
	rt.Repeat(map[string]func(*rapid.T){
		"file": w.file, "enter": w.enter, "enter again": w.enter, "enter once more": w.enter, "re-send": w.again, "news": w.news,
		"wait": w.wait, "sweep": w.clean, "cancel": w.withdraw, "": w.holds,
	})
}

func TestNoChallengeStepLeavesATerminalStateAndEveryStepIsWrittenDown(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		state := rapid.SampledFrom([]ChallengeState{ChallengeNew, ChallengeSending, ChallengeOpen, ChallengeVerified, ChallengeLocked, ChallengeExpired, ChallengeVoid}).Draw(rt, "state")
		step := challengeStep(rapid.IntRange(0, int(challengeVoid)).Draw(rt, "step"))
		next, ok := state.next(step)
		if state.Terminal() && (ok || next != state) || !state.Terminal() && !ok {
			rt.Fatalf("%s by %d to %s, %t", state, step, next, ok)
		}
	})
}

func TestNoFilingStepLeavesATerminalState(t *testing.T) {
	for _, state := range []FilingState{FilingReceived, FilingVerifying, FilingPassed, FilingRejected, FilingCancelled, FilingNotRequired} {
		for step := filingNothingToDo; step <= filingCancel; step++ {
			if next, ok := state.next(step); state.Terminal() && (ok || next != state) {
				t.Errorf("%s by %d to %s", state, step, next)
			}
		}
	}
}
