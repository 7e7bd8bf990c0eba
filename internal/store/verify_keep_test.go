package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/verify"
)

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
		elsewhere.Owner, elsewhere.Origin = "another platform", "another platform"
		if f2, created, err := r.v.CreateFiling(t.Context(), elsewhere); err != nil || !created || f2.ID == f.ID {
			t.Fatal(created, err)
		}
		req.Persons[0].CertificateTail = "000000"
		if _, _, err := r.v.CreateFiling(t.Context(), req); !errors.Is(err, verify.ErrReferenceConflict) {
			t.Fatal(err)
		}
		page, next, err := r.v.Filings(t.Context(), verify.FilingQuery{Owner: verify.Everyone, Limit: 1})
		if err != nil || len(page) != 1 || next == "" {
			t.Fatal(page, next, err)
		}
		page, next, err = r.v.Filings(t.Context(), verify.FilingQuery{Limit: 1, Before: next, Owner: "platform"})
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
			return tx.Emit(t.Context(), "filler", "", "", map[string]string{"x": strings.ToValidUTF8(string(filler), "x")})
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
	r := newKeyedRig(t, old)
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
	// An answer outlives a rotation: what was right is not charged to the other filing
	both := r.keys
	if r.keys, err = sealWith(map[byte]byte{1: 1, 2: 2, 3: 3}); err != nil {
		t.Fatal(err)
	}
	r.restart(true)
	if got := r.check(code, phoneA, tailA); got != verify.ResultAlready || r.filing(second.ID).Challenges[0].Wrong != 0 {
		t.Error(got, r.filing(second.ID).Challenges[0].Wrong)
	}
	if err := r.s.RetireGeneration(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	r.keys = both
	r.restart(true)
	if got := r.check("000000", phoneA, tailA); got != verify.ResultWrong || r.filing(second.ID).Challenges[0].Wrong != 1 {
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
		{"void", func(r *rig, f verify.Filing, _ string) {
			_, _ = r.v.CancelFiling(context.Background(), verify.Everyone, f.ID, "")
		}, verify.ChallengeVoid, verify.ResultFinal},
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

func TestAPhoneThatCannotBeOpenedWaitsAndHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(p *verify.Policy) { p.SMSGap = time.Minute })
		r.file(twoPersons())
		second := r.file(twoPersons()) // has to wait for the gap
		broken := second.Persons[0].ChallengeID
		if err := r.s.Update(t.Context(), func(tx *Tx) error {
			return tx.execOne(t.Context(), `UPDATE challenges SET number = $1 WHERE id = $2`, []byte("\x01damaged"), broken)
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		next, err := r.v.Sweep(t.Context(), time.Now())
		if err != nil || next.Before(time.Now()) {
			t.Fatal(next, err)
		}
		synctest.Wait()
		if n := len(r.modem.sent(phoneB)); n != 2 {
			t.Errorf("%d texts to the other phone", n)
		}
		if c := r.filing(second.ID).Challenges[0]; c.ID != broken || c.State != verify.ChallengeNew {
			t.Errorf("%s", c.State)
		}
	})
}
