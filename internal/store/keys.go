package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"attestd/internal/inbox"
)

// keyed is a table with columns that a key made. Each sealed value, and each hash, begins with the generation of its key.
type keyed struct {
	table  string
	sealed map[string]string // column to what stands before the id in the context of the seal
	hashes []string
	packed string // a column of hashes, each behind its length; none of them can be made again
	plain  []string
	// remake makes hashes again from what was opened, by column; what it leaves out cannot be made again.
	remake func(tx *Tx, r keyedRow) map[string][]byte
	// along moves what hangs on a hash that changed, in tables that cannot be re-sealed by themselves.
	along func(ctx context.Context, tx *Tx, column string, old, now []byte) error
}

// keyedRow is a row of a keyed table, opened.
type keyedRow struct {
	id    string
	open  map[string][]byte // of sealed columns; none where the value is wiped or cannot be opened
	plain map[string]string
}

// keyedTables are all there are: a test holds them against the schema. What stands here without sealed columns cannot be
// moved to another key: it is a hash of what is not kept, and goes when it is wiped.
var keyedTables = []keyed{
	{
		table: "messages", sealed: map[string]string{"recipient": sealedRecipient, "body": sealedBody},
		hashes: []string{"recipient_mac", "fingerprint"},
		plain:  []string{"priority", "report", "flash", "repeatable", "pid", "modem", "coalesce(idempotency_key, '')"},
		remake: remakeMessage, along: moveSent,
	},
	{table: "held_reports", sealed: map[string]string{"report": sealedReport}},
	{table: "persons", sealed: map[string]string{"name": "name:"}, packed: "tail_macs"},
	{
		table: "challenges", sealed: map[string]string{"number": "challenge:", "code": "code:"},
		hashes: []string{"number_mac", "code_mac"}, packed: "tail_macs", remake: remakeChallenge, along: moveSent,
	},
	{
		table: "inbox_items", sealed: map[string]string{"sender": sealedSender, "body": sealedText, "data": sealedData, "code": sealedCode},
		hashes: []string{"sender_mac"},
		remake: func(tx *Tx, r keyedRow) map[string][]byte { return tx.numberHash(r, "sender", "sender_mac") },
	},
	{
		table: "inbox_parts", sealed: map[string]string{"tpdu": sealedTPDU}, hashes: []string{"tpdu_mac", "key_mac"},
		plain: []string{"sim", "station"}, remake: remakePart,
	},
	{
		table: "optouts", sealed: map[string]string{"number": sealedOptOut}, hashes: []string{"number_mac"},
		remake: func(tx *Tx, r keyedRow) map[string][]byte { return tx.numberHash(r, "number", "number_mac") },
	},
	{table: "filings", sealed: map[string]string{"entity": "entity:"}, hashes: []string{"body_mac"}},
	{table: "stored_answers", hashes: []string{"id"}},
	{table: "sent_texts", hashes: []string{"number_mac"}},
	{table: "text_counts", hashes: []string{"number_mac"}},
	{table: "uses", hashes: []string{"caller"}},
	{table: "challenge_keys", hashes: []string{"body_mac"}},
}

func (tx *Tx) numberHash(r keyedRow, sealed, hash string) map[string][]byte {
	number, ok := r.open[sealed]
	if !ok {
		return nil
	}
	return map[string][]byte{hash: tx.s.keys.MAC(numberPurpose, number)}
}

// remakeMessage: the fingerprint tells a replay under an idempotency key; without a key it serves nobody and goes.
func remakeMessage(tx *Tx, r keyedRow) map[string][]byte {
	made := tx.numberHash(r, "recipient", "recipient_mac")
	if made == nil {
		made = map[string][]byte{}
	}
	p := r.plain
	if p["coalesce(idempotency_key, '')"] == "" {
		made["fingerprint"] = []byte{}
		return made
	}
	number, ok := r.open["recipient"]
	text, whole := r.open["body"]
	if ok && whole {
		flag := func(column string) bool { return p[column] == "1" || p[column] == "true" }
		made["fingerprint"] = tx.s.keys.MAC(draftPurpose, number, text, fmt.Appendf(nil, "%s %t %t %t %s %s",
			p["priority"], flag("report"), flag("flash"), flag("repeatable"), p["pid"], p["modem"]))
	}
	return made
}

// codeDigits is how a sealed code begins; the template of a general challenge's text stands behind it.
const codeDigits = 6

func remakeChallenge(tx *Tx, r keyedRow) map[string][]byte {
	made := tx.numberHash(r, "number", "number_mac")
	if code := r.open["code"]; made != nil && len(code) >= codeDigits {
		made["code_mac"] = tx.s.keys.MAC("code", r.open["number"], code[:codeDigits])
	}
	return made
}

func remakePart(tx *Tx, r keyedRow) map[string][]byte {
	tpdu, ok := r.open["tpdu"]
	if !ok || len(tpdu) == 0 {
		return nil
	}
	mark, key := inbox.PrintOf(r.plain["sim"], r.plain["station"], tpdu)
	made := map[string][]byte{"tpdu_mac": tx.s.keys.MAC(tpduPurpose, []byte(mark.SIM), mark.Octets)}
	if key != nil {
		made["key_mac"] = tx.s.keys.MAC(keyPurpose, keyParts(*key)...)
	}
	return made
}

