package pdu

import (
	"bytes"
	"fmt"
	"time"

	"github.com/warthog618/sms/encoding/bcd"
	"github.com/warthog618/sms/encoding/gsm7"
)

// reader takes fields off the front of a TPDU. It never fails: what is not there is zero, and short says so.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		n, r.short = len(r.rest), true
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}

func (r *reader) octet() byte {
	if f := r.take(1); len(f) == 1 {
		return f[0]
	}
	return 0
}

// maxAddress is the most semi-octets of an address, TS 23.040 9.1.2.5: twelve octets, length and type among them.
const maxAddress = 20

// address reads an address field, TS 23.040 9.1.2.5: its length counts semi-octets. Without the whole of it there is no
// telling who sent what, and nothing after it can be found.
func (r *reader) address() (Address, error) {
	n := int(r.octet())
	toa := r.octet()
	value := r.take((n + 1) / 2)
	switch {
	case r.short:
		return Address{}, fmt.Errorf("%w: the address runs past the end", ErrNotReadable)
	case n > maxAddress+4: // a memory slot of FF, most likely; a little more is padding
		return Address{}, fmt.Errorf("%w: the address has %d digits, more than any", ErrNotReadable, n)
	}
	a := Address{TON: toa >> 4 & 7, NPI: toa & 0x0F}
	if a.TON == TONAlphanumeric {
		a.Digits = alphanumeric(value, n)
	} else {
		a.Digits = digits(value, n)
	}
	return a, nil
}

// semiOctets are the values of TS 23.040 9.1.2.3; 1111 is fill.
const semiOctets = "0123456789*#abc"

// digits reads up to n semi-octets. Fill is fill wherever it stands, so a padded length costs nothing; and an odd number
// ends where its length says, whatever stands in the nibble that should be fill.
func digits(value []byte, n int) string {
	out := make([]byte, 0, n)
	for i := range n {
		if i/2 >= len(value) {
			break
		}
		nibble := value[i/2] >> (4 * (i % 2)) & 0x0F
		if nibble != 0x0F {
			out = append(out, semiOctets[nibble])
		}
	}
	return string(out)
}

// alphanumeric reads a sender's name: 7 bit characters in n semi-octets, TS 23.040 9.1.2.5.
func alphanumeric(value []byte, n int) string {
	septets := gsm7.Unpack7Bit(value, 0)
	count := min(n*4/7, len(septets))
	septets = septets[:count]
	// Seven characters in fourteen semi-octets leave seven bits that read as an eighth, '@'; and some service centres pad
	// names with NUL to the full width of the field. One '@' anywhere else is the sender's own.
	name := bytes.TrimRight(septets, "\x00")
	if padding := len(septets) - len(name); padding > 1 || padding == 1 && count%8 == 0 {
		septets = name
	}
	return septetText(septets, 0, 0)
}

// timestamp reads seven octets of TS 23.040 9.2.3.11. A time that does not exist is unknown: the zero time.
func (r *reader) timestamp() time.Time {
	f := r.take(7)
	if len(f) < 7 {
		return time.Time{}
	}
	var v [6]int
	for i := range v {
		n, err := bcd.Decode(f[i])
		if err != nil {
			return time.Time{}
		}
		v[i] = n
	}
	quarters, err := bcd.DecodeSigned(f[6])
	if err != nil {
		return time.Time{}
	}
	year := 2000 + v[0]
	if v[0] >= 90 { // the first SMS was sent in 1992
		year = 1900 + v[0]
	}
	zone := time.UTC
	if quarters != 0 {
		zone = time.FixedZone("", quarters*15*60)
	}
	t := time.Date(year, time.Month(v[1]), v[2], v[3], v[4], v[5], 0, zone)
	// time.Date turns month 0 into December of the year before; whatever it had to repair never was.
	if t.Month() != time.Month(v[1]) || t.Day() != v[2] || t.Hour() != v[3] || t.Minute() != v[4] || t.Second() != v[5] {
		return time.Time{}
	}
	return t
}

// validity reads TP-VP in the format that the first octet names, TS 23.040 9.2.3.12.
func (r *reader) validity(format byte) (relative time.Duration, until time.Time) {
	switch format {
	case 2:
		return relativeValidity(r.octet()), time.Time{}
	case 3:
		return 0, r.timestamp()
	case 1:
		return enhancedValidity(r.take(7)), time.Time{}
	}
	return 0, time.Time{}
}

// relativeValidity reads TS 23.040 9.2.3.12.1.
func relativeValidity(v byte) time.Duration {
	n := time.Duration(v)
	switch {
	case v <= 143:
		return (n + 1) * 5 * time.Minute
	case v <= 167:
		return 12*time.Hour + (n-143)*30*time.Minute
	case v <= 196:
		return (n - 166) * 24 * time.Hour
	}
	return (n - 192) * 7 * 24 * time.Hour
}

// enhancedValidity reads TS 23.040 9.2.3.12.3; a format that it does not know gives none.
func enhancedValidity(f []byte) time.Duration {
	at := 1
	for at <= len(f) && f[at-1]&0x80 != 0 { // extensions of the functionality indicator
		at++
	}
	if at+3 > len(f) {
		return 0
	}
	switch f[0] & 7 {
	case 1:
		return relativeValidity(f[at])
	case 2:
		return time.Duration(f[at]) * time.Second
	case 3:
		var total time.Duration
		for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
			n, err := bcd.Decode(f[at+i])
			if err != nil {
				return 0
			}
			total += time.Duration(n) * unit
		}
		return total
	}
	return 0
}
