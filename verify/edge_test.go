package verify

import (
	"strings"
	"testing"
	"time"
)

func TestTwoRightChecksAtOnceGiveOneVerifiedAndOneAlreadyVerified(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	c := f.Challenges[0]
	b.accept(c)
	code := b.code(c)
	expect(t, "first", b.check(code, phoneA, tailA), ResultVerified)
	again := b.check(code, phoneA, tailA)
	expect(t, "second", again, ResultAlready)
	if !again.OK {
		t.Error("the same right code again is not told as right")
	}
	if n := b.m.counted("person.verified", f.ID); n != 1 {
		t.Errorf("%d persons verified", n)
	}
}

func TestTheLastTwoPersonsAtOnceGiveExactlyOnePassedFiling(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	codeA, codeB := b.code(f.Challenges[0]), b.code(f.Challenges[1])
	expect(t, "first", b.check(codeA, phoneA, tailA), ResultVerified)
	expect(t, "last", b.check(codeB, phoneB, tailB), ResultPassed)
	if state, _ := b.state(f); state != FilingPassed {
		t.Errorf("filing is %s", state)
	}
	if n := b.m.counted("filing.passed", f.ID); n != 1 {
		t.Errorf("%d passed events", n)
	}
}

func TestTheFifthWrongEntryAgainstTheRightOneInEitherOrder(t *testing.T) {
	for _, wrongFirst := range []bool{true, false} {
		b := newBench(t, nil)
		f := b.create(one())
		c := f.Challenges[0]
		code := b.code(c)
		for i := range 4 {
			a := b.check(b.wrong(i), phoneA, tailA)
			expect(t, "wrong", a, ResultWrong)
			if *a.TriesLeft != 4-i {
				t.Fatalf("%d tries left after %d", *a.TriesLeft, i+1)
			}
		}
		if wrongFirst {
			a := b.check(b.wrong(100), phoneA, tailA)
			expect(t, "fifth wrong", a, ResultFinal)
			if a.Reason != ReasonTooManyAttempts {
				t.Errorf("reason %q", a.Reason)
			}
			expect(t, "right after it", b.check(code, phoneA, tailA), ResultFinal)
			if state, reason := b.state(f); state != FilingRejected || reason != ReasonTooManyAttempts {
				t.Errorf("filing is %s, %s", state, reason)
			}
			continue
		}
		expect(t, "right", b.check(code, phoneA, tailA), ResultPassed)
		a := b.check(b.wrong(100), phoneA, tailA)
		expect(t, "wrong after it", a, ResultAlready)
		if a.OK {
			t.Error("a wrong code is told as right")
		}
		if state, _ := b.state(f); state != FilingPassed || b.challenge(c.ID).Wrong != 4 {
			t.Errorf("filing is %s, %d wrong", state, b.challenge(c.ID).Wrong)
		}
	}
}

func TestACheckExactlyAtTheDeadlineIsTooLate(t *testing.T) {
	for _, early := range []time.Duration{0, time.Microsecond} {
		b := newBench(t, nil)
		f := b.create(one())
		c := f.Challenges[0]
		b.pass(time.Hour)
		b.deliver(c)
		deadline := b.now.Add(24 * time.Hour)
		if got := b.challenge(c.ID).Deadline; !got.Equal(deadline) {
			t.Fatalf("deadline is %s, want %s", got, deadline)
		}
		code := b.code(c)
		b.now = deadline.Add(-early)
		want, state := ResultFinal, FilingRejected
		if early > 0 {
			want, state = ResultPassed, FilingPassed
		}
		expect(t, "check", b.check(code, phoneA, tailA), want)
		if got, _ := b.state(f); got != state {
			t.Errorf("filing is %s", got)
		}
	}
}

func TestTheLifeOfACodeStartsWithDeliveryElseAcceptanceAndNoResendMovesIt(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	made := b.now
	if got := c.Deadline; !got.Equal(made.Add(24 * time.Hour)) {
		t.Fatal("with no SMS accepted it is given up after a day", got)
	}
	b.pass(2 * time.Hour)
	accepted := b.now
	b.accept(c)
	first := b.lastSMS(c).id
	if got := b.challenge(c.ID).Deadline; !got.Equal(accepted.Add(24 * time.Hour)) {
		t.Fatal("acceptance starts it", got)
	}
	b.pass(time.Hour)
	expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
	b.deliver(b.challenge(c.ID)) // the second SMS, not the first
	if got := b.challenge(c.ID).Deadline; !got.Equal(accepted.Add(24 * time.Hour)) {
		t.Fatal("a re-send moved it", got)
	}
	b.pass(time.Hour)
	b.tell(first, c.ID, "delivered", accepted, b.now)
	if got := b.challenge(c.ID).Deadline; !got.Equal(b.now.Add(24 * time.Hour)) {
		t.Fatal("the report of the first starts it", got)
	}
}

