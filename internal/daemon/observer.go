package daemon

import (
	"context"
	"strings"

	"attestd/queue"
	"attestd/verify"
)

// challengeOrigin begins the origin of a message that carries a code.
const challengeOrigin = "challenge:"

// messageChanged is called by the queue in the transaction in which a message changes its state. It is the one place
// where the queue's news reach the rules: a code that a network took, or that arrived, moves its challenge in
// the same commit.
func (d *Daemon) messageChanged(ctx context.Context, tx queue.Tx, m queue.Message) error {
	id, ok := strings.CutPrefix(m.Origin, challengeOrigin)
	if !ok {
		return nil
	}
	return d.verify.Load().MessageChanged(ctx, tx.(verify.Tx), id, verify.SMS{
		MessageID: m.ID, State: string(m.State), Accepted: m.Accepted, Delivered: m.Delivered,
	})
}
