package verify

import (
	"context"
	"errors"
	"testing"
	"time"
)

func (b *bench) refile(id, reference string) (f Filing, created bool, err error) {
	err = b.m.Update(context.Background(), func(tx Tx) (err error) {
		f, created, err = b.s.resubmit(context.Background(), tx, ResubmitRequest{Everyone, id, reference}, b.now)
		return err
	})
	return f, created, err
}

// fail lets the persons of a filing run out of time, the first after verifying.
func (b *bench) fail(f Filing) Filing {
	for _, c := range f.Challenges {
		b.accept(c)
	}
	if len(f.Challenges) > 1 {
		b.check(b.code(f.Challenges[0]), phoneA, tailA)
	}
	b.pass(25 * time.Hour)
	b.sweep()
	return b.m.rows.filings[f.ID]
}

func TestARejectedFilingIsSubmittedAgainWithTheSameDataAndNewCodes(t *testing.T) {
	b := newBench(t, nil)
	r := two()
	r.Origin, r.Reference, r.Callback, r.Province, r.Entity = "platform", "order-1", "https://platform.example/x", "浙江", "Example"
	old := b.fail(b.create(r))
	if old.State != FilingRejected {
		t.Fatal(old.State)
	}
	f, created, err := b.refile(old.ID, "order-1b")
	if err != nil || !created {
		t.Fatal(created, err)
	}
	if f.State != FilingVerifying || f.Origin != "platform" || f.Reference != "order-1b" || f.Callback != r.Callback || f.Province != "zhejiang" || f.Supersedes != old.ID || len(f.Challenges) != 2 {
		t.Errorf("%+v", f)
	}
	if was := b.m.rows.filings[old.ID]; was.By != f.ID || was.State != FilingRejected || was.Reason != ReasonExpired {
		t.Errorf("the old one: %+v", was)
	}
	b.s.openNames(&f)
	for i, p := range f.Persons {
		if p.Name != r.Persons[i].Name || p.State != PersonWaiting || p.ID == old.Persons[i].ID || p.Mobile != old.Persons[i].Mobile || p.Site != old.Persons[i].Site || !p.Verified.IsZero() {
			t.Errorf("%+v", p)
		}
	}
	same, created, err := b.refile(old.ID, "")
	if err != nil || created || same.ID != f.ID || len(same.Challenges) != 2 {
		t.Errorf("again: %s, created %t, %v", same.ID, created, err)
	}
	for _, one := range []struct{ phone, tail string }{{phoneA, tailA}, {phoneB, tailB}} {
		for _, c := range f.Challenges {
			if b.lastSMS(c).To.National() == one.phone {
				b.check(b.code(c), one.phone, one.tail)
			}
		}
	}
	if got := b.m.rows.filings[f.ID]; got.State != FilingPassed {
		t.Error(got.State)
	}
	if b.m.counted("filing.resubmitted", old.ID) != 1 || b.m.counted("filing.received", f.ID) != 1 || b.m.counted("filing.passed", f.ID) != 1 {
		t.Errorf("%+v", b.m.rows.events)
	}
}

