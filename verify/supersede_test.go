package verify

import (
	"errors"
	"testing"
	"time"
)

// file creates a filing that may be refused.
func (b *bench) file(r FilingRequest) (f Filing, err error) {
	in, err := receive(r, b.s.policy)
	if err != nil {
		return f, err
	}
	err = b.m.Update(b.t.Context(), func(tx Tx) (err error) {
		f, _, err = b.s.create(b.t.Context(), tx, in, b.now)
		return err
	})
	return f, err
}

func superseding(id string) FilingRequest {
	r := two()
	r.Supersedes = id
	return r
}

func TestANewFilingSupersedesAnOpenOneWhichIsRejectedItsCodesVoidItsQueuedSMSCancelled(t *testing.T) {
	b := newBench(t, nil)
	old := b.create(two())
	codeA := b.code(b.of(old, 0))
	expect(t, "one of the old", b.check(b.code(b.of(old, 1)), phoneB, tailB), ResultVerified)
	f := b.create(superseding(old.ID))
	was := b.m.rows.filings[old.ID]
	if was.State != FilingRejected || was.Reason != ReasonSuperseded || was.By != f.ID || f.Supersedes != old.ID || f.State != FilingVerifying {
		t.Fatalf("%s, %s, by %q", was.State, was.Reason, was.By)
	}
	if c := b.of(old, 0); c.State != ChallengeVoid || c.Reason != ReasonSuperseded || !b.lastSMS(c).cancelled {
		t.Errorf("%s, %s, SMS %s", c.State, c.Reason, b.lastSMS(c).state)
	}
	for typ, want := range map[string]int{"filing.rejected": 1, "filing.superseded": 1, "filing.passed": 0} {
		if n := b.m.counted(typ, old.ID); n != want {
			t.Errorf("%d of %s", n, typ)
		}
	}
	if a := b.check(codeA, phoneA, tailA); a.Result != ResultWrong || a.FilingID != f.ID {
		t.Errorf("the old code is a wrong one for the new filing: %+v", a)
	}
	expect(t, "new A", b.check(b.code(b.of(f, 0)), phoneA, tailA), ResultVerified)
	expect(t, "new B, who verified in the old one, verifies again", b.check(b.code(b.of(f, 1)), phoneB, tailB), ResultPassed)
}

func TestANewFilingSupersedesARejectedOneWhichStaysAsItIs(t *testing.T) {
	b := newBench(t, nil)
	old := b.create(two())
	for i := range 5 {
		b.check(b.wrong(i), phoneA, tailA)
	}
	ended := b.m.rows.filings[old.ID].Ended
	b.pass(time.Hour)
	f := b.create(superseding(old.ID))
	was := b.m.rows.filings[old.ID]
	if was.State != FilingRejected || was.Reason != ReasonTooManyAttempts || !was.Ended.Equal(ended) || was.By != f.ID {
		t.Errorf("%s, %s, by %q", was.State, was.Reason, was.By)
	}
	if b.m.counted("filing.rejected", old.ID) != 1 || b.m.counted("filing.superseded", old.ID) != 1 {
		t.Error("told twice, or not at all")
	}
}

func TestAFilingPastItsDeadlineIsSupersededAsWhatItIs(t *testing.T) {
	b := newBench(t, nil)
	old := b.create(one())
	b.accept(b.of(old, 0))
	b.pass(25 * time.Hour)
	b.create(superseding(old.ID))
	if state, reason := b.state(old); state != FilingRejected || reason != ReasonExpired {
		t.Error(state, reason)
	}
}

func TestWhatHasPassedWasCancelledOrIsSupersededAlreadyCannotBeSupersededAndNothingIsStored(t *testing.T) {
	b := newBench(t, nil)
	passed, cancelled, gone := b.create(one()), b.create(one()), b.create(one())
	expect(t, "passed", b.check(b.code(b.of(passed, 0)), phoneA, tailA), ResultPassed)
	b.tx(func(tx Tx) error {
		_, err := b.s.cancel(t.Context(), tx, Everyone, cancelled.ID, "", b.now)
		return err
	})
	b.create(superseding(gone.ID))
	filings, events := len(b.m.rows.filings), len(b.m.rows.events)
	for _, one := range []struct {
		what, id string
		want     error
	}{{"passed", passed.ID, ErrNotSupersedable}, {"cancelled", cancelled.ID, ErrNotSupersedable}, {"superseded", gone.ID, ErrSuperseded}} {
		if _, err := b.file(superseding(one.id)); !errors.Is(err, one.want) {
			t.Errorf("%s: %v", one.what, err)
		}
	}
	var invalid Invalid
	if _, err := b.file(superseding("nothing")); !errors.As(err, &invalid) || invalid[0].Field != "supersedes" {
		t.Error(err)
	}
	if len(b.m.rows.filings) != filings || len(b.m.rows.events) != events {
		t.Error("something was stored")
	}
}

func TestAFilingThatSupersedesIsRepeatedUnderItsReferenceAndAnotherSupersedesIsAConflict(t *testing.T) {
	b := newBench(t, nil)
	old, other := b.create(one()), b.create(one())
	r := superseding(old.ID)
	r.Reference = "again-1"
	f := b.create(r)
	if again := b.create(r); again.ID != f.ID {
		t.Error("it was filed twice")
	}
	r.Supersedes = other.ID
	if _, err := b.file(r); !errors.Is(err, ErrReferenceConflict) {
		t.Error(err)
	}
	if state, _ := b.state(other); state != FilingVerifying {
		t.Error(state)
	}
}

func TestAPhoneIsFiledAgainAtMostFiveTimesADay(t *testing.T) {
	b := newBench(t, nil)
	id := b.create(two()).ID
	start := b.now
	for i := range 5 {
		b.now = start.Add(time.Duration(i) * time.Hour)
		id = b.create(superseding(id)).ID
	}
	other := two() // only one phone of it was filed again before
	other.Persons[0].Mobile, other.Supersedes = phoneC, id
	for _, r := range []FilingRequest{superseding(id), other} {
		_, err := b.file(r)
		var many TooManyFilings
		if !errors.As(err, &many) || many.Wait != 20*time.Hour {
			t.Fatalf("%v, wait %s", err, many.Wait)
		}
	}
	if state, _ := b.state(Filing{ID: id}); state != FilingVerifying {
		t.Error("a refused one ended the old one:", state)
	}
	b.create(two()) // a filing that supersedes nothing is no resubmission
	b.now = start.Add(24 * time.Hour)
	b.create(superseding(id))
}
