package verify

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const phoneC, tailC = "13700137000", "654321"

// amend changes a person, given by place.
func (b *bench) amend(f Filing, who int, r AmendRequest) (after Filing, err error) {
	in, err := b.s.readAmendment(r)
	if err != nil {
		return f, err
	}
	var refused error
	b.tx(func(tx Tx) (err error) {
		after, refused, err = b.s.amend(b.t.Context(), tx, AmendRequest{Owner: Everyone, FilingID: f.ID, PersonID: b.m.rows.filings[f.ID].Persons[who].ID}, in, b.now)
		return err
	})
	return after, refused
}

func (b *bench) mustAmend(f Filing, who int, r AmendRequest) Filing {
	b.t.Helper()
	after, err := b.amend(f, who, r)
	if err != nil {
		b.t.Fatal(err)
	}
	return after
}

// of is the challenge of a person as it is now.
func (b *bench) of(f Filing, who int) Challenge {
	return b.challenge(b.m.rows.filings[f.ID].Persons[who].ChallengeID)
}

func TestAChangedPhoneVoidsTheChallengeCancelsItsQueuedSMSAndOpensANewOneInTheSameFiling(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	old := b.of(f, 0)
	oldCode := b.code(old)
	after := b.mustAmend(f, 0, AmendRequest{Mobile: phoneC})
	if c := b.challenge(old.ID); c.State != ChallengeVoid || c.Reason != ReasonAmended || c.CodeMAC != nil || !b.lastSMS(c).cancelled {
		t.Errorf("the old one is %s, %s, its SMS %s", c.State, c.Reason, b.lastSMS(c).state)
	}
	fresh := b.of(f, 0)
	if fresh.ID == old.ID || fresh.State != ChallengeSending || b.lastSMS(fresh).To.National() != phoneC || fresh.Wrong != 0 || fresh.Sends != 1 {
		t.Errorf("the new one: %+v", fresh)
	}
	if p := after.Persons[0]; p.Mobile != "137****7000" || p.Amended != 1 || p.State != PersonWaiting || len(after.Challenges) != 3 {
		t.Errorf("%+v, %d challenges", p, len(after.Challenges))
	}
	expect(t, "the old code at the old phone", b.check(oldCode, phoneA, tailA), ResultFinal)
	expect(t, "the new code at the old phone", b.check(b.code(fresh), phoneA, tailA), ResultFinal)
	expect(t, "the new code at the new phone", b.check(b.code(fresh), phoneC, tailA), ResultVerified)
	expect(t, "the other person", b.check(b.code(b.of(f, 1)), phoneB, tailB), ResultPassed)
	if n := b.m.counted("person.amended", f.ID); n != 1 || b.m.counted("filing.passed", f.ID) != 1 {
		t.Errorf("%d person.amended", n)
	}
}

func TestAChangedCertificateVoidsTheChallengeAndTheOldTailOpensNothing(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	old := b.of(f, 0)
	b.check(b.wrong(1), phoneA, tailA)
	b.mustAmend(f, 0, AmendRequest{CertificateType: "resident_id", Certificate: "11010519491231002X", SecondCertificateTail: tailC})
	fresh := b.of(f, 0)
	if b.challenge(old.ID).State != ChallengeVoid || fresh.Wrong != 0 || b.lastSMS(fresh).To.National() != phoneA {
		t.Errorf("%s, then %+v", b.challenge(old.ID).State, fresh)
	}
	code := b.code(fresh)
	expect(t, "the old tail", b.check(code, phoneA, tailA), ResultFinal)
	expect(t, "a second tail", b.check(code, phoneA, tailC), ResultPassed)
}

func TestAnAmendmentAtTheSamePhoneKeepsTheLimitsOfThePhone(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.SMSGap, p.SMSPerDay = time.Minute, 2 })
	f := b.create(one())
	b.deliver(b.of(f, 0))
	b.mustAmend(f, 0, AmendRequest{CertificateTail: tailC})
	if c := b.of(f, 0); c.State != ChallengeNew || len(b.m.rows.texts) != 1 {
		t.Fatalf("%s, %d SMS within a minute", c.State, len(b.m.rows.texts))
	}
	b.pass(time.Minute)
	b.sweep()
	if c := b.of(f, 0); c.State != ChallengeSending {
		t.Fatal(c.State)
	}
	b.mustAmend(f, 0, AmendRequest{CertificateTail: tailB})
	b.pass(time.Hour)
	b.sweep()
	if c := b.of(f, 0); c.State != ChallengeNew || len(b.m.rows.texts) != 2 {
		t.Fatalf("%s, %d SMS in a day", c.State, len(b.m.rows.texts))
	}
}

