package pdu

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValidityIsRoundedDownAndNeverOutlivesTheDeadline(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		left time.Duration
		want byte
	}{
		{time.Second, 0}, {5 * time.Minute, 0}, {9 * time.Minute, 0}, {10 * time.Minute, 1}, {15*time.Minute - 1, 1},
		{12 * time.Hour, 143}, {12*time.Hour + 29*time.Minute, 143}, {12*time.Hour + 30*time.Minute, 144},
		{day, 167}, {2*day - 1, 167}, {2 * day, 168}, {30 * day, 196}, {35*day - 1, 196}, {35 * day, 197},
		{63 * 7 * day, 255}, {1000 * day, 255},
	} {
		if got := codeValidity(c.left); got != c.want {
			t.Errorf("%v is coded %d, want %d", c.left, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		left := time.Duration(rapid.Int64Range(1, int64(500*day)).Draw(t, "left"))
		code := codeValidity(left)
		if got := relativeValidity(code); got > left && code != 0 {
			t.Fatalf("%v left, but the network tries for %v", left, got)
		}
		if code < 255 && relativeValidity(code+1) <= left {
			t.Fatalf("%v left: %d is not the longest that fits", left, code)
		}
	})
}

func TestASubmitIsWhatTheSpecificationDraws(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Message
		smsc string
		want string
	}{
		{"international", Message{To: "+8613800138000", Text: "hello"}, "", "0001000D91683108108300F0000005E8329BFD06"},
		{"short code", Message{To: "10086", Text: "hello"}, "", "000100" + "05810180F6" + "0000" + "05E8329BFD06"},
		{"report, validity, flash, replace", Message{To: "10086", Text: "hello", StatusReport: true, Validity: time.Hour, Flash: true, PID: 0x41}, "+8613800100500",
			"0891683108100005F0" + "3100" + "05810180F6" + "4110" + "0B" + "05E8329BFD06"},
		{"Chinese", Message{To: "10086", Text: "验证"}, "", "000100" + "05810180F6" + "0008" + "04" + "9A8C8BC1"},
		{"semi-octets", Message{To: "*#06#", Text: ""}, "", "000100" + "0581BA60FB" + "0000" + "00"},
	} {
		s, err := Encode(c.m)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if got := Frame(c.smsc, s[0].TPDU); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestWhatCannotBeSentIsRefusedWithoutShowingTheNumber(t *testing.T) {
	gsm := GSM7
	for _, c := range []struct {
		m    Message
		want string
	}{
		{Message{To: ""}, "to: has no digits"},
		{Message{To: "+"}, "to: has no digits"},
		{Message{To: "+86138x0138000"}, "to: has a character that is no digit"},
		{Message{To: "123456789012345678901"}, "to: has 21 digits"},
		{Message{To: "10086", Validity: -time.Second}, "validity: is already over"},
		{Message{To: "10086", Text: "验", Alphabet: &gsm}, "text: has a character"},
	} {
		_, err := Encode(c.m)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.m, err)
		}
		if err != nil && len(c.m.To) > 5 && strings.Contains(err.Error(), strings.Trim(c.m.To, "+")) {
			t.Errorf("the error shows the number: %v", err)
		}
	}
}

func TestAForcedAlphabetIsKept(t *testing.T) {
	wide, data := UCS2, Data8
	s, err := Encode(Message{To: "10086", Text: "hello", Alphabet: &wide})
	if err != nil || s[0].Alphabet != UCS2 || s[0].Units != 5 {
		t.Fatal(s, err)
	}
	s, err = Encode(Message{To: "10086", Text: strings.Repeat("\xFF", 141), Alphabet: &data})
	if err != nil || len(s) != 2 || s[0].Units != 134 {
		t.Fatal(s, err)
	}
}

func TestARecipientIsTheSameInNationalAndInternationalForm(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"+8613800138000", "13800138000", true},
		{"+8613800138000", "+8613800138000", true},
		{"+8613800138000", "8613800138000", true},
		{"+8613800138000", "008613800138000", true},
		{"+8613800138000", "013800138000", true},
		{"+447700900123", "07700900123", true},
		{"+5491122334455", "+541122334455", true},
		{"+8613800138000", "+8613900138000", false},
		{"+8613800138000", "13900138000", false},
		{"+8613800138000", "+8613800138001", false},
		{"10086", "10086", true},
		{"10086", "86", false},
		{"10086", "+10086", true},
		{"10086", "8610086", false},
		{"Bank", "Bank", true},
		{"Bank", "Bang", false},
		{"", "", false},
		{"+8613800138000", "", false},
		{"+1#68", "13800138168", false},
	} {
		if SameRecipient(c.a, c.b) != c.want || SameRecipient(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}

func TestTwoModemsDoNotRaceForTheTables(t *testing.T) {
	done := make(chan struct{})
	for range 2 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 50 {
				if _, err := Encode(Message{To: "10086", Text: "hello €"}); err != nil {
					t.Error(err)
				}
				septetText([]byte{esc, 'e', 'a'}, 6, 3)
			}
		}()
	}
	<-done
	<-done
}

func BenchmarkEncodeOnePart(b *testing.B) { benchmarkEncode(b, "Your code is 123456.") }
func BenchmarkEncodeChinese(b *testing.B) {
	benchmarkEncode(b, "【attestd】验证码123456，24小时内有效。")
}
func BenchmarkEncodeTenParts(b *testing.B) { benchmarkEncode(b, strings.Repeat("hello, ", 210)) }

func benchmarkEncode(b *testing.B, text string) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(Message{To: "+8613800138000", Text: text, StatusReport: true, Validity: time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, o := range map[string]DeliverOptions{
		"gsm7": {From: "+8613800138000", Text: strings.Repeat("a", 160), SCTS: time.Now()},
		"ucs2": {From: "+8613800138000", Text: strings.Repeat("验", 70), SCTS: time.Now()},
	} {
		tpdus, err := EncodeDeliver(o)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(tpdus[0], MT); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
