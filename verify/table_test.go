package verify

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestEveryResultCode has one subtest for each row of the table of public result codes.
func TestEveryResultCode(t *testing.T) {
	lock := func(b *bench) {
		for i := range 5 {
			b.check(b.wrong(i), phoneA, tailA)
		}
	}
	for _, one := range []struct {
		code Result
		when string
		get  func(*bench) Answer
	}{
		{ResultPassed, "verified and the last one", func(b *bench) Answer {
			return b.check(b.code(b.create(one()).Challenges[0]), phoneA, tailA)
		}},
		{ResultVerified, "verified and waiting for the other persons", func(b *bench) Answer {
			return b.check(b.code(b.create(two()).Challenges[0]), phoneA, tailA)
		}},
		{ResultAlready, "already verified", func(b *bench) Answer {
			b.check(b.code(b.create(one()).Challenges[0]), phoneA, tailA)
			return b.check(b.wrong(1), phoneA, tailA)
		}},
		{ResultWrong, "wrong and may try again", func(b *bench) Answer { b.create(one()); return b.check(b.wrong(1), phoneA, tailA) }},
		{ResultFinal, "final failure locked", func(b *bench) Answer { b.create(one()); lock(b); return b.check(b.wrong(9), phoneA, tailA) }},
		{ResultFinal, "final failure expired", func(b *bench) Answer {
			b.accept(b.create(one()).Challenges[0])
			b.pass(24 * time.Hour)
			return b.check(b.wrong(1), phoneA, tailA)
		}},
		{ResultFinal, "final failure filing closed", func(b *bench) Answer {
			f := b.create(one())
			b.tx(func(tx Tx) error { _, err := b.s.cancel(t.Context(), tx, Everyone, f.ID, "", b.now); return err })
			return b.check(b.wrong(1), phoneA, tailA)
		}},
		{ResultNoRecord, "no such record unknown phone", func(b *bench) Answer { b.create(one()); return b.check(b.wrong(1), phoneB, tailA) }},
		{ResultNoRecord, "no such record wrong tail", func(b *bench) Answer { b.create(one()); return b.check(b.wrong(1), phoneA, tailB) }},
		{ResultFailed, "other failure", func(b *bench) Answer {
			a, err := b.s.Check(t.Context(), CheckRequest{Code: "12", Mobile: phoneA, Tail: tailA})
			if err != nil {
				b.t.Error(err)
			}
			return a
		}},
		{ResultNothingToSend, "nothing to re-send", func(b *bench) Answer { b.create(one()); lock(b); return b.resend(phoneA, tailA) }},
		{ResultSent, "re-sent", func(b *bench) Answer {
			b.accept(b.create(one()).Challenges[0])
			b.pass(5 * time.Minute)
			return b.resend(phoneA, tailA)
		}},
		{ResultSendCap, "re-send cap reached", func(b *bench) Answer {
			c := b.create(one()).Challenges[0]
			for range 2 {
				b.accept(c)
				b.pass(5 * time.Minute)
				b.resend(phoneA, tailA)
			}
			b.accept(c)
			b.pass(time.Hour)
			return b.resend(phoneA, tailA)
		}},
		{ResultWait, "wait with seconds", func(b *bench) Answer {
			b.accept(b.create(one()).Challenges[0])
			b.pass(4 * time.Minute)
			a := b.resend(phoneA, tailA)
			if a.Wait != time.Minute {
				b.t.Errorf("wait %s", a.Wait)
			}
			return a
		}},
		{ResultRateLimited, "rate limited", func(b *bench) Answer {
			b.s.policy.SMSPerDay = 1
			b.accept(b.create(one()).Challenges[0])
			b.pass(time.Hour)
			a := b.resend(phoneA, tailA)
			if a.Wait != 23*time.Hour {
				b.t.Errorf("wait %s", a.Wait)
			}
			return a
		}},
		{ResultUnavailable, "temporarily unavailable", func(b *bench) Answer {
			b.m.fail = errors.New("disk full")
			a, err := b.s.Check(t.Context(), CheckRequest{Code: "123456", Mobile: phoneA, Tail: tailA})
			if err == nil {
				b.t.Error("the caller is not told why")
			}
			return a
		}},
		// Asked for by whoever serves the page, before anything is compared (internal/webui).
		{ResultProofRequired, "proof required", func(*bench) Answer { return answer(ResultProofRequired) }},
	} {
		t.Run(fmt.Sprintf("%d %s", one.code, one.when), func(t *testing.T) {
			a := one.get(newBench(t, nil))
			expect(t, one.when, a, one.code)
			if a.Message.ZH == "" || a.Message.EN == "" {
				t.Error("it has no words")
			}
		})
	}
}

func TestTheCapsAndLimitsUnlessConfiguredAreThoseOfTheRules(t *testing.T) {
	p := DefaultPolicy()
	for what, ok := range map[string]bool{
		"3 SMS in all": p.MaxSends == 3, "5 minutes between sends": p.ResendWait == 5*time.Minute, "the same code on a re-send": !p.NewCodeOnResend,
		"24 hours": p.Life == 24*time.Hour, "48 hours at most": p.HardEnd == 48*time.Hour, "24 hours with no SMS accepted": p.UndeliverableAfter == 24*time.Hour,
		"5 wrong entries": p.MaxWrong == 5, "rejected at once": p.RejectOnLock == RejectAtOnce, "an identical submission within 10 s": p.RepeatWindow == 10*time.Second,
		"2 amendments": p.MaxAmendments == 2, "5 resubmitted filings a day": p.ResubmitsPerDay == 5, "10 SMS a day": p.SMSPerDay == 10, "60 s apart": p.SMSGap == time.Minute,
		"replies are off": !p.Replies, "3 answers a day": p.AnswersPerDay == 3, "mainland China only": len(p.Region) == 1 && p.Region[0] == "86",
	} {
		if !ok {
			t.Error("not", what)
		}
	}
}

