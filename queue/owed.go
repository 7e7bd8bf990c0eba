package queue

import (
	"context"
	"slices"
	"time"
)

// A modem can give a final result long after its submit was given up, even to another process; by then the next submit may be
// under way, and on the wire the two look alike. Only the references tell them apart: a SIM counts them up by one a submit
// (TS 23.040 9.2.3.6).

// owedFor is how long after it was given up a submit may still get its final result.
const owedFor = 15 * time.Minute

// leastPatience is how long a second final result is waited for at least; a kill meanwhile would put this attempt in doubt too.
const leastPatience = 500 * time.Millisecond

// Owed is what earlier submits on the same modem and SIM may still be owed. The zero Owed is nothing.
type Owed struct {
	last     int       // the newest known reference; -1 for none
	recent   []owedOne // in doubt: the at-th submit since that reference
	older    []owedOne // in doubt: between two known references
	reported []owedOne // known by their report, before their final result was read
	patience time.Duration
}

// owedOne is an attempt whose final result was never read.
type owedOne struct {
	id       string
	at       int
	from, to int
	mr       int
	earlier  bool // an earlier process waited for it
}

// None says that nothing is owed.
func (o Owed) None() bool { return len(o.recent)+len(o.older)+len(o.reported) == 0 }

// Owners says whose a final result with this reference may be (-1: a refusal), besides the submit under way: earlier attempts. With
// certain, it cannot be that of the submit under way. Of several owners nobody can tell which: an earlier one may have used no reference.
func (o Owed) Owners(mr int) (attempts []string, certain bool) {
	for _, a := range o.reported {
		if a.mr == mr {
			return []string{a.id}, true
		}
	}
	for _, a := range o.older {
		if offset := wrap(mr - a.from); mr >= 0 && 0 < offset && offset < wrap(a.to-a.from) {
			attempts = append(attempts, a.id)
		}
	}
	if len(attempts) > 0 {
		return attempts, true
	}
	offset := wrap(mr - o.last)
	for _, a := range o.recent {
		if mr < 0 || o.last < 0 || 0 < offset && offset <= a.at {
			attempts = append(attempts, a.id)
		}
	}
	return attempts, false
}

// Contested says whether a reference that came alone may be that of an attempt which this process has given up. One that an earlier process
// waited for is another matter: the handshake since has shown that the modem was at rest.
func (o Owed) Contested(mr int) bool {
	owners, _ := o.Owners(mr)
	for _, a := range slices.Concat(o.recent, o.older, o.reported) {
		if !a.earlier && slices.Contains(owners, a.id) {
			return true
		}
	}
	return false
}

// Newer says whether reference a was given after b.
func (o Owed) Newer(a, b byte) bool {
	return o.last >= 0 && wrap(int(a)-o.last) > wrap(int(b)-o.last)
}

// Patience is how long a second final result should be waited for when the first may be an earlier attempt's: some times as long
// as this SIM's submits last.
func (o Owed) Patience() time.Duration { return o.patience }

// owed finds what may be owed on the attempt's modem and SIM when it begins.
func (q *Queue) owed(ctx context.Context, tx Tx, a Attempt) (Owed, error) {
	before, _, err := tx.Neighbours(ctx, a, neighbours)
	if err != nil {
		return Owed{}, err
	}
	// By the clock of now, which the attempts on record follow: it may have been set since.
	return owedBy(before, a, time.Now().Add(-time.Since(q.began))), nil
}

// owedBy reads it from what the SIM sent before (newest first); this process began at a time.
func owedBy(before []Attempt, a Attempt, began time.Time) Owed {
	o := Owed{last: -1}
	var shortest time.Duration // not the longest: that one may have waited for a second result itself
	after := -1                // the known reference after the one looked at
	var since []Attempt
	for i, b := range before {
		if b.Result == ResultNotSent {
			continue
		}
		if took := b.Ended.Sub(b.Started); b.Result == ResultAccepted && took > 0 && (shortest == 0 || took < shortest) {
			shortest = took
		}
		if b.MR >= 0 {
			if after < 0 {
				o.last = b.MR
			}
			after = b.MR
			if b.mayYetEnd(a) {
				o.reported = append(o.reported, owedOne{id: b.ID, mr: b.MR, earlier: b.Started.Before(began)})
			}
			continue
		}
		if after < 0 {
			since = append(since, b)
			continue
		}
		if from, _ := firstKnown(before[i+1:]); from >= 0 && b.mayYetEnd(a) {
			o.older = append(o.older, owedOne{id: b.ID, from: from, to: after, earlier: b.Started.Before(began)})
		}
	}
	o.patience = leastPatience + 4*shortest
	slices.Reverse(since)
	for i, b := range since {
		if b.mayYetEnd(a) {
			o.recent = append(o.recent, owedOne{id: b.ID, at: i + 1, earlier: b.Started.Before(began)})
		}
	}
	return o
}

// mayYetEnd says whether the attempt's final result may still come when another one begins on the same modem.
func (a Attempt) mayYetEnd(next Attempt) bool {
	return a.Unanswered && a.IMEI == next.IMEI && next.Started.Sub(a.Ended) < owedFor
}

// StrayResult brings a final result that came when nothing was under way: that of an attempt of an earlier process, perhaps.
// Without one that it fits, it is forgotten.
func (q *Queue) StrayResult(ctx context.Context, station, imei, sim string, mr byte) error {
	return q.store.Ahead(ctx, func(tx Tx) error {
		now := time.Now()
		began, err := begins(ctx, tx, simOf(sim, station), now)
		if err != nil {
			return err
		}
		next := Attempt{ID: newID(), SIM: simOf(sim, station), IMEI: imei, Started: began}
		o, err := q.owed(ctx, tx, next)
		if err != nil || o.last < 0 {
			return err
		}
		owners, _ := o.Owners(int(mr))
		if len(owners) != 1 {
			return nil // nobody's, or one of several: their reports will tell
		}
		a, err := tx.Attempt(ctx, owners[0])
		if err != nil {
			return err
		}
		return q.late(ctx, tx, a, Outcome{Kind: OutcomeAccepted, MR: mr}, now)
	})
}
