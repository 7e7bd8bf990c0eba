package modem

import (
	"encoding/hex"
	"errors"
	"strings"
)

// parted is a hexadecimal line taken apart: SMSC address field, then TPDU (TS 27.005 3.1, <pdu>; the field is TS 24.011 8.2.5.1).
type parted struct {
	smsc string
	tpdu []byte
}

// part takes apart what the modem gave. announced is the length that the line before said the TPDU has, -1 when it said none. What
// can't be taken apart is kept whole, for nothing that was received may be lost.
func part(line string, announced int) parted {
	clean := strings.Trim(line, " \"")
	octets, err := hex.DecodeString(clean) // gives what it could read; of an odd length, all but the last digit
	if err != nil && !errors.Is(err, hex.ErrLength) {
		return parted{tpdu: []byte(line)}
	}
	if len(octets) == 0 {
		return parted{}
	}
	n := int(octets[0])
	if n > 11 || 1+n >= len(octets) || len(octets) == announced { // no such field
		return parted{tpdu: octets}
	}
	return parted{smsc: smscNumber(octets[1 : 1+n]), tpdu: octets[1+n:]}
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
