package pdu

import (
	"slices"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// maxUserData is TP-UD in octets, TS 23.040 9.2.3.24: 140, which is 160 septets.
const maxUserData = 140

// concatHeader is the user data header of one part; ref 8 bit 9.2.3.24.1, 16 bit 9.2.3.24.8.
func concatHeader(ref uint16, wide bool, total, seq int) []byte {
	if wide {
		return []byte{6, ieConcat16, 4, byte(ref >> 8), byte(ref), byte(total), byte(seq)}
	}
	return []byte{5, ieConcat8, 3, byte(ref), byte(total), byte(seq)}
}

// capacity is how many units fit beside a header of that many octets: 160, 153, 152 septets; 70, 67, 66 UTF-16 units.
func capacity(a Alphabet, header int) int {
	switch a {
	case GSM7:
		return (maxUserData - header) * 8 / 7
	case UCS2:
		return (maxUserData - header) / 2
	}
	return maxUserData - header
}

// text is a message before it is cut: its characters as units, each with the place where it ends, so that neither an
// escape pair nor a surrogate pair is cut in two.
type text struct {
	alphabet Alphabet
	units    []byte // a septet an octet, or UTF-16 in network order
	ends     []int  // in octets of units
}

// unit is how many octets a unit of the alphabet takes before packing.
func (t text) unit() int {
	if t.alphabet == UCS2 {
		return 2
	}
	return 1
}

// spell writes a text in the alphabet asked for, or in the smallest that has all its characters.
func spell(s string, want *Alphabet) (text, error) {
	if want != nil && *want == Data8 {
		return octets([]byte(s)), nil
	}
	// Composed characters first: "é" as two code points is no character of the default alphabet.
	s = norm.NFC.String(s)
	if want == nil || *want == GSM7 {
		if t, ok := septets(s); ok {
			return t, nil
		}
		if want != nil {
			return text{}, ErrAlphabet
		}
	}
	return ucs2(s), nil
}

func septets(s string) (text, bool) {
	t := text{alphabet: GSM7, units: make([]byte, 0, len(s)), ends: make([]int, 0, len(s))}
	for _, r := range s {
		code, ok := gsmSeptets[r]
		if !ok {
			return text{}, false
		}
		t.units = append(t.units, code...)
		t.ends = append(t.ends, len(t.units))
	}
	return t, true
}

func ucs2(s string) text {
	t := text{alphabet: UCS2, units: make([]byte, 0, 2*len(s)), ends: make([]int, 0, len(s))}
	var pair [2]uint16
	for _, r := range s {
		for _, u := range utf16.AppendRune(pair[:0], r) {
			t.units = append(t.units, byte(u>>8), byte(u))
		}
		t.ends = append(t.ends, len(t.units))
	}
	return t
}

func octets(data []byte) text {
	t := text{alphabet: Data8, units: data, ends: make([]int, len(data))}
	for i := range t.ends {
		t.ends[i] = i + 1
	}
	return t
}

// cut divides the text into as few parts as hold it. An empty text is one empty part.
func (t text) cut(header int) ([][]byte, error) {
	if len(t.units) <= capacity(t.alphabet, 0)*t.unit() {
		return [][]byte{t.units}, nil
	}
	room := capacity(t.alphabet, header) * t.unit()
	var parts [][]byte
	for start := 0; start < len(t.units); {
		// The last character that ends within the room is the last of this part.
		i, found := slices.BinarySearch(t.ends, start+room)
		if !found {
			i--
		}
		end := t.ends[min(i, len(t.ends)-1)]
		parts = append(parts, t.units[start:end])
		start = end
	}
	if len(parts) > 255 { // the count is one octet, TS 23.040 9.2.3.24.1
		return nil, ErrTooLong
	}
	return parts, nil
}

// OutsideGSM gives the first character of a text that makes it UCS-2, so that people can be told which one costs them.
func OutsideGSM(s string) (r rune, found bool) {
	for _, r := range norm.NFC.String(s) {
		if _, in := gsmSeptets[r]; !in {
			return r, true
		}
	}
	return 0, false
}

// Capacity is how many units one part holds: alone, or beside a concatenation header.
func Capacity(a Alphabet, concatenated, wideRef bool) int {
	if !concatenated {
		return capacity(a, 0)
	}
	return capacity(a, len(concatHeader(0, wideRef, 0, 0)))
}
