// Package pdu turns text into SMS-SUBMIT TPDUs and TPDUs into meaning (SMS-DELIVER, SMS-STATUS-REPORT, and SMS-SUBMIT for
// whoever plays the service centre). It is pure: no clock, no radio, no database.
//
// The alphabet tables, the septet packing and the semi-octets are those of github.com/warthog618/sms. The frame around
// them is read here, because inbound messages must never be lost: that library refuses a whole PDU for a fill nibble that
// is not F, an impossible timestamp, a missing octet or a reserved coding group. Here an unknown time is the zero time, a
// short text is kept and marked Damaged, and an error means that nothing at all could be made of the octets.
//
// Clauses named on lines are those of 3GPP TS 23.040 (the TPDU) and TS 23.038 (alphabets and data coding).
package pdu

import (
	"errors"
	"time"
)

// Alphabet says how the user data of a message is to be read.
type Alphabet uint8

// The alphabets of TS 23.038 section 4.
const (
	GSM7  Alphabet = iota // the GSM 7 bit default alphabet, with its extension table
	Data8                 // octets that are not text
	UCS2                  // UTF-16 in network order
)

func (a Alphabet) String() string {
	switch a {
	case GSM7:
		return "gsm7"
	case Data8:
		return "8bit"
	case UCS2:
		return "ucs2"
	}
	return "unknown"
}

// Direction says which way a TPDU travelled, because the same TP-MTI means another thing each way.
type Direction uint8

// MT is from the network to the phone, MO from the phone to the network.
const (
	MT Direction = iota
	MO
)

// Type names what a TPDU is.
type Type string

// The types that Decode tells apart.
const (
	TypeDeliver      Type = "deliver"
	TypeSubmit       Type = "submit"
	TypeStatusReport Type = "status-report"
)

// Type of number, TS 23.040 9.1.2.5.
const (
	TONUnknown       = 0
	TONInternational = 1
	TONNational      = 2
	TONAlphanumeric  = 5
)

// Address is a party as the network names it.
type Address struct {
	TON, NPI byte
	Digits   string // the text, when TON is alphanumeric
}

// String is the address as people write it: with a + when it is international.
func (a Address) String() string {
	if a.TON == TONInternational && a.Digits != "" {
		return "+" + a.Digits
	}
	return a.Digits
}

// Message is what to send.
type Message struct {
	To           string        // "+8613800138000", or national or short digits: the type of number comes from the +
	Text         string        // any Unicode text; it is brought to NFC
	Validity     time.Duration // what is left of the deadline; 0 means no TP-VP
	StatusReport bool          // TP-SRR, on every segment
	Flash        bool          // class 0: shown at once, not stored
	PID          byte
	Ref          uint16 // concatenation reference; its low octet when WideRef is false
	WideRef      bool   // a 16 bit reference
	Alphabet     *Alphabet
}

// Submit is one SMS-SUBMIT TPDU, its TP-MR 0 because the modem gives the reference.
type Submit struct {
	TPDU       []byte
	Seq, Total int // 1 of 1 when there is no concatenation
	Alphabet   Alphabet
	Units      int // septets, octets or UTF-16 units of text in it
}

// Layout says what a text costs before it is sent.
type Layout struct {
	Alphabet Alphabet
	Segments int
	Units    int // septets, octets or UTF-16 units of the text
	Room     int // units that still fit before the text needs one more segment
}

// Errors that callers tell apart.
var (
	ErrTooLong     = errors.New("text: needs more than 255 parts, shorten it")
	ErrAlphabet    = errors.New("text: has a character that the chosen alphabet lacks, choose ucs2 or leave the choice open")
	ErrExpired     = errors.New("validity: is already over, give a later deadline")
	ErrNotReadable = errors.New("pdu: nothing can be made of these octets")
)

// PDU is a decoded TPDU; the pointer that fits Type is set.
type PDU struct {
	SMSC    Address
	Type    Type
	Deliver *Deliver
	Submit  *SubmitInfo
	Report  *StatusReport
}

// Concat is the place of a part in a concatenated message, TS 23.040 9.2.3.24.1 and 9.2.3.24.8.
type Concat struct {
	Ref        uint16
	Bits       int // 8 or 16: references of different widths never meet
	Total, Seq int
}

// Ports is the application port addressing of TS 23.040 9.2.3.24.3 and 9.2.3.24.4: such a message is for a program.
type Ports struct{ Destination, Source uint16 }

// Content is what a message carries, either way.
type Content struct {
	PID, DCS byte
	Alphabet Alphabet
	Class    *int   // message class 0..3, when the DCS gives one
	Text     string // of this part alone; whole texts come from JoinText. Beside Data when its octets are printable and for no port
	Data     []byte // the octets, when the alphabet is Data8 or the text is compressed
	Concat   *Concat
	Ports    *Ports
	Damaged  bool // something was missing or cut; what there was is here

	// Units is the text before its alphabet is applied (one septet an octet, or UTF-16 octets), so that a character cut
	// in two by the sender is whole again when the parts are joined.
	Units          []byte
	Locking, Shift byte // national language tables, TS 23.038 6.2.1.2.4
}

// Deliver is an SMS-DELIVER.
type Deliver struct {
	From Address
	SCTS time.Time // the service centre's time; zero when it gave none that exists
	Content
}

// SubmitInfo is an SMS-SUBMIT as the service centre reads it.
type SubmitInfo struct {
	To           Address
	MR           byte
	StatusReport bool
	Reject       bool          // TP-RD
	VP           time.Duration // relative validity; 0 when there is none
	VPUntil      time.Time     // absolute validity
	Content
}

// StatusReport is an SMS-STATUS-REPORT.
type StatusReport struct {
	MR        byte
	Recipient Address
	SCTS      time.Time
	Discharge time.Time
	Status    Status
	Text      string // a few service centres send one
	Damaged   bool
}

// Status is TP-ST, TS 23.040 9.2.3.15.
type Status byte

// StatusClass is what a TP-ST means for the message.
type StatusClass string

// The classes of TP-ST.
const (
	Delivered StatusClass = "delivered"
	Pending   StatusClass = "pending" // the service centre still tries
	Failed    StatusClass = "failed"  // it will not try again
)

// Class says what the status means. Reserved values read as 0x63, "service rejected": a final failure.
func (s Status) Class() StatusClass {
	switch {
	case s <= 0x1F: // 0x03..0x1F are reserved or SC specific, in the group of completed transactions
		return Delivered
	case s <= 0x3F:
		return Pending
	}
	return Failed
}

// DeliverOptions says what SMS-DELIVER a service centre hands to a phone.
type DeliverOptions struct {
	From     string // "+86...", digits, or an alphanumeric sender of up to 11 characters
	Text     string
	SCTS     time.Time // in the zone that it carries
	PID      byte
	Flash    bool
	Ref      uint16
	WideRef  bool
	Alphabet *Alphabet
}

// ReportOptions says what SMS-STATUS-REPORT a service centre hands to a phone.
type ReportOptions struct {
	MR              byte
	Recipient       string
	SCTS, Discharge time.Time
	Status          Status
}
