package verify

import (
	"context"
	"errors"
	"time"

	"attestd/internal/msisdn"
)

// A person whose phone or certificate was wrong is amended: their code ends, and another is sent. Persons who share a phone
// share a challenge before and after:
//
//   - someone who leaves a phone that others keep takes a new challenge along; the others' goes on, and no longer
//     accepts the tail of who left;
//   - someone who comes to a phone at which the filing has an open challenge joins that: its code is there already;
//   - a certificate changed at a shared phone gives all who share it one new challenge.

// Errors of AmendPerson besides Invalid, ErrNotFound and ErrFilingClosed.
var (
	ErrNoPerson       = errors.New("the filing has no such person: GET /v1/filings/{id} lists them with their ids")
	ErrPersonVerified = errors.New("the person has verified already, so there is nothing to change")
	ErrPersonFailed   = errors.New("the person has failed and the filing ends with that: file it again, with supersedes")
	ErrNotNeeded      = errors.New("the person need not verify: nothing of theirs is kept that could be changed")
	ErrOnRecord       = errors.New("mobile: in a filing of this type the number on the existing record counts, and no other can be verified: file a change first, and this one when that has passed (verify.amend_recorded)")
	ErrAmendCap       = errors.New("the person was changed as often as may be in one filing (verify.max_amendments): file it again, with supersedes")
)

// amendment is a request that was found good; a zero number or no tails for what stays.
type amendment struct {
	number msisdn.Number
	tails  []string
}

func (s *Service) readAmendment(r AmendRequest) (amendment, error) {
	d := &desk{policy: s.policy}
	p := intakePerson{Must: true}
	one := PersonRequest{
		Mobile: r.Mobile, EmergencyMobile: r.EmergencyMobile, CertificateType: r.CertificateType, Certificate: r.Certificate,
		CertificateTail: r.CertificateTail, SecondCertificateTail: r.SecondCertificateTail,
	}
	field := func(name string) string { return name }
	if one.Mobile != "" || one.EmergencyMobile != "" {
		d.mobile(&p, one, field)
	}
	if none := d.tails(&p, one, field); none && one.Mobile == "" && d.faults == nil {
		d.fault("mobile", "is missing, and so is the ID document: give what is to be changed")
	}
	if d.faults != nil {
		return amendment{}, d.faults
	}
	return amendment{p.number, p.Tails}, nil
}

// AmendPerson changes how a person of a filing is reached or known, at most MaxAmendments times. The same again changes nothing
// and is not counted. Errors: Invalid, ErrNotFound, ErrFilingClosed, and those above; none of them has changed anything.
func (s *Service) AmendPerson(ctx context.Context, r AmendRequest) (f Filing, err error) {
	in, err := s.readAmendment(r)
	if err != nil {
		return Filing{}, err
	}
	var refused error // apart from err: a deadline that was applied on the way is to be committed
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		f, refused, err = s.amend(ctx, tx, r, in, clock())
		return err
	})
	if err = errors.Join(err, refused); err != nil {
		return Filing{}, err
	}
	s.openNames(&f)
	return f, nil
}

func (s *Service) amend(ctx context.Context, tx Tx, r AmendRequest, in amendment, now time.Time) (f Filing, refused, err error) {
	if f, err = s.filingAt(ctx, tx, r.Owner, r.FilingID, now); err != nil {
		return f, nil, err
	}
	who := f.place(r.PersonID)
	if refused = f.amendRefusal(who); refused != nil {
		return f, refused, nil
	}
	p := &f.Persons[who]
	old, err := tx.Challenge(ctx, p.ChallengeID)
	if err != nil {
		return f, nil, err
	}
	if f.Type == ContactCheck {
		in.tails = nil // it asks for none
	}
	changed := s.differs(in, *p, old)
	switch {
	case len(changed) == 0:
	case changed[0] == changedMobile && onRecord[f.Type] && !s.policy.AmendRecorded:
		return f, ErrOnRecord, nil
	case p.Amended >= s.policy.MaxAmendments:
		return f, ErrAmendCap, nil
	default:
		if err = s.change(ctx, tx, &f, who, in, old, changed, now); err != nil {
			return f, nil, err
		}
	}
	f.Challenges, err = tx.ChallengesOfFiling(ctx, f.ID)
	return f, nil, err
}

