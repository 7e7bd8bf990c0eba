package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/internal/msisdn"
)

// Abuse is what keeps others from having texts sent, and what is watched for.
type Abuse struct {
	Region          []string `toml:"region"`              // country codes that POST /v1/messages may send to; those of codes are verify.region
	Deny            []string `toml:"deny"`                // how numbers begin that get nothing
	Allow           []string `toml:"allow"`               // how numbers begin that are allowed though a shorter entry denies them
	PerCountryDaily int      `toml:"per_country_per_day"` // texts to one country but the first region; 0 is no limit
	APIProof        string   `toml:"api_proof"`           // work, off: of /v1/public/* without a token; the page's is page.proof

	WrongWindow time.Duration `toml:"wrong_window"`
	WrongLeast  int           `toml:"wrong_least"`
	WrongShare  float64       `toml:"wrong_share"`

	ConversionWindow time.Duration `toml:"conversion_window"`
	ConversionAfter  time.Duration `toml:"conversion_after"`
	ConversionLeast  int           `toml:"conversion_least"`
	ConversionShare  float64       `toml:"conversion_share"`
}

func defaultAbuse() Abuse {
	return Abuse{
		Region: []string{"86"}, Deny: []string{}, Allow: []string{}, PerCountryDaily: 500, APIProof: "work",
		WrongWindow: 15 * time.Minute, WrongLeast: 50, WrongShare: 0.5,
		ConversionWindow: 24 * time.Hour, ConversionAfter: 30 * time.Minute, ConversionLeast: 30, ConversionShare: 0.2,
	}
}

// Denied says why nothing is sent to a number, "" for no reason: the longest entry of deny and allow that it begins with
// decides, and deny where they are the same.
func (a Abuse) Denied(n msisdn.Number) (fault string) {
	longest := func(all []string) (most int) {
		for _, prefix := range all {
			if strings.HasPrefix(n.E164(), prefix) {
				most = max(most, len(prefix))
			}
		}
		return most
	}
	if denied := longest(a.Deny); denied > 0 && denied >= longest(a.Allow) {
		return "begins as numbers do that nothing is sent to (abuse.deny)"
	}
	return ""
}

// Destination says why no message is sent to a number, "" for no reason.
func (a Abuse) Destination(n msisdn.Number) (fault string) {
	if !slices.ContainsFunc(a.Region, func(code string) bool { return strings.HasPrefix(n.E164(), "+"+code) }) {
		return "is in a country that messages are not sent to (abuse.region)"
	}
	return a.Denied(n)
}

func (b *binder) abuse(a Abuse) {
	if len(a.Region) == 0 {
		b.fault("abuse.region", `no country is allowed, so no message could be sent: list country codes, as ["86"]`)
	}
	for i, r := range a.Region {
		if !countryCode.MatchString(r) {
			b.fault(fmt.Sprintf("abuse.region[%d]", i+1), `want a country code without +, as "86"`)
		}
	}
	for _, list := range []struct {
		key      string
		prefixes []string
	}{{"deny", a.Deny}, {"allow", a.Allow}} {
		for i, prefix := range list.prefixes {
			if !numberPrefix.MatchString(prefix) {
				b.fault(fmt.Sprintf("abuse.%s[%d]", list.key, i+1), `want how the numbers begin, with their country code, as "+86170"`)
			}
		}
	}
	b.count("abuse.per_country_per_day", a.PerCountryDaily, 0, 10_000_000)
	b.oneOf("abuse.api_proof", a.APIProof, "work", "off")
	b.between("abuse.wrong_window", a.WrongWindow, time.Minute, 24*time.Hour)
	b.count("abuse.wrong_least", a.WrongLeast, 0, 1_000_000)
	b.share("abuse.wrong_share", a.WrongShare)
	b.between("abuse.conversion_window", a.ConversionWindow, time.Hour, 7*24*time.Hour)
	b.between("abuse.conversion_after", a.ConversionAfter, 0, a.ConversionWindow/2)
	b.count("abuse.conversion_least", a.ConversionLeast, 0, 1_000_000)
	b.share("abuse.conversion_share", a.ConversionShare)
}

func (b *binder) share(path string, share float64) {
	if share < 0 || share > 1 {
		b.fault(path, "want a share from 0 to 1, as 0.5")
	}
}
