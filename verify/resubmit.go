package verify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A filing that failed is submitted again with the same data: a new filing takes its place, with the same persons and
// new codes.
// Whoever had verified verifies again. What it is made of stands in the rows of the old one, names and numbers sealed,
// so it works
// only until these are wiped.

// Errors of ResubmitFiling besides Invalid, ErrNotFound, ErrSuperseded, ErrReferenceConflict and TooManyFilings.
var (
	ErrNotResubmittable = errors.New("only a filing that was rejected can be submitted again; one that is open goes on, and of one that passed or was cancelled a new one is filed")
	ErrWiped            = errors.New("what was given with the filing is no longer kept (privacy.wipe_persons): file it again whole, with supersedes")
)

// ResubmitRequest names a filing to be submitted again, and what the new one is to be called ("": nothing).
type ResubmitRequest struct {
	Owner     string // who asks: see Everyone
	FilingID  string
	Reference string
}

// ResubmitFiling submits a rejected filing again. created is false when that was done before: the filing is that one.
func (s *Service) ResubmitFiling(ctx context.Context, r ResubmitRequest) (f Filing, created bool, err error) {
	d := &desk{policy: s.policy}
	r.Reference = d.text("reference", r.Reference, maxReference)
	if d.faults != nil {
		return Filing{}, false, d.faults
	}
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		f, created, err = s.resubmit(ctx, tx, r, clock())
		return err
	})
	if err != nil {
		return Filing{}, false, err
	}
	s.openNames(&f)
	return f, created, nil
}

func (s *Service) resubmit(ctx context.Context, tx Tx, r ResubmitRequest, now time.Time) (f Filing, created bool, err error) {
	old, err := s.filingAt(ctx, tx, r.Owner, r.FilingID, now)
	if err != nil {
		return f, false, err
	}
	if old.By != "" {
		if f, err = tx.Filing(ctx, old.By); err == nil && !f.Resubmitted {
			err = ErrSuperseded
		}
		if err == nil {
			f.Challenges, err = tx.ChallengesOfFiling(ctx, f.ID)
		}
		return f, false, err
	}
	if r.Reference != "" {
		switch _, err := tx.FilingByReference(ctx, old.Owner, r.Reference); {
		case err == nil:
			return f, false, ErrReferenceConflict
		case !errors.Is(err, ErrNotFound):
			return f, false, err
		}
	}
	f, err = s.submitAgain(ctx, tx, old, r.Reference, now)
	return f, true, err
}

// submitAgain makes the filing that takes the place of one that was rejected.
func (s *Service) submitAgain(ctx context.Context, tx Tx, old Filing, reference string, now time.Time) (f Filing, err error) {
	if old.State != FilingRejected {
		return f, ErrNotResubmittable
	}
	in, sites, err := s.kept(ctx, tx, old)
	if err != nil {
		return f, err
	}
	if f, err = s.again(old, in, reference, now); err != nil {
		return f, err
	}
	if err := s.countResubmit(ctx, tx, in, now); err != nil {
		return f, err
	}
	old.By, old.ResubmitDue, old.Updated = f.ID, time.Time{}, now
	if err := tx.UpdateFiling(ctx, old); err != nil {
		return f, err
	}
	if err := s.emitFiling(ctx, tx, "filing.resubmitted", old); err != nil {
		return f, err
	}
	if err := s.emitFiling(ctx, tx, "filing.received", f); err != nil {
		return f, err
	}
	for _, group := range byPhone(in) {
		c, err := s.challenge(ctx, tx, &f, in.Persons[group[0]].number, sites[group[0]], group, now)
		if err != nil {
			return f, err
		}
		f.Challenges = append(f.Challenges, c)
	}
	f, _ = f.step(filingSent, "", now)
	if err := tx.InsertFiling(ctx, f); err != nil {
		return f, err
	}
	if f.Warnings, err = s.warnings(ctx, tx, in, f); err != nil {
		return f, err
	}
	return f, s.emitFiling(ctx, tx, "filing."+string(f.State), f)
}

// kept reads what a filing was made of from its rows, as far as it is needed: who must verify, at which phones. sites
// are those
// that their SMS name.
func (s *Service) kept(ctx context.Context, tx Tx, old Filing) (in intake, sites []string, err error) {
	in = intake{Owner: old.Owner, Origin: old.Origin, Type: old.Type, Province: old.Province}
	if entity, err := s.vault.Open(old.Entity, "entity:"+old.ID); err == nil {
		in.Entity = string(entity)
	}
	var faults Invalid
	for i, p := range old.Persons {
		one := intakePerson{Role: p.Role, Site: p.Site, Kind: p.Kind, Must: p.ChallengeID != ""}
		site := ""
		if one.Must {
			c, err := tx.Challenge(ctx, p.ChallengeID)
			if err != nil {
				return in, nil, err
			}
			if len(c.NumberSealed) == 0 || len(p.TailMACs) == 0 {
				return in, nil, ErrWiped
			}
			if one.number, err = s.openNumber(c); err != nil {
				return in, nil, err
			}
			one.E164, site = one.number.E164(), c.Site
			if _, fault := s.policy.recipient(one.E164); fault != "" {
				faults = append(faults, FieldError{fmt.Sprintf("persons[%d].mobile", i), fault})
			}
		}
		in.Persons, sites = append(in.Persons, one), append(sites, site)
	}
	if faults != nil {
		return in, nil, faults
	}
	return in, sites, nil
}

