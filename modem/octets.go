package modem

import (
	"encoding/hex"
	"strings"
)

// parted is a hexadecimal line taken apart: SMSC address field, then TPDU (TS 27.005 3.1, <pdu>; the field is TS 24.011
// 8.2.5.1).
type parted struct {
	smsc  string
	tpdu  []byte
	whole bool // nothing is missing, as far as the announced length says; without one, as far as the TPDU's own fields say
	ends  bool // the TPDU ends where its own fields say
}

// part takes apart what the modem gave. announced is the length that the line before said the TPDU has, -1 when it said
// none. What can't be taken apart is kept as it came, for nothing that was received may be lost.
func part(line string, announced int) parted {
	octets, err := hex.DecodeString(strings.Trim(line, " \""))
	if err != nil || len(octets) == 0 {
		return parted{tpdu: []byte(line)}
	}
	bare := parted{tpdu: octets, ends: ends(octets)}
	n := int(octets[0])
	if n > 11 || 1+n >= len(octets) { // no such field
		bare.whole = announced == len(octets) || announced < 0 && bare.ends
		return bare
	}
	full := parted{smsc: smscNumber(octets[1 : 1+n]), tpdu: octets[1+n:], ends: ends(octets[1+n:])}
	switch {
	case announced == len(full.tpdu):
		full.whole = true
	case announced == len(octets):
		// Either there is no field, or the length counts it too, against TS 27.005 3.1, or as much as the field is
		// missing: what ends where its own fields say is the right reading.
		bare.whole, full.whole = bare.ends, full.ends
		if bare.ends {
			return bare
		}
	case bare.ends && !full.ends:
		bare.whole = announced < 0
		return bare
	default:
		full.whole = announced < 0 && full.ends
	}
	return full
}

// ends reports whether a TPDU that was received ends where its own fields say it does (TS 23.040 9.2.2.1, 9.2.2.3), but
// for what fills up a slot behind it.
func ends(tpdu []byte) bool {
	first, at := tpdu[0], 1
	report := first&3 == 2
	if report {
		at++ // TP-MR
	}
	if at >= len(tpdu) || tpdu[at] > 24 { // TP-OA, TP-RA: at most 20 semi-octets, and some padding
		return false
	}
	at += 2 + (int(tpdu[at])+1)/2
	switch {
	case first&3 == 1: // an SMS-SUBMIT that somebody stored
		return false
	case report:
		// TP-SCTS, TP-DT, TP-ST; what TP-PI announces may follow (9.2.3.27)
		return at+15 == len(tpdu) || at+15 < len(tpdu) && tpdu[at+15]&0x78 == 0 || at+15 < len(tpdu) && filled(tpdu[at+15:])
	case at+9 >= len(tpdu):
		return false
	}
	dcs, length := tpdu[at+1], int(tpdu[at+9]) // behind TP-PID, TP-DCS and TP-SCTS
	if septets(dcs) {
		length = (7*length + 7) / 8
	}
	at += 10 + length
	return at <= len(tpdu) && filled(tpdu[at:])
}

// septets reports whether TP-UDL counts septets under a TP-DCS (TS 23.038 4); reserved ones do.
func septets(dcs byte) bool {
	switch group := dcs >> 4; {
	case group <= 7:
		return dcs&0x20 == 0 && (dcs>>2&3 == 0 || dcs>>2&3 == 3)
	case group == 0xE:
		return false
	case group == 0xF:
		return dcs&4 == 0
	}
	return true
}

// filled reports whether these octets are no message: some modems fill up what they give.
func filled(rest []byte) bool {
	for _, o := range rest {
		if o != 0xFF && o != 0 {
			return false
		}
	}
	return true
}

func smscNumber(field []byte) string {
	if len(field) < 2 {
		return ""
	}
	var b strings.Builder
	if field[0]&0x70 == 0x10 { // type of number: international
		b.WriteByte('+')
	}
	for _, o := range field[1:] {
		for _, d := range []byte{o & 0x0f, o >> 4} {
			if d < 10 {
				b.WriteByte('0' + d)
			}
		}
	}
	return b.String()
}

// smscField is the address field before a TPDU; "00" has the modem use the SIM's.
func smscField(number string) string {
	digits := digitsOf(number, false)
	if digits == "" {
		return "00"
	}
	kind := byte(0x81)
	if strings.HasPrefix(number, "+") {
		kind = 0x91
	}
	if len(digits)%2 != 0 {
		digits += "F"
	}
	var b strings.Builder
	b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{byte(1 + len(digits)/2), kind})))
	for i := 0; i < len(digits); i += 2 {
		b.WriteByte(digits[i+1])
		b.WriteByte(digits[i])
	}
	return b.String()
}
