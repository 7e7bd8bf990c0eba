package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/verify"
)

const (
	selectFiling = `SELECT id, owner, origin, reference, body_mac, type, changes, language, callback, created, state, reason, note, updated, ended,
 supersedes, superseded_by, province, entity, resubmit_after, resubmit_due, resubmits, resubmitted FROM filings `
	selectPersons = `SELECT id, filing_id, place, role, site, kind, name, mobile, tail_macs, challenge_id, state, reason, verified,
 amended FROM persons WHERE filing_id = $1 ORDER BY place`
)

func scanFiling(r scanner) (verify.Filing, error) {
	var f verify.Filing
	var changes string
	var created, updated, ended, resubmitAfter, resubmitDue int64
	err := r.Scan(&f.ID, &f.Owner, &f.Origin, &f.Reference, &f.BodyMAC, &f.Type, &changes, &f.Language, &f.Callback, &created, &f.State, &f.Reason,
		&f.Note, &updated, &ended, &f.Supersedes, &f.By, &f.Province, &f.Entity, &resubmitAfter, &resubmitDue, &f.Resubmits, &f.Resubmitted)
	if err != nil {
		return f, verifyNotFound(err)
	}
	if changes != "" {
		if err := json.Unmarshal([]byte(changes), &f.Changes); err != nil {
			return f, fmt.Errorf("filing %s: changes: %w", f.ID, err)
		}
	}
	f.Created, f.Updated, f.Ended = fromMicros(created), fromMicros(updated), fromMicros(ended)
	f.ResubmitAfter, f.ResubmitDue = time.Duration(resubmitAfter)*time.Microsecond, fromMicros(resubmitDue)
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
 reason, note, updated, ended, supersedes, superseded_by, province, entity, resubmit_after, resubmit_due, resubmits, resubmitted, owner)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		f.ID, f.Origin, f.Reference, f.BodyMAC, f.Type, changes, f.Language, f.Callback, micros(f.Created), f.State,
		f.Reason, f.Note, micros(f.Updated), micros(f.Ended), f.Supersedes, f.By, f.Province, f.Entity,
		f.ResubmitAfter.Microseconds(), micros(f.ResubmitDue), f.Resubmits, f.Resubmitted, f.Owner)
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
	err := tx.execOne(ctx, `UPDATE filings SET state = $1, reason = $2, note = $3, updated = $4, ended = $5, superseded_by = $6,
 resubmit_due = $7 WHERE id = $8 AND (ended = 0 OR (state = $9 AND ended = $10))`,
		f.State, f.Reason, f.Note, micros(f.Updated), micros(f.Ended), f.By, micros(f.ResubmitDue), f.ID, f.State, micros(f.Ended))
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
func (tx *Tx) FilingByReference(ctx context.Context, owner, reference string) (verify.Filing, error) {
	return tx.filing(ctx, `WHERE owner = $1 AND reference = $2 AND reference <> ''`, owner, reference)
}

// DueFilings lists filings that are to be submitted again.
func (tx *Tx) DueFilings(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return tx.ids(ctx, `SELECT id FROM filings WHERE resubmit_due > 0 AND resubmit_due <= $1 ORDER BY resubmit_due, id LIMIT $2`, micros(now), limit)
}

// NextDueFiling is when a filing is to be submitted again next; zero for never.
func (tx *Tx) NextDueFiling(ctx context.Context) (time.Time, error) {
	var due int64
	err := tx.row(ctx, `SELECT coalesce(min(resubmit_due), 0) FROM filings WHERE resubmit_due > 0`).Scan(&due)
	return fromMicros(due), err
}

// mostEntities bounds how far the look for another entity of a phone goes back.
const mostEntities = 50

