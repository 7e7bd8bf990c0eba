package pdu

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// JoinText is the text of a message from its parts, in their order, whichever way they come. Parts are joined before
// their alphabet is applied, because some senders cut between ESC and its character, or between two surrogates.
func JoinText(parts []Deliver) string {
	contents := make([]Content, len(parts))
	for i, p := range parts {
		contents[i] = p.Content
	}
	return JoinContents(contents)
}

// JoinContents is JoinText for the contents of any TPDUs. Between parts with a gap nothing is joined: half a character
// must not find its other half in another part of the text.
func JoinContents(parts []Content) string {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b Content) int { return seq(a) - seq(b) })
	var out strings.Builder
	var units []byte
	for i, p := range parts {
		if i > 0 && !follows(parts[i-1], p) {
			out.WriteString(parts[i-1].render(units))
			units = nil
		}
		units = append(units, p.Units...)
	}
	if len(parts) > 0 {
		out.WriteString(parts[len(parts)-1].render(units))
	}
	return out.String()
}

func seq(c Content) int {
	if c.Concat == nil {
		return 0
	}
	return c.Concat.Seq
}

// follows tells whether the units of b may be appended to those of a: the next part, in the same alphabet.
func follows(a, b Content) bool {
	return seq(b) == seq(a)+1 && a.Alphabet == b.Alphabet && a.Locking == b.Locking && a.Shift == b.Shift
}

func (c Content) render(units []byte) string {
	switch c.Alphabet {
	case GSM7:
		return septetText(units, c.Locking, c.Shift)
	case UCS2:
		return utf16Text(units)
	case Data8:
		if c.Ports == nil && !readDCS(c.DCS).compressed { // else it is for a program, or no text yet
			return Printable(units)
		}
	}
	return ""
}

// Printable is octets as text, when that is what they seem to be: some senders write a text as 8-bit data (TS 23.038 4,
// DCS 04), in ASCII or UTF-8. It is empty when anything in them is no printable character.
func Printable(octets []byte) string {
	if !utf8.Valid(octets) {
		return ""
	}
	s := string(octets)
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return ""
	}
	return s
}

// SameRecipient tells whether two forms of a number can be the same subscriber: a status report often names the
// recipient nationally where the message named it internationally, or the other way about. Short codes and names are
// compared exactly.
func SameRecipient(a, b string) bool {
	if a == b {
		return a != ""
	}
	x, okX := subscriber(a)
	y, okY := subscriber(b)
	if !okX || !okY || len(x) < 8 || len(y) < 8 {
		return okX && okY && x == y && x != ""
	}
	if strings.HasSuffix(x, y) || strings.HasSuffix(y, x) {
		return true
	}
	// A digit that only mobile numbers carry behind the country code comes and goes in Argentina, Brazil and Mexico.
	return len(x) != len(y) && x[:2] == y[:2] && x[len(x)-8:] == y[len(y)-8:]
}

// subscriber is a number without what depends on where it is dialled from.
func subscriber(s string) (string, bool) {
	s = strings.TrimPrefix(s, "+")
	if strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	if len(s) < 8 {
		return s, true
	}
	return strings.TrimLeft(s, "0"), true
}
