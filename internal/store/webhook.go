package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/internal/webhook"
)

const wantsNoMore = "the endpoint answered 410 Gone, it wants no more; a replay begins anew"

// hook is a configured endpoint, as far as who writes an event needs it.
type hook struct {
	name   string
	url    string
	events []string
}

// loadHooks reads which endpoints are to be told.
func (s *Store) loadHooks(ctx context.Context) error {
	rows, err := s.readQuery(ctx, `SELECT name, url, events FROM webhook_endpoints ORDER BY name`)
	all, err := collect(rows, err, func(r scanner) (h hook, err error) {
		var events string
		if err := r.Scan(&h.name, &h.url, &events); err != nil {
			return h, err
		}
		return h, json.Unmarshal([]byte(events), &h.events)
	})
	if err == nil {
		s.hooks.Store(&all)
	}
	return err
}

// SetWebhooks makes these the configured endpoints: events written from now on are for them. One whose address has changed
// is no longer gone.
func (s *Store) SetWebhooks(ctx context.Context, endpoints []webhook.Endpoint) error {
	return s.Adopt(ctx, Adoption{Endpoints: endpoints})
}

func (tx *Tx) setHooks(ctx context.Context, old, next []hook) error {
	before := map[string]string{}
	for _, h := range old {
		before[h.name] = h.url
	}
	if _, err := tx.exec(ctx, `DELETE FROM webhook_endpoints`); err != nil {
		return err
	}
	names := make([]string, 0, len(next)) // an address may have a secret in it
	for _, h := range next {
		names = append(names, h.name)
		events, err := json.Marshal(h.events)
		if err != nil {
			return err
		}
		if _, err = tx.exec(ctx, `INSERT INTO webhook_endpoints (name, url, events) VALUES ($1, $2, $3)`, h.name, h.url, string(events)); err != nil {
			return err
		}
		if before[h.name] == h.url {
			continue
		}
		if err := tx.back(ctx, h.name, ""); err != nil {
			return err
		}
		if err := tx.turnBreaker(ctx, &webhook.Change{Lane: h.name, Awake: true}, time.Now()); err != nil {
			return err
		}
	}
	return tx.Audit(ctx, "webhooks.changed", "", map[string]any{"endpoints": names})
}

func sorted(endpoints []webhook.Endpoint) []webhook.Endpoint {
	return slices.SortedFunc(slices.Values(endpoints), func(a, b webhook.Endpoint) int { return strings.Compare(a.Name, b.Name) })
}

// enrol writes down who is to be told of an event, in its transaction. What webhooks tell of themselves goes to nobody: an
// endpoint that is down would be told so for ever.
func (tx *Tx) enrol(ctx context.Context, eventID, typ, subject string) error {
	family, _, _ := strings.Cut(typ, ".")
	if family == "webhook" {
		return nil
	}
	for _, h := range *tx.s.hooks.Load() {
		if !webhook.Matches(h.events, typ) {
			continue
		}
		if err := tx.deliver(ctx, eventID, h.name, subject, "", h.name); err != nil {
			return err
		}
	}
	switch family {
	case "filing", "person", "challenge", "check":
	default:
		return nil
	}
	callback, err := tx.callback(ctx, subject)
	if err != nil || callback == "" {
		return err
	}
	return tx.deliver(ctx, eventID, webhook.Callback, subject, callback, webhook.LaneOf(callback))
}

// callback is where the events of a filing go, "" for nowhere. Most transactions tell several events of one filing, and what was
// taken in with a filing never changes; a filing that is not stored yet is asked for again.
func (tx *Tx) callback(ctx context.Context, filingID string) (url string, err error) {
	if tx.called.filing == filingID {
		return tx.called.url, nil
	}
	err = tx.row(ctx, `SELECT callback FROM filings WHERE id = $1`, filingID).Scan(&url)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	} else if err == nil {
		tx.called = callback{filingID, url}
	}
	return url, err
}

type callback struct{ filing, url string }

