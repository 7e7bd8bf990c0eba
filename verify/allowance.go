package verify

import (
	"context"
	"time"
)

// A tail that fits nothing ends no filing, or anybody who knows a phone could end it. It is charged to the phone
// instead: to
// its allowance of wrong tails in the last 24 hours, a row each, whether anybody waits at that phone or not. Past the
// allowance a check of this phone costs work that grows with each wrong tail, and waits. Who comes with a token is
// spared
// both, and so is a reply, which comes from the phone itself; for all of them the phone has so many checks an hour.
// docs/threats.md computes what that leaves to somebody who guesses, and a test holds it.

// The kinds under which a phone's checks and its wrong tails are noted.
const (
	sentCheck = "check"
	sentTail  = "tail"
)

// What a check of a phone costs with the first wrong tail past the allowance, and at most. A proof of one bit more
// takes twice
// the hashes; 22 bits are four million, a few seconds on a phone.
const (
	tollBits, mostTollBits = 18, 22
	tollWait, mostTollWait = 30 * time.Second, 5 * time.Minute
)

// heldKind is the kind under which entries are noted that had a challenge's code and a wrong tail: whoever makes them
// holds the
// phone, and guesses the certificate.
func heldKind(challengeID string) string { return "held:" + challengeID }

// toll is what the next check of a phone costs after these wrong tails of the last day, oldest first: the zero bits of
// its
// proof of work, and how long it must wait.
func (p Policy) toll(tails []time.Time, now time.Time) (bits int, wait time.Duration) {
	past := len(tails) - p.WrongTails
	if p.WrongTails <= 0 || past < 0 {
		return 0, 0
	}
	apart := mostTollWait
	if past < 8 {
		apart = min(tollWait<<past, mostTollWait)
	}
	if last := tails[len(tails)-1]; !last.After(now) { // what a clock that was set back shows as yet to come keeps nobody waiting
		wait = max(0, last.Add(apart).Sub(now))
	}
	return min(tollBits+past, mostTollBits), wait
}

// refusal says why a check of a phone is not made now; refused is false when it is. It reads the same rows for every
// phone.
func (s *Service) refusal(ctx context.Context, tx Tx, in submission, numberMACs [][]byte, now time.Time) (a Answer, refused bool, err error) {
	checks, err := tx.SentSince(ctx, numberMACs, sentCheck, now.Add(-time.Hour))
	if err != nil {
		return a, false, err
	}
	tails, err := tx.SentSince(ctx, numberMACs, sentTail, now.Add(-day))
	if err != nil {
		return a, false, err
	}
	if most := s.policy.ChecksPerHour; most > 0 && len(checks) >= most {
		a = answer(ResultRateLimited)
		a.Wait = max(time.Second, checks[len(checks)-most].Add(time.Hour).Sub(now))
		return a, true, nil
	}
	bits, wait := s.policy.toll(tails, now)
	if bits == 0 {
		return a, false, nil
	}
	if err := tx.NotePast(ctx, now); err != nil || in.trusted {
		return a, false, err
	}
	switch {
	case wait > 0:
		a = answer(ResultWait)
		a.Wait, a.Work = wait, bits
	case in.work < bits:
		a = answer(ResultProofRequired)
		a.Work = bits
	default:
		return a, false, nil
	}
	return a, true, nil
}

// noteHeld counts an entry that has the code of an open challenge and not its tail.
func (s *Service) noteHeld(ctx context.Context, tx Tx, l line, numberMACs [][]byte, now time.Time) error {
	if l.held == nil {
		return nil
	}
	return tx.NoteSent(ctx, numberMACs[0], heldKind(l.held.ID), now)
}

// withoutHeld takes out of a comparison the challenges whose tail was guessed max_wrong times by somebody who had the
// code: they
// compare with nothing more, or whoever holds a phone would have many tries at its owner's certificate. closed says
// that this
// left nothing of what fitted. The filing is not ended by it: its client gives the person another phone, or files
// again.
func (s *Service) withoutHeld(ctx context.Context, tx Tx, l line, numberMACs [][]byte) (_ line, closed bool, err error) {
	left := l.tail[:0:0]
	for _, c := range l.tail {
		held, err := tx.SentSince(ctx, numberMACs, heldKind(c.ID), c.Created.Add(-time.Second))
		if err != nil {
			return l, false, err
		}
		if len(held) < c.MaxWrong {
			left = append(left, c)
		} else if l.right != nil && l.right.ID == c.ID {
			l.right = nil
		}
	}
	closed = len(l.tail) > 0 && len(left) == 0
	l.tail = left
	return l, closed, nil
}
