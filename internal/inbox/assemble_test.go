package inbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"attestd/pdu"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// piecesOf are the parts of a text as they come off the air.
func piecesOf(t testing.TB, from, text string, ref uint16, at time.Time) []Piece {
	t.Helper()
	tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: from, Text: text, Ref: ref, SCTS: at})
	if err != nil {
		t.Fatal(err)
	}
	var pieces []Piece
	for _, b := range tpdus {
		p, err := pdu.Decode(b, pdu.MT)
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, Piece{From: p.Deliver.From, SCTS: p.Deliver.SCTS, Content: p.Deliver.Content})
	}
	return pieces
}

func long(word string) string { return strings.Repeat(word+" ", 60)[:300] } // two parts

func feed(a *Assembler, pieces ...Piece) (texts []string) {
	for _, p := range pieces {
		if w, ok := a.Add(p); ok {
			texts = append(texts, w.Text)
		}
	}
	return texts
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("got %.60q\nwant %.60q", got, want)
	}
}

func TestPartsOutOfOrderAndRepeatedMakeOneMessage(t *testing.T) {
	var a Assembler
	p := piecesOf(t, "+8613800138000", long("alpha"), 7, noon)
	expect(t, feed(&a, p[1], p[1], p[0], p[0], p[1]), long("alpha"))
	if rest := a.Rest(); len(rest) != 0 {
		t.Fatalf("%+v", rest)
	}
}

func TestARepeatedShortTextIsOneMessageAndTheSameWordsLaterAreAnother(t *testing.T) {
	one, later := piecesOf(t, "106900", "hello", 7, noon), piecesOf(t, "106900", "hello", 7, noon.Add(time.Second))
	unstamped := piecesOf(t, "106900", "hello", 7, time.Time{})
	var a Assembler
	expect(t, feed(&a, one[0], one[0], later[0], unstamped[0], unstamped[0]), "hello", "hello", "hello", "hello")
}

func TestAReusedReferenceNeverMixesTwoTexts(t *testing.T) {
	first := piecesOf(t, "106900", long("alpha"), 7, noon)
	again := piecesOf(t, "106900", long("bravo"), 7, noon.Add(time.Minute))
	later := piecesOf(t, "106900", long("bravo"), 7, noon.Add(3*time.Hour))
	for _, c := range []struct {
		name   string
		pieces []Piece
		want   []string
		rest   int
	}{
		{"one after the other", []Piece{first[0], first[1], again[0], again[1]}, []string{long("alpha"), long("bravo")}, 0},
		{"interleaved", []Piece{first[0], again[0], again[1], first[1]}, []string{long("bravo"), long("alpha")}, 0},
		{"interleaved, the older first", []Piece{first[0], again[0], first[1], again[1]}, []string{long("alpha"), long("bravo")}, 0},
		{"the second halves first", []Piece{again[1], first[1], first[0], again[0]}, []string{long("alpha"), long("bravo")}, 0},
		{"a stale half and a fresh one", []Piece{first[0], later[1]}, nil, 2},
		{"a stale half and a whole", []Piece{first[0], later[1], later[0]}, []string{long("bravo")}, 1},
		{"the same text again, hours later", []Piece{again[0], again[1], later[0], later[1]}, []string{long("bravo"), long("bravo")}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a Assembler
			expect(t, feed(&a, c.pieces...), c.want...)
			if rest := a.Rest(); len(rest) != c.rest {
				t.Fatalf("%d sets are left, want %d", len(rest), c.rest)
			}
		})
	}
}

func TestASetThatCannotBeToldFromAnotherStaysApart(t *testing.T) {
	one, two := piecesOf(t, "106900", long("alpha"), 7, noon), piecesOf(t, "106900", long("bravo"), 7, noon)
	var a Assembler
	expect(t, feed(&a, one[0], two[0], one[1], two[1]))
	for _, w := range a.Rest() {
		if w.Complete() || w.Parts != 1 {
			t.Fatalf("%+v", w)
		}
	}
}

func TestSendersAndWidthsAreKeptApart(t *testing.T) {
	one, two := piecesOf(t, "+8613800138000", long("alpha"), 7, noon), piecesOf(t, "8613800138000", long("alpha"), 7, noon)
	var a Assembler
	expect(t, feed(&a, one[0], two[1]))
	wide := one[1]
	c := *wide.Content.Concat
	c.Bits = 16
	wide.Content.Concat = &c
	expect(t, feed(&a, wide))
	if len(a.Rest()) != 3 {
		t.Fatal(a.Rest())
	}
}

func TestWithoutTimeStampsPartsStillJoin(t *testing.T) {
	p := piecesOf(t, "106900", long("alpha"), 7, time.Time{})
	q := piecesOf(t, "106900", long("alpha"), 7, time.Time{})
	var a Assembler
	expect(t, feed(&a, p[0], p[0], p[1]), long("alpha"))
	expect(t, feed(&a, q[0], q[1]), long("alpha")) // the same again is a message of its own
}

func TestAnIncompleteMessageSaysWhatIsMissing(t *testing.T) {
	p := piecesOf(t, "106900", strings.Repeat("字", 200), 7, noon) // three parts
	var a Assembler
	feed(&a, p[2], p[0])
	w := a.Rest()[0]
	if w.Complete() || w.Parts != 2 || w.Total != 3 || fmt.Sprint(w.Missing) != "[2]" || w.Text != strings.Repeat("字", 67+66) {
		t.Fatalf("%+v", w)
	}
}

// However parts of many messages are shuffled, repeated and lost, what comes out whole is one of the texts that went in.
func TestNoMixtureOfTextsEverComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "messages")
		sent := map[string]int{}
		var pieces []Piece
		for i := range n {
			text := strings.Repeat(string(rune('a'+i)), rapid.SampledFrom([]int{200, 400}).Draw(t, "length"))
			sent[text]++
			// One reference for all, an hour apart: further than any two parts of one message.
			at := noon.Add(time.Duration(i) * time.Hour)
			tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: "106900", Text: text, Ref: 1, SCTS: at})
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range tpdus {
				p, _ := pdu.Decode(b, pdu.MT)
				pieces = append(pieces, Piece{From: p.Deliver.From, SCTS: p.Deliver.SCTS, Content: p.Deliver.Content})
			}
		}
		order := rapid.Permutation(append(pieces, pieces...)).Draw(t, "order")
		order = order[:rapid.IntRange(0, len(order)).Draw(t, "arrived")]
		var a Assembler
		for _, p := range order {
			if w, ok := a.Add(p); ok {
				if sent[w.Text] == 0 {
					t.Fatalf("a message that nobody sent, or sent once: %.80q", w.Text)
				}
				sent[w.Text]--
			}
		}
		for _, w := range a.Rest() {
			if strings.Trim(w.Text, w.Text[:1]) != "" {
				t.Fatalf("two texts in one: %.80q", w.Text)
			}
		}
	})
}

func TestASenderWithOneReferenceForEverDoesNotSlowUsDown(t *testing.T) {
	p := piecesOf(t, "106900", long("alpha"), 7, noon)[0]
	var a Assembler
	for i := range 20000 {
		q := p
		q.Content.Units = []byte(fmt.Sprint(i))
		a.Add(q)
	}
	if len(a.Rest()) != 20000 {
		t.Fatal(len(a.Rest()))
	}
}
