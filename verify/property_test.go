package verify

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

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
	for _, times := range w.refiled {
		w.noMoreThan(rt, times, w.s.policy.ResubmitsPerDay, "filings again")
	}
	for id, f := range w.m.rows.filings {
		w.stays(rt, id, string(f.State), f.State.Terminal())
		w.filingHolds(rt, f)
	}
}

func (w *world) dailyLimitHolds(rt *rapid.T) {
	byPhone := map[string][]time.Time{}
	for _, s := range w.m.rows.sent {
		if s.kind == sentCode {
			byPhone[s.mac] = append(byPhone[s.mac], s.at)
		}
	}
	for _, times := range byPhone {
		w.noMoreThan(rt, times, w.s.policy.SMSPerDay, "SMS")
	}
}

func (w *world) noMoreThan(rt *rapid.T, times []time.Time, most int, what string) {
	times = slices.SortedFunc(slices.Values(times), time.Time.Compare)
	for i := most; i > 0 && i < len(times); i++ {
		if d := times[i].Sub(times[i-most]); d < day {
			rt.Fatalf("%d %s for a phone in %s", most+1, what, d)
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
		if p.Amended > w.s.policy.MaxAmendments {
			rt.Fatalf("amended %d times", p.Amended)
		}
	}
	if verified != (f.State == FilingPassed) {
		rt.Fatalf("everyone verified: %t; the filing is %s", verified, f.State)
	}
	for _, c := range w.m.rows.challenges {
		if c.FilingID == f.ID && f.State.Terminal() && !c.State.Terminal() {
			rt.Fatalf("the filing is %s, a challenge %s", f.State, c.State)
		}
	}
	w.sharingHolds(rt, f)
	w.queuedHolds(rt)
}

// sharingHolds: those who wait at one phone share one open challenge, and it accepts their tails and no others.
func (w *world) sharingHolds(rt *rapid.T, f Filing) {
	want := map[string][][]byte{}
	for _, p := range f.Persons {
		if p.State == PersonWaiting {
			want[p.ChallengeID] = withTails(want[p.ChallengeID], p.TailMACs)
		}
	}
	byPhone := map[string]bool{}
	for _, c := range w.m.rows.challenges {
		if c.FilingID != f.ID || c.State.Terminal() {
			continue
		}
		if byPhone[string(c.NumberMAC)] {
			rt.Fatal("one phone has two open challenges in one filing")
		}
		byPhone[string(c.NumberMAC)] = true
		if len(want[c.ID]) == 0 || len(want[c.ID]) != len(c.TailMACs) || len(withTails(want[c.ID], c.TailMACs)) != len(c.TailMACs) {
			rt.Fatalf("a challenge accepts %d tails, those who wait for it have %d", len(c.TailMACs), len(want[c.ID]))
		}
		delete(want, c.ID)
	}
	if len(want) > 0 && !f.State.Terminal() {
		rt.Fatalf("somebody waits for a challenge that is not open")
	}
}

// queuedHolds: nothing waits for a modem with the code of a challenge that has ended.
func (w *world) queuedHolds(rt *rapid.T) {
	for _, s := range w.m.rows.texts {
		if s.state == smsQueued && !s.Answer && w.m.rows.challenges[s.ChallengeID].State.Terminal() {
			rt.Fatalf("an SMS of a challenge that is %s is still queued", w.m.rows.challenges[s.ChallengeID].State)
		}
	}
}

func TestNoInterleavingExceedsACapReopensAnEndOrPassesAFilingTwice(t *testing.T) {
	want, err := strconv.Atoi(cmp.Or(os.Getenv("ATTESTD_OPERATIONS"), "20000"))
	if err != nil {
		t.Fatal("ATTESTD_OPERATIONS: want how many operations to run, as 1000000")
	}
	if steps := flag.Lookup("rapid.steps"); steps.Value.String() == steps.DefValue { // long enough to end several filings
		_ = steps.Value.Set("100")
		defer func() { _ = steps.Value.Set(steps.DefValue) }()
	}
	operations, reached = 0, map[string]int{}
	began, runs := time.Now(), 0
	for ; operations < want; runs++ {
		rapid.Check(t, func(rt *rapid.T) { interleave(t, rt) })
		if t.Failed() {
			return
		}
	}
	for _, typ := range []string{"filing.passed", "filing.rejected", "filing.cancelled", "filing.superseded", "challenge.locked", "challenge.expired", "challenge.void", "challenge.resent", "person.amended", "check.refused", "check.unmatched"} {
		if reached[typ] == 0 {
			t.Errorf("it proves little: no %s was reached", typ)
		}
	}
	t.Logf("reached: %v", reached)
	t.Logf("%d operations, %d times %s runs, in %s", operations, runs, flag.Lookup("rapid.checks").Value, time.Since(began).Round(time.Millisecond))
}

// operations counts what was done in all runs: one is one filing, check, re-send, report, wait, sweep, cancel or amendment, committed
// or not, with everything looked at after it.
// reached counts the events that stood at the end of each run.
var (
	operations int
	reached    = map[string]int{}
)

// FuzzRules is the same, led by what the code does.
func FuzzRules(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, drawn []byte) { rapid.MakeFuzz(func(rt *rapid.T) { interleave(t, rt) })(t, drawn) })
}

