package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
	"attestd/queue"
)

func TestTheTerminalsOwnTroubleKeepsAMessageQueuedUntilItsDeadline(t *testing.T) {
	for _, kind := range []queue.OutcomeKind{queue.OutcomeSick, queue.OutcomeNotSent} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			m0 := &radio{answer: always(queue.Outcome{Kind: kind, NoTry: true, Code: 331, RetryAfter: 2 * time.Second, Detail: "no network service"})}
			r.dispatch().Attach(m0.line("m0"))
			m := r.enqueue(queue.Draft{Deadline: time.Now().Add(10 * time.Hour)})
			time.Sleep(9 * time.Hour)
			synctest.Wait()
			r.expect(m.ID, queue.Queued)
			if n := m0.count(); n > 10*60 || n < 60 {
				t.Errorf("%v: tried %d times in nine hours", kind, n)
			}
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			if _, err := r.q.Sweep(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			r.expect(m.ID, queue.Expired)
		})
	}
}

func TestAMessageInTheTerminalsOwnTroubleLetsOthersGoFirstInTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		bad := queue.Outcome{Kind: queue.OutcomeSick, NoTry: true, Code: 302}
		m0 := &radio{answer: func(_ int, info *pdu.SubmitInfo) queue.Outcome {
			if info.Text == "bad" {
				return bad
			}
			return queue.Outcome{Kind: queue.OutcomeAccepted}
		}}
		r.dispatch().Attach(m0.line("m0"))
		first := r.enqueue(queue.Draft{Text: "bad"})
		time.Sleep(time.Second)
		second := r.enqueue(queue.Draft{Text: "good"})
		time.Sleep(time.Hour)
		synctest.Wait()
		r.expect(first.ID, queue.Queued)
		r.expect(second.ID, queue.Submitted)
	})
}

func TestAnErrorThatMayComeOnlySoOftenEndsTheMessageThen(t *testing.T) {
	for _, kind := range []queue.OutcomeKind{queue.OutcomeTemporary, queue.OutcomeSick} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			answers := []queue.Outcome{
				{Kind: kind, Code: 304, MaxTries: 2, RetryAfter: 2 * time.Second},
				{Kind: queue.OutcomeTemporary, Code: 42, RetryAfter: 2 * time.Second}, // another error in between changes nothing
				{Kind: kind, Code: 304, MaxTries: 2, RetryAfter: 2 * time.Second},
			}
			n := -1
			m0 := &radio{answer: func(int, *pdu.SubmitInfo) queue.Outcome { n++; return answers[min(n, len(answers)-1)] }}
			r.dispatch().Attach(m0.line("m0"))
			m := r.enqueue(queue.Draft{})
			time.Sleep(time.Hour)
			synctest.Wait()
			r.expect(m.ID, queue.Rejected)
			if m0.count() != 3 {
				t.Errorf("%d attempts, want 3", m0.count())
			}
		})
	}
}

func TestAnErrorThatAsksForSecondsDoesNotUseUpAllAttemptsWithinThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		m0 := &radio{answer: always(queue.Outcome{Kind: queue.OutcomeTemporary, Code: 41, RetryAfter: 2 * time.Second})}
		r.dispatch().Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{})
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		r.expect(m.ID, queue.Queued)
		if at := m0.sent().at; len(at) < 3 || at[1].Sub(at[0]) > 3*time.Second || at[2].Sub(at[1]) < 30*time.Second {
			t.Errorf("tried at %v", at)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Rejected)
	})
}
