package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// hold takes the right to write until s.pass.
func hold(s *Store) { _ = s.turns.take(context.Background(), ordinary) }

func TestTransactionsThatShareACommitStandOrFallEachForItself(t *testing.T) {
	s := open(t)
	refused := errors.New("refused")
	var all sync.WaitGroup
	hold(s) // everybody has to wait, and so shares
	for i := range 200 {
		all.Go(func() {
			err := s.Update(t.Context(), func(tx *Tx) error {
				if err := tx.Emit(t.Context(), "n", fmt.Sprint(i), "", nil); err != nil {
					return err
				}
				if i%3 == 0 {
					return refused
				}
				return nil
			})
			if (i%3 == 0) != errors.Is(err, refused) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	for s.turns.waiting() < 200 {
	}
	s.pass(context.Background())
	all.Wait()
	got, err := s.Events(t.Context(), 0, "", 1000)
	if err != nil || len(got) != 133 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for _, e := range got {
		var i int
		if _, _ = fmt.Sscan(e.Subject, &i); i%3 == 0 {
			t.Errorf("%d was refused and stands", i)
		}
	}
}

func TestAWaiterThatGivesUpLeavesNobodyUncommitted(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	entered, leave := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- s.Update(t.Context(), func(tx *Tx) error {
			close(entered)
			<-leave
			return tx.Emit(t.Context(), "a", "x", "", nil)
		})
	}()
	<-entered
	second := make(chan error, 1)
	go func() { second <- s.Update(ctx, func(*Tx) error { return nil }) }()
	for s.turns.waiting() == 0 {
	}
	cancel()
	if err := <-second; err == nil {
		t.Fatal("the second did not give up")
	}
	close(leave)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if n, err := s.LastEvent(t.Context()); err != nil || n != 1 {
		t.Fatal(n, err)
	}
}

func TestAPanickingMemberTakesNobodyAlong(t *testing.T) {
	s := open(t)
	var all sync.WaitGroup
	hold(s)
	for i := range 30 {
		all.Go(func() {
			defer func() {
				if r := recover(); (r != nil) != (i%5 == 0) {
					t.Errorf("%d: %v", i, r)
				}
			}()
			if err := s.Update(t.Context(), func(tx *Tx) error {
				if err := tx.Emit(t.Context(), "n", "x", "", nil); err != nil {
					return err
				}
				if i%5 == 0 {
					panic("boom")
				}
				return nil
			}); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	for s.turns.waiting() < 30 {
	}
	s.pass(context.Background())
	all.Wait()
	if got, err := s.Events(t.Context(), 0, "", 1000); err != nil || len(got) != 24 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
}

func BenchmarkDurableCommitsByManyAtOnce(b *testing.B) {
	s := open(b)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Update(b.Context(), func(tx *Tx) error { return tx.Emit(b.Context(), "a", "x", "", nil) }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDurableCommitsByOne(b *testing.B) {
	s := open(b)
	for b.Loop() {
		if err := s.Update(b.Context(), func(tx *Tx) error { return tx.Emit(b.Context(), "a", "x", "", nil) }); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWhatIsDoneAfterTheCommitIsDoneOnceAndForNoneThatDoesNotStand(t *testing.T) {
	s := open(t)
	refused := errors.New("refused")
	var done [2]int
	var all sync.WaitGroup
	hold(s) // they share a COMMIT
	for i := range 20 {
		all.Go(func() {
			_ = s.Update(t.Context(), func(tx *Tx) error {
				tx.AfterCommit(func() { done[i%2]++ })
				if i%2 == 1 {
					return refused
				}
				return tx.Emit(t.Context(), "n", fmt.Sprint(i), "", nil)
			})
		})
	}
	for s.turns.waiting() < 20 {
	}
	s.pass(context.Background())
	all.Wait()
	if done != [2]int{10, 0} {
		t.Errorf("done %d times for what stands, %d times for what was rolled back", done[0], done[1])
	}
	died := errors.New("the disk is gone")
	s.failpoint = func(b boundary) error {
		if b == beforeCommit {
			return died
		}
		return nil
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { tx.AfterCommit(func() { done[0]++ }); return nil }); !errors.Is(err, died) || done[0] != 10 {
		t.Errorf("%v, done %d times", err, done[0])
	}
}
