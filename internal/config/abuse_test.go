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

func TestMessagesGoToMainlandChinaUnlessTheConfigurationSaysMore(t *testing.T) {
	a := Default().Abuse
	if fault := a.Destination(number(t, "13800138000")); fault != "" {
		t.Error(fault)
	}
	for _, foreign := range []string{"+13105550123", "+85298765432", "+442071234567"} {
		if fault := a.Destination(number(t, foreign)); !strings.Contains(fault, "abuse.region") {
			t.Errorf("%s: %q", foreign, fault)
		}
	}
	a.Region = append(a.Region, "852")
	if fault := a.Destination(number(t, "+85298765432")); fault != "" {
		t.Error(fault)
	}
}

func TestOfTwoPrefixesThatFitTheLongerDecides(t *testing.T) {
	a := Default().Abuse
	a.Deny, a.Allow = []string{"+86170", "+8617112"}, []string{"+8617012", "+8617112"}
	for mobile, allowed := range map[string]bool{
		"17000000000": false, "17012000000": true, "17112000000": false, "13800138000": true,
	} {
		if fault := a.Destination(number(t, mobile)); (fault == "") != allowed {
			t.Errorf("%s: %q", mobile[:5], fault)
		}
	}
}

func TestFaultsOfTheAbuseSectionAreNamed(t *testing.T) {
	_, err := Parse("[abuse]\nregion = [\"+86\"]\ndeny = [\"170\"]\nallow = [\"x\"]\nper_country_per_day = -1\nwrong_window = \"1s\"\nwrong_share = 1.5\n" +
		"conversion_window = \"1m\"\nconversion_after = \"24h\"\nconversion_share = -0.1\nwrong_least = -1\nconversion_least = -1\n")
	if err == nil {
		t.Fatal("taken")
	}
	for _, key := range []string{"region[1]", "deny[1]", "allow[1]", "per_country_per_day", "wrong_window", "wrong_share", "conversion_window",
		"conversion_after", "conversion_share", "wrong_least", "conversion_least"} {
		if !strings.Contains(err.Error(), "abuse."+key+":") {
			t.Errorf("nothing of %s in %v", key, err)
		}
	}
}
