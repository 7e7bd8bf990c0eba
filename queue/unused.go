package queue

import (
	"context"
	"time"
)

// A SIM counts its references up by one a submit (TS 23.040 9.2.3.6). When the reference before an attempt in doubt and the
// one after it follow each other directly, the attempt used none: it never reached the network, and may be made again without
// any risk of a second text. It is the only evidence that something was not sent, and it comes with the next message.

// recentDoubt is how far back one looks for attempts in doubt that may be cleared.
const recentDoubt = time.Hour

// clearUnused settles the doubtful attempts beside one whose reference has become known, if they used none.
func (q *Queue) clearUnused(ctx context.Context, tx Tx, known Attempt, now time.Time) error {
	if doubtful, err := tx.DoubtfulAttempts(ctx, known.SIM, now.Add(-recentDoubt), 1); err != nil || len(doubtful) == 0 {
		return err
	}
	before, after, err := tx.Neighbours(ctx, known, neighbours)
	if err != nil {
		return err
	}
	for _, a := range append(before, after...) {
		if a.Result != ResultUnknown {
			continue
		}
		before, after, err := tx.Neighbours(ctx, a, neighbours)
		if err != nil {
			return err
		}
		if !usedNone(before, after) {
			continue
		}
		if same, err := q.oneRecipient(ctx, tx, a, before, after); err != nil {
			return err
		} else if same {
			continue
		}
		o := Outcome{Kind: OutcomeNotSent, Detail: "not handed to the network: the SIM's references before and after it follow each other"}
		if err := q.settle(ctx, tx, a, o, now); err != nil {
			return err
		}
	}
	return nil
}

// oneRecipient says whether the reference beside an attempt may be its own after all: the other's report proves that the
// reference is the other's by its recipient, and cannot when that is this one's too.
func (q *Queue) oneRecipient(ctx context.Context, tx Tx, a Attempt, sides ...[]Attempt) (bool, error) {
	for _, side := range sides {
		mr, _ := firstKnown(side)
		known := side[position(side, mr)]
		if !known.Shared {
			continue
		}
		mine, err := tx.Message(ctx, a.MessageID)
		if err != nil {
			return false, err
		}
		other, err := tx.Message(ctx, known.MessageID)
		if err != nil || mine.To == other.To {
			return true, err
		}
	}
	return false, nil
}

// usedNone says whether the SIM's references leave no room for the attempt between what came before it (newest first) and
// after it (oldest first). It believes a SIM only whose references have been seen to count; one that begins anew at 0,
// as some do when the modem restarts, proves nothing; nor does a reference that may be another attempt's, until its report names
// its recipient.
func usedNone(before, after []Attempt) bool {
	from, steps := firstKnown(before)
	to, _ := firstKnown(after)
	if from < 0 || to < 1 || wrap(to-from) != 1 || unsure(before, from) || unsure(after, to) {
		return false
	}
	earlier, more := firstKnown(before[position(before, from)+1:])
	counted := wrap(from - earlier)
	return earlier >= 0 && steps > 0 && 1 <= counted && counted <= more
}

// unsure says whether the nearest attempt with this reference may have it from another.
func unsure(attempts []Attempt, mr int) bool {
	a := attempts[position(attempts, mr)]
	return a.Shared && a.Reported.IsZero()
}

// position is where the nearest attempt with this reference stands.
func position(attempts []Attempt, mr int) int {
	for i, a := range attempts {
		if a.MR == mr && a.Result != ResultNotSent {
			return i
		}
	}
	return len(attempts) - 1
}
