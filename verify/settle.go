package verify

import (
	"context"
	"time"
)

// save stores what became of a challenge, tells of it, and draws the consequences for its filing, which it then gives.
func (s *Service) save(ctx context.Context, tx Tx, before, after Challenge, now time.Time) (Filing, error) {
	if before.same(after) {
		return Filing{}, nil
	}
	if after.State == ChallengeLocked && !before.State.Terminal() && after.FilingID != "" && s.policy.RejectOnLock == RejectAtDeadline {
		after.Due = after.Deadline
	}
	if err := tx.UpdateChallenge(ctx, after); err != nil {
		return Filing{}, err
	}
	if before.State == after.State {
		return Filing{}, nil
	}
	if err := s.emitChallenge(ctx, tx, "challenge."+string(after.State), after); err != nil {
		return Filing{}, err
	}
	f, err := s.consequences(ctx, tx, after, now)
	if err != nil {
		return f, err
	}
	// A re-send that still waits would only puzzle; Settle is for what may already be on the air. Both come last: they
	// may tell of the messages through MessageChanged, which reads the rows that were just written.
	if after.Sends == 1 && after.LastSMSState == smsDelivered {
		return f, nil // nothing waits, nothing is in doubt
	}
	if err := s.forgetQueued(ctx, tx, after); err != nil || after.State != ChallengeVerified {
		return f, err
	}
	return f, tx.Settle(ctx, after.ID)
}

// consequences are those of a challenge's new state for its filing, if it has one.
func (s *Service) consequences(ctx context.Context, tx Tx, c Challenge, now time.Time) (Filing, error) {
	if c.FilingID == "" {
		return Filing{}, nil
	}
	switch c.State {
	case ChallengeVerified:
		return s.personsVerified(ctx, tx, c, now)
	case ChallengeLocked, ChallengeExpired:
		return s.personsFailed(ctx, tx, c, now)
	case ChallengeNew, ChallengeSending, ChallengeUnsent, ChallengeOpen, ChallengeVoid:
	}
	return Filing{}, nil
}

// personsVerified marks the persons of a verified challenge, and passes the filing with the last of them.
func (s *Service) personsVerified(ctx context.Context, tx Tx, c Challenge, now time.Time) (Filing, error) {
	f, err := tx.Filing(ctx, c.FilingID)
	if err != nil {
		return f, err
	}
	marked, f, complete := f.verified(c.ID, now)
	for _, p := range marked {
		if err := tx.UpdatePerson(ctx, p); err != nil {
			return f, err
		}
		if err := s.emitPerson(ctx, tx, "person.verified", f, p); err != nil {
			return f, err
		}
	}
	f.Updated = now
	passed := false
	if complete {
		f, passed = f.step(filingAllVerified, "", now)
	}
	if err := tx.UpdateFiling(ctx, f); err != nil || !passed {
		return f, err
	}
	return f, s.emitFiling(ctx, tx, "filing.passed", f)
}

// personsFailed marks the persons of a challenge that came to nothing; the first such rejects the filing.
func (s *Service) personsFailed(ctx context.Context, tx Tx, c Challenge, now time.Time) (Filing, error) {
	f, err := tx.Filing(ctx, c.FilingID)
	if err != nil {
		return f, err
	}
	for i := range f.Persons {
		p := &f.Persons[i]
		if p.ChallengeID != c.ID || p.State != PersonWaiting {
			continue
		}
		p.State, p.Reason = PersonFailed, c.Reason
		if err := tx.UpdatePerson(ctx, *p); err != nil {
			return f, err
		}
		if err := s.emitPerson(ctx, tx, "person.failed", f, *p); err != nil {
			return f, err
		}
	}
	if c.State == ChallengeLocked && s.policy.RejectOnLock == RejectAtDeadline && now.Before(c.Deadline) {
		return f, nil
	}
	return s.closeFiling(ctx, tx, f, filingFail, c.Reason, now)
}

