package daemon

import (
	"context"
	"slices"
	"strings"

	"attestd/internal/store"
	"attestd/pdu"
	"attestd/queue"
	"attestd/verify"
)

// challengeOrigin begins the origin of a message that carries a code.
const challengeOrigin = "challenge:"

// messageChanged is called by the queue in the transaction in which a message changes its state. It is the one place
// where the queue's news reach the rules: a code that a network took, or that arrived, moves its challenge in
// the same commit. How long the code took to arrive is measured when that stands.
func (d *Daemon) messageChanged(ctx context.Context, tx queue.Tx, m queue.Message) error {
	id, ok := strings.CutPrefix(m.Origin, challengeOrigin)
	if !ok {
		return nil
	}
	arrival, err := d.verify.Load().MessageChanged(ctx, tx.(verify.Tx), id, verify.SMS{
		MessageID: m.ID, State: string(m.State), Accepted: m.Accepted, Delivered: m.Delivered,
	})
	if err == nil && arrival.Now && reported(m) {
		tx.(*store.Tx).AfterCommit(func() { d.metrics.Delivered(arrival.Took) })
	}
	return err
}

// reported says whether reports tell that a message was delivered. A code that was entered shows it too, but not when.
func reported(m queue.Message) bool {
	return !slices.ContainsFunc(m.Parts, func(p queue.Segment) bool { return p.Status < 0 || pdu.Status(p.Status).Class() != pdu.Delivered })
}
