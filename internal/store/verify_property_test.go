package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
	"attestd/queue"
	"attestd/verify"

	"pgregory.net/rapid"
)

// realWorld is hours of filings that share phones over the real store and queue, in fake time.
type realWorld struct {
	ahead time.Duration // by how much its clock was set
	*rig
	ended map[string]string
	ids   []string
}

var (
	sharedPhones = []string{phoneA, phoneB}
	sharedTails  = []string{tailA, tailB}
)

func (w *realWorld) file(rt *rapid.T) {
	req := twoPersons()
	for i := range req.Persons {
		req.Persons[i].Mobile = rapid.SampledFrom(sharedPhones).Draw(rt, "mobile")
		req.Persons[i].CertificateTail = rapid.SampledFrom(sharedTails).Draw(rt, "tail")
	}
	if len(w.ids) > 0 && rapid.IntRange(0, 2).Draw(rt, "supersedes") == 0 {
		req.Supersedes = rapid.SampledFrom(w.ids).Draw(rt, "filing")
	}
	f, _, err := w.v.CreateFiling(context.Background(), req)
	var many verify.TooManyFilings
	switch {
	case errors.Is(err, verify.ErrSuperseded), errors.Is(err, verify.ErrNotSupersedable), errors.As(err, &many):
		return
	case err != nil:
		rt.Fatal(err)
	}
	w.ids = append(w.ids, f.ID)
	synctest.Wait()
}

// change amends a person.
func (w *realWorld) change(rt *rapid.T) {
	if len(w.ids) == 0 {
		return
	}
	f := w.filing(rapid.SampledFrom(w.ids).Draw(rt, "filing"))
	r := verify.AmendRequest{Owner: verify.Everyone, FilingID: f.ID, PersonID: rapid.SampledFrom(f.Persons).Draw(rt, "person").ID, Mobile: rapid.SampledFrom(sharedPhones).Draw(rt, "mobile")}
	if rapid.Bool().Draw(rt, "certificate") {
		r.CertificateTail = rapid.SampledFrom(sharedTails).Draw(rt, "tail")
	}
	_, err := w.v.AmendPerson(context.Background(), r)
	if err != nil && !errors.Is(err, verify.ErrFilingClosed) && !errors.Is(err, verify.ErrPersonVerified) && !errors.Is(err, verify.ErrAmendCap) {
		rt.Fatal(err)
	}
	synctest.Wait()
}

// enter is one to three checks at once.
func (w *realWorld) enter(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "at once")
	done := make(chan verify.Result, n)
	for range n {
		mobile, tail := rapid.SampledFrom(sharedPhones).Draw(rt, "mobile"), rapid.SampledFrom(append(sharedTails, "999999")).Draw(rt, "tail")
		code := pad(rapid.IntRange(0, 999999).Draw(rt, "code"))
		if texts := w.modem.sent(mobile); len(texts) > 0 && rapid.Bool().Draw(rt, "a code that came") {
			code = codeIn.FindString(texts[rapid.IntRange(0, len(texts)-1).Draw(rt, "of")])
		}
		go func() { done <- w.rig.check(code, mobile, tail) }()
	}
	for range n {
		<-done
	}
}

func (w *realWorld) again(rt *rapid.T) {
	w.rig.resend(rapid.SampledFrom(sharedPhones).Draw(rt, "mobile"), rapid.SampledFrom(sharedTails).Draw(rt, "tail"))
	synctest.Wait()
}

func (w *realWorld) news(rt *rapid.T) {
	mobile := rapid.SampledFrom(sharedPhones).Draw(rt, "mobile")
	status := rapid.SampledFrom([]byte{0x00, 0x30, 0x46}).Draw(rt, "status")
	w.modem.mu.Lock()
	mr := w.modem.last[mobile]
	w.modem.mu.Unlock()
	_, err := w.q.Report(context.Background(), queue.Report{
		SIM: "sim0", Station: "m0", MR: mr, Recipient: "+86" + mobile, Status: pdu.Status(status), Discharge: time.Now(), Received: time.Now(),
	})
	if err != nil {
		rt.Fatal(err)
	}
}

func (w *realWorld) wait(rt *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{time.Second, 11 * time.Second, 6 * time.Minute, 3 * time.Hour, 23 * time.Hour}).Draw(rt, "wait"))
}

func (w *realWorld) sweepAll(rt *rapid.T) {
	if _, err := w.v.Sweep(context.Background(), time.Now()); err != nil {
		rt.Fatal(err)
	}
	if _, err := w.q.Sweep(context.Background(), time.Now()); err != nil {
		rt.Fatal(err)
	}
}

