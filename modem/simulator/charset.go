package simulator

import (
	"encoding/hex"
	"strings"
	"unicode/utf16"
)

// gsmAlphabet is the default alphabet of TS 23.038 6.2.1 by code.
const gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

const (
	gsmExtended     = "^{}\\[~]|€\f"
	gsmExtendedCode = "\x14\x28\x29\x2F\x3C\x3D\x3E\x40\x65\x0A"
)

var (
	gsmRunes  = []rune(gsmAlphabet)
	gsmCodes  = map[rune]string{}
	gsmEscape = map[byte]rune{}
)

func init() {
	for i, r := range gsmRunes {
		gsmCodes[r] = string([]byte{byte(i)})
	}
	for i, r := range []rune(gsmExtended) {
		gsmCodes[r] = "\x1b" + gsmExtendedCode[i:i+1]
		gsmEscape[gsmExtendedCode[i]] = r
	}
}

// encode writes text in the character set that AT+CSCS chose.
func (m *Modem) encode(text string) string {
	var b strings.Builder
	switch m.set.cscs {
	case "UCS2":
		return hexUCS2(text)
	case "GSM":
		for _, r := range text {
			if code, has := gsmCodes[r]; has {
				b.WriteString(code)
			} else {
				b.WriteByte('?')
			}
		}
	default:
		for _, r := range text {
			if r < 0x80 {
				b.WriteRune(r)
			} else {
				b.WriteByte('?')
			}
		}
	}
	return b.String()
}

// decode reads text that the host wrote in the character set of AT+CSCS.
func (m *Modem) decode(s string) (text string, good bool) {
	switch m.set.cscs {
	case "UCS2":
		return unhexUCS2(s)
	case "GSM":
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c == esc && i+1 < len(s) {
				i++
				if r, has := gsmEscape[s[i]]; has {
					b.WriteRune(r)
					continue
				}
				c = s[i]
			}
			if c >= 0x80 {
				return "", false
			}
			b.WriteRune(gsmRunes[c])
		}
		return b.String(), true
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return "", false
		}
	}
	return s, true
}

func hexUCS2(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

func unhexUCS2(s string) (string, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units)), true
}

func unhex(s string) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil
}
