package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"attestd/internal/seal"
)

// emit commits events.
func emit(t testing.TB, s *Store, n int) {
	t.Helper()
	for range n {
		if err := s.Update(context.Background(), func(tx *Tx) error {
			return tx.Emit(context.Background(), "a", "x", "", strings.Repeat("x", 12000))
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// copied gives a folder with copies of some of a database's files, by suffix.
func copied(t testing.TB, path string, suffixes ...string) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "t.db")
	for _, suffix := range suffixes {
		data, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// serving is a gateway's database, with events in it.
func serving(t testing.TB, keys *seal.Keyring, path string, events int) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{URL: "sqlite://" + path, Keys: keys, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	emit(t, s, events)
	return s
}

func notWhole(t *testing.T, keys *seal.Keyring, path, says string) {
	t.Helper()
	before := tree(t, filepath.Dir(path))
	s, err := Open(t.Context(), Options{URL: "sqlite://" + path, Keys: keys})
	if err == nil {
		n, _ := s.LastEvent(t.Context())
		_ = s.Close()
		t.Fatalf("it was opened, with %d events", n)
	}
	if !errors.Is(err, ErrNotWhole) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("want %q: %v", says, err)
	}
	_ = os.Remove(path + "-shm") // who looks through the -wal leaves its index, which says nothing
	if after := tree(t, filepath.Dir(path)); after != before {
		t.Error("something was changed")
	}
}

func isWhole(t *testing.T, keys *seal.Keyring, path string, events int64) {
	t.Helper()
	for _, exclusive := range []bool{false, true} {
		s, err := Open(t.Context(), Options{URL: "sqlite://" + path, Keys: keys, Exclusive: exclusive})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.LastEvent(t.Context()); err != nil || n != events {
			t.Errorf("%d events, want %d, %v", n, events, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestACopyOfTheRunningDatabaseWithoutItsLogIsRefused(t *testing.T) {
	for _, events := range []int{0, 30, 600} { // before the first checkpoint and after several
		t.Run(fmt.Sprint(events), func(t *testing.T) {
			keys, path := seal.Random(), filepath.Join(t.TempDir(), "t.db")
			s := serving(t, keys, path, events)
			if info, err := os.Stat(path + "-wal"); err != nil || info.Size() > 6<<20 {
				t.Errorf("the log is not kept short: %v %v", info.Size(), err)
			}
			notWhole(t, keys, copied(t, path, ""), "docs/operating.md")
			isWhole(t, keys, copied(t, path, "", "-wal"), int64(events))

			vacuumed := filepath.Join(t.TempDir(), "v.db")
			if _, err := s.writer.ExecContext(t.Context(), `VACUUM INTO '`+vacuumed+`'`); err != nil {
				t.Fatal(err)
			}
			isWhole(t, keys, vacuumed, int64(events))
			if sqlite, err := exec.LookPath("sqlite3"); err == nil {
				backup := filepath.Join(t.TempDir(), "b.db")
				if out, err := exec.CommandContext(t.Context(), sqlite, path, ".backup "+backup).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				isWhole(t, keys, backup, int64(events))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			isWhole(t, keys, copied(t, path, ""), int64(events))
		})
	}
}

func TestADatabaseWithTheLogOfAnotherTimeIsRefused(t *testing.T) {
	keys, path := seal.Random(), filepath.Join(t.TempDir(), "t.db")
	s := serving(t, keys, path, 30)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	older := copied(t, path, "")
	s = serving(t, keys, path, 40)
	between := copied(t, path, "", "-wal")
	emit(t, s, 500)
	later := copied(t, path, "-wal")
	_ = s.Close()

	put := func(main, log string) string {
		to := filepath.Join(t.TempDir(), "t.db")
		for suffix, from := range map[string]string{"": main, "-wal": log + "-wal"} {
			data, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(to+suffix, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	isWhole(t, keys, copied(t, between, "", "-wal"), 70)
	notWhole(t, keys, put(older, later), "-wal")
	notWhole(t, keys, put(path, between), "-wal") // the newest main file, closed, with a log of before
	notWhole(t, keys, put(between, later), "-wal")
	s = serving(t, keys, path, 10)
	vacuumed := filepath.Join(t.TempDir(), "v.db")
	if _, err := s.writer.ExecContext(t.Context(), `VACUUM INTO '`+vacuumed+`'`); err != nil {
		t.Fatal(err)
	}
	notWhole(t, keys, put(vacuumed, path), "-wal")
	_ = s.Close()
}

func TestACopyThatWasCutOffIsRefused(t *testing.T) {
	keys, path := seal.Random(), filepath.Join(t.TempDir(), "t.db")
	s := serving(t, keys, path, 500)
	running := copied(t, path, "", "-wal")
	_ = s.Close()
	for _, one := range []string{running, path} {
		suffixes := []string{""}
		if one == running {
			suffixes = append(suffixes, "-wal")
		}
		info, err := os.Stat(one)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int64{50, 4096, info.Size() / 2, info.Size()/2 + 1000, info.Size() - 4096, info.Size() - 1} {
			cut := copied(t, one, suffixes...)
			if err := os.Truncate(cut, size); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), Options{URL: "sqlite://" + cut, Keys: keys, Exclusive: true})
			if err == nil {
				var sound string // what was cut off may stand in the -wal
				if err := s.reads.QueryRowContext(t.Context(), `PRAGMA quick_check`).Scan(&sound); err != nil || sound != "ok" {
					t.Errorf("%q: cut to %d of %d bytes, and opened: %s %v", suffixes, size, info.Size(), sound, err)
				}
				_ = s.Close()
			} else if !errors.Is(err, ErrNotWhole) && !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "\n") {
				t.Errorf("cut to %d: %v", size, err)
			}
		}
	}
}

func TestAnInterruptedCheckpointLeavesAWholeDatabase(t *testing.T) {
	keys, path := seal.Random(), filepath.Join(t.TempDir(), "t.db")
	s := serving(t, keys, path, 50)
	defer func() { _ = s.Close() }()
	began := s.logs.mark
	next := mark{part: true, epoch: newEpoch(), before: began.epoch}
	if err := s.writeMark(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	isWhole(t, keys, copied(t, path, "", "-wal"), 50)
	if moved, err := s.moveLog(t.Context(), "PASSIVE"); err != nil || !moved {
		t.Fatal(moved, err)
	}
	isWhole(t, keys, copied(t, path, "", "-wal"), 50)
	s.logs.mark = next
	rows, err := s.reads.QueryContext(t.Context(), `SELECT seq FROM events`) // a reader that stays
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	emit(t, s, 300)
	isWhole(t, keys, copied(t, path, "", "-wal"), 350)
	_ = rows.Close()
	emit(t, s, 300)
	if s.logs.mark.part {
		t.Error("the checkpoint that was interrupted did not come to an end")
	}
	isWhole(t, keys, copied(t, path, "", "-wal"), 650)
}
