package pdu

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// DecodeHex decodes a PDU as modems print it: hexadecimal, with the SMSC field in front. It reads as far as the line is
// hexadecimal, because a modem that lost its last digit still delivered a message.
func DecodeHex(s string, d Direction) (PDU, error) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) })
	if end < 0 {
		end = len(s)
	}
	octets, err := hex.DecodeString(s[:end&^1])
	if err != nil || len(octets) == 0 {
		return PDU{}, fmt.Errorf("%w: they are not hexadecimal", ErrNotReadable)
	}
	return DecodeFull(octets, d)
}

// DecodeFull decodes a PDU with its SMSC field.
func DecodeFull(octets []byte, d Direction) (PDU, error) {
	smsc, tpdu, err := SplitSMSC(octets)
	if err != nil {
		return PDU{}, err
	}
	p, err := Decode(tpdu, d)
	p.SMSC = smsc
	return p, err
}

// SplitSMSC takes the service centre's address off the front, TS 27.005 3.1 and TS 24.011 8.2.5.1: here, and only here,
// the length counts octets, the type of address among them.
func SplitSMSC(octets []byte) (smsc Address, tpdu []byte, err error) {
	r := reader{rest: octets}
	field := r.take(int(r.octet()))
	if r.short {
		return Address{}, nil, fmt.Errorf("%w: the SMSC field runs past the end", ErrNotReadable)
	}
	if len(field) > 0 {
		value := field[1:]
		smsc = Address{TON: field[0] >> 4 & 7, NPI: field[0] & 0x0F, Digits: digits(value, 2*len(value))}
	}
	return smsc, r.rest, nil
}

// Message types, TS 23.040 9.2.3.1.
const (
	mtiDeliver      = 0
	mtiSubmit       = 1
	mtiStatusReport = 2 // MO: SMS-COMMAND
)

// Flags of the first octet, TS 23.040 9.2.3.
const (
	flagReject       = 0x04 // TP-RD
	flagMore         = 0x04 // TP-MMS: 0 when more messages wait
	flagReportAsked  = 0x20 // TP-SRR
	flagHeader       = 0x40 // TP-UDHI
	formatRelativeVP = 0x10 // TP-VPF 10
)

// Decode decodes a TPDU without SMSC field.
func Decode(tpdu []byte, d Direction) (PDU, error) {
	if len(tpdu) == 0 {
		return PDU{}, fmt.Errorf("%w: there are none", ErrNotReadable)
	}
	r := &reader{rest: tpdu}
	first := r.octet()
	switch mti := first & 3; {
	case mti == mtiSubmit:
		// MT it would be an SMS-SUBMIT-REPORT, which no modem hands over as a message; what a modem lists with this type
		// is a message of its own that somebody stored.
		return submit(first, r)
	case d == MT && mti == mtiStatusReport:
		return statusReport(first, r)
	case d == MT:
		// TS 23.040 9.2.3.1: a phone reads the reserved type as SMS-DELIVER.
		return deliver(first, r)
	case mti == mtiDeliver:
		return PDU{}, fmt.Errorf("%w: from a phone they are an SMS-DELIVER-REPORT, decode what a phone received as mt", ErrNotReadable)
	case mti == mtiStatusReport:
		return PDU{}, fmt.Errorf("%w: from a phone they are an SMS-COMMAND, decode what a phone received as mt", ErrNotReadable)
	}
	return submit(first, r)
}

func deliver(first byte, r *reader) (PDU, error) {
	from, err := r.address()
	if err != nil {
		return PDU{}, err
	}
	m := &Deliver{From: from}
	m.PID, m.DCS = r.octet(), r.octet()
	m.SCTS = r.timestamp()
	r.content(&m.Content, first&flagHeader != 0)
	return PDU{Type: TypeDeliver, Deliver: m}, nil
}

func submit(first byte, r *reader) (PDU, error) {
	m := &SubmitInfo{
		MR:           r.octet(),
		StatusReport: first&flagReportAsked != 0,
		Reject:       first&flagReject != 0,
	}
	to, err := r.address()
	if err != nil {
		return PDU{}, err
	}
	m.To = to
	m.PID, m.DCS = r.octet(), r.octet()
	m.VP, m.VPUntil = r.validity(first >> 3 & 3)
	r.content(&m.Content, first&flagHeader != 0)
	return PDU{Type: TypeSubmit, Submit: m}, nil
}

func statusReport(first byte, r *reader) (PDU, error) {
	m := &StatusReport{MR: r.octet()}
	recipient, err := r.address()
	if err != nil {
		return PDU{}, err
	}
	m.Recipient = recipient
	m.SCTS, m.Discharge = r.timestamp(), r.timestamp()
	m.Status = Status(r.octet())
	if r.short { // a missing TP-ST must not read as 00, "delivered"
		return PDU{}, fmt.Errorf("%w: the status report ends before its status", ErrNotReadable)
	}
	c := r.optional(first&flagHeader != 0)
	m.Text, m.Damaged = c.Text, c.Damaged
	return PDU{Type: TypeStatusReport, Report: m}, nil
}

// optional reads the fields that TP-PI announces, TS 23.040 9.2.3.27, and steps over octets that extend it.
func (r *reader) optional(header bool) Content {
	var c Content
	if len(r.rest) == 0 {
		return c
	}
	indicator := r.octet()
	if indicator == 0xFF {
		return c // no indicator: some modems fill up what they list with FF
	}
	for more := indicator; more&0x80 != 0 && len(r.rest) > 0; {
		more = r.octet()
	}
	if indicator&1 != 0 {
		c.PID = r.octet()
	}
	if indicator&2 != 0 {
		c.DCS = r.octet()
	}
	if indicator&4 != 0 {
		r.content(&c, header)
	}
	c.Damaged = c.Damaged || r.short
	return c
}
