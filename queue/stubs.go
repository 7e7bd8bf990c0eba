package queue

import (
	"context"
	"time"
)

func Enqueue(ctx context.Context, tx Tx, p Policy, d Draft, now time.Time) (Message, error) {
	return Message{}, nil
}

// Cancel takes a message back that was not handed over yet; ErrNotCancellable otherwise.
func (q *Queue) Cancel(ctx context.Context, id string) (Message, error) { return Message{}, nil }

// CancelOf takes back what has not been sent of an origin's messages, and forfeits repetitions. In the caller's transaction.
func CancelOf(ctx context.Context, tx Tx, p Policy, origin string, now time.Time) error { return nil }

// EvidenceOf settles what is unknown of an origin's messages: the recipient has shown that the text arrived.
func EvidenceOf(ctx context.Context, tx Tx, p Policy, origin string, now time.Time) error { return nil }

func (q *Queue) Report(ctx context.Context, r Report) (matched bool, err error) { return false, nil }
func (q *Queue) ReportTx(ctx context.Context, tx Tx, r Report) (matched bool, err error) {
	return false, nil
}
func (q *Queue) LateResult(ctx context.Context, attemptID string, o Outcome) error { return nil }
func (q *Queue) Evidence(ctx context.Context, tx Tx, messageID string) error       { return nil }
func (q *Queue) Recover(ctx context.Context) error                                 { return nil }
func (q *Queue) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	return time.Time{}, nil
}
func (q *Queue) changed(ctx context.Context, tx Tx, m Message) error { return nil }
