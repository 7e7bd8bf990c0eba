package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
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
		if m, err := r.s.Message(t.Context(), id); err != nil || m.State != queue.Unknown {
			t.Fatal(m.State, err)
		}
		if got := r.check(r.code(phoneA), phoneA, tailA); got != verify.ResultPassed {
			t.Fatal(got)
		}
		if m, err := r.s.Message(t.Context(), id); err != nil || m.State != queue.Delivered {
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
	if _, err := r.v.CancelFiling(t.Context(), f.ID, ""); err != nil {
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
		if _, err := r.v.CancelFiling(t.Context(), f.ID, "withdrawn"); err != nil {
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
		if _, err := r.v.CancelFiling(t.Context(), f.ID, "again"); err != nil {
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

func TestTheSameReferenceIsTheSameFilingAndAnotherBodyAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		req := twoPersons()
		req.Reference = "order-1"
		f := r.file(req)
		req.Persons[0].Mobile = "+86 " + phoneA
		again, created, err := r.v.CreateFiling(t.Context(), req)
		if err != nil || created || again.ID != f.ID || len(again.Challenges) != 2 {
			t.Fatal(again.ID, created, err)
		}
		elsewhere := req
		elsewhere.Origin = "another platform"
		if f2, created, err := r.v.CreateFiling(t.Context(), elsewhere); err != nil || !created || f2.ID == f.ID {
			t.Fatal(created, err)
		}
		req.Persons[0].CertificateTail = "000000"
		if _, _, err := r.v.CreateFiling(t.Context(), req); !errors.Is(err, verify.ErrReferenceConflict) {
			t.Fatal(err)
		}
		page, next, err := r.v.Filings(t.Context(), verify.FilingQuery{Limit: 1})
		if err != nil || len(page) != 1 || next == "" {
			t.Fatal(page, next, err)
		}
		page, next, err = r.v.Filings(t.Context(), verify.FilingQuery{Limit: 1, Before: next, Origin: "platform"})
		if err != nil || len(page) != 1 || page[0].ID != f.ID || next != "" || page[0].Persons[1].Name != "赵六" {
			t.Fatal(page, next, err)
		}
	})
}

func TestAFullDiskChargesNothingAndLosesNothing(t *testing.T) {
	r := newRig(t, nil)
	f := r.file(onePerson())
	for len(r.modem.sent(phoneA)) == 0 {
		time.Sleep(time.Millisecond)
	}
	code := r.code(phoneA)
	limit := func(pages string) {
		if err := r.s.Update(t.Context(), func(tx *Tx) error {
			var n int
			return tx.row(t.Context(), "PRAGMA max_page_count = "+pages).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit("1")
	var err error
	var a verify.Answer
	tries := 0
	for ; err == nil && tries < 4; tries++ { // until no page has room left
		filler := make([]byte, 16384)
		_ = r.s.Update(t.Context(), func(tx *Tx) error {
			return tx.Emit(t.Context(), "filler", "", map[string]string{"x": strings.ToValidUTF8(string(filler), "x")})
		})
		a, err = r.v.Check(t.Context(), verify.CheckRequest{Code: other(code, tries), Mobile: phoneA, Tail: tailA})
	}
	if err == nil {
		t.Skip("there was room for everything")
	}
	if !errors.Is(err, ErrFull) || a.Result != verify.ResultUnavailable {
		t.Fatal(a, err)
	}
	if _, _, err := r.v.CreateFiling(t.Context(), twoPersons()); !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	limit("1000000")
	if got := r.filing(f.ID).Challenges[0].Wrong; got != tries-1 {
		t.Errorf("%d charged for %d entries that were compared", got, tries-1)
	}
	if got := r.check(code, phoneA, tailA); got != verify.ResultPassed {
		t.Error(got)
	}
}

func TestNoCodeTailNameTextOrWholeNumberIsFoundInTheDatabase(t *testing.T) {
	r := newRig(t, nil)
	req := twoPersons()
	req.Persons[0].CertificateTail, req.Persons[0].Certificate = "", "11010519491231002X"
	r.file(req)
	for len(r.modem.sent(phoneA)) == 0 || len(r.modem.sent(phoneB)) == 0 {
		time.Sleep(time.Millisecond)
	}
	codes := []string{r.code(phoneA), r.code(phoneB)}
	r.check(codes[0], phoneA, "31002X")
	r.check(other(codes[1], 0), phoneB, tailB)
	if err := r.s.Update(t.Context(), func(tx *Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	events, err := r.s.Events(t.Context(), 0, "", 1000)
	if err != nil || len(events) < 8 {
		t.Fatal(len(events), err)
	}
	for _, e := range events {
		for _, code := range append(codes, other(codes[1], 0)) {
			if strings.Contains(string(e.Data), `"`+code+`"`) {
				t.Errorf("%s tells a code", e.Type)
			}
		}
	}
	r.restart(false)
	for _, file := range []string{r.path, r.path + "-wal"} {
		raw, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"a number": phoneA, "another": phoneB, "a tail": "31002X", "another tail": tailB, "a name": "王五", "a certificate": "11010519491231002X", "a text": "备案核验码"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s stands in %s", what, file[len(r.path):])
			}
		}
	}
}

func TestARotatedKeyStillFindsAndChecksWhatTheOlderKeyMade(t *testing.T) {
	old, err := sealWith(map[byte]byte{1: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, nil)
	r.keys = old
	r.restart(true)
	f := r.file(onePerson())
	for len(r.modem.sent(phoneA)) == 0 {
		time.Sleep(time.Millisecond)
	}
	code := r.code(phoneA)
	if r.keys, err = sealWith(map[byte]byte{1: 1, 2: 2}); err != nil {
		t.Fatal(err)
	}
	r.restart(true)
	second := r.file(onePerson())
	if got := r.check(code, phoneA, tailA); got != verify.ResultPassed {
		t.Error(got)
	}
	if r.filing(f.ID).State != verify.FilingPassed || r.filing(second.ID).State != verify.FilingVerifying {
		t.Error(r.filing(f.ID).State, r.filing(second.ID).State)
	}
	if got := r.check("000000", phoneA, "999999"); got != verify.ResultNoRecord || r.filing(second.ID).Challenges[0].Wrong != 1 {
		t.Error(got)
	}
}

func TestARestartInEveryStateForgetsAndReopensNothing(t *testing.T) {
	for _, one := range []struct {
		name  string
		reach func(*rig, verify.Filing, string)
		state verify.ChallengeState
		then  verify.Result // of the right code
	}{
		{"sending", func(*rig, verify.Filing, string) {}, verify.ChallengeOpen, verify.ResultVerified},
		{"four wrong", func(r *rig, _ verify.Filing, code string) {
			for i := range 4 {
				r.check(other(code, i), phoneA, tailA)
			}
		}, verify.ChallengeOpen, verify.ResultVerified},
		{"sent three times", func(r *rig, _ verify.Filing, _ string) {
			for range 2 {
				time.Sleep(5 * time.Minute)
				r.resend(phoneA, tailA)
				synctest.Wait()
			}
		}, verify.ChallengeOpen, verify.ResultVerified},
		{"verified", func(r *rig, _ verify.Filing, code string) { r.check(code, phoneA, tailA) }, verify.ChallengeVerified, verify.ResultAlready},
		{"locked", func(r *rig, _ verify.Filing, code string) {
			for i := range 5 {
				r.check(other(code, i), phoneA, tailA)
			}
		}, verify.ChallengeLocked, verify.ResultFinal},
		{"expired", func(r *rig, _ verify.Filing, _ string) {
			time.Sleep(24 * time.Hour)
			_, _ = r.v.Sweep(context.Background(), time.Now())
		}, verify.ChallengeExpired, verify.ResultFinal},
		{"void", func(r *rig, f verify.Filing, _ string) { _, _ = r.v.CancelFiling(context.Background(), f.ID, "") }, verify.ChallengeVoid, verify.ResultFinal},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			f := r.file(twoPersons())
			synctest.Wait()
			code := r.code(phoneA)
			one.reach(r, f, code)
			before := r.filing(f.ID).Challenges[0]
			r.restart(true)
			after := r.filing(f.ID).Challenges[0]
			if after.State != one.state || after.Wrong != before.Wrong || after.Sends != before.Sends || !after.Deadline.Equal(before.Deadline) {
				t.Errorf("%s: was %s %d %d, is %s %d %d", one.name, before.State, before.Wrong, before.Sends, after.State, after.Wrong, after.Sends)
			}
			if before.Sends == 3 {
				time.Sleep(5 * time.Minute)
				if got := r.resend(phoneA, tailA); got != verify.ResultSendCap {
					t.Errorf("%s: re-send %d", one.name, got)
				}
			}
			if got := r.check(code, phoneA, tailA); got != one.then {
				t.Errorf("%s: the right code gives %d, want %d", one.name, got, one.then)
			}
		})
	}
}
