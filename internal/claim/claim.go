// Package claim judges names and texts by what a person sees: whether one pretends to come from the ministry, and which
// digits stand in it. What it makes of a text is for judging only; what is sent is what was written.
package claim

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The ministry's names, as fold leaves them (I, l and 1 are one), and the number from which its codes come. RN is how a
// small
// m can be written with two letters.
var (
	han   = []string{"工信部", "工业和信息化部", "工业与信息化部", "工业信息化部", "工业和资讯化部", "12381"}
	latin = []string{"M11T", "M1N1STRY", "RN11T", "RN1N1STRY"}
)

var names = pattern()

// pattern finds the names. Between Han characters and digits anything may stand that is neither. Between Latin letters
// too,
// where the whole is not part of longer words: "M I I T" and "MI-IT" are the ministry, "Xiaomi IT" is not.
func pattern() *regexp.Regexp {
	var all []string
	for _, name := range han {
		all = append(all, spaced(name))
	}
	for _, name := range latin {
		all = append(all, name, `(?:^|[^A-Z0-9])`+spaced(name)+`(?:$|[^A-Z0-9])`)
	}
	return regexp.MustCompile(strings.Join(all, "|"))
}

func spaced(name string) string {
	var b strings.Builder
	for i, r := range []rune(name) {
		if i > 0 {
			b.WriteString(`[ |⊤]*`)
		}
		switch r {
		case '1':
			b.WriteString(`[1|]`)
		case 'T':
			b.WriteString(`[T⊤]`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Ministry says whether a text names the ministry of industry and information technology, or the number of its codes,
// in
// any form that a person would read so.
func Ministry(text string) bool { return names.MatchString(fold(text)) }

// Digits is a text with every digit in it as an ASCII digit, and without what nobody sees: a person or a phone may take
// such digits for a code.
func Digits(text string) string {
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		if d, ok := digit(r); ok {
			return d
		}
		return r
	}, norm.NFKC.String(strings.ToValidUTF8(text, " ")))
}

// fold brings a text to one form: compatibility characters decomposed (UAX 15), accents and everything unseen dropped,
// upper
// case, characters that look alike made one (UTS 39), and a blank for whatever is neither letter nor digit.
func fold(text string) string {
	var b strings.Builder
	blank := false
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(text, " ")) {
		if unseen(r) {
			continue
		}
		if r = seen(r); r == ' ' {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// seen is what a character is taken for.
func seen(r rune) rune {
	if one, ok := alike[r]; ok {
		return one
	}
	if d, ok := digit(r); ok {
		return d
	}
	if letter, ok := enclosed(r); ok {
		r = letter
	}
	r = unicode.ToUpper(r)
	if one, ok := alike[r]; ok {
		return one
	}
	if unicode.IsLetter(r) || unicode.IsNumber(r) {
		return r
	}
	return ' '
}

// unseen is what has no picture of its own: marks on other characters, formats, and what is to be ignored by default
// (Default_Ignorable_Code_Point, of which these are the ranges beyond the general categories).
func unseen(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.IsControl(r) && !unicode.IsSpace(r)
}

// digit is the ASCII form of a decimal digit of any script, and of the digits in circles that have no decomposition.
func digit(r rune) (rune, bool) {
	if r >= '0' && r <= '9' {
		return r, true
	}
	for _, first := range []rune{'❶', '➀', '➊', '⓵', '〡'} {
		if r >= first && r < first+9 {
			return '1' + r - first, true
		}
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, span := range unicode.Nd.R16 { // each is one or more whole sets of ten
		if r <= rune(span.Hi) && r >= rune(span.Lo) {
			return '0' + (r-rune(span.Lo))%10, true
		}
	}
	for _, span := range unicode.Nd.R32 {
		if r <= rune(span.Hi) && r >= rune(span.Lo) {
			return '0' + (r-rune(span.Lo))%10, true
		}
	}
	return 0, false
}

// enclosed is the letter of a sign that has no decomposition: in black circles and squares, and of flags.
func enclosed(r rune) (rune, bool) {
	for _, first := range []rune{0x1F150, 0x1F170, 0x1F1E6} {
		if r >= first && r < first+26 {
			return 'A' + r - first, true
		}
	}
	return 0, false
}

// alike is similar by the character that looks like another, with what the standard leaves out: Latin small capitals,
// and
// the numerals and traditional forms in which the names may be written.
var alike = func() map[rune]rune {
	all := map[rune]rune{
		'I': '1', 'i': '1', 'l': '1', '|': '|', '⊤': '⊤',
		'ɪ': '1', 'ᴍ': 'M', 'ɴ': 'N', 'ʀ': 'R', 'ᴛ': 'T', 'ʏ': 'Y',
		'一': '1', '壹': '1', '二': '2', '贰': '2', '貳': '2', '三': '3', '叁': '3', '參': '3', '八': '8', '捌': '8',
		'業': '业', '資': '资', '訊': '讯',
	}
	for one, others := range similar {
		for _, r := range others {
			all[r] = one
		}
	}
	return all
}()
