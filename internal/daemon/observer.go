package daemon

import (
	"context"
	"strings"

	"attestd/internal/inbox"
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

// textArrived is called by the inbox in the transaction in which a whole message is stored, and offers it to the rules as
// a reply to a challenge: stored and answered are one commit.
func (d *Daemon) textArrived(ctx context.Context, tx inbox.Tx, it inbox.Item) error {
	d.metrics.Inbound()
	if !it.Complete || !it.Readable {
		return nil
	}
	answer, matched, err := d.verify.Load().Reply(ctx, tx.(verify.Tx), it.From, it.Text)
	if matched {
		d.metrics.Verification(int(answer.Result))
		d.log.Info("a reply by SMS was matched", "item", it.ID, "result", int(answer.Result))
	}
	return err
}
