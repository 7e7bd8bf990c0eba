package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/internal/seal"
)

// tree is all that stands in a folder, by name: what a refusal must leave as it is.
func tree(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		info, wrong := e.Info()
		if err = errors.Join(err, wrong); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %x\n", e.Name(), info.Mode(), data)
	}
	return b.String()
}

// sealedBase makes a database with an opt-out in it under a key file of its own.
func sealedBase(t *testing.T, dir string) Options {
	t.Helper()
	o := Options{URL: "sqlite://" + filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key"), MakeKey: true}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	to, _ := msisdn.Parse("13800138000", "86")
	err = s.Update(t.Context(), func(tx *Tx) error {
		_, _, err := tx.AddOptOut(t.Context(), inbox.OptOutEntry{ID: newID(), Number: to, Source: inbox.ByAPI})
		return err
	})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return o
}

func refused(t *testing.T, dir string, o Options, wants ...string) {
	t.Helper()
	before := tree(t, dir)
	s, err := Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Fatal("it was opened")
	}
	for _, one := range append(wants, "store.key_file") {
		if !strings.Contains(err.Error(), one) {
			t.Errorf("%q is missing in: %v", one, err)
		}
	}
	if !errors.Is(err, ErrKey) || strings.Contains(err.Error(), "\n") {
		t.Errorf("want one line and ErrKey: %v", err)
	}
	if after := tree(t, dir); after != before {
		t.Error("something was made or changed")
	}
}

func TestADatabaseIsOpenedWithItsOwnKeyOnlyAndARefusalChangesNothing(t *testing.T) {
	dir := t.TempDir()
	o := sealedBase(t, dir)
	right, err := os.ReadFile(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}

	wrong := o
	wrong.KeyFile = filepath.Join(dir, "tt.key")
	refused(t, dir, wrong, wrong.KeyFile, "backup")
	wrong.MakeKey = false
	refused(t, dir, wrong, wrong.KeyFile)
	wrong.KeyFile = ""
	refused(t, dir, wrong)

	if err := os.Remove(o.KeyFile); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, o, o.KeyFile, "backup", "keys new")
	if _, _, err := seal.LoadOrCreate(o.KeyFile); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, o, o.KeyFile, "another key")

	if err := os.WriteFile(o.KeyFile, right, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal("with its own key again: ", err)
	}
	_ = s.Close()
}

func TestAKeyFileFromBeforeARotationIsRefusedAndALaterOneOpensAnOlderDatabase(t *testing.T) {
	dir := t.TempDir()
	o := sealedBase(t, dir)
	db := strings.TrimPrefix(o.URL, "sqlite://")
	before, _ := os.ReadFile(o.KeyFile)
	older, _ := os.ReadFile(db)
	if _, err := seal.Rotate(o.KeyFile); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), o) // learns generation 2
	if err != nil || s.Close() != nil {
		t.Fatal(err)
	}
	both, _ := os.ReadFile(o.KeyFile)
	_ = os.WriteFile(o.KeyFile, before, 0o600)
	refused(t, dir, o, "generation 2", "backup")

	_ = os.WriteFile(o.KeyFile, both, 0o600)
	_ = os.WriteFile(db, older, 0o600)
	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal("an older database under the rotated file: ", err)
	}
	// Retired: needed no more, and not learnt again from a file that still has it.
	if err := errors.Join(s.RetireGeneration(t.Context(), 1), s.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s, err = Open(t.Context(), o); err != nil || s.Close() != nil {
			t.Fatal("retired in the database, and not yet in the file: ", err)
		}
	}
	if err := seal.Retire(o.KeyFile, 1, false); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), o); err != nil || s.Close() != nil {
		t.Fatal("retired in both: ", err)
	}
	_ = os.WriteFile(db, older, 0o600)
	refused(t, dir, o, "generation 1")
}

func TestADatabaseOfBeforeLearnsAKeyThatOpensWhatItHoldsAndNoOther(t *testing.T) {
	dir := t.TempDir()
	o := sealedBase(t, dir)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.writer.ExecContext(t.Context(), `DROP TABLE key_checks; DELETE FROM goose_db_version WHERE version_id = 14`)
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	right, _ := os.ReadFile(o.KeyFile)
	_ = os.Remove(o.KeyFile)
	refused(t, dir, o, o.KeyFile)
	if _, _, err := seal.LoadOrCreate(o.KeyFile); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, o, "another key")
	_ = os.WriteFile(o.KeyFile, right, 0o600)
	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if checks, err := readChecks(t.Context(), s.reads, storeKind); err != nil || checks[1] == "" {
		t.Error("the key was not learnt: ", checks, err)
	}
}

func TestManyOpenersOfAnEmptyFolderMakeOneDatabaseAndOneKey(t *testing.T) {
	for range 3 {
		dir := t.TempDir()
		o := Options{URL: "sqlite://" + filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key")}
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				o := o
				o.MakeKey = i%2 == 0
				s, err := Open(context.Background(), o)
				if err != nil {
					t.Errorf("opener %d: %v", i, err)
					return
				}
				if err := s.Update(context.Background(), func(tx *Tx) error { return tx.Emit(context.Background(), "a", "x", "", nil) }); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.LastEvent(t.Context()); err != nil || n != 12 {
			t.Error(n, err)
		}
		_ = s.Close()
	}
}
