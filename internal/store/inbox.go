package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"attestd/internal/inbox"
)

// Inbox gives the store as the inbox sees it.
func (s *Store) Inbox() inbox.Store { return inboxStore{s} }

type inboxStore struct{ s *Store }

// Update goes ahead: what came in is acknowledged to the network once it is committed.
func (b inboxStore) Update(ctx context.Context, fn func(inbox.Tx) error) error {
	return b.s.Ahead(ctx, func(tx *Tx) error { return fn(tx) })
}

var _ inbox.Tx = (*Tx)(nil)

// ErrNoItem says that the inbox has no item of that id.
var ErrNoItem = errors.New("the inbox has no item of that id")

const (
	sealedTPDU   = "inbox_parts.tpdu:"
	sealedSender = "inbox_items.sender:"
	sealedText   = "inbox_items.body:"
	sealedData   = "inbox_items.data:"
	sealedCode   = "inbox_items.code:"
	tpduPurpose  = "inbox tpdu"
	keyPurpose   = "inbox key"
)

// keyParts is an inbox key as bytes, for its keyed hash: the sender's number must not be found in a column.
func keyParts(k inbox.Key) [][]byte {
	n := binary.BigEndian.AppendUint16(nil, k.Ref)
	return [][]byte{[]byte(k.SIM), []byte(k.Sender), append(n, byte(k.Bits), byte(k.Total))}
}

// RepeatedPart is inbox.Tx's.
func (tx *Tx) RepeatedPart(ctx context.Context, f inbox.Print, since time.Time) (item string, repeated bool, err error) {
	for _, mac := range tx.s.keys.MACs(tpduPurpose, []byte(f.SIM), f.Octets) {
		err := tx.row(ctx, `SELECT coalesce(item_id, '') FROM inbox_parts WHERE tpdu_mac = $1 AND received >= $2
 ORDER BY received DESC LIMIT 1`, mac, micros(since)).Scan(&item)
		if err == nil {
			return item, true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return "", false, err
		}
	}
	return "", false, nil
}

