package verify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func (b *bench) ask(r ChallengeRequest) (c Challenge, err error) {
	if r.Owner == "" {
		r.Owner = r.Origin + " owner"
	}
	in, err := b.s.readChallenge(r)
	if err != nil {
		return c, err
	}
	err = b.m.Update(context.Background(), func(tx Tx) (err error) {
		c, err = b.s.createGeneral(context.Background(), tx, in, b.now)
		return err
	})
	return c, err
}

func (b *bench) mustAsk(r ChallengeRequest) Challenge {
	b.t.Helper()
	c, err := b.ask(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) enter(id, code string) (c Challenge, right bool) {
	b.tx(func(tx Tx) (err error) {
		if c, err = b.s.general(context.Background(), tx, Everyone, id, b.now); err == nil {
			c, right, err = b.s.checkGeneral(context.Background(), tx, c, code, "test", b.now)
		}
		return err
	})
	return c, right
}

func (b *bench) again(id string) (c Challenge, err error) {
	err = b.m.Update(context.Background(), func(tx Tx) (err error) {
		if c, err = b.s.general(context.Background(), tx, Everyone, id, b.now); err == nil {
			c, err = b.s.resendGeneral(context.Background(), tx, c, b.now)
		}
		return err
	})
	return c, err
}

const shop = "Your code for shop.example is {{code}}, {{code}}."

func TestAGeneralChallengeIsVerifiedOnceAndSaysWhatItsAskerWrote(t *testing.T) {
	b := newBench(t, nil)
	c := b.mustAsk(ChallengeRequest{Origin: "platform", To: phoneA, Template: shop})
	b.deliver(c)
	code := b.code(c)
	if want := fillIn(shop, code); b.lastSMS(c).Text != want || len(code) != 6 {
		t.Errorf("%q", b.lastSMS(c).Text)
	}
	if got, right := b.enter(c.ID, code); !right || got.State != ChallengeVerified || b.challenge(c.ID).CodeSealed != nil {
		t.Error(got.State, right)
	}
	if got, right := b.enter(c.ID, code); right || got.State != ChallengeVerified {
		t.Error("verified twice", got.State)
	}
	if n := b.m.counted("challenge.verified", c.ID); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestAGeneralChallengeComparesNoMoreOftenThanItMay(t *testing.T) {
	b := newBench(t, nil)
	c := b.mustAsk(ChallengeRequest{To: phoneA, MaxWrong: 3})
	code := b.code(c)
	for i := range 3 {
		if got, right := b.enter(c.ID, b.wrong(7)); right || got.Wrong != i+1 || got.State.Terminal() != (i == 2) {
			t.Fatal(i, got.State, got.Wrong)
		}
	}
	if got, right := b.enter(c.ID, code); right || got.State != ChallengeLocked || got.Wrong != 3 {
		t.Error("the right code after the last try", right, got.State, got.Wrong)
	}
}

func TestAGeneralCodeIsGoodUntilItsDeadlineAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		name    string
		after   time.Duration // from acceptance
		deliver time.Duration // 0: no report
		right   bool
	}{
		{"just before the end of its life", time.Minute - time.Microsecond, 0, true},
		{"at the end of its life", time.Minute, 0, false},
		{"its life begins with the report", 80 * time.Second, 30 * time.Second, true},
		{"never past twice its life", 2 * time.Minute, 59 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			one := b.mustAsk(ChallengeRequest{To: phoneA, Life: time.Minute})
			b.accept(one)
			code, accepted := b.code(one), b.now
			if c.deliver > 0 {
				b.pass(c.deliver)
				b.network(one, smsDelivered, accepted, b.now)
			}
			b.now = accepted.Add(c.after)
			if got, right := b.enter(one.ID, code); right != c.right {
				t.Error(right, got.State)
			}
		})
	}
	b := newBench(t, nil)
	c := b.mustAsk(ChallengeRequest{To: phoneA, Life: time.Minute})
	b.pass(time.Minute)
	b.sweep()
	if got := b.challenge(c.ID); got.State != ChallengeExpired || got.Reason != ReasonUndeliverable || !b.lastSMS(c).cancelled {
		t.Error("no network took it:", got.State, got.Reason)
	}
}

func TestAChallengeOfAFilingIsNoGeneralOne(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	id := f.Challenges[0].ID
	if _, _, err := b.s.CheckChallenge(context.Background(), Everyone, id, b.code(f.Challenges[0]), "api"); !errors.Is(err, ErrNotFound) {
		t.Error("a filing's code was checked without a tail", err)
	}
	if _, err := b.s.CancelChallenge(context.Background(), Everyone, id); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if got := b.challenge(id); got.State.Terminal() || got.Wrong != 0 {
		t.Error(got.State, got.Wrong)
	}
}

