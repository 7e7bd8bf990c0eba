package queue

import (
	"context"
	"slices"
	"time"

	"attestd/pdu"
)

// job is an attempt that is written down and must now be made.
type job struct {
	attempt Attempt
	tpdu    []byte
	owed    Owed
}

// deadPerClaim bounds how many overdue or unfit parts one claim clears away before it lets others write.
const deadPerClaim = 50

// claim takes the next part for a line and writes the attempt down. Without work it says when there will be some (zero:
// not before something changes).
func (q *Queue) claim(ctx context.Context, tx Tx, l Line, now time.Time) (*job, time.Time, error) {
	lanes := l.lanes()
	for range deadPerClaim {
		id, seq, found, err := tx.Head(ctx, lanes, now)
		if err != nil {
			return nil, time.Time{}, err
		}
		if !found {
			next, err := tx.NextDue(ctx, lanes, now)
			return nil, next, err
		}
		m, err := tx.Message(ctx, id)
		if err != nil {
			return nil, time.Time{}, err
		}
		if !now.Before(m.Deadline) { // invariant: what would arrive too late is never sent
			if _, err := q.apply(ctx, tx, m, seq, happening{what: timed}, now); err != nil {
				return nil, time.Time{}, err
			}
			continue
		}
		if m.Locked { // not now, and never for good: its key or its row may be put back
			if _, err := q.apply(ctx, tx, m, seq, happening{what: shut, why: "its text or number cannot be opened: wrong key file, or damage"}, now); err != nil {
				return nil, time.Time{}, err
			}
			continue
		}
		if gone, err := q.stopped(ctx, tx, m, now); err != nil {
			return nil, time.Time{}, err
		} else if gone {
			continue
		}
		tpdu, why := m.encode(seq, now)
		if why != "" {
			if _, err := q.apply(ctx, tx, m, seq, happening{what: unfit, why: why}, now); err != nil {
				return nil, time.Time{}, err
			}
			continue
		}
		started, err := begins(ctx, tx, lanes.SIM, now)
		if err != nil {
			return nil, time.Time{}, err
		}
		a := Attempt{
			ID: newID(), MessageID: id, Seq: seq, N: m.Parts[seq-1].Attempts + 1,
			Station: l.Station, IMEI: l.IMEI, SIM: lanes.SIM, Started: started, MR: -1, Status: -1,
		}
		if err := tx.InsertAttempt(ctx, a); err != nil {
			return nil, time.Time{}, err
		}
		_, err = q.apply(ctx, tx, m, seq, happening{what: claimed, lanes: lanes}, now)
		return &job{attempt: a, tpdu: tpdu}, time.Time{}, err
	}
	return nil, now, nil
}

// begins is when an attempt begins: now, but always after what the SIM sent before, whatever small steps the clock takes. The order of a
// SIM's attempts is what their references are read by.
func begins(ctx context.Context, tx Tx, sim string, now time.Time) (time.Time, error) {
	last, err := tx.LastStart(ctx, sim)
	if step := last.Sub(now); err == nil && step >= 0 {
		now = now.Add(step + time.Microsecond)
	}
	return now, err
}

// encode makes one part's TPDU, the same at every attempt but for what is left of the deadline. why says in what it fails.
func (m Message) encode(seq int, now time.Time) (tpdu []byte, why string) {
	if m.Wiped {
		return nil, "its text cannot be read any more"
	}
	all, err := pdu.Encode(pdu.Message{
		To: m.To.E164(), Text: m.Text, Validity: m.Deadline.Sub(now), StatusReport: m.Report, Flash: m.Flash,
		PID: m.PID, Ref: m.Ref,
	})
	if err != nil {
		return nil, "it cannot be encoded: " + err.Error()
	}
	if len(all) != m.Segments {
		return nil, "its text encodes to another number of parts than when it was taken in"
	}
	return all[seq-1].TPDU, ""
}

func (l Line) lanes() Lanes { return Lanes{Station: l.Station, SIM: simOf(l.SIM, l.Station)} }