// moveSent takes the texts counted for a phone along to its new hash.
func moveSent(ctx context.Context, tx *Tx, column string, old, now []byte) error {
	if column == "fingerprint" || column == "code_mac" {
		return nil
	}
	_, err := tx.exec(ctx, `UPDATE sent_texts SET number_mac = $1 WHERE number_mac = $2`, now, old)
	if err == nil {
		err = tx.moveCounts(ctx, old, now)
	}
	return err
}

// resealBatch is how many rows one transaction re-seals: others wait for it.
const resealBatch = 100

// Reseal moves every sealed value, and every hash that can be made again, to the current key. It may be stopped and begun
// again at any moment, in another process too: what is done is known by its generation. pause is called between two
// batches; an error from it ends the work. lost counts values that no key of the ring opens: they stay as they are.
func (s *Store) Reseal(ctx context.Context, pause func(moved int) error) (moved, lost int, err error) {
	for _, t := range keyedTables {
		for after := ""; len(t.sealed) > 0; {
			ids, err := s.stale(ctx, t, after)
			if err != nil {
				return moved, lost, explain(err)
			}
			if len(ids) == 0 {
				break
			}
			after = ids[len(ids)-1]
			var done, dark int
			err = s.Update(ctx, func(tx *Tx) error {
				done, dark = 0, 0
				for _, id := range ids {
					changed, unread, err := tx.reseal(ctx, t, id)
					if err != nil {
						return fmt.Errorf("re-sealing %s: %w", t.table, err)
					}
					done += changed
					dark += unread
				}
				return nil
			})
			if err != nil {
				return moved, lost, err
			}
			moved, lost = moved+done, lost+dark
			if err := pause(moved); err != nil {
				return moved, lost, err
			}
		}
	}
	return moved, lost, nil
}

// stale lists rows behind an id that an older key made, from the committed: a long look keeps no writer waiting.
func (s *Store) stale(ctx context.Context, t keyed, after string) ([]string, error) {
	var old []string
	for _, c := range t.columns() {
		old = append(old, fmt.Sprintf("(length(%s) > 0 AND substr(%s, 1, 1) <> $2)", c, c))
	}
	rows, err := s.readQuery(ctx, fmt.Sprintf("SELECT id FROM %s WHERE id > $1 AND (%s) ORDER BY id LIMIT %d", t.table, strings.Join(old, " OR "), resealBatch),
		after, []byte{s.keys.Current()})
	return collect(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
}

// columns are those that can be moved, in a fixed order.
func (t keyed) columns() []string {
	var all []string
	for _, c := range []string{"recipient", "body", "report", "name", "number", "code", "sender", "data", "tpdu", "entity"} {
		if _, ok := t.sealed[c]; ok {
			all = append(all, c)
		}
	}
	return append(all, t.hashes...)
}

// reseal moves one row.
func (tx *Tx) reseal(ctx context.Context, t keyed, id string) (changed, unread int, err error) {
	columns := t.columns()
	values, plain := make([][]byte, len(columns)), make([]string, len(t.plain))
	dest := make([]any, 0, len(columns)+len(plain))
	for i := range values {
		dest = append(dest, &values[i])
	}
	for i := range plain {
		dest = append(dest, &plain[i])
	}
	err = tx.row(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE id = $1", strings.Join(append(append([]string{}, columns...), t.plain...), ", "), t.table), id).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil // wiped meanwhile
	} else if err != nil {
		return 0, 0, err
	}
	row := keyedRow{id: id, open: map[string][]byte{}, plain: map[string]string{}}
	for i, p := range t.plain {
		row.plain[p] = plain[i]
	}
	fresh := map[string][]byte{}
	for i, c := range columns {
		context, isSealed := t.sealed[c]
		if !isSealed || values[i] == nil {
			continue
		}
		opened, err := tx.s.keys.Open(values[i], context+id)
		if err != nil {
			unread++
			continue
		}
		row.open[c] = opened
		fresh[c] = nil
		if tx.old(values[i]) {
			fresh[c] = tx.s.keys.Seal(opened, context+id)
		}
	}
	if t.remake != nil {
		for c, hash := range t.remake(tx, row) {
			fresh[c] = hash
		}
	}
	changed, err = tx.replaceKeyed(ctx, t, id, columns, values, fresh)
	return changed, unread, err
}

func (tx *Tx) old(value []byte) bool { return len(value) > 0 && value[0] != tx.s.keys.Current() }

// replaceKeyed writes what is to take the place of what an older key made.
func (tx *Tx) replaceKeyed(ctx context.Context, t keyed, id string, columns []string, values [][]byte, fresh map[string][]byte) (changed int, err error) {
	var set []string
	var args []any
	for i, c := range columns {
		now := fresh[c]
		if now == nil || !tx.old(values[i]) || bytes.Equal(now, values[i]) {
			continue
		}
		args = append(args, now)
		set = append(set, c+" = $"+strconv.Itoa(len(args)))
		if _, isSealed := t.sealed[c]; t.along != nil && !isSealed {
			if err := t.along(ctx, tx, c, values[i], now); err != nil {
				return 0, err
			}
		}
	}
	if len(set) == 0 {
		return 0, nil
	}
	args = append(args, id)
	return len(set), tx.execOne(ctx, fmt.Sprintf("UPDATE %s SET %s WHERE id = $%d", t.table, strings.Join(set, ", "), len(args)), args...)
}
