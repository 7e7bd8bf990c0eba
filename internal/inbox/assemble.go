package inbox

import (
	"bytes"
	"slices"
	"time"

	"attestd/pdu"
)

// Key is what the parts of one message have in common. It is not enough to join them: an 8 bit reference comes again
// after 256 messages, and some senders always use the same one.
type Key struct {
	SIM, Sender string
	Ref         uint16
	Bits, Total int
}

// Piece is one part, read.
type Piece struct {
	ID      string
	From    pdu.Address
	SCTS    time.Time // zero when unknown
	Content pdu.Content
}

func (p Piece) seq() int {
	if p.Content.Concat == nil {
		return 1
	}
	return p.Content.Concat.Seq
}

func (p Piece) key(sim string) Key {
	c := p.Content.Concat
	return Key{SIM: sim, Sender: p.sender(), Ref: c.Ref, Bits: c.Bits, Total: c.Total}
}

// sender names the type of number too: 10086 and +10086 are two senders.
func (p Piece) sender() string { return string(rune('0'+p.From.TON)) + ":" + p.From.Digits }

// Set is the pieces of one message, as far as they came. A closed set was handed on and takes no more, but still knows
// a repeat of its pieces.
type Set struct {
	ID     string
	Item   string // what it became, when it is closed
	Pieces []Piece
	Closed bool
}

func (s Set) has(seq int) bool {
	return slices.ContainsFunc(s.Pieces, func(p Piece) bool { return p.seq() == seq })
}

// span is how far apart the service centre can have stamped two parts of one message. A part with another stamp
// belongs to another message of that reference.
const span = 10 * time.Minute

type verdict uint8

const (
	opens   verdict = iota // the first of a new set
	joins                  // fills a gap in the set
	repeats                // is there already
)

// place tells where a piece belongs among the sets of its key. A piece that could fill a gap in two sets equally well
// opens one of its own: two halves shown apart are a nuisance, two texts mixed are a lie.
func place(sets []Set, p Piece) (index int, v verdict) {
	best, tied := span+1, false
	for i, s := range sets {
		near := s.distance(p)
		if near > span {
			continue
		}
		same := slices.IndexFunc(s.Pieces, func(q Piece) bool { return q.seq() == p.seq() })
		if same >= 0 {
			if !sameContent(s.Pieces[same], p) {
				continue
			}
			// The network repeats with the same stamp. A sender that repeats gets a new stamp, and may as well have begun
			// the same text again, which matters only once the first is complete; without stamps nobody can tell.
			if s.Pieces[same].SCTS.Equal(p.SCTS) && !(s.Closed && p.SCTS.IsZero()) {
				return i, repeats
			}
			if !s.Closed && near < best {
				index, v, best, tied = i, repeats, near, false
			}
			continue
		}
		switch {
		case s.Closed:
		case near < best:
			index, v, best, tied = i, joins, near, false
		case near == best && v == joins:
			tied = true
		case near == best:
			index, v = i, joins
		}
	}
	if tied {
		return 0, opens
	}
	return index, v
}

// distance is how far p's stamp lies from the nearest one of the set; unknown stamps are no evidence against.
func (s Set) distance(p Piece) time.Duration {
	near, known := span+1, false
	for _, q := range s.Pieces {
		if !q.SCTS.IsZero() && !p.SCTS.IsZero() {
			near, known = min(near, p.SCTS.Sub(q.SCTS).Abs()), true
		}
	}
	if !known {
		return 0
	}
	return near
}

func sameContent(a, b Piece) bool {
	return a.Content.Alphabet == b.Content.Alphabet && bytes.Equal(a.Content.Units, b.Content.Units)
}

// complete tells whether every part is there.
func (s Set) complete() bool {
	c := s.Pieces[0].Content.Concat
	return c == nil || len(s.Pieces) == c.Total
}

// Whole is a message made of its pieces, complete or not.
type Whole struct {
	From         pdu.Address
	SCTS         time.Time // of the first part that has one
	Text         string
	Data         []byte
	Alphabet     pdu.Alphabet
	Class        *int
	Parts, Total int
	Missing      []int
	Damaged      bool
}

// Complete tells whether no part is missing.
func (w Whole) Complete() bool { return len(w.Missing) == 0 }

// whole puts the pieces together in their order.
func (s Set) whole() Whole {
	pieces := slices.SortedStableFunc(slices.Values(s.Pieces), func(a, b Piece) int { return a.seq() - b.seq() })
	first := pieces[0]
	w := Whole{From: first.From, Alphabet: first.Content.Alphabet, Class: first.Content.Class, Parts: len(pieces), Total: 1}
	if c := first.Content.Concat; c != nil {
		w.Total = c.Total
	}
	contents := make([]pdu.Content, len(pieces))
	have := make([]bool, w.Total+1)
	for i, p := range pieces {
		contents[i] = p.Content
		have[p.seq()] = true
		w.Data = append(w.Data, p.Content.Data...)
		w.Damaged = w.Damaged || p.Content.Damaged
		if w.SCTS.IsZero() {
			w.SCTS = p.SCTS
		}
	}
	for n := 1; n <= w.Total; n++ {
		if !have[n] {
			w.Missing = append(w.Missing, n)
		}
	}
	w.Text = pdu.JoinContents(contents)
	return w
}

// recent is how many sets of one key are looked at: a sender that always uses the same reference must not make each part
// dearer than the one before it.
const recent = 128

// Assembler joins parts in memory, as the inbox does in the database.
type Assembler struct {
	sets    map[Key][]Set
	order   []Key
	singles map[single]bool
}

// single is what makes a message of one part the repeat of another.
type single struct {
	sender, units string
	alphabet      pdu.Alphabet
	scts          int64
}

// Add takes a piece and gives the message that it completes; ok is false when none is complete, or when the piece is a
// repeat.
func (a *Assembler) Add(p Piece) (w Whole, ok bool) {
	if a.sets == nil {
		a.sets, a.singles = map[Key][]Set{}, map[single]bool{}
	}
	if p.Content.Concat == nil {
		k := single{p.sender(), string(p.Content.Units), p.Content.Alphabet, p.SCTS.Unix()}
		if !p.SCTS.IsZero() && a.singles[k] {
			return Whole{}, false
		}
		a.singles[k] = true
		return Set{Pieces: []Piece{p}}.whole(), true
	}
	k := p.key("")
	sets := a.sets[k]
	if sets == nil {
		a.order = append(a.order, k)
	}
	older := max(0, len(sets)-recent)
	i, v := place(sets[older:], p)
	i += older
	switch v {
	case repeats:
		return Whole{}, false
	case opens:
		i = len(sets)
		sets = append(sets, Set{})
	}
	s := &sets[i]
	s.Pieces = append(s.Pieces, p)
	s.Closed = s.complete()
	a.sets[k] = sets
	if !s.Closed {
		return Whole{}, false
	}
	return s.whole(), true
}

// Rest gives the messages that still miss parts, in the order in which their senders and references first appeared.
func (a *Assembler) Rest() []Whole {
	var rest []Whole
	for _, k := range a.order {
		for _, s := range a.sets[k] {
			if !s.Closed {
				rest = append(rest, s.whole())
			}
		}
	}
	return rest
}
