// Package inbox keeps what came in: every part is in the database before the network hears that it arrived, and a text
// is handed on once, whole, in the transaction that stored its last part.
//
// Nothing is thrown away: octets of which nothing can be made become an item too, and parts that wait in vain for the
// rest of their message are handed on after the hold time, marked incomplete. Which parts belong together is decided
// by one pure function (place, in assemble.go), for the database as for `attestd join`.
package inbox

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"attestd/internal/msisdn"
	"attestd/pdu"
)

// Received is a TPDU as a modem handed it over, without its SMSC field.
type Received struct {
	Station, SIM string
	TPDU         []byte
	SMSC         string
	At           time.Time
	// Misread: the modem did not give it whole. It is kept as octets, is no text and no part of one, and no rule sees it: read
	// whole later, it comes again.
	Misread bool
}

// Item is one message as a person reads it: all its parts, or those that came.
type Item struct {
	ID           string
	Owner        string // who may see it: see Everyone; "": only admins
	From         string // as the network named the sender, with + when international; empty when unreadable
	Text         string
	Modem, SIM   string
	Alphabet     pdu.Alphabet
	Class        *int
	Parts, Total int // that came, and that it was sent in
	Complete     bool
	Damaged      bool
	Readable     bool      // false: Data has the octets, nothing could be made of them
	Data         []byte    // of a message that is no text; Text is beside it when its octets are printable
	Sent         time.Time // by the service centre's clock; zero when it gave no time that exists
	Received     time.Time // when the last part came
	Stored       time.Time
	Mark         // the rule that took it
}

// Part is one TPDU as it is kept.
type Part struct {
	ID           string
	Station, SIM string
	SMSC         string
	TPDU         []byte
	Received     time.Time
	SCTS         time.Time
	Item         string // empty while it waits for the rest of its message
	Key          *Key   // nil for a message of one part
	Set          string // the parts of one message share it
}

// Print is what makes two TPDUs the same one, received twice.
type Print struct {
	SIM    string
	Octets []byte
}

// Store runs fn in one transaction.
type Store interface {
	Update(ctx context.Context, fn func(Tx) error) error
}

// Tx is what the inbox needs of a transaction.
type Tx interface {
	// RepeatedPart tells whether a part of this print came before, and not before since; item is what it became, empty
	// while it waits.
	RepeatedPart(ctx context.Context, f Print, since time.Time) (item string, repeated bool, err error)
	// InsertPart keeps a part; its print is what RepeatedPart will compare.
	InsertPart(ctx context.Context, p Part, f Print) error
	// PartsNear gives the parts of the newest sets of a key that have a part stamped between from and to, or without a
	// stamp, and that came since a time. Sets are not mixed, and the oldest comes first.
	PartsNear(ctx context.Context, k Key, since, from, to time.Time, sets int) ([]Part, error)
	// WaitingParts gives the parts of sets whose first part came before a time and that wait, set by set.
	WaitingParts(ctx context.Context, before time.Time, sets int) ([]Part, error)
	// FirstWaiting is when the longest waiting part came; zero when none waits.
	FirstWaiting(ctx context.Context) (time.Time, error)
	// InsertItem keeps an item and marks the waiting parts of its set as handed on.
	InsertItem(ctx context.Context, it Item, set string) error
	Item(ctx context.Context, id string) (Item, error)
	// DropItems deletes at most limit items stored before a time, with their parts, and gives the time of the oldest that
	// is left; zero when none is.
	DropItems(ctx context.Context, before time.Time, limit int) (dropped int, oldest time.Time, err error)
	// MarkItem keeps which rule took an item, its code sealed.
	MarkItem(ctx context.Context, id string, m Mark) error
	// Try runs fn, and undoes what it did when it fails; then failed is fn's error and the transaction goes on. err is
	// for a database that cannot go on.
	Try(ctx context.Context, fn func() error) (failed, err error)
	// Emit writes an event, of which its owner is told.
	Emit(ctx context.Context, typ, subject, owner string, data any) error
}