// again makes the rows of a filing and its persons from those of the one whose place it takes.
func (s *Service) again(old Filing, in intake, reference string, now time.Time) (Filing, error) {
	f := old // whose it is, and what it is about
	f.ID, f.Reference, f.Supersedes, f.By = newID(), reference, old.ID, ""
	f.State, f.Reason, f.Note = FilingReceived, "", ""
	f.Created, f.Updated, f.Ended, f.ResubmitDue = now, now, time.Time{}, time.Time{}
	f.Resubmits, f.Resubmitted, f.Challenges, f.Warnings = old.Resubmits+1, true, nil, nil
	f.BodyMAC = s.vault.MAC("filing", []byte("resubmit"), []byte(old.ID))
	if in.Entity != "" {
		f.Entity = s.vault.Seal([]byte(in.Entity), "entity:"+f.ID)
	}
	f.Persons = nil
	for _, p := range old.Persons {
		was := p.ID
		p.ID, p.FilingID, p.ChallengeID, p.Amended = newID(), f.ID, "", 0
		p.Reason, p.Verified = "", time.Time{}
		if p.State != PersonNotRequired {
			p.State = PersonWaiting
		}
		if len(p.NameSealed) > 0 {
			name, err := s.vault.Open(p.NameSealed, "name:"+was)
			if err != nil {
				return f, fmt.Errorf("name of person %s: %w", was, err)
			}
			p.NameSealed = s.vault.Seal(name, "name:"+p.ID)
		}
		f.Persons = append(f.Persons, p)
	}
	return f, nil
}

// resubmitDue is when a filing that failed just now is submitted again by itself, zero for never.
func (s *Service) resubmitDue(f Filing, now time.Time) time.Time {
	if f.ResubmitAfter <= 0 || f.Resubmits >= s.policy.MaxResubmits {
		return time.Time{}
	}
	return now.Add(f.ResubmitAfter)
}

// dontResubmit keeps a filing that failed from being submitted again by itself.
func (s *Service) dontResubmit(ctx context.Context, tx Tx, f *Filing, now time.Time) (stopped bool, err error) {
	if f.ResubmitDue.IsZero() {
		return false, nil
	}
	f.ResubmitDue, f.Updated = time.Time{}, now
	return true, tx.UpdateFiling(ctx, *f)
}

// resubmitLater is when one that could not be submitted again for a reason of the moment is tried again.
const resubmitLater = time.Hour

// resubmitFilings submits again what is due, each in a transaction of its own: what stands in the way of one is in
// nobody else's.
func (s *Service) resubmitFilings(ctx context.Context, now time.Time) error {
	for {
		var due []string
		if err := s.store.Update(ctx, func(tx Tx) (err error) {
			due, err = tx.DueFilings(ctx, now, sweepBatch)
			return err
		}); err != nil {
			return err
		}
		for _, id := range due {
			err := s.store.Update(ctx, func(tx Tx) error { return s.resubmitFiling(ctx, tx, id, now) })
			if err == nil {
				continue
			}
			if later := s.store.Update(ctx, func(tx Tx) error { return s.putOff(ctx, tx, id, now.Add(resubmitLater)) }); later != nil {
				return errors.Join(err, later)
			}
		}
		if len(due) < sweepBatch {
			return nil
		}
	}
}

func (s *Service) putOff(ctx context.Context, tx Tx, id string, until time.Time) error {
	f, err := tx.Filing(ctx, id)
	if err != nil {
		return err
	}
	f.ResubmitDue = until
	return tx.UpdateFiling(ctx, f)
}

// resubmitFiling submits a filing again by itself. A limit of a phone puts it off until that is over; what will not
// change ends
// it, and is told.
func (s *Service) resubmitFiling(ctx context.Context, tx Tx, id string, now time.Time) error {
	f, err := tx.Filing(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.submitAgain(ctx, tx, f, "", now)
	var many TooManyFilings
	var invalid Invalid
	why := ""
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		return s.putOff(ctx, tx, id, now.Add(many.Wait))
	case errors.Is(err, ErrWiped):
		why = ReasonWiped
	case errors.As(err, &invalid):
		why = ReasonRefused
	default:
		return err
	}
	f.ResubmitDue = time.Time{}
	if err := tx.UpdateFiling(ctx, f); err != nil {
		return err
	}
	f.Reason = why
	return s.emitFiling(ctx, tx, "filing.not_resubmitted", f)
}