// enrolEarlier writes down that a filing's callback is to be told of what happened before the filing was stored.
func (tx *Tx) enrolEarlier(ctx context.Context, filingID, callback string) error {
	if callback == "" {
		return nil
	}
	rows, err := tx.query(ctx, `SELECT id FROM events WHERE subject = $1 ORDER BY seq`, filingID)
	ids, err := collect(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := tx.deliver(ctx, id, webhook.Callback, filingID, callback, webhook.LaneOf(callback)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) deliver(ctx context.Context, eventID, endpoint, subject, url, lane string) error {
	gone, open, err := tx.standing(ctx, endpoint, subject)
	if err != nil {
		return err
	}
	now := micros(time.Now())
	state, why, ended := webhook.Waiting, "", int64(0)
	switch {
	case gone:
		state, why, ended = webhook.Dead, wantsNoMore, now
	case open:
		state = webhook.Behind
	}
	_, err = tx.exec(ctx, `INSERT INTO webhook_deliveries (id, event, endpoint, subject, url, lane, created, state, attempts, status, error, began, due, ended)
 SELECT $1, seq, $2, $3, $4, $5, $6, $7, 0, 0, $8, 0, $9, $10 FROM events WHERE id = $11`,
		newID(), endpoint, subject, url, lane, now, state, why, now, ended, eventID)
	tx.touch(TopicWebhooks)
	return err
}

// standing says whether an endpoint wants no more, and whether something of the subject is still to be delivered to it.
func (tx *Tx) standing(ctx context.Context, endpoint, subject string) (gone, open bool, err error) {
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM webhook_gone WHERE endpoint = $1 AND subject IN ('', $2)),
 EXISTS (SELECT 1 FROM webhook_deliveries WHERE endpoint = $1 AND subject = $2 AND ended = 0)`, endpoint, subject).Scan(&gone, &open)
	return gone, open, err
}

// back takes it that an endpoint wants events again.
func (tx *Tx) back(ctx context.Context, endpoint, subject string) error {
	_, err := tx.exec(ctx, `DELETE FROM webhook_gone WHERE endpoint = $1 AND subject IN ('', $2)`, endpoint, subject)
	return err
}

// ReplayWebhook sends a delivery again, now: a dead or a delivered one begins anew in its place, one that waits does not wait.
// The webhook-id stays.
func (s *Store) ReplayWebhook(ctx context.Context, id string) (d webhook.Delivery, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		if err := tx.replay(ctx, id); err != nil {
			return err
		}
		if d, err = scanDelivery(tx.row(ctx, selectDelivery+` WHERE d.id = $1`, id)); err != nil {
			return err
		}
		return tx.Audit(ctx, "webhooks.replayed", id, map[string]any{"deliveries": 1})
	})
	return d, err
}

func (tx *Tx) replay(ctx context.Context, id string) error {
	var endpoint, subject string
	var state webhook.State
	err := tx.row(ctx, `SELECT endpoint, subject, state FROM webhook_deliveries WHERE id = $1`, id).Scan(&endpoint, &subject, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return webhook.ErrNotFound
	} else if err != nil || state == webhook.Behind {
		return err
	}
	tx.touch(TopicWebhooks)
	now := micros(time.Now())
	// Somebody thinks that the endpoint is back: it is tried at once.
	if _, err := tx.exec(ctx, `UPDATE webhook_breakers SET next = $1 WHERE lane = (SELECT lane FROM webhook_deliveries WHERE id = $2)`, now, id); err != nil {
		return err
	}
	if state == webhook.Waiting {
		return tx.execOne(ctx, `UPDATE webhook_deliveries SET due = $1 WHERE id = $2`, now, id)
	}
	if err := tx.back(ctx, endpoint, subject); err != nil {
		return err
	}
	_, open, err := tx.standing(ctx, endpoint, subject)
	if err != nil {
		return err
	}
	next := webhook.Waiting
	if open {
		next = webhook.Behind
	}
	return tx.execOne(ctx, `UPDATE webhook_deliveries SET state = $1, attempts = 0, status = 0, error = '', began = $2, due = $3, ended = 0 WHERE id = $4`,
		next, now, now, id)
}

// mostReplayed bounds what one transaction replays.
const mostReplayed = 1000

// ReplayWebhooks replays all that f asks for, oldest first, at most 1000 at once; more says that some are left.
func (s *Store) ReplayWebhooks(ctx context.Context, f webhook.Filter) (n int, more bool, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		where, args := deliveryFilter(f)
		rows, err := tx.query(ctx, fmt.Sprintf(`SELECT d.id FROM webhook_deliveries d JOIN events e ON e.seq = d.event %s ORDER BY d.event, d.id LIMIT %d`, where, mostReplayed+1), args...)
		ids, err := collect(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
		if err != nil {
			return err
		}
		if more = len(ids) > mostReplayed; more {
			ids = ids[:mostReplayed]
		}
		for _, id := range ids {
			if err := tx.replay(ctx, id); err != nil {
				return err
			}
		}
		n = len(ids)
		return tx.Audit(ctx, "webhooks.replayed", f.Subject, map[string]any{"deliveries": n, "endpoint": f.Endpoint})
	})
	return n, more, err
}