func TestNoReportMovesTheDeadlinePastTheHardEnd(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.Life, p.HardEnd = 24*time.Hour, 30*time.Hour })
	c := b.create(one()).Challenges[0]
	b.accept(c)
	accepted := b.now
	b.pass(20 * time.Hour)
	b.deliver(c)
	b.tell(b.lastSMS(c).id, c.ID, "delivered", accepted, b.now)
	if got := b.challenge(c.ID).Deadline; got.After(accepted.Add(30 * time.Hour)) {
		t.Fatal(got.Sub(accepted))
	}
}

func TestAnSMSThatNoNetworkTookForADayRejectsTheFilingAsUndeliverable(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two()) // and all modems are down
	b.accept(f.Challenges[0])
	b.pass(24*time.Hour - time.Microsecond)
	b.sweep()
	if state, _ := b.state(f); state != FilingVerifying {
		t.Fatal("too early:", state)
	}
	b.pass(time.Microsecond)
	b.sweep()
	if state, reason := b.state(f); state != FilingRejected || reason != ReasonUndeliverable && reason != ReasonExpired {
		t.Fatal(state, reason)
	}
	for _, c := range f.Challenges {
		if got := b.challenge(c.ID); !got.State.Terminal() || got.CodeMAC != nil || got.CodeSealed != nil {
			t.Errorf("challenge is %s with its code", got.State)
		}
	}
}

func TestAllModemsDownAtIntakeKeepsTheFilingAndChargesNoResend(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	b.pass(time.Hour)
	a := b.resend(phoneA, tailA)
	expect(t, "re-send behind a queued SMS", a, ResultWait)
	if a.Wait <= 0 || b.challenge(f.Challenges[0].ID).Sends != 1 {
		t.Errorf("waits %s, %d sends", a.Wait, b.challenge(f.Challenges[0].ID).Sends)
	}
	b.pass(23*time.Hour - time.Minute)
	b.accept(f.Challenges[0])
	b.pass(23 * time.Hour)
	expect(t, "check a day later", b.check(b.code(f.Challenges[0]), phoneA, tailA), ResultPassed)
}

func TestAResendAfterTheLockHasNothingToSend(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	b.accept(c)
	for i := range 5 {
		b.check(b.wrong(i), phoneA, tailA)
	}
	b.pass(time.Hour)
	expect(t, "re-send", b.resend(phoneA, tailA), ResultNothingToSend)
}

func TestAResendAfterExpiryHasNothingToSend(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	b.accept(f.Challenges[0])
	b.pass(24 * time.Hour)
	expect(t, "re-send", b.resend(phoneA, tailA), ResultNothingToSend)
	if state, reason := b.state(f); state != FilingRejected || reason != ReasonExpired {
		t.Error(state, reason)
	}
}

func TestAResendWithTenMinutesLeftCarriesTheSameDeadlineAndShowsIt(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	b.accept(c)
	code, deadline := b.code(c), b.challenge(c.ID).Deadline
	b.now = deadline.Add(-10 * time.Minute)
	expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
	s := b.lastSMS(c)
	if !s.Deadline.Equal(deadline) || !b.challenge(c.ID).Deadline.Equal(deadline) {
		t.Errorf("the SMS lives until %s, the code until %s", s.Deadline, deadline)
	}
	if want := "11月25日16:00前有效"; b.code(c) != code || !strings.Contains(s.Text, want) {
		t.Errorf("%q should have the same code and %q", s.Text, want)
	}
	b.now = deadline.Add(-5*time.Minute + time.Second)
	expect(t, "re-send with less than TP-VP can say", b.resend(phoneA, tailA), ResultNothingToSend)
}

