package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"attestd/internal/msisdn"
)

// Abuse is what keeps others from having texts sent, and what is watched for.
type Abuse struct {
	Region          []string `toml:"region"`              // country codes that POST /v1/messages may send to; none: where the SIMs are at home. Those of codes are verify.region
	Deny            []string `toml:"deny"`                // how numbers begin that get nothing
	Allow           []string `toml:"allow"`               // how numbers begin that are allowed though a shorter entry denies them
	ShortCodes      []string `toml:"short_codes"`         // that POST /v1/messages may send to: "10086", or how they begin: "106*"
	PerCountryDaily int      `toml:"per_country_per_day"` // texts to one country but those at home; 0 is no limit

	// Texts (segments) in each clock hour and day (UTC); 0 is no limit. A token may have its own.
	TextsPerTokenHourly int `toml:"texts_per_token_per_hour"`
	TextsPerTokenDaily  int `toml:"texts_per_token_per_day"`
	TextsPerPhoneHourly int `toml:"texts_per_phone_per_hour"` // codes left out, which have limits of their own: verify.limits
	TextsPerPhoneDaily  int `toml:"texts_per_phone_per_day"`

	APIProof string `toml:"api_proof"` // work, off: of /v1/public/* without a token; the page's is page.proof

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
		Region: []string{}, Deny: []string{}, Allow: []string{}, ShortCodes: []string{}, PerCountryDaily: 500, APIProof: "work",
		TextsPerTokenHourly: 2000, TextsPerTokenDaily: 20_000, TextsPerPhoneHourly: 10, TextsPerPhoneDaily: 30,
		WrongWindow: 15 * time.Minute, WrongLeast: 50, WrongShare: 0.5,
		ConversionWindow: 24 * time.Hour, ConversionAfter: 30 * time.Minute, ConversionLeast: 30, ConversionShare: 0.2,
	}
}

// Denied says why nothing is sent to a number, "" for no reason: the longest entry of deny and allow that it begins with
// decides, and deny where they are the same. A fixed line gets nothing unless allow has it.
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
	if n.Landline() && longest(a.Allow) == 0 {
		return "is a fixed line, which gets no SMS: give a mobile (abuse.allow lets numbers pass that are none)"
	}
	return ""
}

// ShortCode says whether messages may go to a short code.
func (a Abuse) ShortCode(n msisdn.Number) bool {
	return n.IsShort() && slices.ContainsFunc(a.ShortCodes, func(one string) bool {
		start, open := strings.CutSuffix(one, "*")
		return n.E164() == start || open && strings.HasPrefix(n.E164(), start)
	})
}

var shortCode = regexp.MustCompile(`^(?:[0-9]{3,20}|[0-9]{1,19}\*)$`)

func (b *binder) abuse(a Abuse) {
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
	for i, code := range a.ShortCodes {
		if !shortCode.MatchString(code) {
			b.fault(fmt.Sprintf("abuse.short_codes[%d]", i+1), `want a short code as "10086", or how they begin as "106*"`)
		}
	}
	b.count("abuse.per_country_per_day", a.PerCountryDaily, 0, 10_000_000)
	b.count("abuse.texts_per_token_per_hour", a.TextsPerTokenHourly, 0, 10_000_000)
	b.count("abuse.texts_per_token_per_day", a.TextsPerTokenDaily, 0, 100_000_000)
	b.count("abuse.texts_per_phone_per_hour", a.TextsPerPhoneHourly, 0, 10_000_000)
	b.count("abuse.texts_per_phone_per_day", a.TextsPerPhoneDaily, 0, 100_000_000)
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