// EntitiesOfNumber lists the newest sealed entities of an owner's filings that had a challenge at a phone, by filing.
func (tx *Tx) EntitiesOfNumber(ctx context.Context, owner string, numberMACs [][]byte) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, mac := range numberMACs {
		rows, err := tx.query(ctx, `SELECT f.id, f.entity FROM challenges c JOIN filings f ON f.id = c.filing_id
 WHERE c.number_mac = $1 AND f.owner = $2 AND f.entity IS NOT NULL ORDER BY f.id DESC LIMIT $3`, mac, owner, mostEntities)
		_, err = collect(rows, err, func(r scanner) (id string, err error) {
			var entity []byte
			err = r.Scan(&id, &entity)
			all[id] = entity
			return id, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
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

// idSlack is more than an id's time can be off the time that its row says, in a clock set back (verify's ids do not go back).
const idSlack = 2 * time.Minute

// idAt is how the ids of a time begin (RFC 9562 5.7: the first 48 bits are milliseconds), "" for no time.
func idAt(t time.Time, slack time.Duration) string {
	if t.IsZero() {
		return ""
	}
	h := fmt.Sprintf("%012x", max(0, t.Add(slack).UnixMilli()))
	return h[:8] + "-" + h[8:]
}

// Filings lists filings, newest first.
func (v verifyStore) Filings(ctx context.Context, q verify.FilingQuery) (page []verify.Filing, next string, err error) {
	owner := q.Owner
	if owner == verify.Everyone {
		owner = "" // no condition: verify asks for nobody's in no other way
	}
	var where []string
	var args []any
	for _, one := range []struct{ condition, value string }{
		{"state =", string(q.State)}, {"type =", string(q.Type)}, {"reference =", q.Reference}, {"owner =", owner}, {"id <", q.Before},
		{"id >=", idAt(q.From, -idSlack)}, {"id <", idAt(q.To, idSlack)}, // the index is by id; created decides, below
	} {
		if one.value != "" {
			args = append(args, one.value)
			where = append(where, fmt.Sprintf("%s $%d", one.condition, len(args)))
		}
	}
	for _, one := range []struct {
		condition string
		at        time.Time
	}{{"created >=", q.From}, {"created <", q.To}} {
		if !one.at.IsZero() {
			args = append(args, micros(one.at))
			where = append(where, fmt.Sprintf("%s $%d", one.condition, len(args)))
		}
	}
	if len(q.NumberMACs) > 0 {
		var macs []string
		for _, mac := range q.NumberMACs {
			args = append(args, mac)
			macs = append(macs, placeholder(len(args)))
		}
		where = append(where, "id IN (SELECT filing_id FROM challenges WHERE number_mac IN ("+strings.Join(macs, ", ")+"))")
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

// Story lists the events of a filing and of its SMS, oldest first.
func (v verifyStore) Story(ctx context.Context, f verify.Filing, after int64, limit int) ([]verify.Recorded, error) {
	subjects := []string{f.ID}
	add := func(id string) {
		if id != "" && !slices.Contains(subjects, id) {
			subjects = append(subjects, id)
		}
	}
	rows, err := v.s.readQuery(ctx, selectRecorded+`WHERE subject = $1 AND seq > $2 ORDER BY seq`, f.ID, 0)
	own, err := collect(rows, err, scanRecorded)
	if err != nil {
		return nil, err
	}
	for _, e := range own {
		add(verify.MessageOf(e))
	}
	for _, c := range f.Challenges { // of before events named their SMS
		add(c.FirstSMS)
		add(c.LastSMS)
	}
	story := own
	for _, id := range subjects[1:] {
		rows, err := v.s.readQuery(ctx, selectRecorded+`WHERE subject = $1 AND seq > $2 ORDER BY seq`, id, after)
		of, err := collect(rows, err, scanRecorded)
		if err != nil {
			return nil, err
		}
		story = append(story, of...)
	}
	story = slices.DeleteFunc(story, func(e verify.Recorded) bool { return e.Seq <= after })
	slices.SortFunc(story, func(a, b verify.Recorded) int { return cmp.Compare(a.Seq, b.Seq) })
	return story[:min(limit, len(story))], nil
}

const selectRecorded = `SELECT seq, at, type, subject, data FROM events `

func scanRecorded(r scanner) (e verify.Recorded, err error) {
	var at int64
	var data string
	err = r.Scan(&e.Seq, &at, &e.Type, &e.Subject, &data)
	e.At, e.Data = fromMicros(at), json.RawMessage(data)
	return e, err
}
