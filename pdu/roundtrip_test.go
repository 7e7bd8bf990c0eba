package pdu

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func nfc(s string) string { return norm.NFC.String(s) }

// drawText draws texts that people and attackers write: plain, at the edges of a part, full of escapes, Chinese, emoji.
func drawText(t *rapid.T) string {
	gsm := make([]rune, 0, len(gsmSeptets))
	for r := range gsmSeptets {
		gsm = append(gsm, r)
	}
	slices.Sort(gsm)
	letters := rapid.SampledFrom(gsm)
	escaped := rapid.SampledFrom([]rune("^{}\\[~]|€\f"))
	wide := rapid.SampledFrom([]rune("验证码您的😀👍🏽é字"))
	runes := rapid.OneOf(letters, escaped)
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 1:
		runes = rapid.OneOf(letters, wide)
	case 2:
		runes = rapid.Rune()
	}
	return string(rapid.SliceOfN(runes, 0, 700).Draw(t, "text"))
}

func drawMessage(t *rapid.T) Message {
	return Message{
		To:           rapid.StringMatching(`\+?[1-9][0-9]{2,14}`).Draw(t, "to"),
		Text:         drawText(t),
		Validity:     time.Duration(rapid.Int64Range(0, int64(500*24*time.Hour)).Draw(t, "validity")),
		StatusReport: rapid.Bool().Draw(t, "report"),
		Flash:        rapid.Bool().Draw(t, "flash"),
		Ref:          rapid.Uint16().Draw(t, "ref"),
		WideRef:      rapid.Bool().Draw(t, "wide"),
	}
}

func TestAnyTextSurvivesEncodingDecodingAndJoining(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		submits, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		var contents []Content
		for _, s := range submits {
			p, err := Decode(s.TPDU, MO)
			if err != nil {
				t.Fatal(err)
			}
			c := p.Submit.Content
			if c.Damaged || p.Submit.To.String() != m.To || (c.Class != nil) != m.Flash || p.Submit.StatusReport != m.StatusReport {
				t.Fatalf("%+v", p.Submit)
			}
			if len(submits) > 1 && (c.Concat == nil || c.Concat.Seq != s.Seq || c.Concat.Total != s.Total) {
				t.Fatalf("part %d of %d reads as %+v", s.Seq, s.Total, c.Concat)
			}
			contents = append(contents, c)
		}
		rand.New(rand.NewPCG(1, uint64(len(m.Text)))).Shuffle(len(contents), func(i, j int) {
			contents[i], contents[j] = contents[j], contents[i]
		})
		if got := JoinContents(contents); got != nfc(m.Text) {
			t.Fatalf("got %q, want %q", got, nfc(m.Text))
		}
	})
}

func TestNoPartCutsACharacterInTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		submits, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		var whole strings.Builder
		for _, s := range submits {
			p, err := Decode(s.TPDU, MO)
			if err != nil {
				t.Fatal(err)
			}
			whole.WriteString(p.Submit.Text)
			if len(s.TPDU) > 164 {
				t.Fatalf("a TPDU of %d octets", len(s.TPDU))
			}
		}
		// Each part read alone, then put end to end, is the text: so no pair was cut.
		if whole.String() != nfc(m.Text) {
			t.Fatalf("got %q, want %q", whole.String(), nfc(m.Text))
		}
	})
}

func TestGSM7IsNeverUsedForACharacterOutsideItsTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.Rune().Draw(t, "rune")
		l, err := Plan(string(r))
		if err != nil {
			t.Fatal(err)
		}
		_, in := gsmSeptets[[]rune(nfc(string(r)))[0]]
		if (l.Alphabet == GSM7) != in {
			t.Fatalf("%U goes out as %v", r, l.Alphabet)
		}
	})
	for _, r := range []rune{0x1B, '`', '\t', 'ç', 0, '\u00A0'} {
		if l, _ := Plan(string(r)); l.Alphabet != UCS2 {
			t.Errorf("%U goes out as %v", r, l.Alphabet)
		}
	}
}

