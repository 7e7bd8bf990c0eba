package modem

import "time"

// EventKind is what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	Unsolicited         EventKind = iota // a line nobody here acts on; Text
	Received                             // a DELIVER or STATUS-REPORT: TPDU, SMSC, Raw, and where it is stored
	LateResult                           // a submit that had been given up got its final result: Tag ("": of an earlier session), and MR or Err
	RegistrationChanged                  // Registration
	Restarted                            // the modem restarted and lost its settings: Reinit or Close; Text
	SIMFull                              // the message store is full: Drain
	SIMChanged                           // the card was taken out, put in, or asks for its PIN; Text
	Ring                                 // somebody calls
	Deaf                                 // the modem had stopped telling of what it receives; Text says why
)

// Event is something the modem said unasked, in its order.
type Event struct {
	Kind EventKind
	At   time.Time

	TPDU   []byte // without the SMSC field
	SMSC   string // "+..." when international
	Raw    string // the hexadecimal line as it came, SMSC field included
	Stored bool   // it lies in Memory at Index until it is acknowledged
	Memory string
	Index  int
	// Misread: it could not be read whole. TPDU is the bytes of Raw, which is what the modem gave; it is neither
	// deleted nor acknowledged.
	Misread bool
	listed  bool      // its index is only what a list said
	read    time.Time // when its slot was read

	Tag string
	MR  byte
	Err error

	Registration Registration
	Text         string
}

func (k EventKind) String() string {
	switch k {
	case Received:
		return "received"
	case LateResult:
		return "late-result"
	case RegistrationChanged:
		return "registration-changed"
	case Restarted:
		return "restarted"
	case SIMFull:
		return "sim-full"
	case SIMChanged:
		return "sim-changed"
	case Ring:
		return "ring"
	case Deaf:
		return "deaf"
	}
	return "unsolicited"
}
