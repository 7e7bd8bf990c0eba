package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/store"
	"attestd/pdu"
	"attestd/queue"
)

func always(o queue.Outcome) func(int, *pdu.SubmitInfo) queue.Outcome {
	return func(int, *pdu.SubmitInfo) queue.Outcome { return o }
}

func TestInvariantWhatWouldArriveTooLateIsNeverSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		late := r.enqueue(queue.Draft{Deadline: time.Now().Add(time.Hour)})
		inTime := r.enqueue(queue.Draft{Text: "in time", Deadline: time.Now().Add(12 * time.Hour)})
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		got := r.expect(late.ID, queue.Expired)
		if at := got.Ended.Sub(got.Created); at < time.Hour || at > time.Hour+2*time.Second {
			t.Errorf("expired after %v: nothing polls, but the deadline is a time of its own", at)
		}
		m0 := &radio{}
		run.Attach(m0.line("m0"))
		synctest.Wait()
		r.expect(inTime.ID, queue.Submitted)
		if m0.count() != 1 || m0.sent().texts[0] != "in time" {
			t.Fatalf("sent %q", m0.sent().texts)
		}
		info, _ := pdu.Decode(m0.sent().tpdus[0], pdu.MO)
		if vp := info.Submit.VP; vp > 11*time.Hour || vp < 10*time.Hour {
			t.Errorf("TP-VP is %v, want no more than the 11 hours that are left", vp)
		}
		if _, err := r.q.Enqueue(t.Context(), queue.Draft{To: number(t, 1), Text: "x", Deadline: time.Now()}); !errors.Is(err, queue.ErrExpired) {
			t.Errorf("a deadline that has passed: %v", err)
		}
	})
}

func TestAnOverdueMessageIsExpiredByTheLineThatMeetsItFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		var overdue []queue.Message
		for range 70 { // more than one claim clears away
			overdue = append(overdue, r.enqueue(queue.Draft{Deadline: time.Now().Add(time.Minute)}))
		}
		good := r.enqueue(queue.Draft{})
		time.Sleep(time.Hour) // no sweeper ran
		ctx, stop := context.WithCancel(t.Context())
		wake, unwatch := r.store.Watch(store.TopicWork)
		defer unwatch()
		d := queue.NewDispatcher(r.q, wake, nil)
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		m0 := &radio{}
		d.Attach(m0.line("m0"))
		synctest.Wait()
		r.expect(good.ID, queue.Submitted)
		if m0.count() != 1 {
			t.Errorf("sent %d", m0.count())
		}
		for _, m := range overdue {
			r.expect(m.ID, queue.Expired)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

func TestUrgentGoesFirstThenTheOldest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for _, d := range []queue.Draft{
			{Text: "bulk 1"}, {Text: "normal 1", Priority: queue.Normal}, {Text: "urgent 1", Priority: queue.Urgent},
			{Text: "bulk 2"}, {Text: "urgent 2", Priority: queue.Urgent}, {Text: "normal 2", Priority: queue.Normal},
		} {
			r.enqueue(d)
			time.Sleep(time.Millisecond)
		}
		m0 := &radio{takes: time.Second}
		r.dispatch().Attach(m0.line("m0"))
		time.Sleep(2500 * time.Millisecond)
		r.enqueue(queue.Draft{Text: "urgent 3", Priority: queue.Urgent}) // overtakes what waits
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := []string{"urgent 1", "urgent 2", "normal 1", "urgent 3", "normal 2", "bulk 1", "bulk 2"}
		if !slices.Equal(m0.sent().texts, want) {
			t.Errorf("sent %q, want %q", m0.sent().texts, want)
		}
	})
}

func TestATemporaryErrorWaitsLongerEachTimeAndThenTheMessageIsRejected(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		m0 := &radio{answer: always(queue.Outcome{Kind: queue.OutcomeTemporary, Code: 42, Detail: "congestion"})}
		r.dispatch().Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{})
		time.Sleep(12 * time.Hour)
		synctest.Wait()
		got := r.expect(m.ID, queue.Rejected)
		if got.Attempts != r.p.MaxAttempts || m0.count() != r.p.MaxAttempts {
			t.Errorf("%d attempts, want %d", m0.count(), r.p.MaxAttempts)
		}
		want := r.p.Backoff
		for i := 1; i < len(m0.sent().at); i++ {
			if gap := m0.sent().at[i].Sub(m0.sent().at[i-1]); gap < want || gap > want+time.Second {
				t.Errorf("wait %d was %v, want %v", i, gap, want)
			}
			want *= 2
		}
	})
}

