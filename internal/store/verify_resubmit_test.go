package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"attestd/verify"
)

func TestASubmissionByItselfSurvivesRestartsAndIsMadeWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		req := twoPersons()
		req.ResubmitAfter, req.Entity, req.Province = 2*time.Hour, "Example Ltd.", "浙江"
		f := r.file(req)
		synctest.Wait()
		time.Sleep(25 * time.Hour)
		sweep := func() time.Time {
			next, err := r.v.Sweep(context.Background(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		next := sweep()
		if got := r.filing(f.ID); got.State != verify.FilingRejected || got.ResubmitDue.IsZero() || next.After(got.ResubmitDue) || got.ResubmitAfter != 2*time.Hour {
			t.Fatalf("%s, due %s, next %s", got.State, got.ResubmitDue, next)
		}
		r.restart(true)
		sweep()
		if got := r.filing(f.ID); got.By != "" {
			t.Error("too early")
		}
		time.Sleep(2 * time.Hour)
		r.restart(true)
		sweep()
		synctest.Wait()
		old := r.filing(f.ID)
		if old.By == "" || !old.ResubmitDue.IsZero() {
			t.Fatalf("not submitted again: due %s", old.ResubmitDue)
		}
		got := r.filing(old.By)
		if !got.Resubmitted || got.Resubmits != 1 || got.Origin != old.Origin || got.Province != "zhejiang" || len(got.Entity) == 0 || len(r.modem.sent(phoneA)) != 2 {
			t.Errorf("%+v, %d SMS", got, len(r.modem.sent(phoneA)))
		}
		if a := r.check(r.code(phoneA), phoneA, tailA); a != verify.ResultVerified {
			t.Error(a)
		}
		if a := r.check(r.code(phoneB), phoneB, tailB); a != verify.ResultPassed {
			t.Error(a)
		}
	})
}

func TestAFilingThatWasWipedIsNotSubmittedAgainAndItsEntityIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		req := onePerson()
		req.Entity = "Example Ltd."
		f := r.file(req)
		synctest.Wait()
		time.Sleep(25 * time.Hour)
		if _, err := r.v.Sweep(context.Background(), time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := r.s.Wipe(context.Background(), time.Now(), Keep{}); err != nil {
			t.Fatal(err)
		}
		if got := r.filing(f.ID); got.Entity != nil {
			t.Error("the entity is kept")
		}
		if _, _, err := r.v.ResubmitFiling(context.Background(), verify.ResubmitRequest{Owner: "platform", FilingID: f.ID}); err != verify.ErrWiped {
			t.Error(err)
		}
	})
}

func TestAnotherEntityOfANumberIsFoundInTheDatabaseAmongOnesOwnFilingsOnly(t *testing.T) {
	r := newRig(t, nil)
	r.restart(false)
	file := func(owner, entity string) (codes []string) {
		req := onePerson()
		req.Owner, req.Entity = owner, entity
		f, _, err := r.v.CreateFiling(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range f.Warnings {
			codes = append(codes, w.Code)
		}
		return codes
	}
	file("a", "Example Ltd.")
	if got := file("a", "Other"); len(got) != 1 || got[0] != verify.WarnEntity {
		t.Errorf("the same client: %v", got)
	}
	if got := file("b", "Third"); len(got) != 0 {
		t.Errorf("another client: %v", got)
	}
}
