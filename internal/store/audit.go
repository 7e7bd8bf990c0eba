package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/internal/access"
	"attestd/queue"
)

// AuditEntry is one row of the audit log: who did what, when. Data is a JSON object without personal data.
type AuditEntry struct {
	ID      string
	At      time.Time
	By      access.Actor
	Action  string
	Subject string
	Owner   string // whose the subject is; of what is nobody's, who did it
	Data    json.RawMessage
}

// auditEvent writes the row of an event that is an act. An event is written by whoever does a thing, in its transaction, so
// an act cannot be done without its row.
func (tx *Tx) auditEvent(ctx context.Context, typ, subject, owner string, data []byte) error {
	room, what, _ := strings.Cut(typ, ".")
	if !audited(room, what) {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("audit of %s: %w", typ, err)
	}
	if _, ofFiling := fields["filing"]; ofFiling && room == "challenge" {
		return nil // its filing and its persons have rows
	}
	// Events may tell of a masked number and of the platform's own name for a thing; this is kept for longer.
	for _, personal := range []string{"mobile", "to", "reference"} {
		delete(fields, personal)
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("audit of %s: %w", typ, err)
	}
	return tx.audit(ctx, typ, subject, owner, data)
}

// audited says which events are acts. What is left out happens by itself, or another row tells it: a filing that begins to
// verify was received.
func audited(room, what string) bool {
	switch room {
	case "filing":
		return what != "verifying"
	case "message":
		return what == "cancelled" || what == "necessary"
	case "challenge":
		return slices.Contains([]string{"sending", "verified", "locked", "void"}, what)
	}
	return slices.Contains([]string{"person", "token", "keys", "number", "optout"}, room)
}

// Audit writes a row of the audit log for what has no event of its own. Who does it is told by the context (access.As).
func (tx *Tx) Audit(ctx context.Context, action, subject string, data any) error {
	text := []byte("{}")
	if data != nil {
		var err error
		if text, err = json.Marshal(data); err != nil {
			return fmt.Errorf("audit of %s: %w", action, err)
		}
	}
	return tx.audit(ctx, action, subject, "", text)
}

func (tx *Tx) audit(ctx context.Context, action, subject, owner string, data []byte) error {
	by := access.Of(ctx)
	if owner == "" || owner == queue.Everyone {
		owner = by.Tenant
	}
	_, err := tx.exec(ctx, `INSERT INTO audit (id, at, kind, name, action, subject, data, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		newID(), micros(time.Now()), by.Kind, by.Name, action, subject, string(data), owner)
	return err
}

// Audit is Tx.Audit where the act itself is not in the database.
func (s *Store) Audit(ctx context.Context, action, subject string, data any) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.Audit(ctx, action, subject, data) })
}

// AuditFilter chooses rows; "" is any. Actions and names are whole words; an action may end in ".*".
type AuditFilter struct {
	Kind, Name, Action, Subject, Owner string
	Since                              time.Time
	Before                             string // id: only older ones
	Limit                              int
}

// AuditLog lists rows, newest first; next continues the list, "" at its end.
func (s *Store) AuditLog(ctx context.Context, f AuditFilter) (items []AuditEntry, next string, err error) {
	text, args := `SELECT id, at, kind, name, action, subject, data, owner FROM audit`, []any(nil)
	join := " WHERE "
	where := func(condition string, value any) {
		args = append(args, value)
		text += join + fmt.Sprintf(condition, len(args))
		join = " AND "
	}
	for _, one := range []struct{ column, value string }{{"kind", f.Kind}, {"name", f.Name}, {"subject", f.Subject}, {"owner", f.Owner}} {
		if one.value != "" {
			where(one.column+" = $%d", one.value)
		}
	}
	if room, ok := strings.CutSuffix(f.Action, ".*"); ok { // "/" comes after "." in ASCII
		where("action > $%d", room+".")
		where("action < $%d", room+"/")
	} else if f.Action != "" {
		where("action = $%d", f.Action)
	}
	if !f.Since.IsZero() { // the indexes are by id
		where("id >= $%d", idAt(f.Since, -idSlack))
		where("at >= $%d", micros(f.Since))
	}
	if f.Before != "" {
		where("id < $%d", f.Before)
	}
	args = append(args, f.Limit+1)
	rows, err := s.readQuery(ctx, text+fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args)), args...)
	items, err = collect(rows, err, scanAudit)
	if err == nil && len(items) > f.Limit {
		items = items[:f.Limit]
		next = items[f.Limit-1].ID
	}
	return items, next, err
}

func scanAudit(row scanner) (e AuditEntry, err error) {
	var at int64
	var data string
	err = row.Scan(&e.ID, &at, &e.By.Kind, &e.By.Name, &e.Action, &e.Subject, &data, &e.Owner)
	e.At, e.Data = fromMicros(at), json.RawMessage(data)
	return e, err
}

// wipeAtOnce bounds what one transaction deletes, so that nobody waits for it.
const wipeAtOnce = 1000

// WipeAudit deletes the rows of before a time, and says how many.
func (s *Store) WipeAudit(ctx context.Context, before time.Time) (n int, err error) {
	for {
		var deleted int64
		err := s.Update(ctx, func(tx *Tx) error {
			result, err := tx.exec(ctx, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)`, micros(before), wipeAtOnce)
			if err == nil {
				deleted, err = result.RowsAffected()
			}
			return err
		})
		n += int(deleted)
		if err != nil || deleted < wipeAtOnce {
			return n, err
		}
	}
}