func TestAnAnswerTellsTheDeadlineOfTheCodeWhenMobileAndTailFitAndANetworkHasTakenIt(t *testing.T) {
	b := newBench(t, nil)
	first := b.create(one()).Challenges[0]
	if a := b.check(b.wrong(1), phoneA, tailA); !a.Deadline.IsZero() {
		t.Error("no network has taken the SMS, and the deadline is", a.Deadline)
	}
	b.accept(first)
	want := b.now.Add(24 * time.Hour)
	if a := b.check(b.wrong(2), phoneA, tailA); !a.Deadline.Equal(want) {
		t.Errorf("wrong: %s, want %s", a.Deadline, want)
	}
	b.pass(time.Hour)
	second := b.create(one()).Challenges[0]
	b.accept(second)
	if a := b.check(b.wrong(3), phoneA, tailA); !a.Deadline.Equal(want) {
		t.Errorf("of two the earlier one: %s, want %s", a.Deadline, want)
	}
	b.pass(time.Hour)
	if a := b.resend(phoneA, tailA); a.Result != ResultSent || !a.Deadline.Equal(want) {
		t.Errorf("re-sent: %d, %s, want %s", a.Result, a.Deadline, want)
	}
	for what, a := range map[string]Answer{"a wrong tail": b.check(b.wrong(4), phoneA, tailB), "an unknown phone": b.check(b.wrong(4), phoneB, tailA), "verified": b.check(b.code(first), phoneA, tailA)} {
		if !a.Deadline.IsZero() {
			t.Errorf("%s: %s", what, a.Deadline)
		}
	}
}

func TestANewCodeWithEachResendIsAChoice(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		b := newBench(t, func(p *Policy) { p.NewCodeOnResend = fresh })
		c := b.create(one()).Challenges[0]
		code := b.code(c)
		b.accept(c)
		b.pass(5 * time.Minute)
		expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
		if (b.code(c) != code) != fresh {
			t.Errorf("new code %t, and it was %s and is %s", fresh, code, b.code(c))
		}
	}
}

func TestAnUnknownTypeIsRefusedAtIntake(t *testing.T) {
	r := two()
	r.Type = "fourth"
	_, err := receive(r, DefaultPolicy())
	var invalid Invalid
	if !errors.As(err, &invalid) || invalid[0].Field != "type" {
		t.Error(err)
	}
}

func TestAFilingThatGivesOnlyTheEmergencyNumberIsRefused(t *testing.T) {
	r := one()
	r.Persons[0].EmergencyMobile, r.Persons[0].Mobile = r.Persons[0].Mobile, ""
	_, err := receive(r, DefaultPolicy())
	var invalid Invalid
	if !errors.As(err, &invalid) || invalid[0].Field != "persons[0].mobile" {
		t.Error(err)
	}
}

func TestSeveralFilingsOnOnePhoneAreSeparateChallengesWithDifferentCodes(t *testing.T) {
	b := newBench(t, nil)
	f1, f2 := b.create(one()), b.create(one())
	code1, code2 := b.code(f1.Challenges[0]), b.code(f2.Challenges[0])
	if code1 == code2 || f1.Challenges[0].ID == f2.Challenges[0].ID {
		t.Fatal("shared")
	}
	a := b.check(code2, phoneA, tailA)
	expect(t, "the second's code", a, ResultPassed)
	if state, _ := b.state(f1); a.FilingID != f2.ID || state != FilingVerifying {
		t.Error(a.FilingID, state)
	}
	expect(t, "the first's code", b.check(code1, phoneA, tailA), ResultPassed)
}

func TestACheckIsTakenWhileTheSMSIsOnlyQueued(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	if c.State != ChallengeSending {
		t.Fatal(c.State)
	}
	expect(t, "sending", b.check(b.code(c), phoneA, tailA), ResultPassed)
}

func TestAChallengeFollowsItsSMSThatCameToNothing(t *testing.T) {
	for _, state := range []string{smsRejected, smsExpired, smsCancelled} {
		b := newBench(t, nil)
		c := b.create(one()).Challenges[0]
		code := b.code(c)
		b.network(c, state, time.Time{}, time.Time{})
		if c = b.challenge(c.ID); c.State != ChallengeUnsent {
			t.Fatalf("its SMS is %s, and it is %s", state, c.State)
		}
		b.now = b.now.Add(b.s.policy.ResendWait)
		expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
		if c = b.challenge(c.ID); c.State != ChallengeSending {
			t.Fatalf("an SMS is queued again, and it is %s", c.State)
		}
		b.network(c, state, time.Time{}, time.Time{})
		expect(t, "the code is as good as ever", b.check(code, phoneA, tailA), ResultPassed)
	}
}

func TestANetworkThatTookAnEarlierSMSKeepsTheChallengeOpen(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	b.accept(c)
	b.now = b.now.Add(b.s.policy.ResendWait)
	expect(t, "re-send", b.resend(phoneA, tailA), ResultSent)
	b.network(c, smsRejected, time.Time{}, time.Time{})
	if c = b.challenge(c.ID); c.State != ChallengeOpen {
		t.Error(c.State)
	}
}