func TestPartsHoldWhatTheSpecificationSays(t *testing.T) {
	for _, c := range []struct {
		unit     string
		wide     bool
		n, parts int
		first    int
	}{
		{"a", false, 160, 1, 160}, {"a", false, 161, 2, 153}, {"a", false, 306, 2, 153}, {"a", false, 307, 3, 153},
		{"a", true, 160, 1, 160}, {"a", true, 161, 2, 152}, {"a", true, 304, 2, 152}, {"a", true, 305, 3, 152},
		{"字", false, 70, 1, 70}, {"字", false, 71, 2, 67}, {"字", false, 134, 2, 67}, {"字", false, 135, 3, 67},
		{"字", true, 70, 1, 70}, {"字", true, 71, 2, 66}, {"字", true, 132, 2, 66}, {"字", true, 133, 3, 66},
		{"€", false, 80, 1, 160}, {"€", false, 81, 2, 152}, // 153 is odd: a pair must not be cut
		{"😀", false, 35, 1, 70}, {"😀", false, 36, 2, 66},
	} {
		submits, err := Encode(Message{To: "+8613800138000", Text: strings.Repeat(c.unit, c.n), WideRef: c.wide})
		if err != nil {
			t.Fatal(err)
		}
		if len(submits) != c.parts || submits[0].Units != c.first {
			t.Errorf("%d x %s, wide %v: %d parts, %d units in the first; want %d and %d", c.n, c.unit, c.wide, len(submits), submits[0].Units, c.parts, c.first)
		}
	}
}

func TestMoreThan255PartsAreRefused(t *testing.T) {
	if s, err := Encode(Message{To: "10086", Text: strings.Repeat("a", 255*153)}); err != nil || len(s) != 255 {
		t.Fatal(len(s), err)
	}
	if _, err := Encode(Message{To: "10086", Text: strings.Repeat("a", 255*153+1)}); err != ErrTooLong {
		t.Fatal(err)
	}
	if _, err := Plan(strings.Repeat("字", 255*67+1)); err != ErrTooLong {
		t.Fatal(err)
	}
}

func TestPlanCountsWhatEncodeSends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		l, err := Plan(text)
		if err != nil {
			t.Fatal(err)
		}
		submits, err := Encode(Message{To: "10086", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		units := 0
		for _, s := range submits {
			units += s.Units
		}
		if len(submits) != l.Segments || units != l.Units || submits[0].Alphabet != l.Alphabet {
			t.Fatalf("%+v, but %d parts of %d units", l, len(submits), units)
		}
		if l.Alphabet == GSM7 { // the room is real: as many letters fit, one more does not
			full, _ := Plan(text + strings.Repeat("a", l.Room))
			over, _ := Plan(text + strings.Repeat("a", l.Room+1))
			if full.Segments != l.Segments || full.Room != 0 || over.Segments <= l.Segments {
				t.Fatalf("%+v, full %+v, over %+v", l, full, over)
			}
		}
	})
}

func TestASplitCharacterIsWholeAgainWhenThePartsAreJoined(t *testing.T) {
	part := func(a Alphabet, seq int, units []byte) Deliver {
		d := Deliver{Content: Content{Alphabet: a, Units: units, Concat: &Concat{Total: 2, Seq: seq}}}
		return d
	}
	if got := JoinText([]Deliver{part(GSM7, 2, []byte{0x65, 'b'}), part(GSM7, 1, []byte{'a', esc})}); got != "a€b" {
		t.Errorf("escape: %q", got)
	}
	pair := utf16.Encode([]rune("😀"))
	hi, lo := []byte{byte(pair[0] >> 8), byte(pair[0])}, []byte{byte(pair[1] >> 8), byte(pair[1])}
	if got := JoinText([]Deliver{part(UCS2, 1, hi), part(UCS2, 2, lo)}); got != "😀" {
		t.Errorf("surrogates: %q", got)
	}
	gap := part(UCS2, 3, lo)
	if got := JoinText([]Deliver{part(UCS2, 1, hi), gap}); got != "\uFFFD\uFFFD" {
		t.Errorf("halves on both sides of a gap: %q", got)
	}
}
