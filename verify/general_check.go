package verify

import (
	"context"
	"time"

	"attestd/internal/msisdn"
)

// Challenge reads an owner's general challenge, its deadline applied. The challenge of a filing is not found: it is
// shown with
// its filing, and checked with the tail of a certificate only. That of another owner is not found either, here and
// below.
func (s *Service) Challenge(ctx context.Context, owner, id string) (Challenge, error) {
	return s.withGeneral(ctx, owner, id, func(_ Tx, c Challenge, _ time.Time) (Challenge, error) { return c, nil })
}

// withGeneral reads a general challenge in a transaction and does something with it.
func (s *Service) withGeneral(ctx context.Context, owner, id string, do func(Tx, Challenge, time.Time) (Challenge, error)) (c Challenge, err error) {
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		now := clock()
		if c, err = s.general(ctx, tx, owner, id, now); err == nil {
			c, err = do(tx, c, now)
		}
		return err
	})
	if err != nil {
		return Challenge{}, err
	}
	return c, nil
}

func (s *Service) general(ctx context.Context, tx Tx, owner, id string, now time.Time) (Challenge, error) {
	c, err := tx.Challenge(ctx, id)
	if err == nil && (c.FilingID != "" || !owns(owner, c.Owner)) {
		err = ErrNotFound
	}
	if err != nil {
		return Challenge{}, err
	}
	all, err := s.lapse(ctx, tx, []Challenge{c}, now)
	if err != nil {
		return Challenge{}, err
	}
	return all[0], nil
}

// CheckChallenge compares a code with an open general challenge; right says that it was the code, just now. Whatever is not
// it is charged, in whatever form: whoever asks is a program, and one that guesses must run out of tries. A challenge
// that has ended compares with nothing, and is given as it is.
func (s *Service) CheckChallenge(ctx context.Context, owner, id, code, via string) (c Challenge, right bool, err error) {
	c, err = s.withGeneral(ctx, owner, id, func(tx Tx, c Challenge, now time.Time) (_ Challenge, err error) {
		c, right, err = s.checkGeneral(ctx, tx, c, msisdn.Fold(code), via, now)
		return c, err
	})
	return c, right && err == nil, err
}

func (s *Service) checkGeneral(ctx context.Context, tx Tx, c Challenge, code, via string, now time.Time) (Challenge, bool, error) {
	if c.State.Terminal() {
		return c, false, nil
	}
	n, err := s.openNumber(c)
	if err != nil {
		return c, false, err
	}
	fits := anyEqual([][]byte{c.CodeMAC}, s.hash(n, "", code).code)
	if err := tx.NoteCheck(ctx, !fits, now); err != nil {
		return c, false, err
	}
	after := c.check(fits, now)
	if _, err := s.save(ctx, tx, c, after, now); err != nil {
		return c, false, err
	}
	if after.State == ChallengeVerified {
		return after, true, nil
	}
	return after, false, s.emitRefused(ctx, tx, after, via)
}

// ResendChallenge sends the code of a general challenge again. Errors: ErrChallengeEnded, ErrSendCap, ErrTooLate, TooMany.
func (s *Service) ResendChallenge(ctx context.Context, owner, id string) (Challenge, error) {
	return s.withGeneral(ctx, owner, id, func(tx Tx, c Challenge, now time.Time) (Challenge, error) {
		return s.resendGeneral(ctx, tx, c, now)
	})
}

func (s *Service) resendGeneral(ctx context.Context, tx Tx, c Challenge, now time.Time) (Challenge, error) {
	if c.State.Terminal() {
		return c, ErrChallengeEnded
	}
	switch why, wait, ok := c.sendRefusal(now, s.shortLived(c)); {
	case ok:
	case why == ResultSendCap:
		return c, ErrSendCap
	case why == ResultWait:
		return c, TooMany{Wait: wait}
	default:
		return c, ErrTooLate
	}
	n, err := s.openNumber(c)
	if err != nil {
		return c, err
	}
	numberMACs := s.hashNumber(n)
	if err := s.phoneRefusal(ctx, tx, numberMACs, now); err != nil {
		return c, err
	}
	before := c
	if s.policy.NewCodeOnResend {
		_, template, err := s.openText(c)
		if err != nil {
			return c, err
		}
		others, err := tx.ChallengesOfNumber(ctx, numberMACs, time.Time{})
		if err != nil {
			return c, err
		}
		if err := s.issueWith(&c, n, template, others); err != nil {
			return c, err
		}
	}
	after, err := s.sendGeneral(ctx, tx, c, n, now)
	if err != nil {
		return c, err
	}
	if _, err := s.save(ctx, tx, before, after, now); err != nil {
		return c, err
	}
	return after, s.emitChallenge(ctx, tx, "challenge.resent", after)
}

// shortLived is the policy for sending the code of a short-lived challenge again: what is right for a day's code would
// leave no time for a second SMS.
func (s *Service) shortLived(c Challenge) Policy {
	p := s.policy
	p.ResendWait = min(p.ResendWait, max(p.SMSGap, c.Life/10))
	p.ResendMinLeft = min(p.ResendMinLeft, c.Life/4)
	return p
}

// CancelChallenge ends a general challenge. One that is cancelled already is given as it is; one that has ended otherwise
// gives ErrChallengeEnded.
func (s *Service) CancelChallenge(ctx context.Context, owner, id string) (Challenge, error) {
	c, err := s.withGeneral(ctx, owner, id, func(tx Tx, c Challenge, now time.Time) (Challenge, error) {
		if c.State.Terminal() {
			return c, nil // with an error, a deadline that was applied just now would not be stored
		}
		after := c.step(challengeVoid, ReasonCancelled, now)
		_, err := s.save(ctx, tx, c, after, now)
		return after, err
	})
	if err == nil && c.Reason != ReasonCancelled {
		err = ErrChallengeEnded
	}
	return c, err
}
