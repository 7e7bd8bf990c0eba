package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"attestd/internal/webhook"
	"attestd/queue"
)

const selectDelivery = `SELECT d.id, d.endpoint, d.url, d.lane, d.state, d.attempts, d.status, d.error, d.created, d.began, d.due, d.ended,
 e.seq, e.id, e.type, e.subject, e.owner, e.at, e.data, coalesce(f.reference, '')
 FROM webhook_deliveries d JOIN events e ON e.seq = d.event LEFT JOIN filings f ON f.id = d.subject`

func scanDelivery(r scanner) (d webhook.Delivery, err error) {
	var created, began, due, ended, at int64
	var data string
	err = r.Scan(&d.ID, &d.Endpoint, &d.URL, &d.Lane, &d.State, &d.Attempts, &d.Status, &d.Error, &created, &began, &due, &ended,
		&d.Event.Seq, &d.Event.ID, &d.Event.Type, &d.Event.Subject, &d.Event.Owner, &at, &data, &d.Reference)
	if errors.Is(err, sql.ErrNoRows) {
		return d, webhook.ErrNotFound
	}
	d.Created, d.Began, d.Due, d.Ended = fromMicros(created), fromMicros(began), fromMicros(due), fromMicros(ended)
	d.Event.At, d.Event.Data = fromMicros(at), []byte(data)
	return d, err
}

// nextLane is the first lane behind another in which something waits, with the earliest of it: a seek. SQLite knows
// nothing of how
// many rows wait, and would rather sort all of them; an engine that keeps statistics needs no hint.
const nextLane = `SELECT d.lane, d.due, coalesce(b.since, 0), coalesce(b.next, 0) FROM webhook_deliveries d INDEXED BY webhook_deliveries_next
 LEFT JOIN webhook_breakers b ON b.lane = d.lane WHERE d.state = 'waiting' AND d.lane > $1 ORDER BY d.lane, d.due LIMIT 1`

// WebhookLanes lists the lanes in which deliveries wait. It costs a seek a lane, whatever waits there.
func (s *Store) WebhookLanes(ctx context.Context) (all []webhook.Lane, err error) {
	for l := (webhook.Lane{}); ; all = append(all, l) {
		var due, since, next int64
		err := s.readRow(ctx, nextLane, l.Name).Scan(&l.Name, &due, &since, &next)
		if errors.Is(err, sql.ErrNoRows) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		l.Due, l.Breaker = fromMicros(due), webhook.Breaker{Since: fromMicros(since), Next: fromMicros(next)}
	}
}

// WebhooksWaiting lists those that wait in a lane, the earliest due first.
func (s *Store) WebhooksWaiting(ctx context.Context, lane string, limit int) ([]webhook.Delivery, error) {
	rows, err := s.readQuery(ctx, selectDelivery+` WHERE d.state = 'waiting' AND d.lane = $1 ORDER BY d.due, d.event LIMIT $2`, lane, limit)
	return collect(rows, err, scanDelivery)
}

// WebhookDelivery gives one of an event that an owner is told of; webhook.ErrNotFound.
func (s *Store) WebhookDelivery(ctx context.Context, owner, id string) (webhook.Delivery, error) {
	d, err := scanDelivery(s.readRow(ctx, selectDelivery+` WHERE d.id = $1`, id))
	if err == nil && !told(owner, d.Event.Owner) {
		return webhook.Delivery{}, webhook.ErrNotFound
	}
	return d, err
}

// told says whether one who asks is told of what is an owner's.
func told(asker, owner string) bool {
	return asker == queue.Everyone || asker != "" && (owner == asker || owner == queue.Everyone)
}

func deliveryFilter(f webhook.Filter) (where string, args []any) {
	var all []string
	for _, one := range []struct{ condition, value string }{
		{"d.state =", string(f.State)}, {"d.endpoint =", f.Endpoint}, {"d.subject =", f.Subject}, {"d.id <", f.Before},
	} {
		if one.value != "" {
			args = append(args, one.value)
			all = append(all, fmt.Sprintf("%s $%d", one.condition, len(args)))
		}
	}
	if f.Owner != queue.Everyone {
		args = append(args, f.Owner)
		all = append(all, fmt.Sprintf("e.owner IN ('*', $%d) AND $%d <> ''", len(args), len(args)))
	}
	if len(all) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(all, " AND "), args
}

