package store

import (
	"context"
	"fmt"
	"time"

	"attestd/internal/watch"
	"attestd/queue"
)

// NoteCheck counts a check of a code, and a wrong one for its caller too.
func (tx *Tx) NoteCheck(ctx context.Context, wrong bool, at time.Time) error {
	n := 0
	if wrong {
		n = 1
		if err := tx.charge(ctx, true); err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, `INSERT INTO check_counts (minute, checks, wrong) VALUES ($1, 1, $2)
 ON CONFLICT (minute) DO UPDATE SET checks = checks + 1, wrong = wrong + excluded.wrong`, minuteOf(at), n)
	return err
}

// NotePast counts a check of a phone that is past its allowance of wrong tails.
func (tx *Tx) NotePast(ctx context.Context, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO check_counts (minute, checks, wrong, past) VALUES ($1, 0, 0, 1)
 ON CONFLICT (minute) DO UPDATE SET past = check_counts.past + 1`, minuteOf(at))
	return err
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// CheckCounts counts the checks since then, by whole minutes: at most one more than was asked for.
func (s *Store) CheckCounts(ctx context.Context, since time.Time) (c watch.Checks, err error) {
	err = s.readRow(ctx, `SELECT coalesce(sum(checks), 0), coalesce(sum(wrong), 0), coalesce(sum(past), 0) FROM check_counts WHERE minute >= $1`, minuteOf(since)).
		Scan(&c.All, &c.Wrong, &c.Past)
	return c, err
}

// idFrom is an id that none made at or after then comes before: ids of version 7 begin with the milliseconds of their making, or of
// the latest before, where the clock was set back.
func idFrom(t time.Time) string {
	ms := max(t.UnixMilli(), 0)
	return fmt.Sprintf("%08x-%04x-0000-0000-000000000000", ms>>16, ms&0xffff)
}

// Conversions counts the codes of a time that a network took: by their SIM, and by their prefix.
func (s *Store) Conversions(ctx context.Context, from, to time.Time) ([]watch.Conversion, error) {
	rows, err := s.readQuery(ctx, `SELECT m.sim, m.prefix, count(*), sum(m.delivered > 0), sum(c.state = 'verified' AND c.last_sms = m.id)
 FROM messages m JOIN challenges c ON c.id = substr(m.origin, 11)
 WHERE m.id >= $1 AND m.created >= $2 AND m.created < $3 AND m.origin >= 'challenge:' AND m.origin < 'challenge;' AND m.accepted > 0
 GROUP BY m.sim, m.prefix ORDER BY m.sim, m.prefix`, idFrom(from), micros(from), micros(to))
	return collect(rows, err, func(r scanner) (c watch.Conversion, err error) {
		return c, r.Scan(&c.SIM, &c.Prefix, &c.Sent, &c.Delivered, &c.Verified)
	})
}

// Alarms lists those that stand.
func (s *Store) Alarms(ctx context.Context) ([]watch.Alarm, error) {
	rows, err := s.readQuery(ctx, `SELECT kind, subject, since FROM alarms ORDER BY kind, subject`)
	return collect(rows, err, func(r scanner) (a watch.Alarm, err error) {
		var since int64
		err = r.Scan(&a.Kind, &a.Subject, &since)
		a.Since = fromMicros(since)
		return a, err
	})
}

// RaiseAlarm has an alarm stand, and tells of it.
func (s *Store) RaiseAlarm(ctx context.Context, a watch.Alarm, data any) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO alarms (kind, subject, since) VALUES ($1, $2, $3) ON CONFLICT (kind, subject) DO NOTHING`,
			a.Kind, a.Subject, micros(a.Since))
		if err != nil {
			return err
		}
		return tx.Emit(ctx, "alarm.raised", "alarm:"+a.Kind, queue.Everyone, data)
	})
}

// ClearAlarm ends an alarm, and tells of it.
func (s *Store) ClearAlarm(ctx context.Context, a watch.Alarm) error {
	return s.Update(ctx, func(tx *Tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM alarms WHERE kind = $1 AND subject = $2`, a.Kind, a.Subject); err != nil {
			return err
		}
		return tx.Emit(ctx, "alarm.cleared", "alarm:"+a.Kind, queue.Everyone, map[string]any{"alarm": a.Kind, "subject": a.Subject, "since": a.Since})
	})
}

// ForgetCounts drops the counts of checks from before then, if there are any, and those of countries on days before.
func (s *Store) ForgetCounts(ctx context.Context, before time.Time) error {
	var some bool
	err := s.readRow(ctx, `SELECT EXISTS (SELECT 1 FROM check_counts WHERE minute < $1) OR EXISTS (SELECT 1 FROM country_counts WHERE day < $2)`,
		minuteOf(before), before.Unix()/86400).Scan(&some)
	if err != nil || !some {
		return err
	}
	return s.Update(ctx, func(tx *Tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM check_counts WHERE minute < $1`, minuteOf(before)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM country_counts WHERE day < $1`, before.Unix()/86400)
		return err
	})
}
