package config

import (
	"strings"
	"testing"

	"attestd/internal/msisdn"
)

func number(t *testing.T, s string) msisdn.Number {
	t.Helper()
	n, err := msisdn.Parse(s, "86")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAFixedLineGetsNothingUnlessItIsAllowedByName(t *testing.T) {
	a := Default().Abuse
	for _, line := range []string{"010-12345678", "+442071234567", "400-123-4567"} {
		if fault := a.Denied(number(t, line)); !strings.Contains(fault, "fixed line") {
			t.Errorf("%s: %q", line, fault)
		}
	}
	a.Allow = []string{"+8610"}
	if fault := a.Denied(number(t, "010-12345678")); fault != "" {
		t.Error(fault)
	}
}

func TestAShortCodeIsAllowedByNameOrByHowItBegins(t *testing.T) {
	a := Default().Abuse
	allowed := func(code string) bool {
		n, err := msisdn.Short(code)
		if err != nil {
			t.Fatal(err)
		}
		return a.ShortCode(n)
	}
	if allowed("10086") {
		t.Error("none is allowed unless configured")
	}
	a.ShortCodes = []string{"10086", "106*"}
	for code, want := range map[string]bool{"10086": true, "100861": false, "10010": false, "1065755550000": true} {
		if allowed(code) != want {
			t.Errorf("%s: %v", code, !want)
		}
	}
	if a.ShortCode(number(t, "13800138000")) {
		t.Error("a subscriber is no short code")
	}
}

func TestOfTwoPrefixesThatFitTheLongerDecides(t *testing.T) {
	a := Default().Abuse
	a.Deny, a.Allow = []string{"+86170", "+8617112"}, []string{"+8617012", "+8617112"}
	for mobile, allowed := range map[string]bool{
		"17000000000": false, "17012000000": true, "17112000000": false, "13800138000": true,
	} {
		if fault := a.Denied(number(t, mobile)); (fault == "") != allowed {
			t.Errorf("%s: %q", mobile[:5], fault)
		}
	}
}

func TestFaultsOfTheAbuseSectionAreNamed(t *testing.T) {
	_, err := Parse("[abuse]\nregion = [\"+86\"]\nshort_codes = [\"+10086\"]\ndeny = [\"170\"]\nallow = [\"x\"]\nper_country_per_day = -1\nwrong_window = \"1s\"\nwrong_share = 1.5\n" +
		"conversion_window = \"1m\"\nconversion_after = \"24h\"\nconversion_share = -0.1\nwrong_least = -1\nconversion_least = -1\n")
	if err == nil {
		t.Fatal("taken")
	}
	for _, key := range []string{"region[1]", "short_codes[1]", "deny[1]", "allow[1]", "per_country_per_day", "wrong_window", "wrong_share", "conversion_window",
		"conversion_after", "conversion_share", "wrong_least", "conversion_least"} {
		if !strings.Contains(err.Error(), "abuse."+key+":") {
			t.Errorf("nothing of %s in %v", key, err)
		}
	}
}
