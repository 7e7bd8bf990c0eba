// Package msisdn holds an E.164 number as a value: parsed leniently, compared exactly, printed redacted.
package msisdn

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
)

// Number is a whole E.164 number, or a short code of a network. It is comparable, and whatever prints it without asking
// for E164 prints it redacted.
type Number struct {
	digits string
	short  bool
}

// ErrInvalid is what every refusal of Parse is; its text says what is wrong and never repeats the number.
var ErrInvalid = errors.New("number")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Parse reads a number as people write it: full-width digits, spaces, hyphens, dots and parentheses, with +, 00 or
// neither in front. A number without an international prefix belongs to countryCode ("86").
func Parse(s, countryCode string) (Number, error) {
	for _, r := range countryCode {
		if r < '0' || r > '9' {
			return Number{}, invalid("country code has a character that is no digit, write it as 86")
		}
	}
	digits, international, err := clean(s)
	if err != nil {
		return Number{}, err
	}
	if !international {
		digits, err = nationalise(digits, countryCode)
		if err != nil {
			return Number{}, err
		}
	}
	if digits[0] != '0' && len(digits) <= 20 {
		digits = withoutTrunk(digits)
	}
	switch {
	case digits[0] == '0':
		return Number{}, invalid("no country code begins with 0, write it as +86...")
	case len(digits) > 15: // ITU-T E.164 6.2: at most 15 digits
		return Number{}, invalid("has %d digits, the most is 15", len(digits))
	case len(digits) < 8:
		return Number{}, invalid("has %d digits with its country code, too few for a subscriber", len(digits))
	}
	n := Number{digits: digits}
	if rest, ok := strings.CutPrefix(digits, "86"); ok && mobilePrefix(rest) && len(rest) != 11 {
		return Number{}, invalid("has %d digits, a mainland mobile has 11", len(rest))
	}
	return n, nil
}

// clean strips what people put between digits and tells whether an international prefix stood in front.
func clean(s string) (digits string, international bool, err error) {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		r = narrow(r)
		switch {
		case r >= '0' && r <= '9':
			b.WriteByte(byte(r))
		case r == '+' && b.Len() == 0 && !international:
			international = true
		case ignorable(r) || r == '(' || r == ')' || r == '.':
		default:
			return "", false, invalid("has a character that is no digit, write digits with an optional + in front")
		}
	}
	digits = b.String()
	if !international {
		if rest, ok := strings.CutPrefix(digits, "00"); ok {
			digits, international = rest, true
		}
	}
	if digits == "" {
		return "", false, invalid("is empty")
	}
	// "+86 (0)10 ..." is how letterheads write both forms at once.
	if before, after, ok := strings.Cut(narrowAll(s), "(0)"); ok && international && strings.ContainsAny(before, "0123456789") {
		return clean(before + after)
	}
	return digits, international, nil
}

// nationalise puts the country code in front of a national number, unless it already stands there without its +.
func nationalise(digits, countryCode string) (string, error) {
	if countryCode == "" {
		return "", invalid("has no country code, write it as +86...")
	}
	rest, has := strings.CutPrefix(digits, countryCode)
	switch {
	case has && countryCode == "86" && mobilePrefix(rest) && len(rest) == 11:
		return digits, nil
	case has && len(rest) >= 10 && countryCode != "86":
		return digits, nil
	}
	if whole, ok, err := dialledAtHome(digits, countryCode); ok || err != nil {
		return whole, err
	}
	// Italy alone keeps its leading 0 behind the country code.
	if countryCode != "39" {
		digits = strings.TrimPrefix(digits, "0")
	}
	if digits == "" {
		return "", invalid("is only a 0")
	}
	return countryCode + digits, nil
}

// mobilePrefix tells a mainland mobile from a fixed line: 13 to 19.
func mobilePrefix(national string) bool {
	return len(national) > 1 && national[0] == '1' && national[1] >= '3' && national[1] <= '9'
}

// E164 is the number whole: "+8613800138000", or a short code as it is dialled: "10086". Not for logs, metrics or
// errors.
func (n Number) E164() string {
	if n.digits == "" {
		return ""
	}
	if n.short {
		return n.digits
	}
	return "+" + n.digits
}

// National is the number without 86 when it is Chinese, else all its digits.
func (n Number) National() string {
	if n.short {
		return n.digits
	}
	return strings.TrimPrefix(n.digits, "86")
}

// MainlandMobile tells whether this is a mobile number of mainland China.
func (n Number) MainlandMobile() bool {
	rest, ok := strings.CutPrefix(n.digits, "86")
	return ok && !n.short && len(rest) == 11 && mobilePrefix(rest)
}

// IsZero tells whether this is no number at all.
func (n Number) IsZero() bool { return n.digits == "" }

// String is the number with its middle hidden: "+86138****8000".
func (n Number) String() string { return Redact(n.E164()) }

// GoString keeps %#v from showing the digits.
func (n Number) GoString() string { return n.String() }

// LogValue keeps slog from showing the digits.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalText keeps JSON from showing the digits: whoever may show them calls E164.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// Fold brings what a person typed to one form: ASCII, upper case, no spaces, no hyphens.
func Fold(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		r = narrow(r)
		if ignorable(r) {
			return -1
		}
		return r
	}, s))
}

// Redact hides the middle of every number in an address as the network gave it. Short codes and alphanumeric senders
// stay as they are: nobody can be called by them.
func Redact(address string) string {
	s := address
	if strings.Trim(s, "+0123456789*#abcABC ()-.") == "" {
		s = strings.Map(func(r rune) rune {
			if strings.ContainsRune(" ()-.", r) {
				return -1
			}
			return r
		}, s)
	}
	out := []byte(s)
	for i := 0; i < len(out); {
		j := i
		for j < len(out) && out[j] >= '0' && out[j] <= '9' {
			j++
		}
		mask(out[i:j])
		i = j + 1
	}
	return string(out)
}

// Masked is a number, or an address as the network gave it, as it is shown to who may not see it whole: "138****8000",
// without
// the country code where it is 86, and without the +.
func Masked(address string) string {
	if rest, ok := strings.CutPrefix(address, "+"); ok && strings.Trim(rest, "0123456789") == "" {
		address = strings.TrimPrefix(rest, "86")
	}
	return Redact(address)
}

// mask hides four digits of a run that is too long for a short code.
func mask(run []byte) {
	switch {
	case len(run) < 7:
	case len(run) < 9:
		copy(run[2:6], "****")
	default:
		copy(run[len(run)-8:], "****")
	}
}

func narrowAll(s string) string { return strings.Map(narrow, s) }

// narrow folds the full-width forms of Chinese keyboards to ASCII.
func narrow(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == 0x3000:
		return ' '
	}
	return r
}

// ignorable is what may stand between digits and means nothing: spaces, hyphens of every kind, and the invisible
// direction marks that contacts applications copy along with a number.
func ignorable(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) || r == 0x2212
}
