package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"attestd/queue"
	"attestd/verify"
)

// Verify gives the store as the rules see it; codes are queued under the queue's policy of the moment. It is called once,
// before the store is used.
func (s *Store) Verify(policy func() queue.Policy) verify.Store {
	s.codes = policy
	return verifyStore{s}
}

type verifyStore struct{ s *Store }

var _ verify.Tx = (*Tx)(nil)

func (v verifyStore) Update(ctx context.Context, fn func(verify.Tx) error) error {
	return v.s.Update(ctx, func(tx *Tx) error {
		if err := tx.charge(ctx, false); err != nil {
			return err
		}
		return fn(tx)
	})
}

// challengeOrigin and answerOrigin begin the origin of a message that carries a code, and of one that answers a reply.
const (
	challengeOrigin = "challenge:"
	answerOrigin    = "answer:"
)

// Send queues an SMS in this transaction, in the lane of codes. A code is repeatable: it does no harm twice.
func (tx *Tx) Send(ctx context.Context, o verify.Outgoing) (string, error) {
	d := queue.Draft{
		To: o.To, Text: o.Text, Priority: queue.Urgent, Deadline: o.Deadline, Report: true, Repeatable: true, PID: o.PID,
		Spanned: true,
		Owner:   o.Owner, Origin: challengeOrigin + o.ChallengeID, Payer: o.Payer,
	}
	if o.Answer {
		d.Origin, d.Priority, d.Repeatable, d.Report = answerOrigin+o.ChallengeID, queue.Normal, false, false
	}
	tx.owed = o.Answer || o.Owed
	if o.First { // by InsertChallenge
		tx.paid = 1
	}
	m, err := queue.Enqueue(ctx, tx, tx.s.codes(), d, time.Now())
	tx.owed, tx.paid = false, 0
	return m.ID, err
}

// CancelSMS takes back what no modem has been given of a challenge's messages.
func (tx *Tx) CancelSMS(ctx context.Context, challengeID string) error {
	return queue.CancelOf(ctx, tx, tx.s.codes(), challengeOrigin+challengeID, time.Now())
}

// Settle tells the queue that a challenge's SMS was read: whatever is unknown of it is settled.
func (tx *Tx) Settle(ctx context.Context, challengeID string) error {
	return queue.EvidenceOf(ctx, tx, tx.s.codes(), challengeOrigin+challengeID, time.Now())
}

// StoredAnswer gives what was answered to an identical submission.
func (tx *Tx) StoredAnswer(ctx context.Context, key []byte) (a verify.Answer, at, until time.Time, err error) {
	var text string
	var atUS, untilUS int64
	err = tx.row(ctx, `SELECT answer, at, until FROM stored_answers WHERE id = $1`, key).Scan(&text, &atUS, &untilUS)
	if err != nil {
		return a, at, until, verifyNotFound(err)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, at, until, fmt.Errorf("stored answer: %w", err)
	}
	return a, fromMicros(atUS), fromMicros(untilUS), nil
}

// StoreAnswer keeps an answer for identical submissions; a later one takes its place.
func (tx *Tx) StoreAnswer(ctx context.Context, key []byte, a verify.Answer, at, until time.Time) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO stored_answers (id, answer, at, until) VALUES ($1, $2, $3, $4)
 ON CONFLICT (id) DO UPDATE SET answer = excluded.answer, at = excluded.at, until = excluded.until`,
		key, string(text), micros(at), micros(until))
	return err
}

// ForgetAnswers drops the answers that hold no longer than until, and says whether any are left.
func (tx *Tx) ForgetAnswers(ctx context.Context, until time.Time) (left bool, err error) {
	if _, err := tx.exec(ctx, `DELETE FROM stored_answers WHERE until <= $1`, micros(until)); err != nil {
		return false, err
	}
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM stored_answers)`).Scan(&left)
	return left, err
}

// NoteSent notes that a text went to a phone.
func (tx *Tx) NoteSent(ctx context.Context, numberMAC []byte, kind string, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO sent_texts (number_mac, kind, at) VALUES ($1, $2, $3)`, numberMAC, kind, micros(at))
	return err
}

// SentSince lists when texts of a kind went to a phone, oldest first.
func (tx *Tx) SentSince(ctx context.Context, numberMACs [][]byte, kind string, after time.Time) ([]time.Time, error) {
	var all []time.Time
	for _, mac := range numberMACs {
		rows, err := tx.query(ctx, `SELECT at FROM sent_texts WHERE number_mac = $1 AND kind = $2 AND at > $3 ORDER BY at`,
			mac, kind, micros(after))
		some, err := collect(rows, err, func(r scanner) (time.Time, error) {
			var at int64
			err := r.Scan(&at)
			return fromMicros(at), err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	sortTimes(all)
	return all, nil
}

// ForgetSent drops what no limit looks back to.
func (tx *Tx) ForgetSent(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM sent_texts WHERE at < $1`, micros(before))
	return err
}

// verifyNotFound says in verify's word that a row is not there.
func verifyNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return verify.ErrNotFound
	}
	return err
}
