package queue

import (
	"context"
	"time"

	"attestd/pdu"
)

const (
	// reportMemory is how far back a report may reach: no network keeps a message longer (TP-VP ends at 63 weeks, service
	// centres at days).
	reportMemory = 7 * 24 * time.Hour
	candidates   = 16
	doubts       = 256 // a storm of crashes leaves many in doubt at once; their reports come late and together
	neighbours   = 12
)

// Report takes a status report in. When it returns without error the report is stored, matched or not, and may be
// acknowledged to the network.
func (q *Queue) Report(ctx context.Context, r Report) (matched bool, err error) {
	err = q.store.Ahead(ctx, func(tx Tx) error {
		matched, err = q.ReportTx(ctx, tx, r)
		return err
	})
	return matched, err
}

// ReportTx is Report in the caller's transaction. A report that nothing fits is kept for some minutes: the outcome of its
// submit may still be on its way.
func (q *Queue) ReportTx(ctx context.Context, tx Tx, r Report) (matched bool, err error) {
	r.SIM = simOf(r.SIM, r.Station)
	if r.Received.IsZero() {
		r.Received = time.Now()
	}
	matched, err = q.match(ctx, tx, r)
	if err != nil {
		return false, err
	}
	if matched {
		return true, q.retryTo(ctx, tx, r.SIM, r.Recipient, time.Now())
	}
	tx.Wake() // the sweeper will have to drop it
	return false, tx.HoldReport(ctx, newID(), r)
}

// retryHeld tries the reports that came before an outcome again, those with a reference (or, below 0, about a recipient), and says whether one
// has found its attempt.
func (q *Queue) retryHeld(ctx context.Context, tx Tx, sim string, mr int, recipient string) (found bool, err error) {
	held, err := tx.HeldReports(ctx, sim, mr)
	if err != nil {
		return false, err
	}
	for _, h := range held {
		if mr < 0 && !pdu.SameRecipient(recipient, h.Recipient) {
			continue
		}
		matched, err := q.match(ctx, tx, h.Report)
		if err != nil {
			return found, err
		}
		if matched {
			found = true
			if err := tx.DropReport(ctx, h.ID); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// match finds the attempt that a report is about, and applies it.
func (q *Queue) match(ctx context.Context, tx Tx, r Report) (bool, error) {
	since := r.Received.Add(-reportMemory)
	exact, err := tx.AttemptsWithMR(ctx, r.SIM, r.MR, since, candidates)
	if err != nil {
		return false, err
	}
	// Nearly always it is the attempt with that reference and about that time: look no further then.
	var likely, others []Attempt
	for _, a := range exact {
		if r.SCTS.IsZero() || r.SCTS.Equal(a.SCTS) || a.near(r.SCTS) {
			likely = append(likely, a)
		} else {
			others = append(others, a)
		}
	}
	found, rank, _, err := q.best(ctx, tx, r, likely)
	if err != nil {
		return false, err
	}
	if rank > named {
		doubtful, err := tx.DoubtfulAttempts(ctx, r.SIM, since, doubts)
		if err != nil {
			return false, err
		}
		other, otherRank, all, err := q.best(ctx, tx, r, append(others, doubtful...))
		if err != nil {
			return false, err
		}
		if otherRank < rank {
			found, rank = other, otherRank
		}
		if rank < noFit && found.Result == ResultUnknown {
			var wait bool
			if found, wait, err = q.whose(ctx, tx, r, found, rank, all); wait || err != nil {
				return false, err
			}
		}
	}
	if rank == noFit {
		return false, nil
	}
	return true, q.applyReport(ctx, tx, found, r)
}

// best reads what is needed to rank attempts, and chooses.
func (q *Queue) best(ctx context.Context, tx Tx, r Report, attempts []Attempt) (c candidate, rank int, all []candidate, err error) {
	for _, a := range attempts {
		c := candidate{Attempt: a}
		if c.message, err = tx.Message(ctx, a.MessageID); err != nil {
			return c, noFit, nil, err
		}
		if a.Result == ResultUnknown {
			before, after, err := tx.Neighbours(ctx, a, neighbours)
			if err != nil {
				return c, noFit, nil, err
			}
			c.place = placeOf(before, after)
		}
		all = append(all, c)
	}
	c, rank = choose(r, all)
	return c, rank, all, nil
}

func (q *Queue) applyReport(ctx context.Context, tx Tx, c candidate, r Report) error {
	now := time.Now()
	a := c.Attempt
	settled := a.Result == ResultUnknown
	proved := settled || a.Shared && a.Reported.IsZero()
	if settled { // the evidence that settles it; from now on its reference is known
		a.Result, a.MR, a.Detail = ResultAccepted, int(r.MR), "its status report proves that the network took it"
	}
	// Of several reports the final one counts; a repeated one adds nothing.
	if a.Status < 0 || pdu.Status(a.Status).Class() == pdu.Pending || r.Status.Class() == pdu.Delivered {
		a.Status, a.Discharge = int(r.Status), r.Discharge
	}
	if a.SCTS.IsZero() {
		a.SCTS = r.SCTS
	}
	if a.Reported.IsZero() {
		a.Reported = now
	}
	if err := tx.SaveAttempt(ctx, a); err != nil {
		return err
	}
	_, err := q.apply(ctx, tx, c.message, a.Seq, happening{
		what: reported, attempt: a.N, status: r.Status, discharge: r.Discharge,
		why: "the network reports " + r.Status.String(),
	}, now)
	if err == nil && proved {
		err = q.clearUnused(ctx, tx, a, now)
	}
	return err
}
