package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"attestd/queue"
)

// Quotas are how many texts (segments) each token, and each phone, may have in each clock hour and day (UTC); 0 is no limit, and then
// nothing is counted. A token may have others of its own.
//
// A count is written in the transaction that takes a text in, so no interleaving and no restart allows one text more. What was taken
// in and is cancelled later stays counted.
type Quotas struct {
	TokenHour, TokenDay int
	PhoneHour, PhoneDay int

	Refused func(token string, e *queue.QuotaError) // is told of each refusal, within the transaction; nil for nobody
}

// SetQuotas changes the quotas.
func (s *Store) SetQuotas(q Quotas) { s.quotas.Store(&q) }

// quota is one of the limits that a text is counted for.
type quota struct {
	name string
	span time.Duration
	most int
}

// chargeMessage counts a message for its token, and for its phone. What is owed to somebody who was let in before is counted and
// never refused. Codes do not count for their phone: verify has limits for them, and the texts of one tenant must not use up what
// another's codes need.
func (tx *Tx) chargeMessage(ctx context.Context, m queue.Message) error {
	q := tx.s.quotas.Load()
	if q == nil {
		return nil
	}
	if err := tx.chargeToken(ctx, m.Payer, m.Segments-tx.paid, m.Created); err != nil || strings.HasPrefix(m.Origin, challengeOrigin) {
		return err
	}
	macs := tx.s.keys.MACs(numberPurpose, []byte(m.To.E164()))
	return tx.chargeTexts(ctx, macs, "", m.Payer, m.Segments, m.Created,
		quota{queue.PhoneHour, time.Hour, q.PhoneHour}, quota{queue.PhoneDay, 24 * time.Hour, q.PhoneDay})
}

// chargeToken counts texts for a token; "" is nobody's.
func (tx *Tx) chargeToken(ctx context.Context, token string, n int, at time.Time) error {
	q := tx.s.quotas.Load()
	if q == nil || token == "" || n <= 0 {
		return nil
	}
	hour, day := -1, -1
	err := tx.row(ctx, `SELECT texts_per_hour, texts_per_day FROM tokens WHERE name = $1 AND revoked = 0`, token).Scan(&hour, &day)
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // the token may have been revoked since
		return err
	}
	if hour < 0 {
		hour = q.TokenHour
	}
	if day < 0 {
		day = q.TokenDay
	}
	return tx.chargeTexts(ctx, [][]byte{empty}, token, token, n, at, quota{queue.TokenHour, time.Hour, hour}, quota{queue.TokenDay, 24 * time.Hour, day})
}

// chargeTexts counts texts for a token, or for a phone by the hashes of its number, the current key's first.
func (tx *Tx) chargeTexts(ctx context.Context, macs [][]byte, token, payer string, n int, at time.Time, limits ...quota) error {
	for _, l := range limits {
		if l.most <= 0 {
			continue
		}
		until := at.UTC().Truncate(l.span).Add(l.span)
		var all int
		err := tx.row(ctx, `INSERT INTO text_counts (number_mac, token, quota, until, texts) VALUES ($1, $2, $3, $4, $5)
 ON CONFLICT (number_mac, token, quota, until) DO UPDATE SET texts = text_counts.texts + excluded.texts RETURNING texts`,
			macs[0], token, l.name, micros(until), n).Scan(&all)
		for _, old := range macs[1:] { // counted before the key was rotated
			var more int
			if err == nil {
				err = tx.row(ctx, `SELECT coalesce(sum(texts), 0) FROM text_counts WHERE number_mac = $1 AND token = $2 AND quota = $3 AND until = $4`,
					old, token, l.name, micros(until)).Scan(&more)
				all += more
			}
		}
		if err != nil {
			return err
		}
		if all > l.most && !tx.owed {
			e := &queue.QuotaError{Quota: l.name, Most: l.most, Used: all - n, Needs: n, Until: until}
			if told := tx.s.quotas.Load().Refused; told != nil {
				told(payer, e)
			}
			return e
		}
	}
	return nil
}

// moveCounts takes the texts counted for a phone along to its new hash, where some may have been counted already.
func (tx *Tx) moveCounts(ctx context.Context, old, now []byte) error {
	_, err := tx.exec(ctx, `INSERT INTO text_counts (number_mac, token, quota, until, texts)
 SELECT $1, token, quota, until, texts FROM text_counts WHERE number_mac = $2
 ON CONFLICT (number_mac, token, quota, until) DO UPDATE SET texts = text_counts.texts + excluded.texts`, now, old)
	if err == nil {
		_, err = tx.exec(ctx, `DELETE FROM text_counts WHERE number_mac = $1`, old)
	}
	return err
}