// WebhookDeliveries lists deliveries, newest first; next continues the list, "" at its end.
func (s *Store) WebhookDeliveries(ctx context.Context, f webhook.Filter) (items []webhook.Delivery, next string, err error) {
	where, args := deliveryFilter(f)
	args = append(args, f.Limit+1)
	rows, err := s.readQuery(ctx, fmt.Sprintf("%s %s ORDER BY d.id DESC LIMIT $%d", selectDelivery, where, len(args)), args...)
	items, err = collect(rows, err, scanDelivery)
	if len(items) > f.Limit {
		items = items[:f.Limit]
		next = items[f.Limit-1].ID
	}
	return items, next, err
}

// WebhookEndpoints tells how each endpoint does: those configured, by name, and all callbacks together.
func (s *Store) WebhookEndpoints(ctx context.Context) ([]webhook.Standing, error) {
	all := []webhook.Standing{{Name: webhook.Callback}}
	for _, h := range *s.hooks.Load() {
		all = append(all, webhook.Standing{Name: h.name, URL: h.url, Events: h.events})
	}
	for i := range all {
		st := &all[i]
		var oldest, gone, since int64
		err := s.readRow(ctx, `SELECT (SELECT coalesce(sum(n), 0) FROM counts WHERE what = 'webhooks' AND kind = $1 AND word IN ('waiting', 'behind')),
 (SELECT coalesce(sum(n), 0) FROM counts WHERE what = 'webhooks' AND kind = $1 AND word = 'dead'),
 (SELECT coalesce(min(created), 0) FROM webhook_deliveries WHERE endpoint = $1 AND ended = 0),
 (SELECT coalesce(max(at), 0) FROM webhook_gone WHERE endpoint = $1 AND subject = ''),
 (SELECT coalesce(max(since), 0) FROM webhook_breakers WHERE lane = $1)`, st.Name).Scan(&st.Waiting, &st.Dead, &oldest, &gone, &since)
		if err != nil {
			return nil, err
		}
		st.Down = fromMicros(since)
		st.Oldest, st.Gone = fromMicros(oldest), fromMicros(gone)
	}
	return all, nil
}

// WebhookCounts are how many deliveries are in each state, when the longest-waiting was made, how many configured
// endpoints are
// gone, and how many endpoints are down.
func (s *Store) WebhookCounts(ctx context.Context) (c webhook.Counts, err error) {
	if c.ByState, err = s.counted(ctx, "webhooks"); err != nil {
		return c, err
	}
	rows, err := s.readQuery(ctx, `SELECT (SELECT coalesce(min(created), 0) FROM webhook_deliveries d WHERE d.endpoint = e.kind AND d.ended = 0)
 FROM (SELECT DISTINCT kind FROM counts WHERE what = 'webhooks') AS e`)
	oldest, err := collect(rows, err, scanTime)
	for _, t := range oldest {
		if !t.IsZero() && (c.Oldest.IsZero() || t.Before(c.Oldest)) {
			c.Oldest = t
		}
	}
	if err != nil {
		return c, err
	}
	err = s.readRow(ctx, `SELECT (SELECT count(*) FROM webhook_gone WHERE endpoint <> 'callback' AND subject = ''), (SELECT count(*) FROM webhook_breakers)`).Scan(&c.Gone, &c.Down)
	return c, err
}

// mostForgotten bounds what one transaction forgets.
const mostForgotten = 500

// ForgetWebhooks drops some of what was delivered, and of what died, before then; more says that some is left.
func (s *Store) ForgetWebhooks(ctx context.Context, delivered, dead time.Time) (more bool, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		more = false
		for state, before := range map[webhook.State]time.Time{webhook.Delivered: delivered, webhook.Dead: dead} {
			result, err := tx.exec(ctx, `DELETE FROM webhook_deliveries WHERE id IN
 (SELECT id FROM webhook_deliveries WHERE state = $1 AND ended > 0 AND ended < $2 ORDER BY ended LIMIT $3)`, state, micros(before), mostForgotten)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			more = more || n == mostForgotten
		}
		if more {
			return nil
		}
		if _, err := tx.exec(ctx, `DELETE FROM webhook_gone WHERE subject <> '' AND at < $1`, micros(dead)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM webhook_breakers WHERE NOT EXISTS
 (SELECT 1 FROM webhook_deliveries d WHERE d.state = 'waiting' AND d.lane = webhook_breakers.lane)`)
		return err
	})
	return more, err
}