// Everyone owns what anybody may see who may see such things at all: what came in belongs to no client of the gateway.
const Everyone = "*"

// Policy is what an operator may choose.
type Policy struct {
	Hold time.Duration // how long an incomplete message waits for its parts; 0 means 72 h
	Keep time.Duration // how long an item is kept; 0 means for ever
}

// Inbox receives. It is safe for concurrent use.
type Inbox struct {
	store  Store
	policy atomic.Pointer[Policy]
	onItem func(ctx context.Context, tx Tx, it Item) error
}

// New makes an inbox; onItem runs in the transaction that stores an item and may be nil. When it fails nothing is stored
// and Receive fails, so that the modem keeps the message.
func New(s Store, p Policy, onItem func(ctx context.Context, tx Tx, it Item) error) *Inbox {
	b := &Inbox{store: s, onItem: onItem}
	b.SetPolicy(p)
	return b
}

// SetPolicy takes a new policy over while running.
func (b *Inbox) SetPolicy(p Policy) {
	if p.Hold <= 0 {
		p.Hold = 72 * time.Hour
	}
	b.policy.Store(&p)
}

// unstamped is how long octets without a time of their own count as a repeat: the network tries again within minutes,
// and a person may well write the same text twice in a day.
const unstamped = 10 * time.Minute

