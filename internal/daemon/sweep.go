package daemon

import (
	"context"
	"sync"
	"time"

	"attestd/internal/store"
)

// sweepAtMost is how often a sweeper looks again while changes pour in: expiry has no need to be prompter, and a sweep is a
// transaction that the dispatcher would wait for.
const sweepAtMost = time.Second

// sweepRetry is when a failed sweep is tried again.
const sweepRetry = 5 * time.Second

// sweep lets time do its work in each domain: deadlines, evidence windows, incomplete messages, wiping.
func (d *Daemon) sweep(ctx context.Context) error {
	var all sync.WaitGroup
	for _, s := range []struct {
		name  string
		topic store.Topic
		sweep func(context.Context, time.Time) (time.Time, error)
	}{
		{"queue", store.TopicWork, d.queue.Sweep},
		{"verify", store.TopicEvents, d.verify.sweep},
		{"inbox", store.TopicEvents, d.inbox.Sweep},
		{"limits", store.TopicEvents, d.store.ForgetUses},
		{"watch", store.TopicEvents, d.watch.Sweep},
	} {
		changed, unwatch := d.store.Watch(s.topic)
		all.Go(func() {
			defer unwatch()
			d.sweeper(ctx, s.name, changed, s.sweep)
		})
	}
	all.Go(func() { d.sweeper(ctx, "privacy", nil, d.wipe) })
	all.Go(func() { d.sweeper(ctx, "counts", nil, d.recount) })
	all.Go(func() { d.sweeper(ctx, "keys", d.rekeyed, d.reseal) })
	all.Wait()
	return nil
}

// recountEvery is how often the counts are compared with the rows.
const recountEvery = 24 * time.Hour

// recount compares what status and metrics count with the rows themselves.
func (d *Daemon) recount(ctx context.Context, now time.Time) (time.Time, error) {
	wrong, err := d.store.Recount(ctx)
	if wrong > 0 && err == nil {
		d.log.Warn("counts of rows were wrong, and are right again: something else wrote into the database", "counts", wrong)
	}
	return now.Add(recountEvery), err
}

// sweeper sleeps until the time that the last sweep named, or until a change may have made that earlier.
func (d *Daemon) sweeper(ctx context.Context, name string, changed <-chan struct{}, sweep func(context.Context, time.Time) (time.Time, error)) {
	for ctx.Err() == nil {
		next, err := sweep(ctx, time.Now())
		wait := time.Until(next)
		switch {
		case err != nil && ctx.Err() == nil:
			d.log.Error("sweep failed", "of", name, "error", err, "retry_in", sweepRetry)
			wait = sweepRetry
		case next.IsZero():
			wait = time.Hour // nothing is due; a change wakes us
		}
		due := time.NewTimer(max(wait, sweepAtMost))
		select {
		case <-ctx.Done():
		case <-due.C:
		case <-changed:
			select { // several changes are one look
			case <-ctx.Done():
			case <-time.After(sweepAtMost):
			}
		}
		due.Stop()
	}
}