// InsertPart is inbox.Tx's.
func (tx *Tx) InsertPart(ctx context.Context, p inbox.Part, f inbox.Print) error {
	keys := tx.s.keys
	var keyMAC []byte
	if p.Key != nil {
		keyMAC = keys.MAC(keyPurpose, keyParts(*p.Key)...)
	}
	_, err := tx.exec(ctx, `INSERT INTO inbox_parts (id, sim, station, smsc, tpdu, tpdu_mac, key_mac, set_id, item_id, scts, received)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		p.ID, p.SIM, p.Station, p.SMSC, keys.Seal(p.TPDU, sealedTPDU+p.ID), keys.MAC(tpduPurpose, []byte(f.SIM), f.Octets), keyMAC,
		p.Set, nullString(p.Item), micros(p.SCTS), micros(p.Received))
	return err
}

func nullString(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

const partColumnsOfInbox = `p.id, p.sim, p.station, p.smsc, p.tpdu, p.set_id, coalesce(p.item_id, ''), p.scts, p.received`

// scanPart reads partColumnsOfInbox. Octets that cannot be opened any more come back as none: their row still counts.
func (s *Store) scanPart(r scanner) (inbox.Part, error) {
	var p inbox.Part
	var sealed []byte
	var scts, received int64
	if err := r.Scan(&p.ID, &p.SIM, &p.Station, &p.SMSC, &sealed, &p.Set, &p.Item, &scts, &received); err != nil {
		return p, err
	}
	p.SCTS, p.Received = fromMicros(scts), fromMicros(received)
	p.TPDU, _ = s.keys.Open(sealed, sealedTPDU+p.ID)
	return p, nil
}

// PartsNear is inbox.Tx's.
func (tx *Tx) PartsNear(ctx context.Context, k inbox.Key, since, from, to time.Time, sets int) ([]inbox.Part, error) {
	var all []inbox.Part
	for _, mac := range tx.s.keys.MACs(keyPurpose, keyParts(k)...) {
		rows, err := tx.query(ctx, `SELECT `+partColumnsOfInbox+` FROM inbox_parts p JOIN (
 SELECT set_id, max(received) AS latest FROM inbox_parts
 WHERE key_mac = $1 AND (scts = 0 OR scts BETWEEN $2 AND $3) AND received >= $4
 GROUP BY set_id ORDER BY latest DESC LIMIT $5) near ON near.set_id = p.set_id
 ORDER BY near.latest, p.set_id, p.id`, mac, micros(from), micros(to), micros(since), sets)
		parts, err := collect(rows, err, tx.s.scanPart)
		if err != nil {
			return nil, err
		}
		all = append(all, parts...)
	}
	return all, nil
}

// WaitingParts is inbox.Tx's.
func (tx *Tx) WaitingParts(ctx context.Context, before time.Time, sets int) ([]inbox.Part, error) {
	rows, err := tx.query(ctx, `SELECT `+partColumnsOfInbox+` FROM inbox_parts p JOIN (
 SELECT set_id, min(received) AS first FROM inbox_parts WHERE item_id IS NULL AND received <= $1
 GROUP BY set_id ORDER BY first LIMIT $2) old ON old.set_id = p.set_id
 ORDER BY old.first, p.set_id, p.id`, micros(before), sets)
	return collect(rows, err, tx.s.scanPart)
}

// FirstWaiting is inbox.Tx's.
func (tx *Tx) FirstWaiting(ctx context.Context) (time.Time, error) {
	var first int64
	err := tx.row(ctx, `SELECT coalesce(min(received), 0) FROM inbox_parts WHERE item_id IS NULL`).Scan(&first)
	return fromMicros(first), err
}

// InsertItem is inbox.Tx's. Repeats that are kept with the item's parts are marked as well.
func (tx *Tx) InsertItem(ctx context.Context, it inbox.Item, set string) error {
	keys := tx.s.keys
	var data []byte
	if it.Data != nil {
		data = keys.Seal(it.Data, sealedData+it.ID)
	}
	var class sql.NullInt64
	if it.Class != nil {
		class = sql.NullInt64{Int64: int64(*it.Class), Valid: true}
	}
	_, zone := it.Sent.Zone()
	_, err := tx.exec(ctx, `INSERT INTO inbox_items (id, sender, sender_mac, body, data, modem, sim, alphabet, class, parts, total,
 complete, damaged, readable, sent, sent_zone, received, stored)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		it.ID, keys.Seal([]byte(it.From), sealedSender+it.ID), keys.MAC(numberPurpose, []byte(it.From)),
		keys.Seal([]byte(it.Text), sealedText+it.ID), data, it.Modem, it.SIM, int(it.Alphabet), class, it.Parts, it.Total,
		it.Complete, it.Damaged, it.Readable, micros(it.Sent), zone, micros(it.Received), micros(it.Stored))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE inbox_parts SET item_id = $1 WHERE set_id = $2 AND item_id IS NULL`, it.ID, set)
	return err
}

const itemColumns = `id, sender, body, data, modem, sim, alphabet, class, parts, total, complete, damaged, readable, sent,
 sent_zone, received, stored, rule, action, rule_failed, code, owner`

// scanItem reads itemColumns. What cannot be opened any more leaves the item unreadable; it does not keep others from
// being read.
func (s *Store) scanItem(r scanner) (inbox.Item, error) {
	var it inbox.Item
	var sender, body, data, code []byte
	var class sql.NullInt64
	var sent, received, stored int64
	var zone int
	if err := r.Scan(&it.ID, &sender, &body, &data, &it.Modem, &it.SIM, &it.Alphabet, &class, &it.Parts, &it.Total,
		&it.Complete, &it.Damaged, &it.Readable, &sent, &zone, &received, &stored,
		&it.Rule, &it.Action, &it.Failed, &code, &it.Owner); err != nil {
		return it, err
	}
	from, err := s.keys.Open(sender, sealedSender+it.ID)
	text, err2 := s.keys.Open(body, sealedText+it.ID)
	it.From, it.Text = string(from), string(text)
	var err3 error
	if data != nil {
		it.Data, err3 = s.keys.Open(data, sealedData+it.ID)
	}
	if code != nil {
		opened, err := s.keys.Open(code, sealedCode+it.ID)
		it.Code, err3 = string(opened), errors.Join(err3, err)
	}
	if errors.Join(err, err2, err3) != nil {
		it.Readable, it.Damaged = false, true
	}
	if class.Valid {
		n := int(class.Int64)
		it.Class = &n
	}
	it.Sent, it.Received, it.Stored = fromMicros(sent), fromMicros(received), fromMicros(stored)
	if zone != 0 {
		it.Sent = it.Sent.In(time.FixedZone("", zone))
	}
	return it, nil
}

// Item is inbox.Tx's.
func (tx *Tx) Item(ctx context.Context, id string) (inbox.Item, error) {
	it, err := tx.s.scanItem(tx.row(ctx, `SELECT `+itemColumns+` FROM inbox_items WHERE id = $1`, id))
	return it, noItem(err)
}

// MarkItem is inbox.Tx's.
func (tx *Tx) MarkItem(ctx context.Context, id string, m inbox.Mark) error {
	var code []byte
	if m.Code != "" {
		code = tx.s.keys.Seal([]byte(m.Code), sealedCode+id)
	}
	return noItem(tx.execOne(ctx, `UPDATE inbox_items SET rule = $1, action = $2, rule_failed = $3, code = $4 WHERE id = $5`,
		m.Rule, string(m.Action), m.Failed, code, id))
}

// DropItems is inbox.Tx's.
func (tx *Tx) DropItems(ctx context.Context, before time.Time, limit int) (dropped int, oldest time.Time, err error) {
	ids, err := tx.query(ctx, `SELECT id FROM inbox_items WHERE stored < $1 ORDER BY stored LIMIT $2`, micros(before), limit)
	all, err := collect(ids, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, id := range all {
		if _, err := tx.exec(ctx, `DELETE FROM inbox_parts WHERE item_id = $1`, id); err != nil {
			return 0, time.Time{}, err
		}
		if _, err := tx.exec(ctx, `DELETE FROM inbox_items WHERE id = $1`, id); err != nil {
			return 0, time.Time{}, err
		}
	}
	var first int64
	err = tx.row(ctx, `SELECT coalesce(min(stored), 0) FROM inbox_items`).Scan(&first)
	return len(all), fromMicros(first), err
}

func noItem(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoItem
	}
	return err
}

// OwnReply gives an item that was a reply to a filing to the filing's owner. Where the phone has filings of several, it
// is for
// admins only.
func (tx *Tx) OwnReply(ctx context.Context, id, from string) error {
	var owners []string
	for _, mac := range tx.s.keys.MACs(numberPurpose, []byte(from)) {
		rows, err := tx.query(ctx, `SELECT DISTINCT owner FROM challenges WHERE number_mac = $1 AND filing_id <> ''`, mac)
		some, err := collect(rows, err, func(r scanner) (owner string, err error) { return owner, r.Scan(&owner) })
		if err != nil {
			return err
		}
		owners = append(owners, some...)
	}
	slices.Sort(owners)
	owner := ""
	if owners = slices.Compact(owners); len(owners) == 1 {
		owner = owners[0]
	}
	return noItem(tx.execOne(ctx, `UPDATE inbox_items SET owner = $1 WHERE id = $2`, owner, id))
}

// InboxItem reads one item that an owner may see: its own, or everybody's.
func (s *Store) InboxItem(ctx context.Context, owner, id string) (inbox.Item, error) {
	it, err := s.scanItem(s.readRow(ctx, `SELECT `+itemColumns+` FROM inbox_items WHERE id = $1`, id))
	if err == nil && !told(owner, it.Owner) {
		return inbox.Item{}, ErrNoItem
	}
	return it, noItem(explain(err))
}

// InboxItems lists items, newest first: at most limit of those whose id is smaller than before, "" for the newest.
func (s *Store) InboxItems(ctx context.Context, before string, limit int) ([]inbox.Item, error) {
	return s.InboxItemsOf(ctx, inbox.Everyone, "", before, limit)
}

// InboxItemsOf is InboxItems of those that an owner may see, and of one action; "" for all.
func (s *Store) InboxItemsOf(ctx context.Context, owner string, action inbox.Action, before string, limit int) ([]inbox.Item, error) {
	if before == "" {
		before = "~" // behind every UUID
	}
	where, args := `id < $1`, []any{before}
	if action != "" {
		where, args = `id < $1 AND action = $2 AND action <> ''`, []any{before, string(action)}
	}
	if owner != inbox.Everyone {
		args = append(args, owner)
		where += fmt.Sprintf(` AND owner IN ('*', $%d) AND $%d <> ''`, len(args), len(args))
	}
	args = append(args, limit)
	rows, err := s.readQuery(ctx, `SELECT `+itemColumns+` FROM inbox_items WHERE `+where+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	items, err := collect(rows, err, s.scanItem)
	return items, explain(err)
}
