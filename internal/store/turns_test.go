package store

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAModemWaitsForGoesAheadOfWhatIsTakenIn(t *testing.T) {
	s := open(t)
	var order []string
	var all sync.WaitGroup
	hold(s)
	for range 40 {
		all.Go(func() {
			if err := s.Update(t.Context(), func(tx *Tx) error { order = append(order, "in"); return tx.Emit(t.Context(), "a", "x", "", nil) }); err != nil {
				t.Error(err)
			}
		})
	}
	for s.turns.waiting() < 40 {
	}
	all.Go(func() {
		if err := s.Ahead(t.Context(), func(tx *Tx) error { order = append(order, "out"); return tx.Emit(t.Context(), "a", "x", "", nil) }); err != nil {
			t.Error(err)
		}
	})
	for s.turns.waiting() < 41 {
	}
	s.pass(context.Background())
	all.Wait()
	if order[0] != "out" || len(order) != 41 {
		t.Errorf("%d ran, in the order %v", len(order), order)
	}
}

func TestACommitThatAModemWaitsForTakesNobodyElseIn(t *testing.T) {
	var ts turns
	g := &group{size: 1, hurried: true}
	s := &Store{group: g}
	for _, one := range []struct {
		hurried bool
		size    int
		next    rank
		joins   bool
	}{
		{true, 1, ahead, true}, {true, 1, ordinary, false}, {true, 1, nobody, false},
		{false, 1, ahead, true}, {false, 1, ordinary, true}, {false, 1, nobody, false},
		{false, longestGroup, ahead, false}, {false, longestGroup, ordinary, false},
	} {
		g.hurried, g.size = one.hurried, one.size
		if got := s.joins(one.next); got != one.joins {
			t.Errorf("%+v: %v", one, got)
		}
	}
	if s.group = nil; !s.joins(nobody) || ts.waiting() != 0 {
		t.Error("where nothing is open there is nothing to wait for")
	}
}

func TestWhileModemsAreAtWorkWhoWaitsGetsAFewTurnsASlotAndIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		var in, out atomic.Int64
		give := func() { ts.pass(func(rank) bool { return true }) }
		ctx, stop := context.WithCancel(t.Context())
		for range 3 { // modems that never rest
			go func() {
				for ctx.Err() == nil && ts.take(ctx, ahead) == nil {
					time.Sleep(100 * time.Microsecond)
					out.Add(1)
					give()
				}
			}()
		}
		for range 50 {
			go func() {
				for ctx.Err() == nil && ts.take(ctx, ordinary) == nil {
					time.Sleep(100 * time.Microsecond)
					in.Add(1)
					give()
				}
			}()
		}
		time.Sleep(6 * time.Second)
		stop()
		synctest.Wait()
		if n := in.Load(); n < 3500 || n > 4100 {
			t.Errorf("%d ordinary turns in 6 s, at most 4 in each of 1,000 slots", n)
		}
		if n := out.Load(); n < 50_000 {
			t.Errorf("%d turns of modems in 6 s", n)
		}
		time.Sleep(time.Second) // the modems have ended
		for range 1000 {
			if err := ts.take(t.Context(), ordinary); err != nil {
				t.Fatal(err)
			}
			give()
		}
		began := time.Now()
		if _ = ts.take(t.Context(), ahead); time.Since(began) != 0 {
			t.Error("a modem waited for a slot")
		}
		give()
	})
}

func TestWhoGivesUpWaitingLeavesTheTurnToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		_ = ts.take(t.Context(), ahead)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 20)
		for range 20 {
			go func() { gone <- ts.take(ctx, ordinary) }()
		}
		synctest.Wait()
		cancel()
		for range 20 {
			if <-gone == nil {
				t.Fatal("somebody got it")
			}
		}
		ts.pass(func(r rank) bool { return r == nobody })
		if err := ts.take(t.Context(), ordinary); err != nil || ts.waiting() != 0 {
			t.Fatal(err)
		}
	})
}
