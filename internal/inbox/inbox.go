// Package inbox keeps what came in: every part is in the database before the network hears that it arrived.
package inbox

import (
	"context"
	"time"

	"attestd/pdu"
)

// Received is a TPDU as a modem handed it over.
type Received struct {
	Station, SIM string
	TPDU         []byte
	SMSC         string
	At           time.Time
}

// Item is one message as a person reads it: all its parts, or those that came.
type Item struct {
	ID           string
	From         string // as the network named the sender, with + when international
	Text         string
	Modem, SIM   string
	Alphabet     pdu.Alphabet
	Class        *int
	Parts, Total int
	Complete     bool
	Damaged      bool
	Readable     bool // false: the octets are kept, nothing could be made of them
	Data         []byte
	Sent         time.Time // SCTS of the first part; zero when unknown
	Received     time.Time // when the last part came
	Stored       time.Time
}

// Part is one TPDU as it is kept.
type Part struct {
	ID           string
	Station, SIM string
	SMSC         string
	TPDU         []byte
	Received     time.Time
	Set          string // the parts of one message share it; empty for a single one
	Item         string // empty until the message was handed on
	Key          Key
	Seq          int
}

// Key is what the parts of one message have in common.
type Key struct {
	SIM, Sender string
	Ref         uint16
	Bits, Total int
}

// Store runs fn in one transaction.
type Store interface {
	Update(ctx context.Context, fn func(Tx) error) error
}

// Tx is what the inbox needs of a transaction.
type Tx interface {
	// Repeat tells whether the same octets already came to this SIM, since a time.
	Repeat(ctx context.Context, sim string, octets []byte, since time.Time) (bool, error)
	InsertPart(ctx context.Context, p Part) error
	// Parts are those of a key that came since a time, handed on or not, oldest first.
	Parts(ctx context.Context, k Key, since time.Time) ([]Part, error)
	// Waiting are the parts of sets that were not handed on; first is when the oldest part of a set came.
	Waiting(ctx context.Context, before time.Time, limit int) (sets [][]Part, err error)
	// Oldest is when the oldest part that waits came; zero when none waits.
	Oldest(ctx context.Context) (time.Time, error)
	InsertItem(ctx context.Context, it Item, parts []string) error
	Emit(ctx context.Context, typ, subject string, data any) error
}

// Policy is what an operator may choose.
type Policy struct {
	Hold time.Duration // how long an incomplete message waits for its parts; 0 means 72 h
}

// Inbox receives.
type Inbox struct {
	store  Store
	policy Policy
	onItem func(ctx context.Context, tx Tx, it Item) error
}

// New makes an inbox; onItem runs in the transaction that completes an item and may be nil.
func New(s Store, p Policy, onItem func(ctx context.Context, tx Tx, it Item) error) *Inbox {
	return &Inbox{store: s, policy: p, onItem: onItem}
}

// Receive keeps a TPDU and hands on the message that it completes, all in one transaction.
func (b *Inbox) Receive(ctx context.Context, r Received) (item *Item, duplicate bool, err error) {
	return nil, false, nil
}

// Sweep hands on the incomplete messages that waited long enough.
func (b *Inbox) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	return time.Time{}, nil
}
