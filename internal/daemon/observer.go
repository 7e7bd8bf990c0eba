package daemon

import (
	"context"
	"strings"
	"time"

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

// textArrived is called by the inbox in the transaction in which a whole message is stored. Matching it as a reply to
// a challenge waits until that is committed: what the rules say of a text never loses it.
func (d *Daemon) textArrived(context.Context, inbox.Tx, inbox.Item) error {
	d.metrics.Inbound()
	return nil
}

// reply offers a stored text to the rules. Its sender is whoever the network says; the rules know if they expect it.
func (d *Daemon) reply(ctx context.Context, it inbox.Item) {
	if !d.cfg.Load().Verify.Replies || !it.Complete || !it.Readable {
		return
	}
	answer, matched, err := d.verify.Load().Reply(ctx, it.From, it.Text, time.Now())
	switch {
	case err != nil:
		d.log.Error("a reply by SMS could not be matched", "item", it.ID, "error", err)
	case matched:
		d.metrics.Verification(int(answer.Result))
		d.log.Info("a reply by SMS was matched", "item", it.ID, "result", int(answer.Result))
	}
}
