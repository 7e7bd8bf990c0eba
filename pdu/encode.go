package pdu

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/warthog618/sms/encoding/bcd"
	"github.com/warthog618/sms/encoding/gsm7"
	"github.com/warthog618/sms/encoding/semioctet"
)

// Plan says in which alphabet a text goes, in how many parts, and how much more would fit.
func Plan(s string) (Layout, error) {
	t, err := spell(s, nil)
	if err != nil {
		return Layout{}, err
	}
	header := len(concatHeader(0, false, 0, 0))
	parts, err := t.cut(header)
	if err != nil {
		return Layout{}, err
	}
	if len(parts) == 1 {
		header = 0
	}
	last := len(parts[len(parts)-1]) / t.unit()
	return Layout{
		Alphabet: t.alphabet,
		Segments: len(parts),
		Units:    len(t.units) / t.unit(),
		Room:     capacity(t.alphabet, header) - last,
	}, nil
}

// Encode makes the SMS-SUBMIT TPDUs of a message, one a part, TS 23.040 9.2.2.2.
func Encode(m Message) ([]Submit, error) {
	to, err := number("to", m.To)
	if err != nil {
		return nil, err
	}
	if m.Validity < 0 {
		return nil, ErrExpired
	}
	t, err := spell(m.Text, m.Alphabet)
	if err != nil {
		return nil, err
	}
	parts, err := t.cut(len(concatHeader(m.Ref, m.WideRef, 0, 0)))
	if err != nil {
		return nil, err
	}
	submits := make([]Submit, len(parts))
	for i, part := range parts {
		first := byte(mtiSubmit)
		if m.StatusReport {
			first |= flagReportAsked
		}
		if m.Validity > 0 {
			first |= formatRelativeVP
		}
		var header []byte
		if len(parts) > 1 {
			first |= flagHeader
			header = concatHeader(m.Ref, m.WideRef, len(parts), i+1)
		}
		b := make([]byte, 0, 176)
		b = append(b, first, 0) // TP-MR 0: the modem gives the reference, TS 27.005 3.5.1
		b = to.append(b)
		b = append(b, m.PID, dataCoding(t.alphabet, m.Flash))
		if m.Validity > 0 {
			b = append(b, codeValidity(m.Validity))
		}
		b = appendUserData(b, t.alphabet, header, part)
		submits[i] = Submit{TPDU: b, Seq: i + 1, Total: len(parts), Alphabet: t.alphabet, Units: len(part) / t.unit()}
	}
	return submits, nil
}

// dataCoding is TP-DCS in the general group, with a class only for flash, TS 23.038 section 4.
func dataCoding(a Alphabet, flash bool) byte {
	dcs := byte(a) << 2
	if flash {
		dcs |= 0x10 // class 0
	}
	return dcs
}

// codeValidity is the longest relative validity that does not outlive d, TS 23.040 9.2.3.12.1: a code that would come too
// late must not come. Five minutes are the shortest there is.
func codeValidity(d time.Duration) byte {
	const day = 24 * time.Hour
	switch {
	case d < 5*time.Minute:
		return 0
	case d < 12*time.Hour+30*time.Minute:
		return byte(min(d/(5*time.Minute), 144) - 1)
	case d < 2*day:
		return byte(143 + min((d-12*time.Hour)/(30*time.Minute), 24))
	case d < 35*day:
		return byte(166 + min(d/day, 30))
	}
	return byte(192 + min(d/(7*day), 63))
}

// appendUserData writes TP-UDL and TP-UD. For septets the length counts those of the header and its fill bits too, TS
// 23.040 9.2.3.16.
func appendUserData(b []byte, a Alphabet, header, units []byte) []byte {
	if a != GSM7 {
		b = append(b, byte(len(header)+len(units)))
		b = append(b, header...)
		return append(b, units...)
	}
	before := (len(header)*8 + 6) / 7
	b = append(b, byte(before+len(units)))
	b = append(b, header...)
	return append(b, gsm7.Pack7Bit(units, before*7-len(header)*8)...)
}

// field is an address field, TS 23.040 9.1.2.5.
type field struct {
	length, toa byte
	value       []byte
}

func (f field) append(b []byte) []byte {
	return append(append(b, f.length, f.toa), f.value...)
}