// place is where a person stands among those of a filing, -1 for nowhere.
func (f Filing) place(personID string) int {
	for i, p := range f.Persons {
		if p.ID == personID {
			return i
		}
	}
	return -1
}

func (f Filing) amendRefusal(who int) error {
	switch {
	case who < 0:
		return ErrNoPerson
	case f.Persons[who].State == PersonVerified:
		return ErrPersonVerified
	case f.State.Terminal():
		return ErrFilingClosed
	case f.Persons[who].State == PersonFailed:
		return ErrPersonFailed
	case f.Persons[who].State == PersonNotRequired:
		return ErrNotNeeded
	}
	return nil
}

const changedMobile, changedCertificate = "mobile", "certificate"

// differs says what an amendment changes of a person whose challenge is c.
func (s *Service) differs(in amendment, p Person, c Challenge) (changed []string) {
	if !in.number.IsZero() && !anyEqual([][]byte{c.NumberMAC}, s.hashNumber(in.number)) {
		changed = append(changed, changedMobile)
	}
	same := len(in.tails) == len(p.TailMACs)
	for _, tail := range in.tails {
		same = same && anyEqual(p.TailMACs, s.vault.MACs("tail", []byte(tail)))
	}
	if len(in.tails) > 0 && !same {
		changed = append(changed, changedCertificate)
	}
	return changed
}

// change takes a person out of a challenge and gives them another.
func (s *Service) change(ctx context.Context, tx Tx, f *Filing, who int, in amendment, old Challenge, changed []string, now time.Time) (err error) {
	p := &f.Persons[who]
	moved, n := changed[0] == changedMobile, in.number
	if !moved {
		if n, err = s.openNumber(old); err != nil {
			return err
		}
	}
	p.Amended++
	p.Mobile = mask(n)
	if len(in.tails) > 0 {
		p.TailMACs = nil
		for _, tail := range in.tails {
			p.TailMACs = append(p.TailMACs, s.vault.MAC("tail", []byte(tail)))
		}
	}
	if err := s.emitAmended(ctx, tx, *f, *p, changed); err != nil {
		return err
	}
	others := f.sharing(old.ID, who)
	if err := s.leave(ctx, tx, *f, old, others, moved, now); err != nil {
		return err
	}
	group := []int{who}
	if !moved {
		group = append(group, others...)
	}
	if err := s.arrive(ctx, tx, f, n, old.Site, group, now); err != nil {
		return err
	}
	for _, i := range group {
		if err := tx.UpdatePerson(ctx, f.Persons[i]); err != nil {
			return err
		}
	}
	f.Updated = now
	return tx.UpdateFiling(ctx, *f)
}

// sharing lists who else waits for a challenge.
func (f Filing) sharing(challengeID string, but int) (all []int) {
	for i, p := range f.Persons {
		if i != but && p.ChallengeID == challengeID && p.State == PersonWaiting {
			all = append(all, i)
		}
	}
	return all
}

// leave ends a challenge, or, where others keep its phone, makes it theirs alone.
func (s *Service) leave(ctx context.Context, tx Tx, f Filing, old Challenge, others []int, moved bool, now time.Time) error {
	if !moved || len(others) == 0 {
		_, err := s.save(ctx, tx, old, old.step(challengeVoid, ReasonAmended, now), now)
		return err
	}
	old.TailMACs = nil
	for _, i := range others {
		old.TailMACs = withTails(old.TailMACs, f.Persons[i].TailMACs)
	}
	return tx.UpdateChallenge(ctx, old)
}

// arrive gives persons the open challenge that their filing has at a phone, or a new one.
func (s *Service) arrive(ctx context.Context, tx Tx, f *Filing, n msisdn.Number, site string, group []int, now time.Time) error {
	open, err := tx.ChallengesOfNumber(ctx, s.hashNumber(n), time.Time{})
	if err != nil {
		return err
	}
	for _, c := range open {
		if c.FilingID != f.ID || c.State.Terminal() {
			continue
		}
		for _, i := range group {
			f.Persons[i].ChallengeID = c.ID
			c.TailMACs = withTails(c.TailMACs, f.Persons[i].TailMACs)
		}
		return tx.UpdateChallenge(ctx, c)
	}
	for _, i := range group {
		if f.Persons[i].Site != "" {
			site = f.Persons[i].Site
			break
		}
	}
	_, err = s.challenge(ctx, tx, f, n, site, group, now)
	return err
}