func TestFilingsTakeNoNoticeOfAGeneralChallengeOfTheirPhone(t *testing.T) {
	b := newBench(t, nil)
	general := b.mustAsk(ChallengeRequest{Origin: "platform", To: phoneA})
	f := b.create(one())
	if text := b.lastSMS(f.Challenges[0]).Text; !strings.HasPrefix(text, "备案核验码") {
		t.Errorf("the filing's text names a site as if there were two: %q", text)
	}
	expect(t, "the general code", b.check(b.code(general), phoneA, tailA), ResultWrong)
	expect(t, "the filing's code", b.check(b.code(f.Challenges[0]), phoneA, tailA), ResultPassed)
	if got := b.challenge(general.ID); got.Wrong != 0 || got.State.Terminal() {
		t.Error("a check of the filing was charged to the general challenge", got.Wrong, got.State)
	}
	if a, c := b.challenge(general.ID).ReplaceType, f.Challenges[0].ReplaceType; a == c {
		t.Error("two open codes of a phone would replace each other")
	}
}

func TestANewGeneralChallengeReplacesThoseOfItsAskerOnlyAndARefusedOneNone(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.SMSPerDay = 3 })
	ask := func(origin string) (Challenge, error) {
		return b.ask(ChallengeRequest{Origin: origin, To: phoneA, Replace: true})
	}
	first, _ := ask("a")
	other, _ := ask("b")
	second, err := ask("a")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.challenge(first.ID); got.State != ChallengeVoid || got.Reason != ReasonReplaced || !b.lastSMS(first).cancelled {
		t.Error(got.State, got.Reason)
	}
	var many TooMany
	if _, err := ask("a"); !errors.As(err, &many) || !many.Daily || many.Wait != day {
		t.Error(err)
	}
	for _, c := range []Challenge{other, second} {
		if got := b.challenge(c.ID); got.State.Terminal() {
			t.Error(got.State, got.Reason)
		}
	}
}

func TestAGeneralCodeIsSentAgainWithinItsCaps(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.SMSGap = time.Minute; p.NewCodeOnResend = true })
	c := b.mustAsk(ChallengeRequest{To: phoneA, Template: shop, MaxSends: 2})
	b.deliver(c)
	old := b.code(c)
	var many TooMany
	if _, err := b.again(c.ID); !errors.As(err, &many) || many.Wait != time.Minute {
		t.Error("too soon:", err)
	}
	if _, err := b.ask(ChallengeRequest{To: phoneA}); !errors.As(err, &many) || many.Daily {
		t.Error("another one too soon:", err)
	}
	b.pass(time.Minute)
	if got, err := b.again(c.ID); err != nil || got.Sends != 2 || b.lastSMS(c).Text != fillIn(shop, b.code(c)) || b.code(c) == old {
		t.Error(err, got.Sends, b.lastSMS(c).Text)
	}
	b.deliver(c)
	b.pass(time.Minute)
	if _, err := b.again(c.ID); !errors.Is(err, ErrSendCap) {
		t.Error(err)
	}
	late := b.mustAsk(ChallengeRequest{To: phoneB, Life: 10 * time.Minute})
	b.accept(late)
	b.pass(7*time.Minute + 31*time.Second)
	if _, err := b.again(late.ID); !errors.Is(err, ErrTooLate) {
		t.Error(err)
	}
	if _, right := b.enter(late.ID, b.code(late)); !right {
		t.Error("a refused re-send must not end it")
	}
	if _, err := b.again(late.ID); !errors.Is(err, ErrChallengeEnded) {
		t.Error(err)
	}
}

func TestWhatCannotBeAGeneralChallengeIsRefusedByField(t *testing.T) {
	s := newBench(t, nil).s
	for _, c := range []struct {
		field string
		r     ChallengeRequest
	}{
		{"to", ChallengeRequest{To: "1380013"}},
		{"template", ChallengeRequest{To: phoneA, Template: "no code"}},
		{"template", ChallengeRequest{To: phoneA, Template: Placeholder + strings.Repeat("x", 153)}},
		{"template", ChallengeRequest{To: phoneA, Template: "工信部 " + Placeholder, AsIs: true}},
		{"template", ChallengeRequest{To: phoneA, Template: "call 9512345, " + Placeholder}},
		{"template", ChallengeRequest{To: phoneA, Template: strings.Repeat("码", 65) + Placeholder}},
		{"language", ChallengeRequest{To: phoneA, Language: "fr"}},
		{"ttl", ChallengeRequest{To: phoneA, Life: 25 * time.Hour}},
		{"max_tries", ChallengeRequest{To: phoneA, MaxWrong: 6}},
		{"max_sends", ChallengeRequest{To: phoneA, MaxSends: -1}},
	} {
		var invalid Invalid
		if _, err := s.readChallenge(c.r); !errors.As(err, &invalid) || len(invalid) != 1 || invalid[0].Field != c.field {
			t.Errorf("%s: %v", c.field, err)
		}
	}
	for _, to := range []string{"+861012345678", "+447700900123"} {
		var no NotAllowed
		if _, err := s.readChallenge(ChallengeRequest{To: to}); !errors.As(err, &no) {
			t.Error(err)
		}
	}
	long, err := s.readChallenge(ChallengeRequest{To: phoneA, Template: strings.Repeat("码", 150) + Placeholder, AsIs: true})
	if err != nil || !long.long {
		t.Error(err)
	}
	for _, language := range []string{"zh", "en"} {
		if in, err := s.readChallenge(ChallengeRequest{To: phoneA, Language: language, Life: 90 * time.Minute}); err != nil || strings.Contains(in.Template, "{life}") {
			t.Error(in.Template, err)
		}
	}
}