// simOf names the SIM; one whose ICCID cannot be read is known by the station that it is in.
func simOf(sim, station string) string {
	if sim == "" {
		return "in " + station
	}
	return sim
}

// settle writes an attempt's outcome down and lets the segment follow. An outcome can come twice: the doubtful one
// first and the late result after, or the other way round; what is known is never overwritten by doubt.
func (q *Queue) settle(ctx context.Context, tx Tx, a Attempt, o Outcome, now time.Time) error {
	if a.Result != Open && (a.Result != ResultUnknown || o.Kind == OutcomeUnknown) {
		return nil
	}
	a.Unanswered = o.Unanswered
	a.Result, a.Code, a.Detail = o.Kind.result(), o.Code, o.Detail
	if a.Ended.IsZero() {
		a.Ended = now
	}
	if o.Kind == OutcomeAccepted {
		a.MR, a.Shared = int(o.MR), o.Shared
	}
	if err := tx.SaveAttempt(ctx, a); err != nil {
		return err
	}
	m, err := tx.Message(ctx, a.MessageID)
	if err != nil {
		return err
	}
	h := happening{what: ended, attempt: a.N, outcome: o}
	if o.MaxTries > 0 {
		if h.alike, err = tx.AttemptsWithCode(ctx, a.MessageID, a.Seq, o.Code); err != nil {
			return err
		}
	}
	if _, err := q.apply(ctx, tx, m, a.Seq, h, now); err != nil {
		return err
	}
	if o.Kind == OutcomeAccepted { // +CDS may come before +CMGS
		if _, err := q.retryHeld(ctx, tx, a.SIM, a.MR, ""); err != nil {
			return err
		}
		if err := q.clearUnused(ctx, tx, a, now); err != nil {
			return err
		}
	}
	return q.retryTo(ctx, tx, a.SIM, m.To.E164(), now) // whatever became of it, reports that waited for that can be told apart now
}

// LateResult brings a final result that came after its submit had been given up as unknown.
func (q *Queue) LateResult(ctx context.Context, attemptID string, o Outcome) error {
	return q.store.Ahead(ctx, func(tx Tx) error {
		a, err := tx.Attempt(ctx, attemptID)
		if err != nil {
			return err
		}
		return q.late(ctx, tx, a, o, time.Now())
	})
}

// late applies a final result that came late.
func (q *Queue) late(ctx context.Context, tx Tx, a Attempt, o Outcome, now time.Time) error {
	if a.Unanswered && a.Result != ResultUnknown { // its report came first: the result adds nothing, but is owed no longer
		a.Unanswered = false
		return tx.SaveAttempt(ctx, a)
	}
	if o.Kind == OutcomeAccepted { // another one given up before may still be owed a result with that reference
		began, err := begins(ctx, tx, a.SIM, now)
		if err != nil {
			return err
		}
		owed, err := q.owed(ctx, tx, Attempt{ID: newID(), SIM: a.SIM, IMEI: a.IMEI, Started: began})
		if err != nil {
			return err
		}
		owners, _ := owed.Owners(int(o.MR))
		o.Shared = slices.ContainsFunc(owners, func(id string) bool { return id != a.ID })
	}
	return q.settle(ctx, tx, a, o, now)
}

// recoverBatch is how many attempts one transaction of Recover settles.
const recoverBatch = 200

// Recover is for the start, before any line is attached: attempts that were under way when the process ended have an
// unknown outcome.
func (q *Queue) Recover(ctx context.Context) error {
	lost := Outcome{Kind: OutcomeUnknown, Unanswered: true, Detail: "the gateway stopped before the modem answered"}
	for n := recoverBatch; n == recoverBatch; {
		err := q.store.Update(ctx, func(tx Tx) error {
			open, err := tx.OpenAttempts(ctx, recoverBatch)
			if err != nil {
				return err
			}
			n = len(open)
			for _, a := range open {
				if err := q.settle(ctx, tx, a, lost, time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
