package queue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
	"attestd/queue"
)

// barBulk puts up a barrier against bulk texts, down at first.
func barBulk(r *rig) *atomic.Bool {
	var up atomic.Bool
	r.q.Bar(func(_ context.Context, _ queue.Tx, d queue.Draft) error {
		if up.Load() && d.Priority == queue.Bulk {
			return queue.ErrOptedOut
		}
		return nil
	})
	return &up
}

func TestADraftThatTheBarrierHoldsBackIsNotTakenIn(t *testing.T) {
	r := newRig(t)
	up := barBulk(r)
	bulk := queue.Draft{To: number(t, 1), Text: "news", Priority: queue.Bulk, Origin: "crm", IdempotencyKey: "1"}
	first := r.enqueue(bulk)
	up.Store(true)
	if again, err := r.q.Enqueue(t.Context(), bulk); err != nil || again.ID != first.ID {
		t.Errorf("a repeated request is told what the first one made: %v", err)
	}
	bulk.IdempotencyKey = "2"
	if _, err := r.q.Enqueue(t.Context(), bulk); !errors.Is(err, queue.ErrOptedOut) {
		t.Error(err)
	}
	bulk.Priority = queue.Normal
	r.enqueue(bulk)
}

// A part that is with a modem when its recipient opts out cannot be taken back. If it comes back by itself, it stays.
func TestAPartThatComesBackFromAModemIsNotHandedOutAgainPastTheBarrier(t *testing.T) {
	for _, priority := range []queue.Priority{queue.Bulk, queue.Normal} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			up := barBulk(r)
			m0 := &radio{answer: func(n int, _ *pdu.SubmitInfo) queue.Outcome {
				if n == 0 {
					up.Store(true)
					return queue.Outcome{Kind: queue.OutcomeTemporary}
				}
				return queue.Outcome{Kind: queue.OutcomeAccepted}
			}}
			r.dispatch().Attach(m0.line("m0"))
			m := r.enqueue(queue.Draft{Priority: priority})
			time.Sleep(time.Hour)
			synctest.Wait()
			if priority == queue.Normal {
				r.expect(m.ID, queue.Submitted)
				return
			}
			if got := r.expect(m.ID, queue.Cancelled); m0.count() != 1 || got.Reason != queue.StoppedByOptOut || !got.Wiped {
				t.Errorf("handed over %d times, %q", m0.count(), got.Reason)
			}
		})
	}
}

func TestWhatMayBeOnTheAirStaysUnknownWhenItIsWithdrawnAndIsNotRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		m0 := &radio{answer: func(int, *pdu.SubmitInfo) queue.Outcome { return queue.Outcome{Kind: queue.OutcomeUnknown} }}
		r.dispatch().Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{Priority: queue.Bulk, Repeatable: true})
		time.Sleep(time.Second)
		synctest.Wait()
		r.expect(m.ID, queue.Unknown)
		err := r.store.Queue().Update(t.Context(), func(tx queue.Tx) error {
			return queue.Withdraw(t.Context(), tx, r.p, r.message(m.ID), queue.StoppedByOptOut, time.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Unreported)
		if m0.count() != 1 {
			t.Errorf("handed over %d times", m0.count())
		}
	})
}
