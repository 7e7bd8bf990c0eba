package store

import (
	"context"
	"time"

	"attestd/internal/msisdn"
	"attestd/queue"
)

// countryCap is how many texts one country may get in a day (UTC); home has no cap.
type countryCap struct {
	home func(country string) bool
	most int
}

// SetCountryCap changes the cap; most 0 is none. home says which countries have none; it is asked within transactions.
func (s *Store) SetCountryCap(home func(country string) bool, most int) {
	s.cap.Store(&countryCap{home, most})
}

// countCountry counts a text to a country abroad, and refuses it with queue.ErrCountryCap when its country has had its share; what is
// owed to somebody who was let in before (a re-send, a delayed code, an answer) is counted and never refused.
func (tx *Tx) countCountry(ctx context.Context, to msisdn.Number, at time.Time) error {
	c := tx.s.cap.Load()
	if c == nil || c.most <= 0 || to.IsShort() || c.home(to.Country()) {
		return nil
	}
	var sent int
	err := tx.row(ctx, `INSERT INTO country_counts (country, day, sent) VALUES ($1, $2, 1)
 ON CONFLICT (country, day) DO UPDATE SET sent = sent + 1 RETURNING sent`, to.Country(), at.Unix()/86400).Scan(&sent)
	if err == nil && sent > c.most && !tx.owed {
		err = queue.ErrCountryCap
	}
	return err
}
