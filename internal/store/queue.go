package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"attestd/internal/msisdn"
	"attestd/queue"
)

// Queue gives the store as the queue sees it.
func (s *Store) Queue() queue.Store { return queueStore{s} }

type queueStore struct{ s *Store }

func (q queueStore) Update(ctx context.Context, fn func(queue.Tx) error) error {
	return q.s.Update(ctx, func(tx *Tx) error { return fn(tx) })
}

func (q queueStore) Ahead(ctx context.Context, fn func(queue.Tx) error) error {
	return q.s.Ahead(ctx, func(tx *Tx) error { return fn(tx) })
}

var _ queue.Tx = (*Tx)(nil)

// Wake has the dispatchers look for work after COMMIT.
func (tx *Tx) Wake() { tx.touch(TopicWork) }

const (
	sealedRecipient = "messages.recipient:"
	sealedBody      = "messages.body:"
	sealedReport    = "held_reports.report:"
	numberPurpose   = "number"
	draftPurpose    = "draft"
)

// messageColumns and partColumns are read by scanMessage.
const (
	messageColumns = `m.id, m.owner, m.origin, coalesce(m.idempotency_key, ''), m.recipient, m.body, m.priority, m.deadline, m.report,
 m.flash, m.repeatable, m.necessary, m.pid, m.modem, m.alphabet, m.segments, m.ref, m.created, m.state, m.reason, m.updated, m.accepted,
 m.delivered, m.ended, m.attempts, m.station, m.sim`
	partColumns = `s.seq, s.state, s.due, s.lane, s.attempts, s.tries, s.faults, s.repeated, s.doubt, s.station, s.sim, s.mr,
 s.submitted, s.status, s.discharged, s.reason`
	selectWithParts = `SELECT ` + messageColumns + `, ` + partColumns + ` FROM messages m JOIN segments s ON s.message_id = m.id `
)

// scanMessage reads messageColumns, and partColumns too where part is given. A text or number that cannot be opened
// any more locks the message; it does not keep others from being read.
func (s *Store) scanMessage(r scanner, part *queue.Segment) (queue.Message, error) {
	var m queue.Message
	var recipient, body []byte
	var deadline, created, updated, accepted, delivered, ended, due, submitted, discharged int64
	dest := []any{&m.ID, &m.Owner, &m.Origin, &m.IdempotencyKey, &recipient, &body, &m.Priority, &deadline, &m.Report,
		&m.Flash, &m.Repeatable, &m.Necessary, &m.PID, &m.Modem, &m.Alphabet, &m.Segments, &m.Ref, &created, &m.State, &m.Reason, &updated, &accepted,
		&delivered, &ended, &m.Attempts, &m.Station, &m.SIM}
	if part != nil {
		dest = append(dest, &part.Seq, &part.State, &due, &part.Lane, &part.Attempts, &part.Tries, &part.Faults, &part.Repeated, &part.Doubt,
			&part.Station, &part.SIM, &part.MR, &submitted, &part.Status, &discharged, &part.Reason)
	}
	if err := r.Scan(dest...); err != nil {
		return m, err
	}
	m.Deadline, m.Created, m.Updated = fromMicros(deadline), fromMicros(created), fromMicros(updated)
	m.Accepted, m.Delivered, m.Ended = fromMicros(accepted), fromMicros(delivered), fromMicros(ended)
	if part != nil {
		part.MessageID = m.ID
		part.Due, part.Submitted, part.Discharged = fromMicros(due), fromMicros(submitted), fromMicros(discharged)
	}
	m.Wiped = body == nil
	if body != nil {
		text, err := s.keys.Open(body, sealedBody+m.ID)
		m.Text, m.Locked = string(text), err != nil
	}
	if recipient != nil {
		e164, err := s.keys.Open(recipient, sealedRecipient+m.ID)
		if err == nil {
			m.To, err = msisdn.Stored(string(e164))
		}
		m.Locked = m.Locked || err != nil
	}
	return m, nil
}