func TestASickModemLosesItsWorkToTheOthersAndRests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		sick := &radio{takes: time.Second, answer: always(queue.Outcome{Kind: queue.OutcomeSick, Code: 50})}
		run.Attach(sick.line("sick"))
		time.Sleep(time.Second)
		var all []queue.Message
		for range 20 {
			all = append(all, r.enqueue(queue.Draft{}))
		}
		time.Sleep(10 * time.Second)
		well := &radio{takes: time.Second}
		run.Attach(well.line("well"))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		for _, m := range all {
			if got := r.expect(m.ID, queue.Submitted); got.Station != "well" {
				t.Errorf("sent by %s", got.Station)
			}
		}
		if n := sick.count(); n > 12 {
			t.Errorf("the sick modem was given work %d times in five minutes", n)
		}
	})
}

func TestAMessageThatNoModemCanHandOverIsNotTriedForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(p *queue.Policy) { p.MaxFaults = 3 })
		m0 := &radio{answer: always(queue.Outcome{Kind: queue.OutcomeNotSent})}
		r.dispatch().Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{Deadline: time.Now().Add(20 * time.Hour)})
		time.Sleep(19 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Rejected)
		if want := r.p.MaxFaults + r.p.MaxAttempts; m0.count() != want {
			t.Errorf("%d attempts, want %d", m0.count(), want)
		}
	})
}

func TestALineNeverExceedsItsLimitAndARestartDoesNotForget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		limit := queue.Limit{PerMinute: 6, Burst: 5}
		for range 400 {
			r.enqueue(queue.Draft{})
		}
		var at []time.Time
		for range 10 { // ten lives of five minutes
			run := r.dispatch()
			m0 := &radio{}
			line := m0.line("m0")
			line.Limit = limit
			run.Attach(line)
			time.Sleep(5 * time.Minute)
			run.stop()
			at = append(at, m0.sent().at...)
			r.restart()
		}
		// In any span the bucket allows Burst, and what comes in meanwhile.
		for i := range at {
			for j := i; j < len(at); j++ {
				allowed := float64(limit.Burst) + at[j].Sub(at[i]).Minutes()*limit.PerMinute + 1e-6
				if n := float64(j - i + 1); n > allowed {
					t.Fatalf("%v in %v, allowed %.2f", n, at[j].Sub(at[i]), allowed)
				}
			}
		}
		if n := len(at); n < 280 {
			t.Errorf("only %d of about 300 that the limit allows were sent in 50 minutes", n)
		}
	})
}

func TestIdleLinesTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		var radios []*radio
		for _, name := range []string{"m0", "m1", "m2", "m3"} {
			one := &radio{takes: 100 * time.Millisecond}
			radios = append(radios, one)
			run.Attach(one.line(name))
		}
		for range 40 {
			r.enqueue(queue.Draft{})
			time.Sleep(time.Second)
		}
		synctest.Wait()
		for i, one := range radios {
			if n := one.count(); n != 10 {
				t.Errorf("line %d sent %d of 40", i, n)
			}
		}
	})
}

func TestAMessagePinnedToAModemWaitsForItAndHoldsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{}
		run.Attach(m0.line("m0"))
		pinned := r.enqueue(queue.Draft{Modem: "m1", Priority: queue.Urgent})
		free := r.enqueue(queue.Draft{})
		time.Sleep(time.Minute)
		synctest.Wait()
		r.expect(pinned.ID, queue.Queued)
		r.expect(free.ID, queue.Submitted)
		m1 := &radio{}
		run.Attach(m1.line("m1"))
		synctest.Wait()
		r.expect(pinned.ID, queue.Submitted)
	})
}

func TestStoppingWaitsForTheOutcomeUnderWayAndTakesNothingNew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: time.Minute}
		run.Attach(m0.line("m0"))
		first, second := r.enqueue(queue.Draft{}), r.enqueue(queue.Draft{})
		time.Sleep(time.Second)
		begun := time.Now()
		run.stop()
		if waited := time.Since(begun); waited < 58*time.Second {
			t.Errorf("stopped after %v, with a submit under way", waited)
		}
		r.expect(first.ID, queue.Submitted)
		r.expect(second.ID, queue.Queued)
		run.Attach(m0.line("m1"))(true) // after the end: no work, no wait
	})
}

func TestDetachingWithWaitReturnsWhenTheOutcomeIsWrittenDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: time.Minute}
		detach := run.Attach(m0.line("m0"))
		first, second := r.enqueue(queue.Draft{}), r.enqueue(queue.Draft{})
		time.Sleep(time.Second)
		detach(true)
		r.expect(first.ID, queue.Submitted)
		time.Sleep(10 * time.Minute)
		r.expect(second.ID, queue.Queued)
		detach(true)
	})
}

// failing refuses every transaction while it is set.
type failing struct {
	queue.Store
	on atomic.Bool
}

var errFull = errors.New("the disk is full")

func (f *failing) Ahead(ctx context.Context, fn func(queue.Tx) error) error {
	return f.Store.Ahead(ctx, func(tx queue.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if f.on.Load() {
			return errFull
		}
		return nil
	})
}

