package store

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"attestd/internal/inbox"
	"attestd/pdu"
)

func TestAReusedReferenceNeverMixesTwoTextsInTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
		old := partsOf(t, "106900", twoParts("alpha"), time.Now())
		receive(t, b, old[0])
		time.Sleep(2 * time.Hour)
		fresh := partsOf(t, "106900", twoParts("bravo"), time.Now())
		if it, _ := receive(t, b, fresh[1]); it != nil {
			t.Fatalf("mixed: %.60q", it.Text)
		}
		if it, _ := receive(t, b, fresh[0]); it == nil || it.Text != twoParts("bravo") {
			t.Fatal(it)
		}
		if it, _ := receive(t, b, old[1]); it == nil || it.Text != twoParts("alpha") {
			t.Fatal(it)
		}
	})
}

func TestTwoSIMsDoNotShareParts(t *testing.T) {
	b := inbox.New(open(t).Inbox(), inbox.Policy{}, nil)
	p := partsOf(t, sender, twoParts("alpha"), time.Now())
	receive(t, b, p[0])
	it, duplicate, err := b.Receive(t.Context(), inbox.Received{Station: "m1", SIM: "other", TPDU: p[1]})
	if it != nil || duplicate || err != nil {
		t.Fatal(it, duplicate, err)
	}
}

func TestTwoStationsWhoseCardsHaveNoNumberDoNotShareParts(t *testing.T) {
	s := open(t)
	b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
	short := partsOf(t, sender, "to all of you", time.Now())[0]
	p := partsOf(t, sender, twoParts("alpha"), time.Now())
	for i, station := range []string{"m0", "m1"} {
		for _, tpdu := range [][]byte{short, p[i]} {
			it, duplicate, err := b.Receive(t.Context(), inbox.Received{Station: station, TPDU: tpdu})
			if err != nil || duplicate || (it == nil) == (&tpdu[0] == &short[0]) || it != nil && it.SIM != "" {
				t.Fatal(station, it, duplicate, err)
			}
		}
	}
}

func TestTwoStationsReceiveAtOnceAndNothingIsLost(t *testing.T) {
	s := open(t)
	b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
	var all sync.WaitGroup
	for _, station := range []string{"a", "b"} {
		p := partsOf(t, sender, strings.Repeat(station, 1000), time.Now())
		for _, tpdu := range append(p, p...) {
			all.Go(func() {
				if _, _, err := b.Receive(t.Context(), inbox.Received{Station: station, SIM: station, TPDU: tpdu}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	got := items(t, s)
	if len(got) != 2 || got[0].Text == got[1].Text || len(got[0].Text) != 1000 {
		t.Fatalf("%d items", len(got))
	}
}

// The CLI joins in memory, the gateway in the database: the same parts give the same texts.
func TestTheDatabaseJoinsAsTheCommandLineDoes(t *testing.T) {
	s := open(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
		start := time.Now().Truncate(time.Second)
		var air [][]byte
		for i := range rapid.IntRange(1, 4).Draw(t, "messages") {
			tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{
				From: rapid.SampledFrom([]string{"106900", "+8613800138000"}).Draw(t, "from"),
				Text: strings.Repeat(string(rune('a'+i)), rapid.SampledFrom([]int{5, 200, 400}).Draw(t, "length")),
				Ref:  uint16(rapid.IntRange(1, 2).Draw(t, "ref")),
				SCTS: start.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "minute")) * time.Minute),
			})
			if err != nil {
				t.Fatal(err)
			}
			air = append(air, tpdus...)
		}
		air = rapid.Permutation(append(air, air...)).Draw(t, "order")
		air = air[:rapid.IntRange(0, len(air)).Draw(t, "arrived")]
		var assembler inbox.Assembler
		for _, tpdu := range air {
			d, err := pdu.Decode(tpdu, pdu.MT)
			if err != nil {
				t.Fatal(err)
			}
			whole, complete := assembler.Add(inbox.Piece{From: d.Deliver.From, SCTS: d.Deliver.SCTS, Content: d.Deliver.Content})
			it, duplicate, err := b.Receive(context.Background(), inbox.Received{Station: "m0", SIM: strconv.Itoa(run), TPDU: tpdu, At: start})
			if err != nil {
				t.Fatal(err)
			}
			if got := it != nil && !duplicate; got != complete || complete && it.Text != whole.Text {
				t.Fatalf("the database says %v %v, memory %v %.40q", it, duplicate, complete, whole.Text)
			}
		}
	})
}