// scanWithParts reads rows of messages joined with their parts, in that order.
func (s *Store) scanWithParts(rows *sql.Rows, err error) ([]queue.Message, error) {
	if err != nil {
		return nil, err
	}
	var all []queue.Message
	for rows.Next() {
		var part queue.Segment
		m, err := s.scanMessage(rows, &part)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if n := len(all); n == 0 || all[n-1].ID != m.ID {
			all = append(all, m)
		}
		last := &all[len(all)-1]
		last.Parts = append(last.Parts, part)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

func one(all []queue.Message, err error) (queue.Message, error) {
	switch {
	case err != nil:
		return queue.Message{}, err
	case len(all) == 0:
		return queue.Message{}, queue.ErrNotFound
	}
	return all[0], nil
}

// Message gives a message with its parts, or queue.ErrNotFound.
func (tx *Tx) Message(ctx context.Context, id string) (queue.Message, error) {
	return one(tx.s.scanWithParts(tx.query(ctx, selectWithParts+`WHERE m.id = $1 ORDER BY s.seq`, id)))
}

// MessagesOf gives the messages of an origin that have not ended.
func (tx *Tx) MessagesOf(ctx context.Context, origin string) ([]queue.Message, error) {
	return tx.s.scanWithParts(tx.query(ctx, selectWithParts+`WHERE m.origin = $1 AND m.ended = 0 ORDER BY m.id, s.seq`, origin))
}

// MessageByKey finds what was enqueued under the draft's owner and key, and says whether it was the same draft.
func (tx *Tx) MessageByKey(ctx context.Context, d queue.Draft) (m queue.Message, same, found bool, err error) {
	var id string
	var fingerprint []byte
	err = tx.row(ctx, `SELECT id, fingerprint FROM messages WHERE owner = $1 AND idempotency_key = $2`, d.Owner, d.IdempotencyKey).Scan(&id, &fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, false, nil
	} else if err != nil {
		return m, false, false, err
	}
	for _, mac := range tx.s.keys.MACs(draftPurpose, draftParts(d)...) {
		same = same || string(mac) == string(fingerprint)
	}
	m, err = tx.Message(ctx, id)
	return m, same, true, err
}

// draftParts are what makes two drafts the same. The deadline is left out: a client that tries again may count it anew.
func draftParts(d queue.Draft) [][]byte {
	all := [][]byte{[]byte(d.To.E164()), []byte(d.Text), fmt.Appendf(nil, "%d %t %t %t %d %s", d.Priority, d.Report, d.Flash, d.Repeatable, d.PID, d.Modem)}
	if d.Necessary { // only then, so that drafts of before there was this keep their fingerprint
		all = append(all, []byte("necessary"))
	}
	return all
}

// InsertMessage adds a message and its parts.
func (tx *Tx) InsertMessage(ctx context.Context, m queue.Message) error {
	key := sql.NullString{String: m.IdempotencyKey, Valid: m.IdempotencyKey != ""}
	fingerprint := empty
	if key.Valid { // nothing else is compared with it
		fingerprint = tx.s.keys.MAC(draftPurpose, draftParts(m.Draft)...)
	}
	if err := tx.countCountry(ctx, m.To, m.Created); err != nil {
		return err
	}
	if err := tx.chargeMessage(ctx, m); err != nil {
		return err
	}
	e164 := m.To.E164()
	_, err := tx.exec(ctx, `INSERT INTO messages (id, origin, idempotency_key, fingerprint, recipient, recipient_mac, body,
 priority, deadline, report, flash, repeatable, pid, modem, alphabet, segments, ref, created, state, reason, updated,
 accepted, delivered, ended, attempts, station, sim, prefix, spanned, necessary, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
 $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`,
		m.ID, m.Origin, key, fingerprint,
		tx.s.keys.Seal([]byte(e164), sealedRecipient+m.ID), tx.s.keys.MAC(numberPurpose, []byte(e164)),
		tx.s.keys.Seal([]byte(m.Text), sealedBody+m.ID),
		int(m.Priority), micros(m.Deadline), m.Report, m.Flash, m.Repeatable, int(m.PID), m.Modem, int(m.Alphabet), m.Segments,
		int(m.Ref), micros(m.Created), string(m.State), m.Reason, micros(m.Updated), micros(m.Accepted), micros(m.Delivered),
		micros(m.Ended), m.Attempts, m.Station, m.SIM, m.To.Prefix(), m.Spanned, m.Necessary, m.Owner)
	if err != nil {
		return err
	}
	for _, p := range m.Parts {
		_, err := tx.exec(ctx, `INSERT INTO segments (message_id, seq, priority, deadline, state, due, lane, attempts, tries,
 faults, repeated, doubt, station, sim, mr, submitted, status, discharged, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
 $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			p.MessageID, p.Seq, int(m.Priority), micros(m.Deadline), string(p.State), micros(p.Due), p.Lane, p.Attempts, p.Tries,
			p.Faults, p.Repeated, p.Doubt, p.Station, p.SIM, p.MR, micros(p.Submitted), p.Status, micros(p.Discharged), p.Reason)
		if err != nil {
			return err
		}
	}
	return nil
}

// SaveMessage writes what can change in a message; with wipe its text goes for good.
func (tx *Tx) SaveMessage(ctx context.Context, m queue.Message, wipe bool) error {
	return tx.execOne(ctx, `UPDATE messages SET state = $1, reason = $2, updated = $3, accepted = $4, delivered = $5, ended = $6,
 attempts = $7, station = $8, sim = $9, body = CASE WHEN $10 THEN NULL ELSE body END WHERE id = $11`,
		string(m.State), m.Reason, micros(m.Updated), micros(m.Accepted), micros(m.Delivered), micros(m.Ended),
		m.Attempts, m.Station, m.SIM, wipe, m.ID)
}

// SaveSegment writes what can change in a part.
func (tx *Tx) SaveSegment(ctx context.Context, p queue.Segment) error {
	return tx.execOne(ctx, `UPDATE segments SET state = $1, due = $2, lane = $3, attempts = $4, tries = $5, faults = $6,
 repeated = $7, doubt = $8, station = $9, sim = $10, mr = $11, submitted = $12, status = $13, discharged = $14, reason = $15
 WHERE message_id = $16 AND seq = $17`,
		string(p.State), micros(p.Due), p.Lane, p.Attempts, p.Tries, p.Faults, p.Repeated, p.Doubt, p.Station, p.SIM, p.MR,
		micros(p.Submitted), p.Status, micros(p.Discharged), p.Reason, p.MessageID, p.Seq)
}

// NextRef counts concatenation references, across restarts.
func (tx *Tx) NextRef(ctx context.Context) (uint16, error) {
	var ref int
	err := tx.row(ctx, `UPDATE concat_reference SET value = (value + 1) % 65536 WHERE id = 1 RETURNING value`).Scan(&ref)
	return uint16(ref), err
}

// HoldReport keeps a report that nothing fits yet.
func (tx *Tx) HoldReport(ctx context.Context, id string, r queue.Report) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO held_reports (id, sim, mr, received, report) VALUES ($1, $2, $3, $4, $5)`,
		id, r.SIM, int(r.MR), micros(r.Received), tx.s.keys.Seal(text, sealedReport+id))
	return err
}

// HeldReports lists the reports held of a SIM, oldest first; of one reference unless mr is negative.
func (tx *Tx) HeldReports(ctx context.Context, sim string, mr int) ([]queue.HeldReport, error) {
	rows, err := tx.query(ctx, `SELECT id, received, report FROM held_reports WHERE sim = $1 AND mr BETWEEN $2 AND $3 ORDER BY received`,
		sim, max(mr, 0), orMax(mr))
	return collect(rows, err, func(r scanner) (queue.HeldReport, error) {
		var h queue.HeldReport
		var sealed []byte
		var received int64
		if err := r.Scan(&h.ID, &received, &sealed); err != nil {
			return h, err
		}
		text, err := tx.s.keys.Open(sealed, sealedReport+h.ID)
		if err != nil {
			return h, nil // the key is gone: it fits nothing, and is dropped in its time
		}
		err = json.Unmarshal(text, &h.Report)
		h.Received = fromMicros(received) // the clock may have been set since
		return h, err
	})
}

func orMax(mr int) int {
	if mr < 0 {
		return 255
	}
	return mr
}

// DropReport drops a held report that has found its attempt.
func (tx *Tx) DropReport(ctx context.Context, id string) error {
	return tx.execOne(ctx, `DELETE FROM held_reports WHERE id = $1`, id)
}

// DropHeld drops held reports received at or before then, and says how old the oldest left is.
func (tx *Tx) DropHeld(ctx context.Context, before time.Time) (n int, oldest time.Time, err error) {
	result, err := tx.exec(ctx, `DELETE FROM held_reports WHERE received <= $1`, micros(before))
	if err != nil {
		return 0, oldest, err
	}
	dropped, err := result.RowsAffected()
	if err != nil {
		return 0, oldest, err
	}
	var first int64
	err = tx.row(ctx, `SELECT coalesce(min(received), 0) FROM held_reports`).Scan(&first)
	return int(dropped), fromMicros(first), err
}
