package store

import (
	"context"
	"slices"
	"time"

	"attestd/internal/access"
)

// The limits of callers are counted in memory, by whoever answers them. So that a restart forgets nothing, each use is a row,
// written in the transaction of what it was used for: a check that was compared is counted for ever, one that was rolled
// back is not, and no check costs a COMMIT of its own.

// useHorizon is how far back any limit looks.
const useHorizon = time.Hour

// charge writes down the uses that came with the context: those that count in any case, or those that count for what was wrong.
func (tx *Tx) charge(ctx context.Context, wrong bool) error {
	for _, u := range access.Charged(ctx) {
		if u.WhenWrong != wrong {
			continue
		}
		if _, err := tx.exec(ctx, `INSERT INTO uses (caller, at) VALUES ($1, $2)`, []byte(u.Key), micros(u.At)); err != nil {
			return err
		}
	}
	return nil
}

// Uses lists what limits still look back to, oldest first: the newest that were written, at most so many.
func (s *Store) Uses(ctx context.Context, now time.Time, most int) ([]access.Use, error) {
	rows, err := s.readQuery(ctx, `SELECT caller, at FROM uses WHERE at > $1 ORDER BY at DESC LIMIT $2`, micros(now.Add(-useHorizon)), most)
	all, err := collect(rows, err, func(r scanner) (u access.Use, err error) {
		var at int64
		var caller []byte
		err = r.Scan(&caller, &at)
		return access.Use{Key: string(caller), At: fromMicros(at)}, err
	})
	slices.Reverse(all)
	return all, err
}

// fading are the rows that are good for a while only: how long, and how much longer they may stay, so that under load not
// every second has its DELETE.
var fading = []struct {
	oldest, forget string
	keep, gather   time.Duration
}{
	{`SELECT coalesce(min(at), 0) FROM uses`, `DELETE FROM uses WHERE at <= $1`, useHorizon, 5 * time.Minute},
	{`SELECT coalesce(min(at), 0) FROM challenge_keys`, `DELETE FROM challenge_keys WHERE at <= $1`, 7 * 24 * time.Hour, time.Hour},
	{`SELECT coalesce(min(until), 0) FROM text_counts`, `DELETE FROM text_counts WHERE until <= $1`, time.Hour, time.Hour}, // the clock may be set back
}

// ForgetUses deletes what no limit looks back to any more, and idempotency keys that nobody will come back with. It says
// when there will be something again: zero for never.
func (s *Store) ForgetUses(ctx context.Context, now time.Time) (next time.Time, err error) {
	for _, f := range fading {
		due := func() (time.Time, error) {
			var at int64
			err := s.readRow(ctx, f.oldest).Scan(&at)
			if err != nil || at == 0 {
				return time.Time{}, explain(err)
			}
			return fromMicros(at).Add(f.keep + f.gather), nil
		}
		when, err := due()
		if err == nil && !when.IsZero() && !now.Before(when) {
			err = s.Update(ctx, func(tx *Tx) error {
				_, err := tx.exec(ctx, f.forget, micros(now.Add(-f.keep)))
				return err
			})
			if err == nil {
				when, err = due()
			}
		}
		if err != nil {
			return time.Time{}, err
		}
		if next.IsZero() || !when.IsZero() && when.Before(next) {
			next = when
		}
	}
	return next, nil
}