func shared() FilingRequest {
	r := two()
	r.Persons[1].Mobile = phoneA
	return r
}

func TestWhoLeavesASharedPhoneTakesANewChallengeAndTheOtherKeepsTheCodeWithoutTheLeaversTail(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(shared())
	stays := b.of(f, 1)
	code := b.code(stays)
	b.mustAmend(f, 0, AmendRequest{Mobile: phoneC})
	if c := b.challenge(stays.ID); c.State != ChallengeSending || b.lastSMS(c).cancelled || b.of(f, 1).ID != c.ID || len(c.TailMACs) != 1 {
		t.Fatalf("who stays has %s, %d tails, cancelled %t", c.State, len(c.TailMACs), b.lastSMS(c).cancelled)
	}
	if len(b.m.rows.texts) != 2 {
		t.Errorf("%d SMS", len(b.m.rows.texts))
	}
	expect(t, "the tail of who left", b.check(code, phoneA, tailA), ResultNoRecord)
	a := b.check(code, phoneA, tailB)
	expect(t, "who stayed", a, ResultVerified)
	if !slices.Equal(a.Roles, []Role{WebsiteHead}) {
		t.Errorf("verified as %v", a.Roles)
	}
	expect(t, "who left", b.check(b.code(b.of(f, 0)), phoneC, tailA), ResultPassed)
}

func TestTheSameHumanInTwoRolesWhoLeavesWithOneKeepsTheTailForTheOther(t *testing.T) {
	b := newBench(t, nil)
	r := shared()
	r.Persons[1].CertificateTail = tailA
	f := b.create(r)
	b.mustAmend(f, 0, AmendRequest{Mobile: phoneC})
	expect(t, "the role that stayed", b.check(b.code(b.of(f, 1)), phoneA, tailA), ResultVerified)
}

func TestWhoComesToAPhoneWithAnOpenChallengeOfTheFilingJoinsItAndNoSMSGoesOut(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	left, joined := b.of(f, 0), b.of(f, 1)
	b.mustAmend(f, 0, AmendRequest{Mobile: phoneB})
	if b.of(f, 0).ID != joined.ID || b.challenge(left.ID).State != ChallengeVoid || !b.lastSMS(left).cancelled || len(b.m.rows.texts) != 2 {
		t.Fatalf("%s, left is %s, %d SMS", b.of(f, 0).ID, b.challenge(left.ID).State, len(b.m.rows.texts))
	}
	a := b.check(b.code(joined), phoneB, tailA) // either tail
	expect(t, "the joined code", a, ResultPassed)
	if len(a.Roles) != 2 {
		t.Errorf("verified as %v", a.Roles)
	}
}

func TestWhoComesToAPhoneWhoseOwnerHasVerifiedGetsAChallengeOfTheirOwn(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	done := b.of(f, 1)
	expect(t, "the other", b.check(b.code(done), phoneB, tailB), ResultVerified)
	b.mustAmend(f, 0, AmendRequest{Mobile: phoneB})
	if c := b.of(f, 0); c.ID == done.ID || c.State.Terminal() {
		t.Fatal(c.ID, c.State)
	}
	expect(t, "the last", b.check(b.code(b.of(f, 0)), phoneB, tailA), ResultPassed)
}

func TestACertificateChangedAtASharedPhoneGivesAllWhoShareItOneNewChallenge(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(shared())
	old := b.of(f, 0)
	b.mustAmend(f, 0, AmendRequest{CertificateTail: tailC})
	c := b.of(f, 0)
	if c.ID == old.ID || b.of(f, 1).ID != c.ID || b.challenge(old.ID).State != ChallengeVoid || len(c.TailMACs) != 2 || len(b.m.rows.texts) != 2 {
		t.Fatalf("%+v", c)
	}
	if p := b.m.rows.filings[f.ID].Persons; p[0].Amended != 1 || p[1].Amended != 0 {
		t.Errorf("amended %d and %d times", p[0].Amended, p[1].Amended)
	}
	expect(t, "the old tail", b.check(b.code(c), phoneA, tailA), ResultFinal)
	a := b.check(b.code(c), phoneA, tailB)
	expect(t, "the other's tail", a, ResultPassed)
	if len(a.Roles) != 2 {
		t.Errorf("verified as %v", a.Roles)
	}
}