func TestAnOutcomeThatTheDatabaseRefusesIsKeptUntilItTakesIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		f := &failing{Store: r.store.Queue()}
		q := queue.New(f, r.p, nil)
		wake, unwatch := r.store.Watch(store.TopicWork)
		defer unwatch()
		ctx, stop := context.WithCancel(t.Context())
		d := queue.NewDispatcher(q, wake, nil)
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		m0 := &radio{takes: 10 * time.Second}
		d.Attach(m0.line("m0"))
		first, second := r.enqueue(queue.Draft{}), r.enqueue(queue.Draft{})
		time.Sleep(5 * time.Second)
		f.on.Store(true)
		time.Sleep(10 * time.Minute)
		r.expect(first.ID, queue.Submitting)
		r.expect(second.ID, queue.Queued)
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d: nothing may be handed over that is not written down", n)
		}
		f.on.Store(false)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		r.expect(first.ID, queue.Submitted)
		r.expect(second.ID, queue.Submitted)
		stop()
		<-ended
	})
}

func TestCancellingWorksUntilTheMessageIsHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		m := r.enqueue(queue.Draft{})
		if _, err := r.q.Cancel(t.Context(), queue.Everyone, m.ID); err != nil {
			t.Fatal(err)
		}
		r.expect(m.ID, queue.Cancelled)
		if _, err := r.q.Cancel(t.Context(), queue.Everyone, m.ID); !errors.Is(err, queue.ErrNotCancellable) {
			t.Errorf("a second time: %v", err)
		}
		if _, err := r.q.Cancel(t.Context(), queue.Everyone, "none"); !errors.Is(err, queue.ErrNotFound) {
			t.Errorf("no such message: %v", err)
		}
		m0 := &radio{}
		r.dispatch().Attach(m0.line("m0"))
		time.Sleep(time.Minute)
		if m0.count() != 0 {
			t.Error("a cancelled message was sent")
		}
	})
}

func TestAnIdempotencyKeyMakesOneMessage(t *testing.T) {
	r := newRig(t)
	d := queue.Draft{To: number(t, 1), Text: "hello", Owner: "shop", IdempotencyKey: "order-1"}
	first, err := r.q.Enqueue(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.q.Enqueue(t.Context(), d)
	if err != nil || again.ID != first.ID || !again.Replayed {
		t.Fatalf("%+v, %v", again, err)
	}
	other := d
	other.Text = "good-bye"
	if _, err := r.q.Enqueue(t.Context(), other); !errors.Is(err, queue.ErrIdempotencyConflict) {
		t.Errorf("another text: %v", err)
	}
	other = d
	other.Owner = "bank"
	if m, err := r.q.Enqueue(t.Context(), other); err != nil || m.ID == first.ID {
		t.Errorf("another owner: %v, %v", m.ID, err)
	}
	if err := r.store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.WipeTexts(t.Context(), time.Now(), 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.q.Cancel(t.Context(), queue.Everyone, first.ID); err != nil { // ended and wiped: still the same draft
		t.Fatal(err)
	}
	if again, err = r.q.Enqueue(t.Context(), d); err != nil || again.ID != first.ID {
		t.Errorf("after the end: %v, %v", again.ID, err)
	}
}

func TestBadDraftsAreRefused(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		d    queue.Draft
		want error
	}{
		{queue.Draft{Text: "x"}, queue.ErrNoRecipient},
		{queue.Draft{To: number(t, 1), Text: longText(40_000)}, queue.ErrTooLong},
		{queue.Draft{To: number(t, 1), Text: "x", Priority: 7}, queue.ErrPriority},
		{queue.Draft{To: number(t, 1), Text: "x", Deadline: time.Now().Add(-time.Second)}, queue.ErrExpired},
	} {
		if _, err := r.q.Enqueue(t.Context(), c.d); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

func TestNoWakeIsLostBetweenTheLastLookAndLyingIdle(t *testing.T) {
	r := newRig(t)
	wake, unwatch := r.store.Watch(store.TopicWork)
	defer unwatch()
	ctx, stop := context.WithCancel(t.Context())
	d := queue.NewDispatcher(r.q, wake, nil)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	sent := make(chan struct{}, 1)
	d.Attach(queue.Line{Station: "m0", SIM: "s0", Submit: func(context.Context, queue.Submission) queue.Outcome {
		sent <- struct{}{}
		return queue.Outcome{Kind: queue.OutcomeAccepted}
	}})
	for i := range 300 {
		// The next comes just as the outcome of the one before is written down.
		r.enqueue(queue.Draft{To: number(t, i)})
		select {
		case <-sent:
		case <-time.After(10 * time.Second):
			t.Fatalf("message %d lies in the queue, and so does the line", i)
		}
	}
	stop()
	<-ended
}
