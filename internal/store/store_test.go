package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"attestd/internal/seal"
)

// open opens a fresh database in the test's own folder.
func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "t.db"), Keys: seal.Random()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if wrong, err := s.Recount(context.Background()); err == nil && wrong > 0 {
			t.Errorf("%d counts are not those of the rows", wrong)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestWatchersAreWokenAfterCommitAndNotAfterRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		events, stop := s.Watch(TopicEvents)
		defer stop()
		failed := errors.New("no")
		err := s.Update(t.Context(), func(tx *Tx) error {
			if err := tx.Emit(t.Context(), "a", "x", "", nil); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if len(events) != 0 {
			t.Fatal("woken by a transaction that was rolled back")
		}
		if err := s.Update(t.Context(), func(tx *Tx) error {
			if err := tx.Emit(t.Context(), "b", "x", "", map[string]int{"n": 1}); err != nil {
				return err
			}
			if len(events) != 0 {
				t.Error("woken before COMMIT")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		<-events
		all, err := s.Events(t.Context(), 0, "", 10)
		if err != nil || len(all) != 1 || all[0].Type != "b" || string(all[0].Data) != `{"n":1}` {
			t.Fatalf("%+v, %v", all, err)
		}
	})
}

func TestAPanicInATransactionRollsItBackAndFreesTheWriter(t *testing.T) {
	s := open(t)
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(t.Context(), func(tx *Tx) error {
			_ = tx.Emit(t.Context(), "a", "x", "", nil)
			panic("boom")
		})
	}()
	if err := s.Update(t.Context(), func(tx *Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n, err := s.LastEvent(t.Context()); err != nil || n != 0 {
		t.Fatal(n, err)
	}
}

func TestASecondExclusiveOpenerIsRefused(t *testing.T) {
	o := Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "t.db"), Keys: seal.Random(), Exclusive: true}
	a, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrInUse) {
		t.Fatalf("second opener: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
}

func TestAnUnusableDatabaseIsRefusedUntouchedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.db")
	text := strings.Repeat("this is no database ", 500)
	if err := os.WriteFile(damaged, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	s, err := Open(t.Context(), Options{URL: "sqlite://" + newer})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, 999, true)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]error{
		"sqlite://" + damaged:                       ErrCorrupt,
		"sqlite://" + newer:                         ErrNewer,
		"sqlite://" + filepath.Join(dir, "no/x.db"): os.ErrNotExist,
		"mysql://root:secret@db/x":                  nil,
		"sqlite://":                                 nil,
		"sqlite://" + dir:                           nil,
	} {
		_, err := Open(t.Context(), Options{URL: url})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
		if strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: the error shows a password: %v", url, err)
		}
	}
	if after, _ := os.ReadFile(damaged); string(after) != text {
		t.Error("the damaged file was changed")
	}
}
