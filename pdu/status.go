package pdu

import "fmt"

// statuses are the values of TP-ST that have a meaning of their own, TS 23.040 9.2.3.15, in its words.
var statuses = map[Status]string{
	0x00: "received by the phone", // "Short message received by the SME"
	0x01: "forwarded, its delivery cannot be confirmed",
	0x02: "replaced by the service centre",

	// The service centre still tries.
	0x20: "congestion, still trying",
	0x21: "phone busy, still trying",
	0x22: "no response from the phone, still trying",
	0x23: "service rejected, still trying",
	0x24: "quality of service not available, still trying",
	0x25: "error in the phone, still trying",

	// It tries no more: a permanent error.
	0x40: "remote procedure error",
	0x41: "incompatible destination",
	0x42: "connection rejected by the phone",
	0x43: "not obtainable",
	0x44: "quality of service not available",
	0x45: "no interworking available",
	0x46: "validity period expired",
	0x47: "deleted by the sender",
	0x48: "deleted by the service centre",
	0x49: "the message does not exist",

	// It tries no more: an error that was temporary.
	0x60: "congestion, given up",
	0x61: "phone busy, given up",
	0x62: "no response from the phone, given up",
	0x63: "service rejected, given up",
	0x64: "quality of service not available, given up",
	0x65: "error in the phone, given up",
}

// Meaning says what the status is, in the specification's words; "" for a value that it leaves to others.
func (s Status) Meaning() string { return statuses[s] }

// String is the status as persons read it: 0x43 (not obtainable).
func (s Status) String() string {
	meaning := s.Meaning()
	switch {
	case meaning != "":
	case s&0x1F >= 0x10 && s < 0x80:
		meaning = "the service centre's own, " + string(s.Class())
	default:
		meaning = "reserved, read as " + string(s.Class())
	}
	return fmt.Sprintf("0x%02X (%s)", byte(s), meaning)
}
