package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"attestd/internal/webhook"
)

// RecordWebhook writes what an attempt made of a delivery, and of its lane's breaker. A delivery that was ended
// meanwhile stays so.
func (s *Store) RecordWebhook(ctx context.Context, d webhook.Delivery, o webhook.Outcome, change *webhook.Change) error {
	d.Attempts++
	err := s.Update(ctx, func(tx *Tx) error {
		if err := tx.turnBreaker(ctx, change, o.At); err != nil {
			return err
		}
		return tx.outcome(ctx, d, o)
	})
	if err == nil && o.Gone && d.Endpoint != webhook.Callback {
		err = s.forsake(ctx, d.Endpoint, o.At)
	}
	return err
}

func (tx *Tx) outcome(ctx context.Context, d webhook.Delivery, o webhook.Outcome) error {
	ended := o.At
	if o.State == webhook.Waiting {
		ended = time.Time{}
	}
	err := tx.execOne(ctx, `UPDATE webhook_deliveries SET state = $1, attempts = $2, status = $3, error = $4,
 began = CASE WHEN began = 0 THEN $5 ELSE began END, due = $6, ended = $7 WHERE id = $8 AND state = 'waiting'`,
		o.State, d.Attempts, o.Status, o.Error, micros(o.Began), micros(o.Due), micros(ended), d.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil || o.State == webhook.Waiting {
		return err
	}
	switch {
	case o.Gone:
		return tx.gone(ctx, d, o.At)
	case o.State == webhook.Dead:
		if err := tx.died(ctx, d, o); err != nil {
			return err
		}
	}
	return tx.promote(ctx, d.Endpoint, d.Event.Subject, o.At)
}

// turnBreaker writes down that the endpoint of a lane is down, or back.
func (tx *Tx) turnBreaker(ctx context.Context, c *webhook.Change, now time.Time) (err error) {
	switch {
	case c == nil:
		return nil
	case !c.Breaker.Since.IsZero():
		_, err = tx.exec(ctx, `INSERT INTO webhook_breakers (lane, since, next) VALUES ($1, $2, $3)
 ON CONFLICT (lane) DO UPDATE SET next = excluded.next`, c.Lane, micros(c.Breaker.Since), micros(c.Breaker.Next))
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM webhook_breakers WHERE lane = $1`, c.Lane); err != nil || !c.Awake {
		return err
	}
	tx.touch(TopicWebhooks)
	_, err = tx.exec(ctx, `UPDATE webhook_deliveries SET due = $1 WHERE state = 'waiting' AND lane = $2 AND due > $1`, micros(now), c.Lane)
	return err
}

// mostExpired bounds what one transaction gives up.
const mostExpired = 200

// ExpireWebhooks gives up, in a lane that is down since then, deliveries whose time to be retried began to run before:
// for those that
// were never tried, when they were due while the endpoint was down.
func (s *Store) ExpireWebhooks(ctx context.Context, lane string, since, before time.Time, why string) (n int, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		n = 0
		for _, chosen := range []string{
			`d.state = 'waiting' AND d.lane = $1 AND d.began > 0 AND d.began <= $2 ORDER BY d.began LIMIT $3`,
			`d.state = 'waiting' AND d.lane = $1 AND d.due <= $2 AND d.began = 0 ORDER BY d.due, d.event LIMIT $3`,
		} {
			rows, err := tx.query(ctx, selectDelivery+` WHERE `+chosen, lane, micros(before), mostExpired-n)
			all, err := collect(rows, err, scanDelivery)
			if err != nil {
				return err
			}
			for _, d := range all {
				o := webhook.Outcome{State: webhook.Dead, At: time.Now(), Began: latest(d.Due, since), Status: d.Status, Error: d.Error}
				if d.Attempts == 0 {
					o.Error = why
				}
				if err := tx.outcome(ctx, d, o); err != nil {
					return err
				}
			}
			if n += len(all); n >= mostExpired || since.After(before) {
				return nil
			}
		}
		return nil
	})
	return n, err
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// promote lets the next of a subject follow one that ended.
func (tx *Tx) promote(ctx context.Context, endpoint, subject string, now time.Time) error {
	tx.touch(TopicWebhooks)
	_, err := tx.exec(ctx, `UPDATE webhook_deliveries SET state = 'waiting', due = $1 WHERE id = (SELECT id FROM webhook_deliveries
 WHERE endpoint = $2 AND subject = $3 AND ended = 0 AND state = 'behind' ORDER BY event LIMIT 1)`, micros(now), endpoint, subject)
	return err
}

// died tells of a dead letter. The time of those behind it has run as long as they exist: each still gets its try, but
// a
// subject with many events does not take as many days.
func (tx *Tx) died(ctx context.Context, d webhook.Delivery, o webhook.Outcome) error {
	_, err := tx.exec(ctx, `UPDATE webhook_deliveries SET began = created WHERE endpoint = $1 AND subject = $2 AND ended = 0 AND began = 0`,
		d.Endpoint, d.Event.Subject)
	if err != nil {
		return err
	}
	return tx.Emit(ctx, "webhook.dead", d.Event.Subject, d.Event.Owner, map[string]any{
		"delivery": d.ID, "endpoint": d.Endpoint, "event": d.Event.ID, "type": d.Event.Type,
		"attempts": d.Attempts, "status": o.Status,
	})
}

// gone writes down that an endpoint wants no more, and ends what a callback would still get: what is left of its
// filing. What a
// configured one would get may be very much: forsake ends it.
func (tx *Tx) gone(ctx context.Context, d webhook.Delivery, now time.Time) (err error) {
	subject, others := d.Event.Subject, int64(0)
	if d.Endpoint == webhook.Callback {
		others, err = tx.giveUp(ctx, `endpoint = $4 AND subject = $5 AND ended = 0`, now, d.Endpoint, subject)
	} else {
		subject = ""
		err = tx.row(ctx, `SELECT coalesce(sum(n), 0) FROM counts WHERE what = 'webhooks' AND kind = $1 AND word IN ('waiting', 'behind')`, d.Endpoint).Scan(&others)
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO webhook_gone (endpoint, subject, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, d.Endpoint, subject, micros(now))
	if err != nil {
		return err
	}
	return tx.Emit(ctx, "webhook.gone", d.Event.Subject, d.Event.Owner, map[string]any{
		"delivery": d.ID, "endpoint": d.Endpoint, "event": d.Event.ID, "type": d.Event.Type, "others": others,
	})
}

// mostForsaken bounds what one transaction ends.
const mostForsaken = 500

// forsake ends all that waits for a configured endpoint that is gone. Where it is interrupted, the next of them is
// answered 410 too.
func (s *Store) forsake(ctx context.Context, endpoint string, now time.Time) error {
	for n := int64(mostForsaken); n == mostForsaken; {
		err := s.Update(ctx, func(tx *Tx) (err error) {
			n, err = tx.giveUp(ctx, `id IN (SELECT id FROM webhook_deliveries WHERE endpoint = $4 AND ended = 0 ORDER BY created LIMIT $5)`, now, endpoint, mostForsaken)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) giveUp(ctx context.Context, which string, now time.Time, args ...any) (int64, error) {
	result, err := tx.exec(ctx, `UPDATE webhook_deliveries SET state = $1, error = $2, ended = $3 WHERE `+which,
		append([]any{webhook.Dead, wantsNoMore, micros(now)}, args...)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
