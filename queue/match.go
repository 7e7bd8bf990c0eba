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
	// clockSlack is how far the service centre's clock, the modem's and ours may be apart.
	clockSlack = 3 * time.Minute
	// airTime is how long a submit can last until the service centre stamps it.
	airTime = 10 * time.Minute
	// foreign is how many references may be missing after the last known one: other programs use the SIM too.
	foreign = 8
)

// rank says how well a report fits an attempt: lower is better, negative not at all. Within a rank, closer is better.
func (c candidate) rank(r Report) (rank, distance int) {
	if c.Started.After(r.Received.Add(clockSlack)) {
		return -1, 0 // the report came before the attempt
	}
	same := pdu.SameRecipient(c.message.To.E164(), r.Recipient)
	near := !r.SCTS.IsZero() && r.SCTS.After(c.Started.Add(-clockSlack)) && r.SCTS.Before(c.Started.Add(airTime))
	if c.Result == ResultUnknown {
		if !same {
			return -1, 0
		}
		distance, fits := c.place.fit(int(r.MR))
		switch {
		case fits && near:
			return 2, distance
		case fits && (r.SCTS.IsZero() || c.place.known()):
			return 3, distance
		case near: // the modem began to count anew, or lost count
			return 5, distance
		}
		return -1, 0
	}
	final := c.Status >= 0 && pdu.Status(c.Status).Class() != pdu.Pending
	switch {
	case c.MR != int(r.MR):
		return -1, 0
	case same && !r.SCTS.IsZero() && r.SCTS.Equal(c.SCTS):
		return 0, 0 // again about the message that the first report was about
	case same && !final && (near || r.SCTS.IsZero()):
		return 1, 0
	case same && !final:
		return 4, 0
	case same && (near || r.SCTS.IsZero()):
		return 6, 0 // a repetition
	case !final && near && digits(r.Recipient):
		return 7, 0 // ported numbers and short codes can come back as another number altogether
	}
	return -1, 0
}

// choose picks the attempt that a report is about. Of equals the newest is taken.
func choose(r Report, all []candidate) (best candidate, ok bool) {
	bestRank, bestDistance := -1, 0
	for _, c := range all {
		rank, distance := c.rank(r)
		if rank < 0 {
			continue
		}
		better := bestRank < 0 || rank < bestRank ||
			rank == bestRank && (distance < bestDistance || distance == bestDistance && c.Started.After(best.Started))
		if better {
			best, bestRank, bestDistance = c, rank, distance
		}
	}
	return best, bestRank >= 0
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

func wrap(n int) int { return ((n % 256) + 256) % 256 }

func apart(a, b int) int { return max(a-b, b-a) }
