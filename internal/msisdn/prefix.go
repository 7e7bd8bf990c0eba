package msisdn

import "strings"

// twoDigits are the country codes of two digits; 1 and 7 have one, all others three (ITU-T E.164 annex, 6.2.1).
const twoDigits = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// Country is the country code, without a plus.
func (n Number) Country() string {
	switch d := n.digits; {
	case d == "" || n.short:
		return ""
	case d[0] == '1' || d[0] == '7':
		return d[:1]
	case strings.Contains(twoDigits, " "+d[:2]+" "):
		return d[:2]
	default:
		return d[:3]
	}
}

// Prefix is what can be told and counted of a number without telling whose it is: "+86138" of a mainland mobile, the country
// code of any other. There are some hundreds of them in all.
func (n Number) Prefix() string {
	switch {
	case n.IsZero() || n.short:
		return ""
	case n.MainlandMobile():
		return "+" + n.digits[:5]
	}
	return "+" + n.Country()
}