func TestOnlyARejectedFilingWhoseDataAreKeptIsSubmittedAgain(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.ResubmitsPerDay = 1 })
	open := b.create(one())
	if _, _, err := b.refile(open.ID, ""); !errors.Is(err, ErrNotResubmittable) {
		t.Errorf("open: %v", err)
	}
	b.check(b.code(open.Challenges[0]), phoneA, tailA)
	if _, _, err := b.refile(open.ID, ""); !errors.Is(err, ErrNotResubmittable) {
		t.Errorf("passed: %v", err)
	}
	if _, _, err := b.refile("none", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	taken := one()
	taken.Reference = "taken"
	b.create(taken)
	rejected := b.fail(b.create(one()))
	if _, _, err := b.refile(rejected.ID, "taken"); !errors.Is(err, ErrReferenceConflict) {
		t.Errorf("a reference that is another's: %v", err)
	}
	first, _, err := b.refile(rejected.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	first = b.fail(first)
	var many TooManyFilings
	b.pass(-2 * time.Hour) // within a day of the first
	if _, _, err := b.refile(first.ID, ""); !errors.As(err, &many) || many.Wait <= 0 {
		t.Errorf("over the limit of the phone: %v", err)
	}
	b.pass(2 * time.Hour)
	c := b.m.rows.challenges[first.Persons[0].ChallengeID]
	c.NumberSealed = nil // as wiping leaves it
	b.m.rows.challenges[c.ID] = c
	if _, _, err := b.refile(first.ID, ""); !errors.Is(err, ErrWiped) {
		t.Errorf("wiped: %v", err)
	}
	superseder := one()
	superseder.Supersedes = first.ID
	b.create(superseder)
	if _, _, err := b.refile(first.ID, ""); !errors.Is(err, ErrSuperseded) {
		t.Errorf("superseded by another: %v", err)
	}
}

func TestAFilingIsSubmittedAgainByItselfAsOftenAsMayBeAndTheEndIsToBeSeen(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.MaxResubmits = 2 })
	r := one()
	r.ResubmitAfter = time.Hour
	f := b.create(r)
	for i := range 3 {
		old := b.fail(f)
		if i == 2 {
			if !old.ResubmitDue.IsZero() {
				t.Errorf("a third time is due at %s", old.ResubmitDue)
			}
			break
		}
		if due := old.ResubmitDue.Sub(old.Ended); due != time.Hour {
			t.Fatalf("due %s after its end", due)
		}
		b.pass(59 * time.Minute)
		b.sweep()
		if by := b.m.rows.filings[f.ID].By; by != "" {
			t.Fatal("too early")
		}
		b.pass(time.Minute)
		if next := b.sweep(); next.IsZero() {
			t.Error("the sweeper would not come again")
		}
		f = b.m.rows.filings[b.m.rows.filings[f.ID].By]
		f.Challenges, _ = memoryTx{b.m}.ChallengesOfFiling(t.Context(), f.ID)
		if f.ID == "" || f.Resubmits != i+1 || f.ResubmitAfter != time.Hour || f.State != FilingVerifying {
			t.Fatalf("%+v", f)
		}
	}
}

func TestALimitPutsASubmissionByItselfOffAndWhatWillNotChangeEndsIt(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.ResubmitsPerDay = 1; p.Life = time.Hour })
	r := one()
	r.ResubmitAfter = time.Minute
	f := b.create(r)
	fail := func(f Filing) Filing {
		f.Challenges, _ = memoryTx{b.m}.ChallengesOfFiling(t.Context(), f.ID)
		b.accept(f.Challenges[0])
		b.pass(time.Hour)
		b.sweep()
		b.pass(time.Minute)
		b.sweep()
		return b.m.rows.filings[f.ID]
	}
	second := b.m.rows.filings[fail(f).By]
	if second.ID == "" {
		t.Fatal("not submitted again")
	}
	late := fail(second)
	if late.By != "" || late.ResubmitDue.Sub(b.now) < 20*time.Hour {
		t.Errorf("put off until %s, by %q", late.ResubmitDue, late.By)
	}
	c := b.m.rows.challenges[late.Persons[0].ChallengeID]
	c.NumberSealed = nil
	b.m.rows.challenges[c.ID] = c
	b.pass(24 * time.Hour)
	b.sweep()
	if late = b.m.rows.filings[late.ID]; !late.ResubmitDue.IsZero() || late.By != "" || b.m.counted("filing.not_resubmitted", late.ID) != 1 {
		t.Errorf("%+v", late)
	}
}

func TestAFilingThatIsToBeSubmittedAgainByItselfIsNotWhenItIsCancelledOrSuperseded(t *testing.T) {
	b := newBench(t, nil)
	r := one()
	r.ResubmitAfter = time.Minute
	f := b.fail(b.create(r))
	if _, err := b.s.CancelFiling(t.Context(), Everyone, f.ID, ""); err != nil {
		t.Fatal(err)
	}
	if got := b.m.rows.filings[f.ID]; got.State != FilingRejected || !got.ResubmitDue.IsZero() {
		t.Errorf("cancelled: %s, due %s", got.State, got.ResubmitDue)
	}
	_, err := b.s.CancelFiling(t.Context(), Everyone, f.ID, "")
	if !errors.Is(err, ErrFilingClosed) {
		t.Errorf("cancelled twice: %v", err)
	}
	g := b.fail(b.create(r))
	newer := one()
	newer.Supersedes = g.ID
	b.create(newer)
	b.pass(time.Hour)
	b.sweep()
	if got := b.m.rows.filings[g.ID]; !got.ResubmitDue.IsZero() || b.m.counted("filing.resubmitted", "") != 0 {
		t.Errorf("superseded: due %s", got.ResubmitDue)
	}
}
