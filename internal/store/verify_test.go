package store

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"attestd/queue"
	"attestd/verify"
)

func TestAFilingGoesFromIntakeToPassedOverTheRealStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		f := r.file(twoPersons())
		if f.State != verify.FilingVerifying || f.Persons[0].Name != "王五" {
			t.Fatalf("%+v", f)
		}
		synctest.Wait()
		codeA, codeB := r.code(phoneA), r.code(phoneB)
		time.Sleep(time.Minute)
		r.report(phoneA)
		f = r.filing(f.ID)
		if c := f.Challenges[0]; c.State != verify.ChallengeOpen || !c.Deadline.Equal(c.Delivered.Add(24*time.Hour)) || c.Delivered.IsZero() {
			t.Fatalf("%s, delivered %s, until %s", c.State, c.Delivered, c.Deadline)
		}
		if got := r.check(codeA, phoneA, tailA); got != verify.ResultVerified {
			t.Fatal(got)
		}
		if got := r.check(codeB, phoneB, tailB); got != verify.ResultPassed {
			t.Fatal(got)
		}
		f = r.filing(f.ID)
		if f.State != verify.FilingPassed || r.events("filing.passed", f.ID) != 1 || r.events("person.verified", f.ID) != 2 {
			t.Fatalf("%s", f.State)
		}
		for _, c := range f.Challenges {
			if c.CodeMAC != nil || c.CodeSealed != nil {
				t.Error("a code outlives its challenge")
			}
		}
	})
}

func TestAnUnknownSMSIsSettledByThePersonsRightCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.modem.outcome = func() queue.Outcome { return queue.Outcome{Kind: queue.OutcomeUnknown} }
		f := r.file(onePerson())
		synctest.Wait()
		id := r.filing(f.ID).Challenges[0].LastSMS
		if m, err := r.s.Message(t.Context(), queue.Everyone, id); err != nil || m.State != queue.Unknown {
			t.Fatal(m.State, err)
		}
		if got := r.check(r.code(phoneA), phoneA, tailA); got != verify.ResultPassed {
			t.Fatal(got)
		}
		if m, err := r.s.Message(t.Context(), queue.Everyone, id); err != nil || m.State != queue.Delivered {
			t.Fatal(m.State, err)
		}
		time.Sleep(2 * time.Hour)
		if n := len(r.modem.sent(phoneA)); n != 1 {
			t.Fatalf("went out %d times", n)
		}
	})
}

func TestAnSMSThatMayNotHaveGoneOutIsSentOnceMoreAndStaysOneOfTheThree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.modem.outcome = func() queue.Outcome { return queue.Outcome{Kind: queue.OutcomeUnknown} }
		f := r.file(onePerson())
		time.Sleep(queue.DefaultPolicy().EvidenceWindow + time.Minute)
		if _, err := r.q.Sweep(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		texts := r.modem.sent(phoneA)
		if len(texts) != 2 || texts[0] != texts[1] || r.filing(f.ID).Challenges[0].Sends != 1 {
			t.Errorf("went out %d times, counted %d", len(texts), r.filing(f.ID).Challenges[0].Sends)
		}
	})
}

func TestTheDatabaseItselfKeepsAnEndedRowEndedAndACounterFromGoingBack(t *testing.T) {
	r := newRig(t, nil)
	f := r.file(onePerson())
	r.check("000000", phoneA, "999999")
	c := r.filing(f.ID).Challenges[0]
	update := func(fn func(*Tx) error) error { return r.s.Update(t.Context(), fn) }
	back := c
	back.Wrong--
	if err := update(func(tx *Tx) error { return tx.UpdateChallenge(t.Context(), back) }); !errors.Is(err, verify.ErrNotFound) {
		t.Error("a counter went back", err)
	}
	beyond := c
	beyond.Wrong = 6
	if err := update(func(tx *Tx) error { return tx.UpdateChallenge(t.Context(), beyond) }); err == nil {
		t.Error("a sixth wrong entry was written")
	}
	if _, err := r.v.CancelFiling(t.Context(), verify.Everyone, f.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := update(func(tx *Tx) error { return tx.UpdateChallenge(t.Context(), c) }); !errors.Is(err, verify.ErrNotFound) {
		t.Error("a challenge was reopened", err)
	}
	if err := update(func(tx *Tx) error { return tx.UpdateFiling(t.Context(), f) }); !errors.Is(err, verify.ErrNotFound) {
		t.Error("a filing was reopened", err)
	}
}

func TestTwoHundredConcurrentChecksWithOneRightNeverVerifyTwiceNorChargeMoreThanFive(t *testing.T) {
	for _, wrong := range []int{4, 199} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			f := r.file(onePerson())
			synctest.Wait()
			code := r.code(phoneA)
			results := make(chan verify.Result, 200)
			var all sync.WaitGroup
			for i := range 200 {
				entered := code
				if i < wrong {
					entered = other(code, i)
				}
				all.Go(func() { results <- r.check(entered, phoneA, tailA) })
			}
			all.Wait()
			close(results)
			seen := map[verify.Result]int{}
			for one := range results {
				seen[one]++
			}
			c := r.filing(f.ID).Challenges[0]
			if c.Wrong > 5 || r.events("check.refused", f.ID) != c.Wrong {
				t.Errorf("%d charged, %d compared", c.Wrong, r.events("check.refused", f.ID))
			}
			verified := seen[verify.ResultPassed]
			if verified > 1 || verified != r.events("filing.passed", f.ID) || (c.State == verify.ChallengeVerified) != (verified == 1) {
				t.Errorf("%d verified, %s: %v", verified, c.State, seen)
			}
			if wrong == 4 && verified != 1 {
				t.Errorf("four wrong ones kept 196 right ones out: %v", seen)
			}
		})
	}
}

func TestTwoRightChecksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		f := r.file(twoPersons())
		synctest.Wait()
		codeA, codeB := r.code(phoneA), r.code(phoneB)
		race := func(code, mobile, tail string) map[verify.Result]int {
			var mu sync.Mutex
			seen := map[verify.Result]int{}
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					got := r.check(code, mobile, tail)
					mu.Lock()
					defer mu.Unlock()
					seen[got]++
				})
			}
			all.Wait()
			return seen
		}
		if seen := race(codeA, phoneA, tailA); seen[verify.ResultVerified] != 1 || seen[verify.ResultAlready] != 1 {
			t.Error(seen)
		}
		if seen := race(codeB, phoneB, tailB); seen[verify.ResultPassed] != 1 || seen[verify.ResultAlready] != 1 {
			t.Error(seen)
		}
		if n := r.events("filing.passed", f.ID); n != 1 {
			t.Error(n)
		}
	})
}

func TestTheLastTwoPersonsAtOnce(t *testing.T) {
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			f := r.file(twoPersons())
			synctest.Wait()
			codes := map[string]string{phoneA: r.code(phoneA), phoneB: r.code(phoneB)}
			results := make(chan verify.Result, 2)
			for phone, tail := range map[string]string{phoneA: tailA, phoneB: tailB} {
				go func() { results <- r.check(codes[phone], phone, tail) }()
			}
			first, second := <-results, <-results
			if first+second != verify.ResultPassed+verify.ResultVerified {
				t.Error(first, second)
			}
			if n := r.events("filing.passed", f.ID); n != 1 {
				t.Error(n)
			}
		})
	}
}

func TestTheFifthWrongCheckAgainstTheRightOne(t *testing.T) {
	outcomes := map[verify.FilingState]int{}
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			f := r.file(onePerson())
			synctest.Wait()
			code := r.code(phoneA)
			for i := range 4 {
				r.check(other(code, i), phoneA, tailA)
			}
			right, wrong := make(chan verify.Result), make(chan verify.Result)
			go func() { right <- r.check(code, phoneA, tailA) }()
			go func() { wrong <- r.check(other(code, 9), phoneA, tailA) }()
			a, b := <-right, <-wrong
			got := r.filing(f.ID)
			outcomes[got.State]++
			switch got.State {
			case verify.FilingPassed:
				if a != verify.ResultPassed || b != verify.ResultAlready || got.Challenges[0].Wrong != 4 {
					t.Error(a, b, got.Challenges[0].Wrong)
				}
			case verify.FilingRejected:
				if a != verify.ResultFinal || b != verify.ResultFinal || got.Challenges[0].Wrong != 5 {
					t.Error(a, b, got.Challenges[0].Wrong)
				}
			default:
				t.Error(got.State)
			}
		})
	}
	t.Log(outcomes)
}

func TestACancelWithTheSMSAlreadyInAModem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		release := make(chan struct{})
		r.modem.outcome = func() queue.Outcome { <-release; return queue.Outcome{Kind: queue.OutcomeAccepted} }
		f := r.file(twoPersons()) // one is in the modem, the other behind it
		synctest.Wait()
		if _, err := r.v.CancelFiling(t.Context(), verify.Everyone, f.ID, "withdrawn"); err != nil {
			t.Fatal(err)
		}
		close(release)
		synctest.Wait()
		inModem := phoneA
		if len(r.modem.sent(phoneA)) == 0 {
			inModem = phoneB
		}
		if n := len(r.modem.sent(phoneA)) + len(r.modem.sent(phoneB)); n != 1 {
			t.Fatalf("%d SMS went out", n)
		}
		r.report(inModem)
		got := r.filing(f.ID)
		if got.State != verify.FilingCancelled || got.Note != "withdrawn" {
			t.Errorf("%s", got.State)
		}
		for _, c := range got.Challenges {
			if c.State != verify.ChallengeVoid {
				t.Errorf("challenge is %s", c.State)
			}
		}
		tail := map[string]string{phoneA: tailA, phoneB: tailB}[inModem]
		if res := r.check(r.code(inModem), inModem, tail); res != verify.ResultFinal {
			t.Error(res)
		}
		if _, err := r.v.CancelFiling(t.Context(), verify.Everyone, f.ID, "again"); err != nil {
			t.Error("cancelling twice is no error:", err)
		}
	})
}

func TestAModemThatStaysDownRejectsTheFilingAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.restart(false)
		f := r.file(twoPersons())
		next, err := r.v.Sweep(t.Context(), time.Now())
		if err != nil || !next.Equal(f.Created.Add(24*time.Hour)) {
			t.Fatal(next, err)
		}
		time.Sleep(24 * time.Hour)
		if _, err := r.v.Sweep(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		f = r.filing(f.ID)
		if f.State != verify.FilingRejected || f.Reason != verify.ReasonUndeliverable || r.events("filing.rejected", f.ID) != 1 {
			t.Fatal(f.State, f.Reason)
		}
		r.restart(true) // the modem is back
		time.Sleep(time.Hour)
		if n := len(r.modem.sent(phoneA)) + len(r.modem.sent(phoneB)); n != 0 {
			t.Errorf("%d SMS with dead codes went out", n)
		}
	})
}
