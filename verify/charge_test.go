package verify

import (
	"testing"
	"time"
)

func TestPersonsWhoShareAPhoneShareAChallengeAndEithersTailIsAccepted(t *testing.T) {
	for _, tail := range []string{tailA, tailB, "654321"} {
		b := newBench(t, nil)
		r := two()
		r.Persons[1].Mobile = "+86 138-0013-8000"
		r.Persons[1].SecondCertificateTail = "654321"
		f := b.create(r)
		if len(f.Challenges) != 1 || len(b.m.rows.texts) != 1 {
			t.Fatalf("%d challenges, %d SMS", len(f.Challenges), len(b.m.rows.texts))
		}
		a := b.check(b.code(f.Challenges[0]), phoneA, tail)
		expect(t, tail, a, ResultPassed)
		if len(a.Roles) != 2 || b.m.counted("person.verified", f.ID) != 2 {
			t.Errorf("verified as %v", a.Roles)
		}
	}
}

func TestAWrongTailIsAnsweredAsAnUnknownPhoneAndChargedToThePhoneAndToNoChallenge(t *testing.T) {
	b := newBench(t, nil)
	first, second := b.create(one()).Challenges[0], b.create(one()).Challenges[0]
	known := b.check("123456", phoneA, "999999")
	unknown := b.check("123456", "13700137000", "999999")
	expect(t, "wrong tail", known, ResultNoRecord)
	if known.TriesLeft != nil || known.FilingID != "" || known.Message != unknown.Message || unknown.Result != known.Result {
		t.Errorf("%+v and %+v can be told apart", known, unknown)
	}
	for _, c := range []Challenge{first, second} {
		if got := b.challenge(c.ID).Wrong; got != 0 {
			t.Errorf("%d charged", got)
		}
	}
	if n := b.noted(sentTail); n != 2 {
		t.Errorf("%d wrong tails are noted, of a phone that is known and one that is not", n)
	}
}

func TestAWrongCodeIsChargedToTheChallengesThatItWasComparedWithAndARightOneToNone(t *testing.T) {
	b := newBench(t, nil)
	f1, f2 := b.create(one()), b.create(one())
	other := one()
	other.Persons[0].CertificateTail = tailB
	f3 := b.create(other)
	wrong := func(f Filing) int { return b.challenge(f.Challenges[0].ID).Wrong }
	expect(t, "wrong", b.check(b.wrong(1), phoneA, tailA), ResultWrong)
	if wrong(f1) != 1 || wrong(f2) != 1 || wrong(f3) != 0 {
		t.Errorf("charged %d %d %d", wrong(f1), wrong(f2), wrong(f3))
	}
	expect(t, "right", b.check(b.code(f2.Challenges[0]), phoneA, tailA), ResultPassed)
	if wrong(f1) != 1 || wrong(f3) != 0 {
		t.Errorf("a right code was charged to %d %d", wrong(f1), wrong(f3))
	}
	b.pass(time.Hour)
	expect(t, "the same again, an hour later", b.check(b.code(f2.Challenges[0]), phoneA, tailA), ResultAlready)
	if wrong(f1) != 1 {
		t.Error("a right code sent twice was charged to another filing")
	}
}

func TestAnIdenticalSubmissionWithinTenSecondsGetsTheStoredAnswerUncharged(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	code := b.wrong(1)
	for range 20 {
		a := b.check(code, phoneA, tailA)
		expect(t, "wrong", a, ResultWrong)
		if *a.TriesLeft != 4 {
			t.Fatalf("%d tries left", *a.TriesLeft)
		}
		b.pass(499 * time.Millisecond)
	}
	b.pass(time.Second)
	b.check(code, phoneA, tailA)
	if got := b.challenge(c.ID).Wrong; got != 2 {
		t.Errorf("%d charged", got)
	}
}

func TestFormErrorsChargeNothing(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	for _, r := range []CheckRequest{
		{Code: "12345", Mobile: phoneA, Tail: tailA}, {Code: "123456", Mobile: phoneA, Tail: "12345"},
		{Code: "123456", Mobile: "12800138000", Tail: tailA}, {}, {Code: "12345a", Mobile: phoneA, Tail: tailA},
	} {
		a, err := b.s.Check(t.Context(), r)
		if err != nil || a.Result != ResultFailed || len(a.Fields) == 0 {
			t.Errorf("%+v: %+v, %v", r, a, err)
		}
	}
	if b.challenge(c.ID).Wrong != 0 {
		t.Error("charged")
	}
}

