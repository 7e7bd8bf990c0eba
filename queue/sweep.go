package queue

import (
	"context"
	"time"
)

// sweepBatch is how many rows one transaction of the sweeper touches, so that it never holds others up for long.
const sweepBatch = 100

// idleSweep is when a sweep is due that nothing else makes due.
const idleSweep = time.Hour

// Sweep does what time does: it expires what waited too long, closes windows in which proof could come, drops reports
// that fitted nothing, and wipes texts and numbers that have served. It says when it is needed next: within the hour, so that
// a wipe is never later than that; a wake of the store may make it sooner.
func (q *Queue) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	for _, step := range []func(context.Context, Tx, time.Time) (int, error){q.sweepDue, q.wipeTexts, q.wipeNumbers} {
		for n := sweepBatch; n == sweepBatch; {
			err := q.store.Update(ctx, func(tx Tx) error {
				n, err = step(ctx, tx, now)
				return err
			})
			if err != nil {
				return time.Time{}, err
			}
		}
	}
	err = q.store.Update(ctx, func(tx Tx) error {
		held, err := q.dropHeld(ctx, tx, now)
		if err != nil {
			return err
		}
		due, err := tx.NextTimer(ctx, now)
		if err != nil {
			return err
		}
		text, numbers, err := tx.NextWipe(ctx)
		next = earliest(due, held, after(text, q.Policy().KeepTexts), after(numbers, q.Policy().KeepNumbers), now.Add(idleSweep))
		return err
	})
	return next, err
}

func (q *Queue) sweepDue(ctx context.Context, tx Tx, now time.Time) (int, error) {
	due, err := tx.DueSegments(ctx, now, sweepBatch)
	if err != nil {
		return 0, err
	}
	for _, s := range due {
		m, err := tx.Message(ctx, s.MessageID)
		if err != nil {
			return 0, err
		}
		if _, err := q.apply(ctx, tx, m, s.Seq, happening{what: timed}, now); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

func (q *Queue) wipeTexts(ctx context.Context, tx Tx, now time.Time) (int, error) {
	if q.Policy().KeepTexts < 0 {
		return 0, nil
	}
	return tx.WipeTexts(ctx, now.Add(-q.Policy().KeepTexts), sweepBatch)
}

func (q *Queue) wipeNumbers(ctx context.Context, tx Tx, now time.Time) (int, error) {
	if q.Policy().KeepNumbers < 0 {
		return 0, nil
	}
	return tx.WipeNumbers(ctx, now.Add(-q.Policy().KeepNumbers), sweepBatch)
}

// dropHeld gives up on reports that nothing fitted, and says when the next one's time is over.
func (q *Queue) dropHeld(ctx context.Context, tx Tx, now time.Time) (time.Time, error) {
	n, oldest, err := tx.DropHeld(ctx, now.Add(-q.Policy().HoldReports))
	if err == nil && n > 0 {
		err = tx.Emit(ctx, "report.unmatched", "", Everyone, map[string]int{"reports": n})
	}
	return after(oldest, q.Policy().HoldReports), err
}

// after is d after t; zero where t is, or where d says never.
func after(t time.Time, d time.Duration) time.Time {
	if t.IsZero() || d < 0 {
		return time.Time{}
	}
	return t.Add(d)
}

func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
