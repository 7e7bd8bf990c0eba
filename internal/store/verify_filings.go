package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"attestd/verify"
)

const (
	selectFiling = `SELECT id, origin, reference, body_mac, type, changes, language, callback, created, state, reason, note, updated, ended,
 supersedes, superseded_by FROM filings `
	selectPersons = `SELECT id, filing_id, place, role, site, kind, name, mobile, tail_macs, challenge_id, state, reason, verified,
 amended FROM persons WHERE filing_id = $1 ORDER BY place`
)

func scanFiling(r scanner) (verify.Filing, error) {
	var f verify.Filing
	var changes string
	var created, updated, ended int64
	err := r.Scan(&f.ID, &f.Origin, &f.Reference, &f.BodyMAC, &f.Type, &changes, &f.Language, &f.Callback, &created, &f.State, &f.Reason,
		&f.Note, &updated, &ended, &f.Supersedes, &f.By)
	if err != nil {
		return f, verifyNotFound(err)
	}
	if changes != "" {
		if err := json.Unmarshal([]byte(changes), &f.Changes); err != nil {
			return f, fmt.Errorf("filing %s: changes: %w", f.ID, err)
		}
	}
	f.Created, f.Updated, f.Ended = fromMicros(created), fromMicros(updated), fromMicros(ended)
	return f, nil
}

func scanPerson(r scanner) (verify.Person, error) {
	var p verify.Person
	var tails []byte
	var verified int64
	err := r.Scan(&p.ID, &p.FilingID, &p.Index, &p.Role, &p.Site, &p.Kind, &p.NameSealed, &p.Mobile, &tails, &p.ChallengeID, &p.State,
		&p.Reason, &verified, &p.Amended)
	if err != nil {
		return p, err
	}
	p.Verified = fromMicros(verified)
	p.TailMACs, err = unpack(tails)
	return p, err
}

// InsertFiling stores a filing with its persons.
func (tx *Tx) InsertFiling(ctx context.Context, f verify.Filing) error {
	changes := ""
	if len(f.Changes) > 0 {
		text, err := json.Marshal(f.Changes)
		if err != nil {
			return err
		}
		changes = string(text)
	}
	_, err := tx.exec(ctx, `INSERT INTO filings (id, origin, reference, body_mac, type, changes, language, callback, created, state,
 reason, note, updated, ended, supersedes, superseded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		f.ID, f.Origin, f.Reference, f.BodyMAC, f.Type, changes, f.Language, f.Callback, micros(f.Created), f.State,
		f.Reason, f.Note, micros(f.Updated), micros(f.Ended), f.Supersedes, f.By)
	if err != nil {
		return err
	}
	for _, p := range f.Persons {
		_, err := tx.exec(ctx, `INSERT INTO persons (id, filing_id, place, role, site, kind, name, mobile, tail_macs, challenge_id, state,
 reason, verified, amended) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			p.ID, p.FilingID, p.Index, p.Role, p.Site, p.Kind, p.NameSealed, p.Mobile, pack(p.TailMACs), p.ChallengeID, p.State, p.Reason,
			micros(p.Verified), p.Amended)
		if err != nil {
			return err
		}
	}
	return tx.enrolEarlier(ctx, f.ID, f.Callback)
}

// UpdateFiling writes what can change. A terminal filing keeps its state, whatever a caller believes.
func (tx *Tx) UpdateFiling(ctx context.Context, f verify.Filing) error {
	err := tx.execOne(ctx, `UPDATE filings SET state = $1, reason = $2, note = $3, updated = $4, ended = $5, superseded_by = $6
 WHERE id = $7 AND (ended = 0 OR (state = $8 AND ended = $9))`,
		f.State, f.Reason, f.Note, micros(f.Updated), micros(f.Ended), f.By, f.ID, f.State, micros(f.Ended))
	return verifyNotFound(err)
}

// UpdatePerson writes where a person stands.
func (tx *Tx) UpdatePerson(ctx context.Context, p verify.Person) error {
	err := tx.execOne(ctx, `UPDATE persons SET state = $1, reason = $2, verified = $3, challenge_id = $4, mobile = $5, tail_macs = $6,
 amended = $7 WHERE id = $8 AND amended <= $9`, p.State, p.Reason, micros(p.Verified), p.ChallengeID, p.Mobile, pack(p.TailMACs), p.Amended, p.ID, p.Amended)
	return verifyNotFound(err)
}

// Filing reads a filing with its persons.
func (tx *Tx) Filing(ctx context.Context, id string) (verify.Filing, error) {
	return tx.filing(ctx, `WHERE id = $1`, id)
}

// FilingByReference finds a filing by its client's name for it.
func (tx *Tx) FilingByReference(ctx context.Context, origin, reference string) (verify.Filing, error) {
	return tx.filing(ctx, `WHERE origin = $1 AND reference = $2 AND reference <> ''`, origin, reference)
}

func (tx *Tx) filing(ctx context.Context, where string, args ...any) (verify.Filing, error) {
	f, err := scanFiling(tx.row(ctx, selectFiling+where, args...))
	if err != nil {
		return f, err
	}
	rows, err := tx.query(ctx, selectPersons, f.ID)
	f.Persons, err = collect(rows, err, scanPerson)
	return f, err
}

// Filing reads what is committed of a filing, beside any writer.
func (v verifyStore) Filing(ctx context.Context, id string) (verify.Filing, error) {
	f, err := scanFiling(v.s.readRow(ctx, selectFiling+`WHERE id = $1`, id))
	if err != nil {
		return f, err
	}
	return v.complete(ctx, f)
}

// complete reads the persons and challenges of a filing.
func (v verifyStore) complete(ctx context.Context, f verify.Filing) (verify.Filing, error) {
	var rows *sql.Rows
	var err error
	rows, err = v.s.readQuery(ctx, selectPersons, f.ID)
	if f.Persons, err = collect(rows, err, scanPerson); err != nil {
		return f, err
	}
	rows, err = v.s.readQuery(ctx, selectChallenge+`WHERE filing_id = $1 ORDER BY id`, f.ID)
	f.Challenges, err = collect(rows, err, scanChallenge)
	return f, err
}

// Filings lists filings, newest first.
func (v verifyStore) Filings(ctx context.Context, q verify.FilingQuery) (page []verify.Filing, next string, err error) {
	var where []string
	var args []any
	for _, one := range []struct{ condition, value string }{
		{"state =", string(q.State)}, {"reference =", q.Reference}, {"origin =", q.Origin}, {"id <", q.Before},
	} {
		if one.value != "" {
			args = append(args, one.value)
			where = append(where, fmt.Sprintf("%s $%d", one.condition, len(args)))
		}
	}
	text := selectFiling
	if len(where) > 0 {
		text += "WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, q.Limit+1)
	rows, err := v.s.readQuery(ctx, fmt.Sprintf("%s ORDER BY id DESC LIMIT $%d", text, len(args)), args...)
	page, err = collect(rows, err, scanFiling)
	if err != nil {
		return nil, "", err
	}
	if len(page) > q.Limit {
		page = page[:q.Limit]
		next = page[q.Limit-1].ID
	}
	for i := range page {
		if page[i], err = v.complete(ctx, page[i]); err != nil {
			return nil, "", err
		}
	}
	return page, next, nil
}
