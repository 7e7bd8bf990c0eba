package inbox

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch is how many messages one transaction handles: others wait for it.
const sweepBatch = 64

// Sweep hands on the messages whose parts waited for the hold time and drops what was kept long enough. It says when
// there will be more to do; the zero time when nothing waits.
func (b *Inbox) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	policy := *b.policy.Load()
	for more := true; more; {
		err = b.store.Update(ctx, func(tx Tx) error {
			given, first, err := b.giveUpAll(ctx, tx, now.Add(-policy.Hold))
			if err != nil {
				return err
			}
			var dropped int
			var oldest time.Time
			if policy.Keep > 0 {
				if dropped, oldest, err = tx.DropItems(ctx, now.Add(-policy.Keep), sweepBatch); err != nil {
					return err
				}
			}
			more = given == sweepBatch || dropped == sweepBatch
			next = earlier(after(first, policy.Hold), after(oldest, policy.Keep))
			return nil
		})
		if err != nil {
			return time.Time{}, fmt.Errorf("inbox: %w", err)
		}
	}
	return next, nil
}

// giveUpAll hands on the incomplete messages whose first part came before a time, and says when the first part of those
// that are left came.
func (b *Inbox) giveUpAll(ctx context.Context, tx Tx, before time.Time) (given int, first time.Time, err error) {
	parts, err := tx.WaitingParts(ctx, before, sweepBatch)
	if err != nil {
		return 0, time.Time{}, err
	}
	for len(parts) > 0 { // they come set by set
		n := 1
		for n < len(parts) && parts[n].Set == parts[0].Set {
			n++
		}
		if err := b.giveUp(ctx, tx, parts[:n]); err != nil {
			return 0, time.Time{}, err
		}
		parts = parts[n:]
		given++
	}
	first, err = tx.FirstWaiting(ctx)
	return given, first, err
}

func after(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// giveUp hands on what came of one message.
func (b *Inbox) giveUp(ctx context.Context, tx Tx, parts []Part) error {
	last := parts[0]
	for _, p := range parts {
		if p.Received.After(last.Received) {
			last = p
		}
	}
	it := unreadable(last) // when its octets cannot be opened any more: it must not be tried for ever
	if sets := setsOf(parts); len(sets) > 0 {
		it = itemOf(sets[0].whole(), last)
	}
	return b.hand(ctx, tx, it, last.Set)
}
