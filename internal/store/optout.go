package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/queue"
)

const sealedOptOut = "optouts.number:"

// answerKind is what verify calls the texts that answer a text: all of them share the daily limit of a number.
const answerKind = "answer"

// Try is inbox.Tx's: a savepoint round fn. A panic of fn counts as a failure, or a text that provokes one would come
// again with every restart.
func (tx *Tx) Try(ctx context.Context, fn func() error) (failed, err error) {
	if err := tx.s.command(ctx, "SAVEPOINT attempt"); err != nil {
		return nil, err
	}
	if failed = guarded(fn); failed == nil {
		return nil, tx.s.command(ctx, "RELEASE attempt")
	}
	if unwritable(failed) {
		return nil, failed // the transaction is not to be saved: its caller tries again later
	}
	if err := tx.s.command(ctx, "ROLLBACK TO attempt"); err != nil {
		return failed, err
	}
	return failed, tx.s.command(ctx, "RELEASE attempt")
}

func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %T", p) // its value may quote a text
		}
	}()
	return fn()
}

// unwritable tells the database's own troubles, which pass, from what is wrong with one row.
func unwritable(err error) bool {
	var code sqlite3.ErrorCode
	return errors.As(err, &code) && code != sqlite3.CONSTRAINT && code != sqlite3.ERROR
}

// AddOptOut puts a number on the list; added is false, and the entry the one that is there, when it stands there already.
func (tx *Tx) AddOptOut(ctx context.Context, o inbox.OptOutEntry) (entry inbox.OptOutEntry, added bool, err error) {
	if entry, err = tx.optOutOf(ctx, o.Number); err == nil || !errors.Is(err, inbox.ErrNoOptOut) {
		return entry, false, err
	}
	o.ID, o.Created = newID(), fromMicros(micros(time.Now()))
	e164 := []byte(o.Number.E164())
	_, err = tx.exec(ctx, `INSERT INTO optouts (id, number, number_mac, source, maker, item_id, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		o.ID, tx.s.keys.Seal(e164, sealedOptOut+o.ID), tx.s.keys.MAC(numberPurpose, e164), o.Source, o.Maker, o.Item, micros(o.Created))
	return o, err == nil, err
}

// DropOptOut takes an entry off the list, or gives inbox.ErrNoOptOut: the one of this id, or else of this number.
func (tx *Tx) DropOptOut(ctx context.Context, id string, n msisdn.Number) (entry inbox.OptOutEntry, err error) {
	if id == "" {
		entry, err = tx.optOutOf(ctx, n)
	} else {
		entry, err = tx.s.scanOptOut(tx.row(ctx, `SELECT `+optOutColumns+` FROM optouts WHERE id = $1`, id))
	}
	if err != nil {
		return entry, err
	}
	return entry, tx.execOne(ctx, `DELETE FROM optouts WHERE id = $1`, entry.ID)
}

// OptedOut says whether a number is on the list.
func (tx *Tx) OptedOut(ctx context.Context, n msisdn.Number) (bool, error) {
	_, err := tx.optOutOf(ctx, n)
	if errors.Is(err, inbox.ErrNoOptOut) {
		return false, nil
	}
	return err == nil, err
}

// optOutOf looks a number up under every live key.
func (tx *Tx) optOutOf(ctx context.Context, n msisdn.Number) (inbox.OptOutEntry, error) {
	for _, mac := range tx.s.keys.MACs(numberPurpose, []byte(n.E164())) {
		entry, err := tx.s.scanOptOut(tx.row(ctx, `SELECT `+optOutColumns+` FROM optouts WHERE number_mac = $1`, mac))
		if !errors.Is(err, inbox.ErrNoOptOut) {
			return entry, err
		}
	}
	return inbox.OptOutEntry{}, inbox.ErrNoOptOut
}

// OpenTo lists messages to a number that have not ended: among them is what an opt-out stops.
func (tx *Tx) OpenTo(ctx context.Context, n msisdn.Number) ([]queue.Message, error) {
	var all []queue.Message
	for _, mac := range tx.s.keys.MACs(numberPurpose, []byte(n.E164())) {
		some, err := tx.s.scanWithParts(tx.query(ctx, selectWithParts+`WHERE m.recipient_mac = $1 AND m.ended = 0
 ORDER BY m.id, s.seq`, mac))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// MayAnswer says whether one more answer may go to a number now, most in 24 hours, and counts it if so. 0 is no limit.
func (tx *Tx) MayAnswer(ctx context.Context, n msisdn.Number, most int, now time.Time) (bool, error) {
	e164 := []byte(n.E164())
	sent, err := tx.SentSince(ctx, tx.s.keys.MACs(numberPurpose, e164), answerKind, now.Add(-24*time.Hour))
	if err != nil || most > 0 && len(sent) >= most {
		return false, err
	}
	return true, tx.NoteSent(ctx, tx.s.keys.MAC(numberPurpose, e164), answerKind, now)
}

const optOutColumns = `id, number, source, maker, item_id, created`

// scanOptOut reads optOutColumns. A number that cannot be opened any more leaves the entry without one; it still holds.
func (s *Store) scanOptOut(r scanner) (o inbox.OptOutEntry, err error) {
	var sealed []byte
	var created int64
	if err := r.Scan(&o.ID, &sealed, &o.Source, &o.Maker, &o.Item, &created); errors.Is(err, sql.ErrNoRows) {
		return o, inbox.ErrNoOptOut
	} else if err != nil {
		return o, err
	}
	o.Created = fromMicros(created)
	if sealed == nil {
		return o, nil
	}
	if e164, err := s.keys.Open(sealed, sealedOptOut+o.ID); err == nil {
		o.Number, _ = msisdn.Stored(string(e164))
	}
	return o, nil
}

// OptOuts lists the opt-outs, newest first: at most limit of those whose id is smaller than before, "" for the newest.
func (s *Store) OptOuts(ctx context.Context, before string, limit int) ([]inbox.OptOutEntry, error) {
	if before == "" {
		before = "~" // behind every UUID
	}
	rows, err := s.readQuery(ctx, `SELECT `+optOutColumns+` FROM optouts WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	all, err := collect(rows, err, s.scanOptOut)
	return all, explain(err)
}
