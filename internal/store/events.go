package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Event is one thing that happened, written in the transaction in which it happened. Data is a JSON object without
// any code, tail, text or whole number.
type Event struct {
	Seq     int64           // ascending; the place in the stream
	ID      string          // unique for ever
	Type    string          // "filing.passed", "message.delivered", ...
	Subject string          // the id of what it is about
	Owner   string          // who is told of it; queue.Everyone: everybody, "": only admins
	At      time.Time       // when it was written
	Data    json.RawMessage // an object
}

// Emit appends an event, of which its owner is told. data is marshalled to JSON; nil stands for {}.
func (tx *Tx) Emit(ctx context.Context, typ, subject, owner string, data any) error {
	text := []byte("{}")
	if data != nil {
		var err error
		if text, err = json.Marshal(data); err != nil {
			return fmt.Errorf("event %s: %w", typ, err)
		}
	}
	id := newID()
	_, err := tx.exec(ctx, `INSERT INTO events (id, type, subject, at, data, owner) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, typ, subject, micros(time.Now()), string(text), owner)
	tx.touch(TopicEvents)
	if err == nil {
		err = tx.auditEvent(ctx, typ, subject, owner, text)
	}
	if err != nil {
		return err
	}
	return tx.enrol(ctx, id, typ, subject)
}

// Events lists what came after seq, oldest first, at most limit. subject "" means of anything.
func (s *Store) Events(ctx context.Context, after int64, subject string, limit int) ([]Event, error) {
	text, args := `SELECT seq, id, type, subject, at, data, owner FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, []any{after, limit}
	if subject != "" {
		text = `SELECT seq, id, type, subject, at, data, owner FROM events WHERE subject = $1 AND seq > $2 ORDER BY seq LIMIT $3`
		args = []any{subject, after, limit}
	}
	rows, err := s.readQuery(ctx, text, args...)
	return collect(rows, err, func(r scanner) (Event, error) {
		var e Event
		var at int64
		var data string
		err := r.Scan(&e.Seq, &e.ID, &e.Type, &e.Subject, &at, &data, &e.Owner)
		e.At, e.Data = fromMicros(at), json.RawMessage(data)
		return e, err
	})
}

// LastEvent is the newest event's seq, 0 when there is none.
func (s *Store) LastEvent(ctx context.Context) (seq int64, err error) {
	err = s.readRow(ctx, `SELECT coalesce(max(seq), 0) FROM events`).Scan(&seq)
	return seq, err
}