// closeFiling ends a filing before all have verified: what challenges it has left are void, and their SMS that no modem
// has been given are cancelled. What a modem has been given may still arrive; its code opens nothing any more.
func (s *Service) closeFiling(ctx context.Context, tx Tx, f Filing, e filingStep, reason string, now time.Time) (Filing, error) {
	f, moved := f.step(e, reason, now)
	if !moved {
		return f, nil
	}
	if e == filingFail && reason != ReasonSuperseded {
		f.ResubmitDue = s.resubmitDue(f, now)
	}
	if err := tx.UpdateFiling(ctx, f); err != nil {
		return f, err
	}
	left, err := tx.ChallengesOfFiling(ctx, f.ID)
	if err != nil {
		return f, err
	}
	why := ReasonFilingClosed
	if e == filingCancel || reason == ReasonSuperseded {
		why = reason
	}
	for _, c := range left {
		void := c.step(challengeVoid, why, now)
		if void.State == c.State {
			continue
		}
		if err := tx.UpdateChallenge(ctx, void); err != nil {
			return f, err
		}
		if err := s.emitChallenge(ctx, tx, "challenge.void", void); err != nil {
			return f, err
		}
		if err := s.forgetQueued(ctx, tx, void); err != nil {
			return f, err
		}
	}
	return f, s.emitFiling(ctx, tx, "filing."+string(f.State), f)
}

// forgetQueued cancels the SMS of an ended challenge that no modem has been given.
func (s *Service) forgetQueued(ctx context.Context, tx Tx, c Challenge) error {
	if !c.State.Terminal() || c.Sends == 0 {
		return nil
	}
	return tx.CancelSMS(ctx, c.ID)
}

// lapse applies the deadline to each of these challenges, with all consequences, and gives them as they then are. One
// that ends may take others of its filing with it, so each is then read again.
func (s *Service) lapse(ctx context.Context, tx Tx, all []Challenge, now time.Time) (_ []Challenge, err error) {
	for i := 0; i < len(all); i++ {
		after := all[i].at(now)
		if after.State == all[i].State {
			continue
		}
		if _, err := s.save(ctx, tx, all[i], after, now); err != nil {
			return nil, err
		}
		for j := range all {
			if all[j], err = tx.Challenge(ctx, all[j].ID); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// CancelFiling ends a filing at its client's wish; note is the client's reason in its own words. A filing that is
// cancelled already is given as it is, and one that was to be submitted again by itself is that no longer; one that has
// ended
// otherwise gives ErrFilingClosed.
func (s *Service) CancelFiling(ctx context.Context, owner, id, note string) (f Filing, err error) {
	stopped := false
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		now := clock()
		if f, err = s.cancel(ctx, tx, owner, id, note, now); err != nil {
			return err
		}
		stopped, err = s.dontResubmit(ctx, tx, &f, now)
		return err
	})
	if err != nil {
		return Filing{}, err
	}
	s.openNames(&f)
	if f.State != FilingCancelled && !stopped {
		return f, ErrFilingClosed
	}
	return f, nil
}

func (s *Service) cancel(ctx context.Context, tx Tx, owner, id, note string, now time.Time) (Filing, error) {
	f, err := s.filingAt(ctx, tx, owner, id, now)
	if err != nil {
		return Filing{}, err
	}
	if !f.State.Terminal() {
		f.Note = plainNote(note)
		if f, err = s.closeFiling(ctx, tx, f, filingCancel, ReasonCancelled, now); err != nil {
			return Filing{}, err
		}
	}
	f.Challenges, err = tx.ChallengesOfFiling(ctx, id)
	return f, err
}

// filingAt reads an owner's filing in order to change it: deadlines are applied. That of another is not found, and
// nothing of
// it is touched.
func (s *Service) filingAt(ctx context.Context, tx Tx, owner, id string, now time.Time) (Filing, error) {
	if f, err := tx.Filing(ctx, id); err != nil {
		return Filing{}, err
	} else if !owns(owner, f.Owner) {
		return Filing{}, ErrNotFound
	}
	all, err := tx.ChallengesOfFiling(ctx, id)
	if err != nil {
		return Filing{}, err
	}
	if _, err := s.lapse(ctx, tx, all, now); err != nil {
		return Filing{}, err
	}
	return tx.Filing(ctx, id)
}
