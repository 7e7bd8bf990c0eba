package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/pdu"
	"attestd/queue"
)

// OpenWork is what is under way for a person: forgetting has to end it first.
type OpenWork struct {
	Filings    []string `json:"filings"`
	Challenges []string `json:"challenges"` // of no filing
	Messages   []string `json:"messages"`   // not of a challenge
}

// None says that nothing is under way.
func (o OpenWork) None() bool { return len(o.Filings)+len(o.Challenges)+len(o.Messages) == 0 }

// ErrOpenWork says that something is under way for a person who is to be forgotten.
var ErrOpenWork = errors.New("something is under way for this number: end it first, or say that it is to be cancelled")

// ErrInTheAir says that a modem has a message to a person who is to be forgotten.
var ErrInTheAir = errors.New("a modem is sending a message to this number just now: try again in a minute")

// OpenWork lists what is under way for a number.
func (s *Store) OpenWork(ctx context.Context, n msisdn.Number) (o OpenWork, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		o, err = tx.openWork(ctx, n)
		return err
	})
	return o, err
}

func (tx *Tx) openWork(ctx context.Context, n msisdn.Number) (o OpenWork, err error) {
	o = OpenWork{Filings: []string{}, Challenges: []string{}, Messages: []string{}}
	challenges, err := tx.ChallengesOfNumber(ctx, tx.s.keys.MACs(numberPurpose, []byte(n.E164())), time.Time{})
	if err != nil {
		return o, err
	}
	for _, c := range challenges {
		if c.FilingID == "" {
			o.Challenges = append(o.Challenges, c.ID)
		} else if !slices.Contains(o.Filings, c.FilingID) {
			o.Filings = append(o.Filings, c.FilingID)
		}
	}
	messages, err := tx.OpenTo(ctx, n)
	for _, m := range messages {
		if !strings.HasPrefix(m.Origin, challengeOrigin) {
			o.Messages = append(o.Messages, m.ID)
		}
	}
	return o, err
}

// WithdrawAll takes back what was not sent to a number; what is out stays what it is, and is not repeated.
func (s *Store) WithdrawAll(ctx context.Context, n msisdn.Number, why string) error {
	return s.Update(ctx, func(tx *Tx) error {
		all, err := tx.OpenTo(ctx, n)
		for i := 0; i < len(all) && err == nil; i++ {
			err = queue.Withdraw(ctx, tx, tx.s.codes(), all[i], why, time.Now())
		}
		return err
	})
}

// errDry takes back what was done only to count it.
var errDry = errors.New("only counted")

// Forget erases what is kept of the person who has a number, in one transaction, and says from how many rows of each table.
// Of an opt-out only the keyed hash stays, or the person would be written to again. Rows without anything of a person stay,
// as what became of them. With dry, it is only counted.
func (s *Store) Forget(ctx context.Context, n msisdn.Number, dry bool) (done Wiped, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		f := forgetting{tx: tx, number: n, done: Wiped{}, subjects: map[string]bool{}}
		done = f.done
		if err := f.ended(ctx); err != nil && !dry {
			return err
		}
		for _, step := range []func(context.Context) error{
			f.messages, f.challenges, f.inboxItems, f.waitingParts, f.heldReports, f.counted, f.optOut, f.answers, f.events,
		} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		if dry {
			return errDry
		}
		return tx.Emit(ctx, "number.forgotten", "", "", map[string]any{"rows": f.done})
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return done, err
}

type forgetting struct {
	tx       *Tx
	number   msisdn.Number
	done     Wiped
	subjects map[string]bool // of events that may show the number, masked
	filings  []string
}

// hashes are those of the number in every form that a network may give it, under every live key.
func (f *forgetting) hashes() (all [][]byte) {
	e164 := f.number.E164()
	for _, form := range []string{e164, f.number.National(), strings.TrimPrefix(e164, "+")} {
		all = append(all, f.tx.s.keys.MACs(numberPurpose, []byte(form))...)
	}
	return all
}

