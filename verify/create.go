package verify

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"attestd/internal/msisdn"
)

// clock is the time as rows hold it: UTC, microseconds, no monotonic part.
func clock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// CreateFiling takes a filing in: it, its challenges and their SMS exist from one transaction on. created is false
// when the filing was there already, under the same reference and with the same content; with another content the
// error is ErrReferenceConflict. A faulty request gives an Invalid.
func (s *Service) CreateFiling(ctx context.Context, r FilingRequest) (f Filing, created bool, err error) {
	in, err := receive(r, s.policy)
	if err != nil {
		return Filing{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		if f, created, err = s.create(ctx, tx, in, clock()); err != nil {
			return err
		}
		f.Warnings, err = s.warnings(ctx, tx, in, f)
		return err
	})
	if err != nil {
		return Filing{}, false, err
	}
	s.openNames(&f)
	return f, created, nil
}

func (s *Service) create(ctx context.Context, tx Tx, in intake, now time.Time) (f Filing, created bool, err error) {
	if in.Reference != "" {
		old, err := tx.FilingByReference(ctx, in.Owner, in.Reference)
		if err == nil {
			return s.repeated(ctx, tx, in, old)
		}
		if !errors.Is(err, ErrNotFound) {
			return Filing{}, false, err
		}
	}
	f = s.filing(in, now)
	if err := s.emitFiling(ctx, tx, "filing.received", f); err != nil {
		return f, false, err
	}
	if in.Supersedes != "" {
		if err := s.supersede(ctx, tx, f, in, now); err != nil {
			return f, false, err
		}
	}
	for _, group := range byPhone(in) {
		c, err := s.challenge(ctx, tx, &f, in.Persons[group[0]].number, siteOf(in, group), group, now)
		if err != nil {
			return f, false, err
		}
		f.Challenges = append(f.Challenges, c)
	}
	step := filingSent
	if len(f.Challenges) == 0 {
		step = filingNothingToDo
	}
	f, _ = f.step(step, "", now)
	if err := tx.InsertFiling(ctx, f); err != nil {
		return f, false, err
	}
	return f, true, s.emitFiling(ctx, tx, "filing."+string(f.State), f)
}

// repeated answers a request whose reference is known.
func (s *Service) repeated(ctx context.Context, tx Tx, in intake, old Filing) (Filing, bool, error) {
	in.Origin = old.Origin // another token of the same owner may repeat it
	same := false
	for _, mac := range s.vault.MACs("filing", in.canonical()) {
		same = same || hmac.Equal(mac, old.BodyMAC)
	}
	if !same {
		return Filing{}, false, ErrReferenceConflict
	}
	var err error
	old.Challenges, err = tx.ChallengesOfFiling(ctx, old.ID)
	return old, false, err
}

// filing makes the rows of a filing and its persons.
func (s *Service) filing(in intake, now time.Time) Filing {
	f := Filing{
		ID: newID(), Owner: in.Owner, Origin: in.Origin, Reference: in.Reference, BodyMAC: s.vault.MAC("filing", in.canonical()),
		Type: in.Type, Changes: in.Changes, State: FilingReceived, Language: in.Language, Callback: in.Callback,
		Supersedes: in.Supersedes, Province: in.Province, ResubmitAfter: in.ResubmitAfter,
		Created: now, Updated: now,
	}
	if in.Entity != "" {
		f.Entity = s.vault.Seal([]byte(in.Entity), "entity:"+f.ID)
	}
	for i, one := range in.Persons {
		p := Person{
			ID: newID(), FilingID: f.ID, Index: i, Role: one.Role, Site: one.Site, Kind: one.Kind, State: PersonNotRequired,
		}
		if one.Name != "" {
			p.NameSealed = s.vault.Seal([]byte(one.Name), "name:"+p.ID)
		}
		if one.Must { // what is not needed is not kept
			p.State, p.Mobile = PersonWaiting, mask(one.number)
			for _, tail := range one.Tails {
				p.TailMACs = append(p.TailMACs, s.vault.MAC("tail", []byte(tail)))
			}
		}
		f.Persons = append(f.Persons, p)
	}
	return f
}