func (w *realWorld) reboot(rt *rapid.T) {
	w.restart(rapid.IntRange(0, 3).Draw(rt, "modem up") > 0)
	synctest.Wait()
}

func (w *realWorld) withdraw(rt *rapid.T) {
	if len(w.ids) > 0 {
		_, _ = w.v.CancelFiling(context.Background(), verify.Everyone, rapid.SampledFrom(w.ids).Draw(rt, "filing"), "")
	}
}

// jump sets the wall clock of this process ahead. It is nil but in a build whose clock can be set: TestInvariantsHoldWhenTheClockJumps in
// internal/faults.
var jump func(by time.Duration)

func (w *realWorld) jump(rt *rapid.T) {
	by := rapid.SampledFrom([]time.Duration{3 * time.Second, -time.Second, 10 * time.Minute, -10 * time.Minute, 8 * time.Hour, -8 * time.Hour, 24 * time.Hour}).Draw(rt, "by")
	jump(by)
	w.ahead += by
	if err := w.s.Update(context.Background(), func(*Tx) error { return nil }); err != nil { // whatever comes first finds it
		rt.Fatal(err)
	}
	synctest.Wait()
}

func (w *realWorld) holds(rt *rapid.T) {
	for _, id := range w.ids {
		f := w.filing(id)
		w.stays(rt, id, string(f.State), f.State.Terminal())
		if n := w.events("filing.passed", id); (f.State == verify.FilingPassed) != (n == 1) || n > 1 {
			rt.Fatalf("%s with %d passed events", f.State, n)
		}
		compared := 0
		for _, c := range f.Challenges {
			w.stays(rt, c.ID, string(c.State), c.State.Terminal())
			compared += c.Wrong
			if c.Wrong > 5 || c.Sends > 3 || f.State.Terminal() && !c.State.Terminal() || c.State.Terminal() && c.CodeSealed != nil {
				rt.Fatalf("filing %s, challenge %s, %d wrong, %d sends", f.State, c.State, c.Wrong, c.Sends)
			}
		}
		for _, p := range f.Persons {
			if p.Amended > 2 {
				rt.Fatalf("amended %d times", p.Amended)
			}
		}
		if n := w.events("check.refused", id); n != compared {
			rt.Fatalf("%d entries were compared, %d are counted", n, compared)
		}
	}
}

func (w *realWorld) stays(rt *rapid.T, id, state string, terminal bool) {
	if was, ok := w.ended[id]; ok && was != state {
		rt.Fatalf("%s went from %s to %s", id, was, state)
	}
	if terminal {
		w.ended[id] = state
	}
}

// inBubble runs a step of rapid in a bubble of fake time. rapid ends a run by panicking, which has to reach it on its own
// goroutine, and only after the bubble is empty.
func inBubble(t *testing.T, fn func(*testing.T)) {
	var raised any
	synctest.Test(t, func(t *testing.T) {
		defer func() { raised = recover() }()
		fn(t)
	})
	if raised != nil {
		panic(raised)
	}
}

func TestNoInterleavingOverTheRealStoreExceedsACapOrReopensAnEnd(t *testing.T) {
	outcomes := []queue.OutcomeKind{queue.OutcomeAccepted, queue.OutcomeAccepted, queue.OutcomeUnknown, queue.OutcomeRefused, queue.OutcomeTemporary}
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue { // each makes a database
		_ = checks.Value.Set("25")
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	rapid.Check(t, func(rt *rapid.T) {
		luck := rapid.IntRange(0, len(outcomes)-1).Draw(rt, "modem's luck")
		inBubble(t, func(t *testing.T) {
			w := &realWorld{rig: newRig(t, nil), ended: map[string]string{}}
			n := 0
			w.modem.outcome = func() queue.Outcome {
				n++
				return queue.Outcome{Kind: outcomes[(n*7+luck)%len(outcomes)], Detail: fmt.Sprint("attempt ", n)}
			}
			steps := map[string]func(*rapid.T){
				"file": w.file, "enter": w.enter, "enter again": w.enter, "re-send": w.again, "report": w.news, "wait": w.wait,
				"sweep": w.sweepAll, "restart": w.reboot, "cancel": w.withdraw, "amend": w.change, "": w.holds,
			}
			if jump != nil {
				steps["jump"] = w.jump
				defer func() { jump(-w.ahead) }()
			}
			rt.Repeat(steps)
		})
	})
}
