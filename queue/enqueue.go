package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"attestd/pdu"

	"github.com/google/uuid"
)

// Enqueue takes a message in, in the caller's transaction. A draft that repeats an idempotency key of its owner gives
// the
// message that the first one made, or ErrIdempotencyConflict when it is another draft.
func Enqueue(ctx context.Context, tx Tx, p Policy, d Draft, now time.Time) (Message, error) {
	return with(p).enqueue(ctx, tx, d, now)
}

// Enqueue takes a message in.
func (q *Queue) Enqueue(ctx context.Context, d Draft) (m Message, err error) {
	err = q.store.Update(ctx, func(tx Tx) error {
		m, err = q.enqueue(ctx, tx, d, time.Now())
		return err
	})
	return m, err
}

func (q *Queue) enqueue(ctx context.Context, tx Tx, d Draft, now time.Time) (Message, error) {
	if d.To.IsZero() {
		return Message{}, ErrNoRecipient
	}
	if d.Priority < Bulk || d.Priority > Urgent {
		return Message{}, ErrPriority
	}
	if strings.IndexFunc(d.Text, visible) < 0 {
		return Message{}, ErrNoText
	}
	if d.IdempotencyKey != "" {
		m, same, found, err := tx.MessageByKey(ctx, d)
		switch {
		case err != nil:
			return Message{}, err
		case found && !same:
			return Message{}, ErrIdempotencyConflict
		case found:
			m.Replayed = true
			return m, nil
		}
	}
	if err := q.admit(ctx, tx, d); err != nil {
		return Message{}, err
	}
	if d.Deadline.IsZero() {
		d.Deadline, d.Spanned = now.Add(q.Policy().DefaultDeadline), true
	}
	if !now.Before(d.Deadline) {
		return Message{}, ErrExpired
	}
	layout, err := pdu.Plan(d.Text)
	if errors.Is(err, pdu.ErrTooLong) {
		return Message{}, ErrTooLong
	} else if err != nil {
		return Message{}, fmt.Errorf("text: cannot be encoded: %w", err)
	}
	m := Message{
		ID: newID(), Draft: d, Alphabet: layout.Alphabet, Segments: layout.Segments,
		State: Queued, Created: now, Updated: now,
	}
	if m.Segments > 1 {
		if m.Ref, err = tx.NextRef(ctx); err != nil {
			return Message{}, err
		}
	}
	for seq := 1; seq <= m.Segments; seq++ {
		m.Parts = append(m.Parts, Segment{MessageID: m.ID, Seq: seq, State: Queued, Due: now, Lane: m.lane(), MR: -1, Status: -1})
	}
	if err := tx.InsertMessage(ctx, m); err != nil {
		return Message{}, err
	}
	tx.Wake()
	if d.Necessary { // an event of its own, so that the declaration is in the audit log
		if err := tx.Emit(ctx, "message.necessary", m.ID, m.Owner, map[string]any{"to": d.To.String(), "origin": d.Origin, "priority": d.Priority}); err != nil {
			return Message{}, err
		}
	}
	return m, q.changed(ctx, tx, m, "")
}

// visible says whether a character shows anything.
func visible(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsControl(r) && r != '\u2800' && // the last is an empty Braille cell
		!unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}

// Cancel takes an owner's message back of which nothing was handed to a modem yet; ErrNotCancellable otherwise, and
// ErrNotFound
// for another owner's.
func (q *Queue) Cancel(ctx context.Context, owner, id string) (m Message, err error) {
	err = q.store.Update(ctx, func(tx Tx) error {
		if m, err = tx.Message(ctx, id); err != nil {
			return err
		}
		if !owns(owner, m.Owner) {
			return ErrNotFound
		}
		for _, p := range m.Parts {
			if p.State != Queued || p.Doubt != 0 {
				return ErrNotCancellable
			}
		}
		m, err = q.apply(ctx, tx, m, 0, happening{what: withdrawn, why: "cancelled by its sender"}, time.Now())
		return err
	})
	return m, err
}

// CancelOf takes back what was not sent of an origin's messages, and forfeits their repetitions, in the caller's
// transaction. What is out already stays what it is.
func CancelOf(ctx context.Context, tx Tx, p Policy, origin string, now time.Time) error {
	return with(p).each(ctx, tx, origin, happening{what: withdrawn, why: "no longer needed"}, now)
}

// EvidenceOf settles what is unknown of an origin's messages, in the caller's transaction: the recipient has shown that
// the text arrived.
func EvidenceOf(ctx context.Context, tx Tx, p Policy, origin string, now time.Time) error {
	return with(p).each(ctx, tx, origin, happening{what: seen, why: usedByRecipient}, now)
}

const usedByRecipient = "the recipient used what it says"

// Evidence settles what is unknown of a message, in the caller's transaction: the recipient has shown that the text arrived.
func (q *Queue) Evidence(ctx context.Context, tx Tx, messageID string) error {
	m, err := tx.Message(ctx, messageID)
	if err != nil {
		return err
	}
	_, err = q.apply(ctx, tx, m, 0, happening{what: seen, why: usedByRecipient}, time.Now())
	return err
}

func (q *Queue) each(ctx context.Context, tx Tx, origin string, h happening, now time.Time) error {
	all, err := tx.MessagesOf(ctx, origin)
	if err != nil {
		return err
	}
	for _, m := range all {
		if _, err := q.apply(ctx, tx, m, 0, h, now); err != nil {
			return err
		}
	}
	return nil
}

// newID makes an id that sorts by the time of its making (UUID version 7, RFC 9562).
func newID() string { return uuid.Must(uuid.NewV7()).String() }