func TestTheThirdResendSendsNothing(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	for range 2 {
		b.accept(c)
		expect(t, "too soon", b.resend(phoneA, tailA), ResultWait)
		b.pass(5 * time.Minute)
		expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
		b.accept(c)
		b.pass(time.Minute)
	}
	b.pass(time.Hour)
	expect(t, "third", b.resend(phoneA, tailA), ResultSendCap)
	if n := len(b.m.rows.texts); n != 3 {
		t.Errorf("%d SMS", n)
	}
	expect(t, "the code of all three", b.check(b.code(c), phoneA, tailA), ResultPassed)
}

func TestCancelWithTheSMSAlreadyInAModemEndsTheFilingAndTheCodeOpensNothing(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	a, other := f.Challenges[0], f.Challenges[1]
	codeA := b.code(a)
	b.network(a, "submitting", time.Time{}, time.Time{})
	b.tx(func(tx Tx) error {
		_, err := b.s.cancel(t.Context(), tx, Everyone, f.ID, "客户要求 13800138000", b.now)
		return err
	})
	if b.lastSMS(a).cancelled || !b.lastSMS(other).cancelled {
		t.Error("only what no modem has can be cancelled, and that must be")
	}
	b.pass(time.Minute)
	b.network(a, "delivered", b.now, b.now) // it arrived all the same
	if c := b.challenge(a.ID); c.State != ChallengeVoid || c.Delivered.IsZero() {
		t.Errorf("%s, delivered %s: a late report only adds data", c.State, c.Delivered)
	}
	expect(t, "its code", b.check(codeA, phoneA, tailA), ResultFinal)
	if state, _ := b.state(f); state != FilingCancelled || b.m.counted("filing.cancelled", f.ID) != 1 {
		t.Error(state)
	}
	if note := b.m.rows.filings[f.ID].Note; strings.Contains(note, "13800138") {
		t.Errorf("the note keeps a number: %q", note)
	}
}

func TestAClockSetBackReopensNothingAndForwardExpires(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	c := f.Challenges[0]
	b.accept(c)
	code, start := b.code(c), b.now
	expect(t, "wrong", b.check(b.wrong(0), phoneA, tailA), ResultWrong)
	b.now = start.Add(-100 * 24 * time.Hour) // set back: nobody is locked out, no cap is lifted
	expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
	b.accept(c)
	for i := range 3 { // an answer from what is now the future is no stored answer
		expect(t, "wrong", b.check(b.wrong(i), phoneA, tailA), ResultWrong)
	}
	if got := b.challenge(c.ID).Wrong; got != 4 {
		t.Errorf("%d charged", got)
	}
	b.now = start.Add(25 * time.Hour) // set forward
	expect(t, "check", b.check(code, phoneA, tailA), ResultFinal)
	b.now = start.Add(time.Hour) // and back again
	expect(t, "check", b.check(code, phoneA, tailA), ResultFinal)
	if state, reason := b.state(f); state != FilingRejected || reason != ReasonExpired {
		t.Error(state, reason)
	}
}

func TestTheFirstFailedPersonRejectsTheFilingAndVoidsTheOthers(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	a, other := f.Challenges[0], f.Challenges[1]
	codeB := b.code(other)
	for i := range 5 {
		b.check(b.wrong(i), phoneA, tailA)
	}
	if c := b.challenge(other.ID); c.State != ChallengeVoid || c.Reason != ReasonFilingClosed || !b.lastSMS(other).cancelled {
		t.Errorf("%s, %s", c.State, c.Reason)
	}
	expect(t, "the other's code", b.check(codeB, phoneB, tailB), ResultFinal)
	if b.challenge(a.ID).State != ChallengeLocked || b.m.counted("filing.rejected", f.ID) != 1 {
		t.Error(b.challenge(a.ID).State)
	}
}

func TestALockRejectsAtTheDeadlineWhereThePolicyWantsThat(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.RejectOnLock = RejectAtDeadline })
	f := b.create(two())
	for i := range 5 {
		b.check(b.wrong(i), phoneA, tailA)
	}
	if state, _ := b.state(f); state != FilingVerifying {
		t.Fatal(state)
	}
	expect(t, "the other", b.check(b.code(f.Challenges[1]), phoneB, tailB), ResultVerified)
	b.pass(24 * time.Hour)
	b.sweep()
	if state, reason := b.state(f); state != FilingRejected || reason != ReasonTooManyAttempts {
		t.Fatal(state, reason)
	}
	b.sweep() // and has nothing left to do
}
