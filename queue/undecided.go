package queue

import (
	"cmp"
	"context"
	"slices"
	"time"

	"attestd/pdu"
)

// Parts of one message go to one recipient, one right after the other. When one of them is in doubt, neither the recipient nor the time of a report tells it
// from the next, and the reference that it must have had is the next one's if it was never sent. So what can be either's is
// held until what is known of the others leaves one.

// whose says which attempt in doubt a report is about, of all that it fits as well as the best of them does. With wait, that cannot be told yet.
func (q *Queue) whose(ctx context.Context, tx Tx, r Report, best candidate, rank int, doubtful []candidate) (c candidate, wait bool, err error) {
	if best.place.sure(int(r.MR)) {
		return best, false, nil
	}
	if best.place.to < 0 { // else what is under way has a later one
		if open, err := q.openTo(ctx, tx, r); err != nil || open {
			return best, open, err
		}
	}
	var fit []candidate
	for _, c := range doubtful {
		if mine, _ := c.rank(r); c.Result == ResultUnknown && mine == rank {
			fit = append(fit, c)
		}
	}
	if len(fit) < 2 {
		return best, false, nil
	}
	slices.SortFunc(fit, func(a, b candidate) int { return a.Started.Compare(b.Started) })
	held, err := tx.HeldReports(ctx, r.SIM, -1)
	if err != nil {
		return best, false, err
	}
	refs := []byte{r.MR}
	for _, h := range held {
		if pdu.SameRecipient(h.Recipient, r.Recipient) && !slices.Contains(refs, h.MR) && slices.ContainsFunc(fit, func(c candidate) bool { mine, _ := c.rank(h.Report); return mine == rank }) {
			refs = append(refs, h.MR)
		}
	}
	if len(refs) != len(fit) {
		return best, true, nil // one of them was not sent, or its report is yet to come, or one is another program's
	}
	first := max(fit[0].place.from, 0)
	slices.SortFunc(refs, func(a, b byte) int { return cmp.Compare(wrap(int(a)-first), wrap(int(b)-first)) })
	return fit[slices.Index(refs, r.MR)], false, nil // as many as there are references: in their order
}

// openTo says whether the SIM is sending to the report's recipient at this moment.
func (q *Queue) openTo(ctx context.Context, tx Tx, r Report) (bool, error) {
	open, err := tx.OpenAttempts(ctx, recoverBatch)
	if err != nil {
		return false, err
	}
	for _, a := range open {
		if a.SIM != r.SIM {
			continue
		}
		m, err := tx.Message(ctx, a.MessageID)
		if err != nil || pdu.SameRecipient(m.To.E164(), r.Recipient) {
			return err == nil, err
		}
	}
	return false, nil
}

// retryTo tries the held reports about a recipient again, as long as that settles a doubt which leaves less of it. Without an attempt in
// doubt none can be settled so; and only those about the recipient can: there may be hundreds about others, each costs a search.
func (q *Queue) retryTo(ctx context.Context, tx Tx, sim, recipient string, now time.Time) error {
	doubtful, err := tx.DoubtfulAttempts(ctx, sim, now.Add(-recentDoubt), 1)
	if err != nil || len(doubtful) == 0 {
		return err
	}
	for range neighbours {
		found, err := q.retryHeld(ctx, tx, sim, -1, recipient)
		if err != nil || !found {
			return err
		}
	}
	return nil
}
