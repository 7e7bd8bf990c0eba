package verify

import (
	"reflect"
	"testing"
	"time"
)

// contact is a contact check of one phone.
func contact() FilingRequest {
	return FilingRequest{Type: "contact_check", Persons: []PersonRequest{{Role: "website_head", Site: "a.cn", Mobile: phoneA}}}
}

func (b *bench) checkNamed(code, mobile, tail, filing string) (a Answer) {
	in, faults := b.s.readCheck(CheckRequest{Code: code, Mobile: mobile, Tail: tail, FilingID: filing})
	if faults != nil {
		return malformed(faults)
	}
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.check(b.t.Context(), tx, in, b.now)
		return err
	})
	return a
}

func TestAContactCheckAsksForNoTailAndTakesAny(t *testing.T) {
	for _, tail := range []string{tailA, tailB, "999999"} {
		b := newBench(t, nil)
		f := b.create(contact())
		expect(t, "with the tail "+tail, b.check(b.code(f.Challenges[0]), phoneA, tail), ResultPassed)
	}
	b := newBench(t, nil)
	f := b.create(contact())
	expect(t, "without a tail, its filing named", b.checkNamed(b.code(f.Challenges[0]), phoneA, "", f.ID), ResultPassed)
}

func TestAWrongCodeOfAContactCheckIsChargedAndToldOnlyToWhoNamesTheFiling(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(contact())
	for i := range 4 {
		a := b.check(b.wrong(i+1), phoneA, tailA)
		expect(t, "a wrong code", a, ResultNoRecord)
		if a.TriesLeft != nil || a.FilingID != "" {
			t.Errorf("it tells %+v", a)
		}
	}
	if c := b.challenge(f.Challenges[0].ID); c.Wrong != 4 || c.State.Terminal() {
		t.Fatalf("%d wrong, %s", c.Wrong, c.State)
	}
	expect(t, "the fifth, with the filing named", b.checkNamed(b.wrong(9), phoneA, "", f.ID), ResultFinal)
	if c := b.challenge(f.Challenges[0].ID); c.State != ChallengeLocked {
		t.Error(c.State)
	}
	expect(t, "the right code after the lock", b.check(b.code(f.Challenges[0]), phoneA, tailA), ResultNoRecord)
}

func TestAContactCheckBesideAFilingTakesNothingFromIt(t *testing.T) {
	b := newBench(t, nil)
	other := b.create(one())
	f := b.create(contact())
	a := b.check(b.wrong(1), phoneA, tailA)
	expect(t, "a wrong code with the filing's tail", a, ResultWrong)
	if a.TriesLeft == nil || *a.TriesLeft != 4 || b.challenge(f.Challenges[0].ID).Wrong != 1 {
		t.Errorf("%+v", a)
	}
	expect(t, "the filing's code with another tail", b.check(b.code(other.Challenges[0]), phoneA, tailB), ResultNoRecord)
	expect(t, "the filing without its tail", b.checkNamed(b.code(other.Challenges[0]), phoneA, "", other.ID), ResultFailed)
	expect(t, "the filing's own", b.check(b.code(other.Challenges[0]), phoneA, tailA), ResultPassed)
	if got := b.challenge(f.Challenges[0].ID); got.State.Terminal() {
		t.Error(got.State)
	}
	expect(t, "and the contact check's", b.check(b.code(f.Challenges[0]), phoneA, "999999"), ResultPassed)
}

func TestAContactCheckIsSentAgainOnlyWhereItsFilingIsNamed(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(contact())
	b.accept(f.Challenges[0])
	b.pass(10 * time.Minute)
	expect(t, "by its phone alone", b.resend(phoneA, tailA), ResultNoRecord)
	in, faults := b.s.read(phoneA, "", f.ID, false)
	if faults != nil {
		t.Fatal(faults)
	}
	in.door = "resend"
	var a Answer
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.resend(t.Context(), tx, in, b.now)
		return err
	})
	expect(t, "its filing named", a, ResultSent)
}

func TestNoTailIsKeptOfAContactCheckAndItsPhoneIsTheOneOnRecord(t *testing.T) {
	b := newBench(t, nil)
	r := contact()
	r.Persons[0].CertificateTail = tailA
	f := b.create(r)
	if got := f.Persons[0].TailMACs; len(got) != 1 || anyEqual(got, b.s.vault.MACs("tail", []byte(tailA))) {
		t.Error("a tail is kept")
	}
	if _, fault := foldTail(noTail); fault == "" {
		t.Error("somebody could enter it")
	}
	if _, err := b.amend(f, 0, AmendRequest{Mobile: phoneC}); err != ErrOnRecord {
		t.Error(err)
	}
	if after, err := b.amend(f, 0, AmendRequest{CertificateTail: tailB}); err != nil || after.Persons[0].Amended != 0 {
		t.Errorf("a certificate: %v", err)
	}
}

// checkTailless enters a code where a person says that no tail is asked for.
func (b *bench) checkTailless(code, mobile string) (a Answer) {
	in, faults := b.s.readCheck(CheckRequest{Code: code, Mobile: mobile, NoTail: true})
	if faults != nil {
		return malformed(faults)
	}
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.check(b.t.Context(), tx, in, b.now)
		return err
	})
	return a
}

func TestWhoSaysThatNoTailIsAskedForIsComparedWithContactChecksAlone(t *testing.T) {
	b := newBench(t, nil)
	other, f := b.create(one()), b.create(contact())
	wrong, nobody := b.checkTailless(b.wrong(1), phoneA), b.checkTailless(b.wrong(1), phoneB)
	expect(t, "a wrong code", wrong, ResultNoRecord)
	if !reflect.DeepEqual(wrong, nobody) {
		t.Errorf("a phone without a contact check is told %+v, one with %+v", nobody, wrong)
	}
	expect(t, "the code of a filing that asks for a tail", b.checkTailless(b.code(other.Challenges[0]), phoneA), ResultNoRecord)
	if c := b.challenge(other.Challenges[0].ID); c.Wrong != 0 || c.State.Terminal() {
		t.Errorf("the filing was charged: %d wrong, %s", c.Wrong, c.State)
	}
	if c := b.challenge(f.Challenges[0].ID); c.Wrong != 2 {
		t.Errorf("the contact check was charged %d times, of two wrong codes", c.Wrong)
	}
	expect(t, "the right code", b.checkTailless(b.code(f.Challenges[0]), phoneA), ResultPassed)
}
