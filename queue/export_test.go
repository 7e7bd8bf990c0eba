package queue

import (
	"context"
	"time"
)

// ClaimFor and SettleFor let tests make the dispatcher's moves one at a time.
func (q *Queue) ClaimFor(ctx context.Context, tx Tx, l Line, now time.Time) (a Attempt, found bool, err error) {
	j, _, err := q.claim(ctx, tx, l, now)
	if j == nil {
		return Attempt{}, false, err
	}
	return j.attempt, true, err
}

func (q *Queue) SettleFor(ctx context.Context, tx Tx, a Attempt, o Outcome, now time.Time) error {
	return q.settle(ctx, tx, a, o, now)
}
