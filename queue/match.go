package queue

import (
	"strings"
	"time"

	"attestd/pdu"
)

// A status report names its message by the SIM that gets it, the reference that the modem gave and the recipient. The
// reference is one octet and comes round again, some modems begin anew at a restart, networks write the recipient in
// other forms, and of an attempt whose outcome is unknown there is no reference at all. So candidates are ranked.

// candidate is an attempt that a report may be about.
type candidate struct {
	Attempt
	message Message
	place   place // of a doubtful attempt, among its neighbours
}

const (
	// clockSlack is how far the service centre's clock and ours may be apart, goodClock how far they mostly are.
	clockSlack = 3 * time.Minute
	goodClock  = 5 * time.Second
	// airTime is how long a submit can last until the service centre stamps it.
	airTime = 10 * time.Minute
	// foreign is how many references may be missing after the last known one: other programs use the SIM too.
	foreign = 8
)

// Ranks of a fit, best first.
const (
	again    = iota // a second report about a message that has one, by its time stamp
	named           // the reference, and a time that fits
	within          // in doubt; the reference that it must have had, stamped while the submit lasted
	about           // in doubt; the reference that it must have had, stamped at about that time
	guessed         // in doubt; the reference that it must have had, by a clock that is off or silent
	off             // the reference, by a clock that is off
	lost            // in doubt; stamped while the submit lasted by a modem that lost count of its references
	repeated        // the reference of a message that has its final report
	stranger        // the reference, stamped while the submit lasted, under another number: ported ones and short codes come back so
	noFit
)

// rank says how well a report fits an attempt. Within a rank, closer is better.
func (c candidate) rank(r Report) (rank, distance int) {
	if c.Started.After(r.Received.Add(clockSlack)) {
		return noFit, 0 // the report came before the attempt
	}
	same := pdu.SameRecipient(c.message.To.E164(), r.Recipient)
	stamped := !r.SCTS.IsZero()
	near := stamped && c.near(r.SCTS)
	if c.Result == ResultUnknown {
		distance, fits := c.place.fit(int(r.MR))
		inside := stamped && c.inside(r.SCTS)
		switch {
		case !same:
			return noFit, 0
		case fits && inside:
			return within, distance
		case fits && near:
			return about, distance
		case fits && (!stamped || c.place.known()):
			return guessed, distance
		case near && inside:
			return lost, distance
		}
		return noFit, 0
	}
	final := c.Status >= 0 && pdu.Status(c.Status).Class() != pdu.Pending
	switch {
	case c.MR != int(r.MR):
		return noFit, 0
	case same && stamped && r.SCTS.Equal(c.SCTS):
		return again, 0
	case same && !final && (near || !stamped):
		return named, 0
	case same && !final:
		return off, 0
	case same && (near || !stamped):
		return repeated, 0
	case !final && stamped && c.inside(r.SCTS) && digits(r.Recipient):
		return stranger, 0
	}
	return noFit, 0
}

// near says whether the service centre's time stamp can be that of this attempt.
func (a Attempt) near(scts time.Time) bool {
	return scts.After(a.Started.Add(-clockSlack)) && scts.Before(a.Started.Add(airTime))
}

// inside says whether the service centre's time stamp lies within the attempt, by clocks that agree.
func (a Attempt) inside(scts time.Time) bool {
	return scts.After(a.Started.Add(-goodClock)) && scts.Before(a.Ended.Add(goodClock))
}

// choose picks the attempt that a report is about. Of equals the one is taken that began nearest to the service centre's
// time stamp, or the newest when there is none.
func choose(r Report, all []candidate) (best candidate, rank int) {
	when := r.SCTS
	if when.IsZero() {
		when = r.Received
	}
	bestRank, bestDistance := noFit, 0
	for _, c := range all {
		rank, distance := c.rank(r)
		if rank < bestRank || rank == bestRank && rank != noFit && (distance < bestDistance ||
			distance == bestDistance && when.Sub(c.Started).Abs() < when.Sub(best.Started).Abs()) {
			best, bestRank, bestDistance = c, rank, distance
		}
	}
	return best, bestRank
}

func digits(address string) bool {
	address = strings.TrimPrefix(address, "+")
	return address != "" && strings.Trim(address, "0123456789") == ""
}

// place is where an attempt without a reference stands among those with one: a SIM counts its references up by one a
// submit, modulo 256 (TS 23.040 9.2.3.6).
type place struct {
	from, steps int // the known reference before it, and how many attempts ago; from -1 for none
	to, ahead   int // the known reference after it, and in how many attempts; to -1 for none
}

// placeOf finds the place of an attempt from what the same SIM sent before it (newest first) and after it (oldest first).
func placeOf(before, after []Attempt) place {
	p := place{from: -1, to: -1}
	p.from, p.steps = firstKnown(before)
	p.to, p.ahead = firstKnown(after)
	return p
}

// firstKnown gives the nearest reference, and how many counted submits away it is.
func firstKnown(attempts []Attempt) (mr, steps int) {
	for _, a := range attempts {
		if a.Result == ResultNotSent {
			continue // it used no reference
		}
		steps++
		if a.MR >= 0 {
			return a.MR, steps
		}
	}
	return -1, 0
}

func (p place) known() bool { return p.from >= 0 || p.to >= 0 }

// fit says whether a reference can be this attempt's, and how far it is from the expected one.
func (p place) fit(mr int) (distance int, ok bool) {
	switch {
	case p.from >= 0 && p.to >= 0:
		offset, span := wrap(mr-p.from), wrap(p.to-p.from)
		return apart(offset, p.steps), 0 < offset && offset < span
	case p.from >= 0:
		offset := wrap(mr - p.from)
		return apart(offset, p.steps), 0 < offset && offset <= p.steps+foreign
	case p.to >= 0:
		offset := wrap(p.to - mr)
		return apart(offset, p.ahead), 0 < offset && offset <= p.ahead+foreign
	}
	return 256, true
}

// sure says that a reference is this attempt's and no other's: there are as many between the known ones as attempts.
func (p place) sure(mr int) bool {
	return p.from >= 0 && p.to >= 0 && wrap(p.to-p.from) == p.steps+p.ahead && wrap(mr-p.from) == p.steps
}

func wrap(n int) int { return ((n % 256) + 256) % 256 }

func apart(a, b int) int { return max(a-b, b-a) }
