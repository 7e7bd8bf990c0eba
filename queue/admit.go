package queue

import (
	"context"
	"errors"
	"time"
)

// ErrOptedOut says that the recipient wants no such texts.
var ErrOptedOut = errors.New("to: this person has opted out: send nothing but what is necessary, and declare that (docs/inbound.md)")

// StoppedByOptOut is the reason of a message that was taken back because its recipient wants no more.
const StoppedByOptOut = "its recipient has opted out"

// Barrier says whether a draft may be sent: ErrOptedOut when its recipient does not want it. It is asked in the
// transaction that takes a message in, and again in the one that would hand it to a modem.
type Barrier func(ctx context.Context, tx Tx, d Draft) error

// Bar puts a barrier up, before the queue is used. What [Enqueue] takes in does not pass it at the door.
func (q *Queue) Bar(b Barrier) { q.barrier = b }

// admit asks the barrier.
func (q *Queue) admit(ctx context.Context, tx Tx, d Draft) error {
	if q.barrier == nil {
		return nil
	}
	return q.barrier(ctx, tx, d)
}

// stopped takes a message back that the barrier no longer lets pass, and says so: the last look before a modem gets it. A
// part that was with a modem when its recipient opted out comes back here, after a temporary error.
func (q *Queue) stopped(ctx context.Context, tx Tx, m Message, now time.Time) (bool, error) {
	err := q.admit(ctx, tx, m.Draft)
	if !errors.Is(err, ErrOptedOut) {
		return false, err
	}
	_, err = q.apply(ctx, tx, m, 0, happening{what: withdrawn, why: StoppedByOptOut}, now)
	return true, err
}

// Withdraw takes back what was not sent of a message, and forfeits its repetition, in the caller's transaction. What is
// out already stays what it is.
func Withdraw(ctx context.Context, tx Tx, p Policy, m Message, why string, now time.Time) error {
	_, err := with(p).apply(ctx, tx, m, 0, happening{what: withdrawn, why: why}, now)
	return err
}
