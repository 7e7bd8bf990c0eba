package msisdn

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// What the numbering plans of the world say (ITU-T E.164 and E.129), as libphonenumber has gathered it. It is asked for
// numbers
// abroad only. Those of mainland China have rules of their own here, which the library does not know as well: it takes
// mobiles that begin with 146, 148 and 149 for none.

// withoutTrunk drops a trunk prefix that stands between country code and number, as in +86 0138..., +44 07..., +7
// 8916...: it
// is dialled within a country only (E.164 7.3.2). Where a 0 belongs to the number, as in Italy, it stays.
func withoutTrunk(digits string) string {
	if rest, ok := strings.CutPrefix(digits, "86"); ok {
		return "86" + strings.TrimLeft(rest, "0")
	}
	for range 3 { // somebody may have written it twice; what is still there then is no number anyway
		n, err := phonenumbers.Parse("+"+digits, "")
		if err != nil {
			break
		}
		e164 := strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.E164), "+")
		if e164 == digits || len(e164) > 15 {
			break
		}
		digits = e164
	}
	return digits
}

// dialledAtHome reads a number as people of a country dial it there, with its own trunk prefix: 06 in Hungary, 8 in
// Russia.
// ok is false where the library cannot tell, and the error says that no number there has this length.
func dialledAtHome(digits, countryCode string) (e164 string, ok bool, err error) {
	code, err := strconv.Atoi(countryCode)
	if err != nil || countryCode == "86" {
		return "", false, nil
	}
	n, err := phonenumbers.Parse(digits, phonenumbers.GetRegionCodeForCountryCode(code))
	if err != nil || int(n.GetCountryCode()) != code {
		return "", false, nil
	}
	if !phonenumbers.IsPossibleNumber(n) {
		return "", false, invalid("has a length that no number of +%s has: write a number abroad with its country code", countryCode)
	}
	return strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.E164), "+"), true, nil
}

// Landline says whether a number is certainly a fixed line, where an SMS comes to nothing. Of what the plan does not
// tell
// apart from a mobile, or does not know, it says no.
func (n Number) Landline() bool {
	if n.short || n.digits == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(n.digits, "86"); ok {
		// Area code and number have 10 or 11 digits, in Beijing (10) 10; 400 and 800 with theirs have 10. Whatever else
		// begins
		// with 1 is a mobile, a service (106...) or a thing (1064...).
		return len(rest) == 10 && (rest[0] != '1' || rest[1] == '0') || len(rest) == 11 && rest[0] != '1'
	}
	parsed, err := phonenumbers.Parse("+"+n.digits, "")
	return err == nil && phonenumbers.GetNumberType(parsed) == phonenumbers.FIXED_LINE
}

// Short reads a short code or a service's number, which is dialled as it stands in its own country only (TS 23.040
// 9.1.2.5:
// type of number unknown): 10086, 106....
func Short(s string) (Number, error) {
	digits, international, err := clean(s)
	switch {
	case err != nil:
		return Number{}, err
	case international:
		return Number{}, invalid("is a short code with a country code: write it as it is dialled")
	case len(digits) < 3 || len(digits) > 20:
		return Number{}, invalid("has %d digits, a short code has 3 to 20", len(digits))
	}
	return Number{digits: digits, short: true}, nil
}

// IsShort says whether it is a short code and no number of a subscriber.
func (n Number) IsShort() bool { return n.short }

// Stored reads what E164 gave.
func Stored(s string) (Number, error) {
	digits, international := strings.CutPrefix(s, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Number{}, invalid("is none that was stored")
	}
	return Number{digits: digits, short: !international}, nil
}