// number codes a number; its type comes from the + and nothing else. The name is for the error, which shows no digits.
func number(name, s string) (field, error) {
	digits, international := strings.CutPrefix(s, "+")
	f := field{length: byte(len(digits)), toa: 0x80 | TONUnknown<<4 | 1} // numbering plan 1 is E.164
	if international {
		f.toa = 0x80 | TONInternational<<4 | 1
	}
	switch {
	case digits == "":
		return f, fmt.Errorf("%s: has no digits, give a number such as +8613800138000", name)
	case len(digits) > maxAddress:
		return f, fmt.Errorf("%s: has %d digits, an SMS address holds %d", name, len(digits), maxAddress)
	}
	value, err := semioctet.Encode([]byte(digits))
	if err != nil {
		return f, fmt.Errorf("%s: has a character that is no digit, write digits with an optional + in front", name)
	}
	f.value = value
	return f, nil
}

// party codes a number, or a name as an alphanumeric sender.
func party(name, s string) (field, error) {
	if s != "" && strings.Trim(strings.TrimPrefix(s, "+"), "0123456789*#") == "" {
		return number(name, s)
	}
	t, ok := septets(s)
	switch {
	case !ok:
		return field{}, fmt.Errorf("%s: has a character outside the GSM alphabet, name the sender without it", name)
	case len(t.units) == 0:
		return field{}, fmt.Errorf("%s: is empty, give a number or a name", name)
	case len(t.units) > 11: // 20 semi-octets hold 11 septets
		return field{}, fmt.Errorf("%s: needs %d characters, a sender's name holds 11", name, len(t.units))
	}
	return field{
		length: byte((len(t.units)*7 + 3) / 4), // useful semi-octets, TS 23.040 9.1.2.5
		toa:    0x80 | TONAlphanumeric<<4,
		value:  gsm7.Pack7Bit(t.units, 0),
	}, nil
}

// EncodeDeliver makes the SMS-DELIVER TPDUs of a text as a service centre would, TS 23.040 9.2.2.1.
func EncodeDeliver(o DeliverOptions) ([][]byte, error) {
	from, err := party("from", o.From)
	if err != nil {
		return nil, err
	}
	t, err := spell(o.Text, o.Alphabet)
	if err != nil {
		return nil, err
	}
	parts, err := t.cut(len(concatHeader(o.Ref, o.WideRef, 0, 0)))
	if err != nil {
		return nil, err
	}
	tpdus := make([][]byte, len(parts))
	for i, part := range parts {
		first := byte(mtiDeliver | flagMore) // TP-MMS 1: no more messages wait
		var header []byte
		if len(parts) > 1 {
			first |= flagHeader
			header = concatHeader(o.Ref, o.WideRef, len(parts), i+1)
		}
		b := from.append([]byte{first})
		b = append(b, o.PID, dataCoding(t.alphabet, o.Flash))
		b = appendTimestamp(b, o.SCTS)
		tpdus[i] = appendUserData(b, t.alphabet, header, part)
	}
	return tpdus, nil
}

// EncodeStatusReport makes an SMS-STATUS-REPORT, TS 23.040 9.2.2.3.
func EncodeStatusReport(o ReportOptions) ([]byte, error) {
	to, err := number("recipient", o.Recipient)
	if err != nil {
		return nil, err
	}
	b := to.append([]byte{mtiStatusReport | flagMore, o.MR})
	b = appendTimestamp(b, o.SCTS)
	b = appendTimestamp(b, o.Discharge)
	return append(b, byte(o.Status)), nil
}

// appendTimestamp writes TS 23.040 9.2.3.11; the zero time is seven zeros, which is no time at all.
func appendTimestamp(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, make([]byte, 7)...)
	}
	_, offset := t.Zone()
	quarters, err := bcd.EncodeSigned(offset / (15 * 60))
	if err != nil {
		t, quarters = t.UTC(), 0
	}
	for _, v := range []int{t.Year() % 100, int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second()} {
		o, _ := bcd.Encode(v) // each is two digits
		b = append(b, o)
	}
	return append(b, quarters)
}

// Frame is a TPDU as AT+CMGS wants it: upper-case hexadecimal behind the SMSC field, which is 00 for the SIM's own, TS
// 27.005 3.1.
func Frame(smsc string, tpdu []byte) string {
	return strings.ToUpper(hex.EncodeToString(append(EncodeSMSC(smsc), tpdu...)))
}

// EncodeSMSC is the SMSC field alone; its length counts octets, the type of address among them, TS 24.011 8.2.5.1. An
// address that is no number gives the empty field, so that the SIM's own is used.
func EncodeSMSC(smsc string) []byte {
	f, err := number("smsc", smsc)
	if err != nil {
		return []byte{0}
	}
	return append([]byte{byte(1 + len(f.value)), f.toa}, f.value...)
}
