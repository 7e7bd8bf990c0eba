package msisdn

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestATrunkPrefixBehindTheCountryCodeIsNoPartOfTheNumber(t *testing.T) {
	for in, want := range map[string]string{
		"+86013800138001": "+8613800138001", "+860013800138001": "+8613800138001", "0086 0138 0013 8001": "+8613800138001", "+86 010 1234 5678": "+861012345678",
		"+4407700900123": "+447700900123", "+44 (0)7700 900123": "+447700900123", "+330612345678": "+33612345678", "+49015112345678": "+4915112345678",
		"+789161234567": "+79161234567", "+3606306123456": "+36306123456", "+113105550123": "+13105550123",
		// These belong to the number.
		"+390612345678": "+390612345678", "+2250707123456": "+2250707123456", "+242066123456": "+242066123456", "+78005553535": "+78005553535",
	} {
		if n, err := Parse(in, "86"); err != nil || n.E164() != want {
			t.Errorf("%s: %q %v, want %s", in, n.digits, err, want)
		}
	}
}

func TestANumberIsReadAsPeopleDialItAtHome(t *testing.T) {
	for _, c := range []struct{ in, country, want string }{
		{"07700 900123", "44", "+447700900123"}, {"8 916 123-45-67", "7", "+79161234567"}, {"06 30 612 3456", "36", "+36306123456"},
		{"(310) 555-0123", "1", "+13105550123"}, {"1-310-555-0123", "1", "+13105550123"}, {"06 1234 5678", "39", "+390612345678"}, {"5123 4567", "852", "+85251234567"},
	} {
		if n, err := Parse(c.in, c.country); err != nil || n.E164() != c.want {
			t.Errorf("%s in %s: %q %v, want %s", c.in, c.country, n.digits, err, c.want)
		}
	}
}

func TestOnlyWhatIsCertainlyAFixedLineIsCalledOne(t *testing.T) {
	for in, want := range map[string]bool{
		"+862112345678": true, "010-12345678": true, "+8675512345678": true, "400-123-4567": true, "8001234567": true, "+442071234567": true, "+33142345678": true, "+74951234567": true,
		"13800138000": false, "14612345678": false, "14812345678": false, "14912345678": false, "19912345678": false, "+8610655123456": false, "+861064812345678": false,
		"+13105550123": false, "+447700900123": false, "+447400123456": false, "+85251234567": false, "+5215512345678": false, "+99912345678": false,
	} {
		n, err := Parse(in, "86")
		if err != nil {
			t.Fatal(in, err)
		}
		if n.Landline() != want {
			t.Errorf("%s: %v", in, n.Landline())
		}
	}
	if n, _ := Short("1012345678"); n.Landline() {
		t.Error("a service's number is no fixed line")
	}
}

func TestEveryMainlandMobileIsOneWhateverTheLibraryThinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, err := Parse(rapid.StringMatching(`1[3-9][0-9]{9}`).Draw(t, "mobile"), "86")
		if err != nil || !n.MainlandMobile() || n.Landline() {
			t.Fatal(n.digits, err)
		}
	})
}

func TestAShortCodeIsDialledAsItStandsAndComesBackFromTheDatabase(t *testing.T) {
	n, err := Short("10086")
	if err != nil || n.E164() != "10086" || !n.IsShort() || n.Country() != "" || n.Prefix() != "" || n.National() != "10086" || n.MainlandMobile() {
		t.Errorf("%+v %v", n, err)
	}
	for _, in := range []string{"10086", "+8613800138000", "13800138000"} {
		if again, err := Stored(in); err != nil || again.E164() != in || again.IsShort() == strings.HasPrefix(in, "+") {
			t.Errorf("%s: %q %v", in, again.E164(), err)
		}
	}
	for _, bad := range []string{"", "12", "+10086", "0010086", "10086x", strings.Repeat("1", 21)} {
		if n, err := Short(bad); err == nil {
			t.Errorf("%q is the short code %q", bad, n.digits)
		}
	}
	for _, bad := range []string{"", "+", "138 0013", "x"} {
		if _, err := Stored(bad); err == nil {
			t.Errorf("%q was never stored", bad)
		}
	}
}

func TestTheHomeOfASIMIsKnownByTheFirstDigitsOfItsIMSI(t *testing.T) {
	for imsi, want := range map[string]string{
		"460001234567890": "86", "234150000000000": "44", "310260000000000": "1", "262011234567890": "49", "454001234567890": "852", "250010000000000": "7", "": "", "46": "", "001010000000000": "", "999990000000000": "",
	} {
		if got := Home(imsi); got != want {
			t.Errorf("%s: %q, want %q", imsi, got, want)
		}
	}
	seen := map[string]string{}
	for country, codes := range homes {
		if (Number{digits: country + "23456789"}).Country() != country {
			t.Errorf("%s is no country code", country)
		}
		for _, mcc := range strings.Fields(codes) {
			if seen[mcc] != "" || len(mcc) != 3 {
				t.Errorf("%s stands with %s and %s", mcc, seen[mcc], country)
			}
			seen[mcc] = country
		}
	}
	if len(seen) < 220 {
		t.Errorf("only %d mobile country codes", len(seen))
	}
}
