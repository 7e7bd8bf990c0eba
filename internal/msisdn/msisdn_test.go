package msisdn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryWayToWriteAMainlandMobileIsTheSameNumber(t *testing.T) {
	want := Number{digits: "8613800138000"}
	for _, s := range []string{
		"13800138000", "+8613800138000", "008613800138000", "8613800138000", " 138 0013 8000 ", "138-0013-8000",
		"+86 138 0013 8000", "+86-138-0013-8000", "(+86)13800138000", "（＋８６）１３８００１３８０００", "１３８００１３８０００",
		"138–0013–8000", "138\u00a00013\u00a08000", "\u202a+8613800138000\u202c", "0086 138.0013.8000", "\u200b13800138000",
	} {
		n, err := Parse(s, "86")
		if err != nil || n != want {
			t.Errorf("%q: %v %v", s, n.digits, err)
		}
	}
}

func TestNumbersOfOtherKindsAndCountries(t *testing.T) {
	for _, c := range []struct{ in, country, want string }{
		{"+44 7700 900123", "86", "+447700900123"},
		{"07700 900123", "44", "+447700900123"},
		{"447700900123", "44", "+447700900123"},
		{"+1 (212) 555-0123", "86", "+12125550123"},
		{"2125550123", "1", "+12125550123"},
		{"06 1234 5678", "39", "+390612345678"},
		{"010-12345678", "86", "+861012345678"},
		{"+86 (0)10 12345678", "86", "+861012345678"},
		{"14600138000", "86", "+8614600138000"}, // 146, 148 and 149 are in use
		{"91234567", "852", "+85291234567"},
	} {
		n, err := Parse(c.in, c.country)
		if err != nil || n.E164() != c.want {
			t.Errorf("%q in %s: %q %v, want %q", c.in, c.country, n.E164(), err, c.want)
		}
	}
}

func TestWhatIsNoNumberIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, c := range []struct{ in, country, want string }{
		{"", "86", "is empty"},
		{"+", "86", "is empty"},
		{"  ", "86", "is empty"},
		{"1380013800", "86", "has 10 digits, a mainland mobile has 11"},
		{"138001380001", "86", "has 12 digits, a mainland mobile has 11"},
		{"10086", "86", "too few"},
		{"1380013800O", "86", "no digit"},
		{"138+00138000", "86", "no digit"},
		{"++8613800138000", "86", "no digit"},
		{"13800138000;13900139000", "86", "no digit"},
		{"+0138001380001", "86", "no country code begins with 0"},
		{"+1234567890123456", "86", "the most is 15"},
		{"13800138000", "", "has no country code"},
		{"13800138000", "+86", "country code"},
		{"0", "86", "only a 0"},
	} {
		n, err := Parse(c.in, c.country)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) || !n.IsZero() {
			t.Errorf("%q: %v %v, want %q", c.in, n.digits, err, c.want)
		}
		if len(c.in) > 6 && err != nil && strings.Contains(err.Error(), c.in) {
			t.Errorf("the error repeats the number: %v", err)
		}
	}
}

func TestANumberNeverPrintsWhole(t *testing.T) {
	n, err := Parse("13800138000", "86")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("sent", "to", n)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("sent", "to", n, "in", struct{ To Number }{n})
	doc, err := json.Marshal(map[string]any{"to": n, "list": []Number{n}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		log.String(), string(doc), n.String(), fmt.Sprint(n), fmt.Sprintf("%v %+v %#v %s %q", n, n, n, n, n),
		fmt.Sprintf("%v", struct{ N Number }{n}), fmt.Sprintf("%#v", []Number{n}),
	} {
		if strings.Contains(s, "00138000") || !strings.Contains(s, "+86138****8000") {
			t.Errorf("prints %s", s)
		}
	}
}

func TestRedactKeepsShortCodesAndNames(t *testing.T) {
	for in, want := range map[string]string{
		"+8613800138000": "+86138****8000", "13800138000": "138****8000", "10086": "10086", "955880": "955880",
		"Bank": "Bank", "": "", "1234567": "12****7", "12345678": "12****78", "+447700900123": "+4477****0123",
		"106901234567890": "1069012****7890", "Bank13800138000": "Bank138****8000", "+86 138-0013-8000": "+86138****8000",
		"*100#": "*100#", "银行": "银行", "13800138000,13900139000": "138****8000,139****9000",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestFoldMakesOneFormOfWhatPeopleType(t *testing.T) {
	for in, want := range map[string]string{
		" 12 34-56 ": "123456", "１２３４５６": "123456", "12345x": "12345X", "１２３４５ｘ": "12345X", "　": "", "12－34": "1234", "a b\tc\n": "ABC",
	} {
		if got := Fold(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestMainlandMobile(t *testing.T) {
	for s, want := range map[string]bool{"13800138000": true, "19912345678": true, "+447700900123": false, "010-12345678": false, "+8612345678901": false} {
		n, err := Parse(s, "86")
		if err != nil {
			t.Fatal(s, err)
		}
		if n.MainlandMobile() != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
	if n, _ := Parse("13800138000", "86"); n.National() != "13800138000" {
		t.Error(n.National())
	}
}

func TestWhatParsesParsesAgainToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, err := Parse(rapid.StringMatching(`[ +(]{0,2}[0-9 ()-]{1,18}`).Draw(t, "s"), "86")
		if err != nil {
			return
		}
		again, err := Parse(n.E164(), "86")
		if err != nil || again != n {
			t.Fatalf("%q again is %q: %v", n.E164(), again.E164(), err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"13800138000", "+86 138-0013-8000", "（＋８６）１３８", "0086", "", "+(0)", "((0)(0)+1", "\u202a+1", "\xff1"} {
		f.Add(s, "86")
	}
	f.Add("07700 900123", "44")
	f.Add("1", "")
	f.Fuzz(func(t *testing.T, s, country string) {
		if folded := Fold(s); Fold(folded) != folded {
			t.Fatalf("%q folds to %q and that to something else", s, folded)
		}
		Redact(s)
		n, err := Parse(s, country)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || !n.IsZero() {
				t.Fatalf("%v with %v", n.digits, err)
			}
			return
		}
		if len(n.digits) < 8 || len(n.digits) > 15 || strings.Trim(n.digits, "0123456789") != "" || n.digits[0] == '0' {
			t.Fatalf("%q is no E.164 number", n.digits)
		}
		if strings.Contains(n.String(), n.digits) {
			t.Fatalf("%q prints whole", n.digits)
		}
		if again, err := Parse(n.E164(), country); err != nil || again != n {
			t.Fatalf("%q again: %q %v", n.digits, again.digits, err)
		}
	})
}
