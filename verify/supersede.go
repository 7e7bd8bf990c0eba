package verify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of filings that are to take the place of another.
var (
	ErrSuperseded      = errors.New("another filing has taken the place of that one already: its superseded_by says which; supersede that")
	ErrNotSupersedable = errors.New("only a filing that is rejected or still waits for its persons can be superseded; file this one without supersedes")
)

// TooManyFilings says that a phone was filed again as often as it may be in a day, and when that is over.
type TooManyFilings struct {
	Field string // whose phone
	Wait  time.Duration
}

func (e TooManyFilings) Error() string {
	return e.Field + ": filings with this phone have superseded others as often as they may in 24 hours (verify.limits.resubmits_per_phone_per_day): try again later"
}

// sentResubmit is the kind under which a phone's part in a filing that supersedes another is noted.
const sentResubmit = "resubmit"

// supersede ends the filing whose place a new one takes, before the new one has challenges. What has been rejected stays as it
// is, and only says by which it was superseded.
func (s *Service) supersede(ctx context.Context, tx Tx, f Filing, in intake, now time.Time) error {
	old, err := s.filingAt(ctx, tx, in.Owner, in.Supersedes, now)
	switch {
	case errors.Is(err, ErrNotFound):
		return Invalid{{"supersedes", "is no filing that is known here: give the id of one, as POST /v1/filings gave it"}}
	case err != nil:
		return err
	case old.By != "":
		return ErrSuperseded
	case old.State != FilingRejected && old.State != FilingVerifying:
		return ErrNotSupersedable
	}
	if err := s.countResubmit(ctx, tx, in, now); err != nil {
		return err
	}
	old.By, old.ResubmitDue = f.ID, time.Time{}
	if old.State == FilingVerifying {
		old, err = s.closeFiling(ctx, tx, old, filingFail, ReasonSuperseded, now)
	} else {
		old.Updated = now
		err = tx.UpdateFiling(ctx, old)
	}
	if err != nil {
		return err
	}
	return s.emitFiling(ctx, tx, "filing.superseded", old)
}

// countResubmit counts the new filing for each of its phones, or refuses it and counts it for none.
func (s *Service) countResubmit(ctx context.Context, tx Tx, in intake, now time.Time) error {
	groups := byPhone(in)
	for _, group := range groups {
		macs := s.hashNumber(in.Persons[group[0]].number)
		before, err := tx.SentSince(ctx, macs, sentResubmit, now.Add(-day))
		if err != nil {
			return err
		}
		if most := s.policy.ResubmitsPerDay; most > 0 && len(before) >= most {
			return TooManyFilings{fmt.Sprintf("persons[%d].mobile", group[0]), before[len(before)-most].Add(day).Sub(now)}
		}
	}
	for _, group := range groups {
		macs := s.hashNumber(in.Persons[group[0]].number)
		if err := tx.NoteSent(ctx, macs[0], sentResubmit, now); err != nil {
			return err
		}
	}
	return nil
}
