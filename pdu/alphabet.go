package pdu

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/warthog618/sms/encoding/gsm7/charset"
)

const (
	esc = 0x1B // escapes to the extension table, TS 23.038 6.2.1
	sp  = 0x20
)

// table is one alphabet by septet; 0 means that the septet has no character here (no alphabet has U+0000).
type table [128]rune

// The library fills its tables at first use, without a lock. Here they are read once, before main, into tables of our
// own that nothing writes again: two modems cannot race for them.
var (
	lockingTables = corrected(readTables(charset.NewDecoder), lockingErrata)
	shiftTables   = corrected(readTables(charset.NewExtDecoder), shiftErrata)
	gsmSeptets    = septetsByRune()
)

func readTables(read func(int) charset.Decoder) []table {
	tables := make([]table, charset.End)
	for nli := range tables {
		for septet, r := range read(nli) {
			if septet < 128 && septet != esc {
				tables[nli][septet] = r
			}
		}
	}
	return tables
}

// erratum is a septet for which the library's table and TS 23.038 differ.
type erratum struct {
	language, septet byte
	char             rune
}

var lockingErrata = []erratum{ // A.3.6: these are Devanagari, not Bengali
	{byte(charset.Hindi), 0x00, '\u0901'}, {byte(charset.Hindi), 0x01, '\u0902'}, {byte(charset.Hindi), 0x02, '\u0903'},
}

var shiftErrata = []erratum{
	{byte(charset.Portuguese), 0x1F, 'Ê'}, // A.2.3
	// 6.2.1.1 gives ESC CR no character: it reads as the CR of the base table, like every other unknown escape.
	{byte(charset.Default), '\r', 0}, {byte(charset.Turkish), '\r', 0}, {byte(charset.Spanish), '\r', 0},
}

func corrected(tables []table, errata []erratum) []table {
	for _, e := range errata {
		tables[e.language][e.septet] = e.char
	}
	return tables
}

// septetsByRune is the default alphabet and its extension table backwards: one or two septets. ESC is no character of
// the alphabet although the library's table has it, so a text with U+001B goes out as UCS-2.
func septetsByRune() map[rune][]byte {
	m := make(map[rune][]byte, 160)
	for septet, r := range shiftTables[charset.Default] {
		if r != 0 {
			m[r] = []byte{esc, byte(septet)}
		}
	}
	for septet, r := range lockingTables[charset.Default] {
		if r != 0 {
			m[r] = []byte{byte(septet)}
		}
	}
	return m
}

// pick falls back to the default for a language that nobody has defined yet, TS 23.038 6.2.1.2.5.
func pick(tables []table, nli byte) *table {
	if int(nli) >= len(tables) {
		nli = byte(charset.Default)
	}
	return &tables[nli]
}

// septetText reads septets as text. ESC and an unknown septet is the base character, ESC ESC is a space and so is an
// ESC with nothing behind it, TS 23.038 6.2.1.1 note 1.
func septetText(septets []byte, locking, shift byte) string {
	base, ext := pick(lockingTables, locking), pick(shiftTables, shift)
	out := make([]byte, 0, len(septets)+len(septets)/4)
	escaped := false
	for _, s := range septets {
		s &= 0x7F
		switch {
		case escaped:
			escaped = false
			if ext[s] != 0 {
				out = utf8.AppendRune(out, ext[s])
			} else {
				out = utf8.AppendRune(out, orSpace(base[s])) // no table has a character at ESC itself
			}
		case s == esc:
			escaped = true
		default:
			out = utf8.AppendRune(out, orSpace(base[s]))
		}
	}
	if escaped {
		out = append(out, sp)
	}
	return string(out)
}

func orSpace(r rune) rune {
	if r == 0 {
		return sp
	}
	return r
}

// utf16Text reads UTF-16 in network order. A surrogate without its other half becomes U+FFFD and its neighbours stay;
// half a unit at the end is left out.
func utf16Text(octets []byte) string {
	units := make([]uint16, 0, len(octets)/2)
	for ; len(octets) >= 2; octets = octets[2:] {
		units = append(units, uint16(octets[0])<<8|uint16(octets[1]))
	}
	out := make([]byte, 0, 3*len(units))
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
