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

// charge writes down the uses that came with the context.
func (tx *Tx) charge(ctx context.Context) error {
	for _, u := range access.Charged(ctx) {
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

// usesAtOnce gathers what is forgotten: under load something falls out of the hour at every moment.
const usesAtOnce = 5 * time.Minute

// ForgetUses deletes what no limit looks back to any more, and says when there will be something again: zero for never.
func (s *Store) ForgetUses(ctx context.Context, now time.Time) (next time.Time, err error) {
	oldest, err := s.oldestUse(ctx)
	if err != nil || oldest.IsZero() {
		return time.Time{}, err
	}
	if due := oldest.Add(useHorizon + usesAtOnce); now.Before(due) {
		return due, nil
	}
	err = s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `DELETE FROM uses WHERE at <= $1`, micros(now.Add(-useHorizon)))
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	oldest, err = s.oldestUse(ctx)
	if err != nil || oldest.IsZero() {
		return time.Time{}, err
	}
	return oldest.Add(useHorizon + usesAtOnce), nil
}

func (s *Store) oldestUse(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.readRow(ctx, `SELECT coalesce(min(at), 0) FROM uses`).Scan(&at)
	return fromMicros(at), explain(err)
}