// Receive keeps a TPDU and hands on the message that it completes; item is nil while parts are missing. When it returns
// without error the TPDU is on disk and may be acknowledged or deleted. A repeat (the network did not hear the
// acknowledgement, or we crashed before we gave it) is a duplicate, and item is what it became the first time.
func (b *Inbox) Receive(ctx context.Context, r Received) (item *Item, duplicate bool, err error) {
	if r.At.IsZero() {
		r.At = time.Now()
	}
	piece, readable := read(r.TPDU)
	if r.Misread {
		piece, readable = Piece{}, false
	}
	mark := Print{SIM: r.SIM, Octets: unchanging(r.TPDU)}
	if r.SIM == "" { // its ICCID cannot be read: it is the one in that station, and no other
		mark.SIM = "in " + r.Station
	}
	err = b.store.Update(ctx, func(tx Tx) error {
		item, duplicate = nil, false
		var since time.Time
		if piece.SCTS.IsZero() {
			since = r.At.Add(-unstamped)
		}
		id, repeated, err := tx.RepeatedPart(ctx, mark, since)
		if err != nil {
			return err
		}
		if repeated {
			duplicate = true
			if id == "" {
				return nil
			}
			it, err := tx.Item(ctx, id)
			item = &it
			return err
		}
		part := Part{
			ID: newID(), Station: r.Station, SIM: r.SIM, SMSC: r.SMSC, TPDU: r.TPDU, Received: r.At, SCTS: piece.SCTS,
		}
		item, err = b.keep(ctx, tx, part, piece, readable, mark)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("inbox: %w", err)
	}
	return item, duplicate, nil
}

// keep stores a part that is no repeat, and the item that it completes.
func (b *Inbox) keep(ctx context.Context, tx Tx, part Part, piece Piece, readable bool, mark Print) (*Item, error) {
	piece.ID, part.Set = part.ID, part.ID
	set := Set{ID: part.Set, Pieces: []Piece{piece}}
	if readable && piece.Content.Concat != nil {
		key := piece.key(mark.SIM)
		part.Key = &key
		sets, err := b.near(ctx, tx, key, part)
		if err != nil {
			return nil, err
		}
		switch i, v := place(sets, piece); v {
		case joins:
			set = sets[i]
			set.Pieces = append(set.Pieces, piece)
			part.Set = set.ID
		case repeats:
			// The same part by another way: it is kept with its set, and changes nothing.
			part.Set, part.Item = sets[i].ID, sets[i].Item
			return nil, tx.InsertPart(ctx, part, mark)
		}
	}
	if err := tx.InsertPart(ctx, part, mark); err != nil {
		return nil, err
	}
	if !set.complete() {
		// Also wakes whoever waits for the time to sweep.
		return nil, tx.Emit(ctx, "inbox.part", part.ID, Everyone, map[string]any{
			"modem": part.Station, "seq": piece.seq(), "total": part.Key.Total,
		})
	}
	it := unreadable(part)
	if readable {
		it = itemOf(set.whole(), part)
	}
	return &it, b.hand(ctx, tx, it, set.ID)
}

// near reads the sets that a part could belong to.
func (b *Inbox) near(ctx context.Context, tx Tx, k Key, part Part) ([]Set, error) {
	from, to := part.SCTS.Add(-span), part.SCTS.Add(span)
	if part.SCTS.IsZero() {
		from, to = time.Unix(0, 0), time.Unix(1<<33, 0)
	}
	parts, err := tx.PartsNear(ctx, k, part.Received.Add(-b.policy.Load().Hold), from, to, recent)
	return setsOf(parts), err
}

// setsOf groups parts, which come set by set, into sets; a repeat kept with its set counts once.
func setsOf(parts []Part) []Set {
	var sets []Set
	for _, p := range parts {
		piece, readable := read(p.TPDU)
		if !readable || piece.Content.Concat == nil {
			continue // sealed under a key that is lost: its set stays incomplete
		}
		piece.ID = p.ID
		if n := len(sets); n == 0 || sets[n-1].ID != p.Set {
			sets = append(sets, Set{ID: p.Set, Item: p.Item, Closed: p.Item != ""})
		}
		s := &sets[len(sets)-1]
		if !s.has(piece.seq()) {
			s.Pieces = append(s.Pieces, piece)
		}
	}
	return sets
}

// hand stores an item, tells the events, and calls onItem.
func (b *Inbox) hand(ctx context.Context, tx Tx, it Item, set string) error {
	if err := tx.InsertItem(ctx, it, set); err != nil {
		return err
	}
	if err := tx.Emit(ctx, "inbox.received", it.ID, Everyone, map[string]any{
		"from": msisdn.Redact(it.From), "modem": it.Modem, "parts": it.Parts, "total": it.Total,
		"complete": it.Complete, "readable": it.Readable,
	}); err != nil {
		return err
	}
	if b.onItem == nil {
		return nil
	}
	return b.onItem(ctx, tx, it)
}

// itemOf makes the item of a message; last is the part that came last.
func itemOf(w Whole, last Part) Item {
	return Item{
		ID: newID(), From: w.From.String(), Text: w.Text, Data: w.Data, Modem: last.Station, SIM: last.SIM,
		Alphabet: w.Alphabet, Class: w.Class, Parts: w.Parts, Total: w.Total,
		Complete: w.Complete(), Damaged: w.Damaged, Readable: true,
		Sent: w.SCTS, Received: last.Received, Stored: time.Now(),
	}
}

func unreadable(p Part) Item {
	return Item{
		ID: newID(), Modem: p.Station, SIM: p.SIM, Alphabet: pdu.Data8, Data: p.TPDU, Text: pdu.Printable(p.TPDU), Parts: 1, Total: 1,
		Complete: true, Damaged: true, Received: p.Received, Stored: time.Now(),
	}
}

// read makes a piece of a TPDU. Only an SMS-DELIVER is a message to us: a SUBMIT that somebody stored in the modem is
// not from the number in it, and must not be taken for its answer.
func read(tpdu []byte) (p Piece, readable bool) {
	d, err := pdu.Decode(tpdu, pdu.MT)
	if err != nil || d.Type != pdu.TypeDeliver {
		return Piece{}, false
	}
	return Piece{From: d.Deliver.From, SCTS: d.Deliver.SCTS, Content: d.Deliver.Content}, true
}

// unchanging is what stays the same when the network sends a TPDU again: TP-MMS and TP-LP speak of this delivery, TS
// 23.040 9.2.3.2 and 9.2.3.28.
func unchanging(tpdu []byte) []byte {
	if len(tpdu) == 0 {
		return tpdu
	}
	const flags = 0x0C
	return append([]byte{tpdu[0] &^ flags}, tpdu[1:]...)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
