package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/access"
	"attestd/internal/seal"
	"attestd/queue"
	"attestd/verify"
)

func TestAUseIsWrittenWithWhatItWasUsedForOrNotAtAll(t *testing.T) {
	o := Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "t.db"), Keys: seal.Random()}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	rules := s.Verify(queue.DefaultPolicy)
	refused := errors.New("rolled back")
	for i, result := range []error{nil, refused, nil} {
		ctx := access.Charge(t.Context(), []access.Use{{Key: "address\x00\xff", At: now.Add(time.Duration(i))}, {Key: "phone", At: now}})
		if err := rules.Update(ctx, func(verify.Tx) error { return result }); !errors.Is(err, result) {
			t.Fatal(err)
		}
	}
	if err := rules.Update(t.Context(), func(verify.Tx) error { return nil }); err != nil { // nobody's
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	uses, err := s.Uses(t.Context(), now, 100)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, u := range uses {
		count[u.Key]++
	}
	if len(uses) != 4 || count["address\x00\xff"] != 2 || count["phone"] != 2 {
		t.Errorf("%d uses, %v", len(uses), count)
	}
	if some, err := s.Uses(t.Context(), now, 3); err != nil || len(some) != 3 {
		t.Errorf("%d of at most 3: %v", len(some), err)
	}
}

func TestAUseForWhatWasWrongIsWrittenOnlyWhereItWasWrong(t *testing.T) {
	s := open(t)
	rules, now := s.Verify(queue.DefaultPolicy), time.Now()
	for _, wrong := range []bool{false, true, true, false} {
		ctx := access.Charge(t.Context(), []access.Use{{Key: "a", At: now, WhenWrong: true}, {Key: "b", At: now}})
		if err := rules.Update(ctx, func(tx verify.Tx) error { return tx.NoteCheck(ctx, wrong, now) }); err != nil {
			t.Fatal(err)
		}
	}
	uses, err := s.Uses(t.Context(), now, 100)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, u := range uses {
		count[u.Key]++
	}
	if count["a"] != 2 || count["b"] != 4 {
		t.Error(count)
	}
}

func TestWhatNoLimitLooksBackToIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := open(t), t.Context()
		use := func() {
			t.Helper()
			charged := access.Charge(context.Background(), []access.Use{{Key: "a", At: time.Now()}})
			if err := s.Update(ctx, func(tx *Tx) error { return tx.charge(charged, false) }); err != nil {
				t.Fatal(err)
			}
		}
		if next, err := s.ForgetUses(ctx, time.Now()); err != nil || !next.IsZero() {
			t.Fatal("nothing is due where nothing is", next, err)
		}
		began := time.Now()
		use()
		time.Sleep(30 * time.Minute)
		use()
		next, err := s.ForgetUses(ctx, time.Now())
		if err != nil || next.Sub(began) != 65*time.Minute {
			t.Fatal(next.Sub(began), err)
		}
		time.Sleep(time.Until(next))
		if next, err = s.ForgetUses(ctx, time.Now()); err != nil || next.Sub(began) != 95*time.Minute {
			t.Fatal(next.Sub(began), err)
		}
		if uses, err := s.Uses(ctx, began, 10); err != nil || len(uses) != 1 {
			t.Errorf("%d are left: %v", len(uses), err)
		}
	})
}