// idsOf lists the rows that a hash of the number finds.
func (f *forgetting) idsOf(ctx context.Context, find string) (all []string, err error) {
	for _, mac := range f.hashes() {
		some, err := f.tx.ids(ctx, find, mac)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// ended makes sure that nothing would go on without the number it needs.
func (f *forgetting) ended(ctx context.Context) error {
	for _, mac := range f.tx.s.keys.MACs(numberPurpose, []byte(f.number.E164())) {
		var open, unsent bool
		err := f.tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM challenges WHERE number_mac = $1 AND ended = 0),
 EXISTS (SELECT 1 FROM messages m JOIN segments s ON s.message_id = m.id WHERE m.recipient_mac = $1 AND m.ended = 0 AND s.state IN ('queued', 'submitting'))`,
			mac).Scan(&open, &unsent)
		switch {
		case err != nil:
			return err
		case open:
			return ErrOpenWork
		case unsent:
			return ErrInTheAir
		}
	}
	return nil
}

func (f *forgetting) messages(ctx context.Context) error {
	ids, err := f.idsOf(ctx, `SELECT id FROM messages WHERE recipient_mac = $1`)
	for i := 0; i < len(ids) && err == nil; i++ {
		f.subjects[ids[i]] = true
		_, err = f.tx.exec(ctx, `UPDATE messages SET recipient = NULL, recipient_mac = NULL, body = NULL, idempotency_key = NULL, fingerprint = $1 WHERE id = $2`, empty, ids[i])
	}
	f.count("messages", len(ids))
	return err
}

func (f *forgetting) count(table string, n int) {
	if n > 0 {
		f.done[table] += n
	}
}

// challenges takes the challenges of the number, and the persons who had to answer them. The filing keeps no trace of what
// was filed for the person: the hash that tells a repetition is gone, and so is its client's note.
func (f *forgetting) challenges(ctx context.Context) error {
	ids, err := f.idsOf(ctx, `SELECT id FROM challenges WHERE number_mac = $1`)
	for i := 0; i < len(ids) && err == nil; i++ {
		f.subjects[ids[i]] = true
		err = f.challenge(ctx, ids[i])
	}
	f.count("challenges", len(ids))
	f.count("filings", len(f.filings))
	return err
}

func (f *forgetting) challenge(ctx context.Context, id string) error {
	filings, err := f.tx.ids(ctx, `SELECT filing_id FROM challenges WHERE id = $1 AND filing_id <> ''`, id)
	if err != nil {
		return err
	}
	if err := f.tx.wipeChallenge(ctx, id); err != nil {
		return err
	}
	result, err := f.tx.exec(ctx, `UPDATE persons SET name = NULL, mobile = '', tail_macs = $1 WHERE challenge_id = $2`, empty, id)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	f.count("persons", int(n))
	for i := 0; i < len(filings) && err == nil; i++ {
		if f.subjects[filings[i]] {
			continue
		}
		f.subjects[filings[i]] = true
		f.filings = append(f.filings, filings[i])
		_, err = f.tx.exec(ctx, `UPDATE filings SET body_mac = $1, note = '', entity = NULL WHERE id = $2`, empty, filings[i])
	}
	return err
}

func (f *forgetting) inboxItems(ctx context.Context) error {
	ids, err := f.idsOf(ctx, `SELECT id FROM inbox_items WHERE sender_mac = $1`)
	for i := 0; i < len(ids) && err == nil; i++ {
		f.subjects[ids[i]] = true
		if err = f.tx.all(ctx, ids[i], `DELETE FROM inbox_parts WHERE item_id = $1`, `DELETE FROM inbox_items WHERE id = $1`); err == nil {
			f.count("inbox_items", 1)
		}
	}
	return err
}

// waitingParts takes what waits for the rest of its message: only the octets tell whose it is.
func (f *forgetting) waitingParts(ctx context.Context) error {
	rows, err := f.tx.query(ctx, `SELECT `+partColumnsOfInbox+` FROM inbox_parts p WHERE p.item_id IS NULL`)
	parts, err := collect(rows, err, f.tx.s.scanPart)
	for i := 0; i < len(parts) && err == nil; i++ {
		if _, key := inbox.PrintOf(parts[i].SIM, parts[i].Station, parts[i].TPDU); key == nil || !f.same(key.Sender[strings.Index(key.Sender, ":")+1:]) {
			continue
		}
		f.count("inbox_parts", 1)
		_, err = f.tx.exec(ctx, `DELETE FROM inbox_parts WHERE id = $1`, parts[i].ID)
	}
	return err
}

// same compares an address, as the network gave it, with the number.
func (f *forgetting) same(address string) bool {
	digits := strings.TrimPrefix(address, "+")
	return digits == f.number.National() || "+"+digits == f.number.E164()
}

func (f *forgetting) heldReports(ctx context.Context) error {
	rows, err := f.tx.query(ctx, `SELECT id, report FROM held_reports`)
	type held struct {
		id     string
		sealed []byte
	}
	all, err := collect(rows, err, func(r scanner) (h held, err error) { return h, r.Scan(&h.id, &h.sealed) })
	for i := 0; i < len(all) && err == nil; i++ {
		var report queue.Report
		text, unread := f.tx.s.keys.Open(all[i].sealed, sealedReport+all[i].id)
		if unread != nil || json.Unmarshal(text, &report) != nil || !f.same(report.Recipient) && !pdu.SameRecipient(report.Recipient, f.number.E164()) {
			continue
		}
		f.count("held_reports", 1)
		err = f.tx.DropReport(ctx, all[i].id)
	}
	return err
}

// counted takes what the limits of the phone count.
func (f *forgetting) counted(ctx context.Context) error {
	for _, mac := range f.hashes() {
		for table, text := range map[string]string{
			"sent_texts":  `DELETE FROM sent_texts WHERE number_mac = $1`,
			"text_counts": `DELETE FROM text_counts WHERE number_mac = $1`,
		} {
			result, err := f.tx.exec(ctx, text, mac)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			f.count(table, int(n))
		}
	}
	return nil
}

func (f *forgetting) optOut(ctx context.Context) error {
	all, err := f.idsOf(ctx, `SELECT id FROM optouts WHERE number_mac = $1`)
	for _, id := range all {
		f.subjects[id] = true
	}
	if err != nil {
		return err
	}
	ids, err := f.idsOf(ctx, `SELECT id FROM optouts WHERE number_mac = $1 AND number IS NOT NULL`)
	for i := 0; i < len(ids) && err == nil; i++ {
		err = f.tx.all(ctx, ids[i], `UPDATE optouts SET number = NULL, item_id = '' WHERE id = $1`)
	}
	f.count("optouts", len(ids))
	return err
}

// answers takes what identical submissions about the person's filings would be answered.
func (f *forgetting) answers(ctx context.Context) error {
	for _, id := range f.filings {
		result, err := f.tx.exec(ctx, `DELETE FROM stored_answers WHERE answer LIKE $1`, "%"+id+"%")
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		f.count("stored_answers", int(n))
	}
	return nil
}

// events takes the masked number out of the events about all of this. They stay, and so do the persons beside this one.
func (f *forgetting) events(ctx context.Context) error {
	masked := [][]byte{[]byte(msisdn.Redact(f.number.National())), []byte(f.number.String())}
	for subject := range f.subjects {
		rows, err := f.tx.query(ctx, `SELECT id, data FROM events WHERE subject = $1`, subject)
		type event struct {
			id   string
			data []byte
		}
		all, err := collect(rows, err, func(r scanner) (e event, err error) { return e, r.Scan(&e.id, &e.data) })
		if err != nil {
			return err
		}
		for _, e := range all {
			if !slices.ContainsFunc(masked, func(m []byte) bool { return bytes.Contains(e.data, m) }) {
				continue
			}
			fresh, err := without(e.data, masked)
			if err != nil {
				return fmt.Errorf("event %s: %w", e.id, err)
			}
			if _, err := f.tx.exec(ctx, `UPDATE events SET data = $1 WHERE id = $2`, string(fresh), e.id); err != nil {
				return err
			}
			f.count("events", 1)
		}
	}
	return nil
}

// without leaves out the fields of an object that show one of these.
func without(object []byte, shown [][]byte) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	for name, value := range fields {
		if slices.ContainsFunc(shown, func(m []byte) bool { return bytes.Contains(value, m) }) {
			delete(fields, name)
		}
	}
	return json.Marshal(fields)
}
