package simulator

import (
	"encoding/json"
	"io"
	"time"
)

// The kinds of ledger entries.
const (
	KindSubmit  = "submit"  // the network's decision on a submit, or that it never came to one
	KindResult  = "result"  // the final result of a submit has been written to the port
	KindReport  = "report"  // a status report reached the modem
	KindInject  = "inject"  // the network holds an inbound message for a modem
	KindDeliver = "deliver" // an inbound message reached the modem and was acknowledged to the network
	KindHandset = "handset" // a handset has received a whole text
	KindDelete  = "delete"  // the host deleted a stored message
	KindAT      = "at"      // one AT command line (Config.Commands)
	KindPort    = "port"    // the port appeared, vanished, was opened or closed (Detail)
	KindModem   = "modem"   // the modem restarted, locked, lost the network, ... (Detail)
)

// An Entry is one fact of the ledger. Times in microseconds are monotonic, from the network's start; 0 means
// that it did not happen.
//
// The idle gap of a modem is Command of a submit less US of the result before it; the radio is busy from CtrlZ to
// Air of each submit.
type Entry struct {
	Seq      int       `json:"seq"`
	At       time.Time `json:"at"`
	US       int64     `json:"us"`
	Modem    int       `json:"modem"`
	IMEI     string    `json:"imei,omitempty"`
	ICCID    string    `json:"iccid,omitempty"`
	Kind     string    `json:"kind"`
	Submit   int       `json:"submit,omitempty"` // ties submit, result and report of one SUBMIT together
	From     string    `json:"from,omitempty"`
	To       string    `json:"to,omitempty"`
	MR       *int      `json:"mr,omitempty"`
	Text     string    `json:"text,omitempty"`
	Whole    string    `json:"whole,omitempty"` // the joined text, on the entry that completes a long message
	Part     int       `json:"part,omitempty"`
	Parts    int       `json:"parts,omitempty"`
	Ref      int       `json:"ref,omitempty"` // concatenation reference
	PDU      string    `json:"pdu,omitempty"` // the TPDU, hexadecimal, without SMSC field
	Fate     string    `json:"fate,omitempty"`
	Accepted bool      `json:"accepted"`         // submit: it went on air and the network took it
	Result   string    `json:"result,omitempty"` // what the host was told, or "" when it was told nothing
	Status   *int      `json:"status,omitempty"` // TP-ST of a report
	Memory   string    `json:"memory,omitempty"`
	Index    *int      `json:"index,omitempty"`
	Detail   string    `json:"detail,omitempty"`

	Command int64 `json:"command_us,omitempty"` // the line AT+CMGS was complete
	Prompt  int64 `json:"prompt_us,omitempty"`  // the prompt was queued for writing
	CtrlZ   int64 `json:"ctrlz_us,omitempty"`   // Ctrl-Z was read
	Air     int64 `json:"air_us,omitempty"`     // the network answered
}

type ledger struct {
	start   time.Time
	w       io.Writer
	werr    error
	keep    int
	seq     int
	entries []Entry
	watch   map[*watcher]struct{}
}

type watcher struct {
	c       chan Entry
	dropped int
}

func newLedger(w io.Writer, keep int) *ledger {
	return &ledger{start: time.Now(), w: w, keep: keep, watch: map[*watcher]struct{}{}}
}

// now is the monotonic time of the ledger in microseconds; it begins at 1, because 0 means never.
func (l *ledger) now() int64 { return 1 + time.Since(l.start).Microseconds() }

func (l *ledger) add(e Entry) {
	l.seq++
	e.Seq = l.seq
	e.At = time.Now()
	if e.US == 0 {
		e.US = l.now()
	}
	if l.keep > 0 && len(l.entries) >= 2*l.keep {
		l.entries = append(l.entries[:0], l.entries[len(l.entries)-l.keep:]...)
	}
	l.entries = append(l.entries, e)
	if l.w != nil && l.werr == nil {
		line, err := json.Marshal(e)
		if err == nil {
			_, err = l.w.Write(append(line, '\n'))
		}
		l.werr = err
	}
	for w := range l.watch {
		select {
		case w.c <- e:
		default:
			w.dropped++
		}
	}
}

// Ledger returns what has happened so far.
func (n *Network) Ledger() []Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Entry(nil), n.ledger.entries...)
}

// LedgerError returns the first error of writing Config.Ledger; after it nothing more is written.
func (n *Network) LedgerError() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ledger.werr
}

// Watch returns a channel of the entries from now on. A reader that falls behind by more than the buffer loses
// entries (the ledger itself never does). The function ends the watch and closes the channel.
func (n *Network) Watch(buffer int) (<-chan Entry, func()) {
	w := &watcher{c: make(chan Entry, buffer)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ledger.watch[w] = struct{}{}
	return w.c, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if _, ok := n.ledger.watch[w]; ok {
			delete(n.ledger.watch, w)
			close(w.c)
		}
	}
}