// interleave lets anything happen in any order, and holds after each.
func interleave(t *testing.T, rt *rapid.T) {
	w := &world{bench: newBench(t, func(p *Policy) {
		p.ResubmitsPerDay = rapid.SampledFrom([]int{1, 2, 5}).Draw(rt, "filings again a day")
		p.MaxAmendments = rapid.SampledFrom([]int{1, 2}).Draw(rt, "amendments")
		p.ResendWait = rapid.SampledFrom([]time.Duration{0, 5 * time.Minute}).Draw(rt, "re-send wait")
		p.NewCodeOnResend = rapid.Bool().Draw(rt, "new code on re-send")
		p.RejectOnLock = rapid.SampledFrom([]string{RejectAtOnce, RejectAtDeadline}).Draw(rt, "reject on lock")
		p.SMSPerDay = rapid.SampledFrom([]int{0, 4}).Draw(rt, "SMS a day")
		p.WrongTails = rapid.SampledFrom([]int{0, 3}).Draw(rt, "wrong tails")
		p.ChecksPerHour = rapid.SampledFrom([]int{0, 20}).Draw(rt, "checks an hour")
		p.SMSGap = rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(rt, "SMS gap")
	}), ended: map[string]string{}, claimed: map[string]struct{}{}, refiled: map[string][]time.Time{}}
	w.rt = rt
	drawn := 0
	w.s.draw = func() string { // few codes, so that they would collide if they could
		drawn++
		return fmt.Sprintf("%06d", drawn*7%40*1001)
	}
	rt.Repeat(map[string]func(*rapid.T){
		"file": w.file, "enter": w.enter, "enter again": w.enter, "honest": w.honest, "guess": w.guess, "guess again": w.guess, "re-send": w.again, "re-send again": w.again, "news": w.news, "more news": w.news,
		"wait": w.wait, "sweep": w.clean, "cancel": w.withdraw, "amend": w.change, "amend again": w.change,
		"": func(rt *rapid.T) { operations++; w.holds(rt) },
	})
	for _, e := range w.m.rows.events {
		reached[e.typ]++
	}
}

func TestNoChallengeStepLeavesATerminalStateAndEveryStepIsWrittenDown(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		state := rapid.SampledFrom([]ChallengeState{ChallengeNew, ChallengeSending, ChallengeUnsent, ChallengeOpen, ChallengeVerified, ChallengeLocked, ChallengeExpired, ChallengeVoid}).Draw(rt, "state")
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