func TestAPersonIsAmendedAtMostTwiceAndTheSameAgainIsNotCounted(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(two())
	for i, mobile := range []string{phoneC, "13600136000"} {
		for range 3 { // a lost answer, and the request again
			if got := b.mustAmend(f, 0, AmendRequest{Mobile: mobile, CertificateTail: tailA}); got.Persons[0].Amended != i+1 {
				t.Fatalf("amended %d times", got.Persons[0].Amended)
			}
		}
	}
	before := len(b.m.rows.events)
	if _, err := b.amend(f, 0, AmendRequest{Mobile: phoneA}); !errors.Is(err, ErrAmendCap) || len(b.m.rows.events) != before {
		t.Error(err)
	}
	b.mustAmend(f, 1, AmendRequest{Mobile: phoneA}) // the other has a count of their own
}

func TestAnAmendmentIsRefusedClearlyWhereThereIsNothingLeftToChange(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.RejectOnLock = RejectAtDeadline })
	refuse := func(what string, f Filing, who int, want error) {
		t.Helper()
		if _, err := b.amend(f, who, AmendRequest{Mobile: phoneC}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	f := b.create(two())
	b.check(b.code(b.of(f, 0)), phoneA, tailA)
	refuse("verified", f, 0, ErrPersonVerified)
	b.check(b.code(b.of(f, 1)), phoneB, tailB)
	refuse("passed", f, 1, ErrPersonVerified)
	f = b.create(two())
	for i := range 5 {
		b.check(b.wrong(i), phoneA, tailA)
	}
	refuse("locked, the filing not rejected yet", f, 0, ErrPersonFailed)
	b.pass(24 * time.Hour)
	refuse("past the deadline", f, 1, ErrFilingClosed)
	if state, _ := b.state(f); state != FilingRejected {
		t.Errorf("the deadline was seen and not stored: %s", state)
	}
	r := one()
	r.Persons = append(r.Persons, PersonRequest{Role: "website_head", Site: "a.example"})
	refuse("need not verify", b.create(r), 1, ErrNotNeeded)
	if _, err := b.s.AmendPerson(t.Context(), AmendRequest{Owner: Everyone, FilingID: "none", PersonID: "none", Mobile: phoneC}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := b.s.AmendPerson(t.Context(), AmendRequest{Owner: Everyone, FilingID: f.ID, PersonID: "none", Mobile: phoneC}); !errors.Is(err, ErrNoPerson) {
		t.Error(err)
	}
}

func TestABadAmendmentIsRefusedByItsFields(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	for want, r := range map[string]AmendRequest{
		"mobile: is missing, and so is the ID document": {},
		"mobile: is no mobile number":                   {Mobile: "12800138000"},
		"mobile: is missing: the emergency number":      {EmergencyMobile: phoneC},
		"mobile: is the emergency number":               {Mobile: phoneC, EmergencyMobile: phoneC},
		"certificate_tail: must be the last 6":          {CertificateTail: "12345"},
		"certificate: is no valid number":               {Certificate: "110105194912310021"},
		"second_certificate_tail: is a third tail":      {Certificate: "11010519491231002X", CertificateTail: tailA, SecondCertificateTail: tailB},
	} {
		if _, err := b.amend(f, 0, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if b.m.counted("person.amended", "") != 0 {
		t.Error("something was changed")
	}
}

func TestALateReportOfALeftChallengeOnlyAddsData(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	old := b.of(f, 0)
	b.network(old, "submitting", time.Time{}, time.Time{})
	b.mustAmend(f, 0, AmendRequest{Mobile: phoneC})
	b.pass(time.Minute)
	b.deliver(old)
	if c := b.challenge(old.ID); c.State != ChallengeVoid || c.Delivered.IsZero() {
		t.Errorf("%s, delivered %s", c.State, c.Delivered)
	}
	if state, _ := b.state(f); state != FilingVerifying {
		t.Error(state)
	}
	b.pass(25 * time.Hour) // and its deadline is nobody's any more
	b.sweep()
	if c := b.challenge(old.ID); c.State != ChallengeVoid {
		t.Error(c.State)
	}
}