func TestEveryWayOfWritingTheSameEntryIsTheSame(t *testing.T) {
	for _, mobile := range []string{phoneA, "+8613800138000", "008613800138000", "8613800138000", " 138 0013 8000 ", "１３８００１３８０００", "138-0013-8000"} {
		for _, tail := range []string{"01123x", "０１１２３Ｘ", "0112 3X", "011-23x"} {
			b := newBench(t, nil)
			c := b.create(one()).Challenges[0]
			code := b.code(c)
			expect(t, mobile+" "+tail, b.check(code[:3]+" "+code[3:], mobile, tail), ResultPassed)
		}
	}
}

func TestAWrongTailAtSendAgainIsChargedAndAnsweredAsAtACheck(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	b.accept(c)
	b.pass(time.Hour)
	for i, tail := range []string{"000001", "000002", "000003", "000004", "000005", "000006"} {
		expect(t, tail, b.resend(phoneA, tail), ResultNoRecord)
		if got := b.challenge(c.ID).Wrong; got != 0 || b.noted(sentTail) != i+1 {
			t.Fatalf("%d charged to the challenge, %d to the phone after %d", got, b.noted(sentTail), i+1)
		}
	}
	expect(t, "an unknown phone", b.resend("13700137000", tailA), ResultNoRecord)
	expect(t, "the right tail", b.resend(phoneA, tailA), ResultSent)
	if len(b.m.rows.texts) != 2 {
		t.Error("no SMS went out")
	}
}

func TestAnEndedChallengeIsToldApartFromNoRecordForAsLongAsItIsRemembered(t *testing.T) {
	b := newBench(t, nil)
	b.create(one())
	for i := range 5 {
		b.check(b.wrong(i), phoneA, tailA)
	}
	b.pass(72 * time.Hour)
	expect(t, "within", b.check("123456", phoneA, tailA), ResultFinal)
	b.pass(time.Minute)
	expect(t, "after", b.check("123456", phoneA, tailA), ResultNoRecord)
}

func TestNoTwoOpenChallengesOfAPhoneHaveTheSameCode(t *testing.T) {
	b := newBench(t, nil)
	codes := []string{"000001", "000001", "000001", "000002", "000001", "000002", "000003", "000001"}
	b.s.draw = func() string {
		next := codes[0]
		codes = codes[1:]
		return next
	}
	for _, want := range []string{"000001", "000002", "000003"} {
		if got := b.code(b.create(one()).Challenges[0]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	elsewhere := one()
	elsewhere.Persons[0].Mobile = phoneB
	if got := b.code(b.create(elsewhere).Challenges[0]); got != "000001" {
		t.Errorf("another phone may have it: %s", got)
	}
}

func TestALimitOfThePhoneDelaysTheSMSAndSweepSendsIt(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.SMSPerDay, p.SMSGap = 2, time.Minute })
	b.create(one())
	second, third := b.create(one()).Challenges[0], b.create(one()).Challenges[0]
	if second.State != ChallengeNew || len(b.m.rows.texts) != 1 {
		t.Fatalf("%s, %d SMS", second.State, len(b.m.rows.texts))
	}
	b.pass(time.Minute)
	b.sweep()
	if got := b.challenge(second.ID); got.State != ChallengeSending || len(b.m.rows.texts) != 2 {
		t.Fatalf("%s, %d SMS", got.State, len(b.m.rows.texts))
	}
	b.pass(23 * time.Hour)
	b.sweep()
	if got := b.challenge(third.ID); got.State != ChallengeNew {
		t.Fatalf("a third SMS in a day: %s", got.State)
	}
	b.pass(59*time.Minute - time.Second)
	b.sweep()
	if n := len(b.m.rows.texts); n != 2 {
		t.Fatalf("%d SMS within a day", n)
	}
}

func TestNoSixthComparisonIsMadeEvenWhereARowStandsOpenAtTheCap(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	c := Challenge{State: ChallengeOpen, MaxWrong: 5, Wrong: 5, Deadline: now.Add(time.Hour)}
	if got := c.check(true, now); got.State != ChallengeLocked || got.Wrong != 5 {
		t.Errorf("%s after %d", got.State, got.Wrong)
	}
}

func TestADayIsTheLastTwentyFourHoursAlsoAfterTheLimitWasLowered(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.SMSPerDay = 2 })
	mac := [][]byte{{1}}
	start := b.now
	b.tx(func(tx Tx) error {
		for i := range 3 {
			if err := tx.NoteSent(t.Context(), mac[0], sentCode, start.Add(time.Duration(i)*time.Hour)); err != nil {
				return err
			}
		}
		free, daily, err := b.s.phoneFree(t.Context(), tx, mac, start.Add(3*time.Hour))
		if want := start.Add(25 * time.Hour); !free.Equal(want) || !daily {
			t.Errorf("free in %s, %t", free.Sub(start), daily)
		}
		return err
	})
}
