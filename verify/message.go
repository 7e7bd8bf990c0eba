package verify

import (
	"context"
	"errors"
	"time"
)

// Arrival is the delivery of a challenge's first SMS. It happens once to a challenge, and never to one without a
// report.
type Arrival struct {
	Now  bool          // it became known with this change
	Took time.Duration // from the intake of the challenge until then
}

// MessageChanged is told of every change of a challenge's messages, in the transaction of the change.
func (s *Service) MessageChanged(ctx context.Context, tx Tx, challengeID string, sms SMS) (Arrival, error) {
	return s.messageChanged(ctx, tx, challengeID, sms, clock())
}

func (s *Service) messageChanged(ctx context.Context, tx Tx, challengeID string, sms SMS, now time.Time) (a Arrival, err error) {
	c, err := tx.Challenge(ctx, challengeID)
	if errors.Is(err, ErrNotFound) {
		return a, nil // it is being made: its message is queued first, in the same transaction
	}
	if err != nil {
		return a, err
	}
	after := c.heard(sms, now)
	if c.Delivered.IsZero() && !after.Delivered.IsZero() {
		a = Arrival{Now: true, Took: after.Delivered.Sub(after.Created)}
	}
	_, err = s.save(ctx, tx, c, after, now)
	return a, err
}

// sweepBatch is how many challenges one transaction sweeps: checks must not wait for long.
const sweepBatch = 50

// answersLinger is how often answers that are no longer valid are cleared away when nothing else is due.
const answersLinger = 10 * time.Minute

// Sweep applies what is due at now: deadlines that nobody's check has applied, and SMS that the limits of a phone
// delayed. next is when there is something to do again, zero for never; a new filing may make that earlier. That a code
// is not accepted after its deadline does not depend on it.
func (s *Service) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	now = now.UTC().Truncate(time.Microsecond)
	if err := s.resubmitFilings(ctx, now); err != nil {
		return time.Time{}, err
	}
	for more := true; more; {
		err = s.store.Update(ctx, func(tx Tx) (err error) {
			if more, err = s.sweep(ctx, tx, now); err != nil || more {
				return err
			}
			next, err = s.tidy(ctx, tx, now)
			return err
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	return next, nil
}

// tidy clears away what no longer counts and says when something is due next.
func (s *Service) tidy(ctx context.Context, tx Tx, now time.Time) (next time.Time, err error) {
	left, err := tx.ForgetAnswers(ctx, now)
	if err != nil {
		return next, err
	}
	if err := tx.ForgetSent(ctx, now.Add(-2*day)); err != nil {
		return next, err
	}
	if next, err = tx.NextDueChallenge(ctx); err != nil {
		return next, err
	}
	if due, err := tx.NextDueFiling(ctx); err != nil {
		return next, err
	} else if !due.IsZero() && (next.IsZero() || due.Before(next)) {
		next = due
	}
	if later := now.Add(answersLinger); left && (next.IsZero() || next.After(later)) {
		next = later
	}
	return next, err
}

func (s *Service) sweep(ctx context.Context, tx Tx, now time.Time) (more bool, err error) {
	due, err := tx.DueChallenges(ctx, now, sweepBatch)
	if err != nil {
		return false, err
	}
	for _, old := range due {
		// Read again: the one before it may have ended this one too.
		c, err := tx.Challenge(ctx, old.ID)
		if err != nil {
			return false, err
		}
		if c.Due.IsZero() || c.Due.After(now) {
			continue
		}
		if err := s.sweepOne(ctx, tx, c, now); err != nil {
			return false, err
		}
	}
	return len(due) == sweepBatch, nil
}

func (s *Service) sweepOne(ctx context.Context, tx Tx, c Challenge, now time.Time) error {
	if c.State == ChallengeLocked { // with reject_on_lock = at_deadline
		f, err := tx.Filing(ctx, c.FilingID)
		if err != nil {
			return err
		}
		c.Due = time.Time{}
		if err := tx.UpdateChallenge(ctx, c); err != nil {
			return err
		}
		_, err = s.closeFiling(ctx, tx, f, filingFail, c.Reason, now)
		return err
	}
	after := c.at(now)
	if !after.State.Terminal() && after.State == ChallengeNew {
		return s.sendDelayed(ctx, tx, c, now)
	}
	if after.same(c) { // its deadline moved and its due time did not: cannot be, but must not spin
		after.Due = c.Deadline
	}
	_, err := s.save(ctx, tx, c, after, now)
	return err
}

// shutWait is when a challenge is looked at again whose phone or code could not be opened.
const shutWait = time.Minute

// sendDelayed sends the first SMS of a challenge that had to wait for the limits of its phone.
func (s *Service) sendDelayed(ctx context.Context, tx Tx, c Challenge, now time.Time) error {
	n, err := s.openNumber(c)
	if err == nil {
		_, err = s.openCode(c)
	}
	if err != nil { // not now, and no reason to keep the others from being looked at
		after := c
		after.Due = earlier(now.Add(shutWait), c.Deadline)
		_, err = s.save(ctx, tx, c, after, now)
		return err
	}
	numberMACs := s.hashNumber(n)
	free, _, err := s.phoneFree(ctx, tx, numberMACs, now)
	if err != nil {
		return err
	}
	after := c
	if free.After(now) {
		after.Due = earlier(free, c.Deadline)
	} else {
		others, err := tx.ChallengesOfNumber(ctx, numberMACs, time.Time{})
		if err != nil {
			return err
		}
		if after, err = s.send(ctx, tx, c, n, openFilings(others) > 1, now); err != nil {
			return err
		}
	}
	_, err = s.save(ctx, tx, c, after, now)
	return err
}