// byPhone groups those who must verify by their phone: each group shares one challenge.
func byPhone(in intake) [][]int {
	var groups [][]int
	at := map[string]int{}
	for i, p := range in.Persons {
		if !p.Must {
			continue
		}
		g, ok := at[p.E164]
		if !ok {
			g = len(groups)
			at[p.E164] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// challenge makes the challenge of a group of persons (by their places in the filing) who share a phone, and queues its SMS,
// or leaves that to Sweep where the limits of the phone want it later.
func (s *Service) challenge(ctx context.Context, tx Tx, f *Filing, n msisdn.Number, site string, group []int, now time.Time) (Challenge, error) {
	numberMACs := s.hashNumber(n)
	others, err := tx.ChallengesOfNumber(ctx, numberMACs, time.Time{})
	if err != nil {
		return Challenge{}, err
	}
	id := newID()
	c := Challenge{
		ID: id, FilingID: f.ID, Owner: f.Owner, Origin: f.Origin, State: ChallengeNew, Language: f.Language, Site: site,
		NumberSealed: s.vault.Seal([]byte(n.E164()), "challenge:"+id), NumberMAC: numberMACs[0], Mobile: mask(n),
		Life: s.policy.Life, HardEnd: s.policy.HardEnd, MaxWrong: s.policy.MaxWrong, MaxSends: s.policy.MaxSends,
		Created: now, Deadline: now.Add(s.policy.UndeliverableAfter),
	}
	for _, i := range group {
		f.Persons[i].ChallengeID = id
		c.TailMACs = withTails(c.TailMACs, f.Persons[i].TailMACs)
	}
	s.issue(&c, n, others)
	if s.policy.ReplaceTypes {
		c.ReplaceType = replaceType(others)
	}
	free, _, err := s.phoneFree(ctx, tx, numberMACs, now)
	if err != nil {
		return Challenge{}, err
	}
	if free.After(now) {
		c.Due = earlier(free, c.Deadline)
	} else if c, err = s.send(ctx, tx, c, n, openFilings(others) > 0, now); err != nil {
		return Challenge{}, err
	}
	if err := tx.InsertChallenge(ctx, c); err != nil {
		return Challenge{}, err
	}
	return c, s.emitChallenge(ctx, tx, "challenge."+string(c.State), c)
}

// withTails adds to the tails that a challenge accepts those that are not among them.
func withTails(all, more [][]byte) [][]byte {
	all = all[:len(all):len(all)] // another row may have the same ones
	for _, mac := range more {
		if !anyEqual([][]byte{mac}, all) {
			all = append(all, mac)
		}
	}
	return all
}

// siteOf is the site that an SMS names: the first that the group heads, else the first of the order.
func siteOf(in intake, group []int) string {
	for _, i := range group {
		if in.Persons[i].Site != "" {
			return in.Persons[i].Site
		}
	}
	for _, one := range in.Sites {
		if one.Name != "" {
			return one.Name
		}
	}
	return ""
}

// openFilings counts the challenges of filings among those that have not ended.
func openFilings(all []Challenge) (n int) {
	for _, c := range all {
		if c.FilingID != "" && !c.State.Terminal() {
			n++
		}
	}
	return n
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Filing reads an owner's filing with its persons, their names opened, and its challenges.
func (s *Service) Filing(ctx context.Context, owner, id string) (Filing, error) {
	f, err := s.filingOf(ctx, owner, id)
	if err != nil {
		return Filing{}, err
	}
	s.openNames(&f)
	return f, nil
}

// Filings lists filings as Filing gives them, newest first; next continues the list, and is "" at its end.
func (s *Service) Filings(ctx context.Context, q FilingQuery) (page []Filing, next string, err error) {
	if q.Limit <= 0 || q.Limit > 1000 {
		return nil, "", Invalid{{"limit", "must be from 1 to 1000"}}
	}
	if q.Mobile != "" {
		n, fault := s.policy.number(q.Mobile)
		if fault != "" {
			return nil, "", Invalid{{"mobile", fault}}
		}
		q.NumberMACs = s.hashNumber(n)
	}
	if q.Owner == "" {
		return nil, "", nil
	}
	page, next, err = s.store.Filings(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("listing filings: %w", err)
	}
	for i := range page {
		s.openNames(&page[i])
	}
	return page, next, nil
}

// filingOf reads a filing; that of another owner is not found.
func (s *Service) filingOf(ctx context.Context, owner, id string) (Filing, error) {
	f, err := s.store.Filing(ctx, id)
	if err == nil && !owns(owner, f.Owner) {
		return Filing{}, ErrNotFound
	}
	return f, err
}

// openNames opens what can be opened: a name sealed under a key that is gone stays empty.
func (s *Service) openNames(f *Filing) {
	for i := range f.Persons {
		p := &f.Persons[i]
		if len(p.NameSealed) == 0 {
			continue
		}
		if name, err := s.vault.Open(p.NameSealed, "name:"+p.ID); err == nil {
			p.Name = string(name)
		}
	}
}
