package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/inbox"
	"attestd/internal/seal"
	"attestd/pdu"
)

const (
	sender = "+8613800138000"
	sim    = "89860012345678901234"
)

// partsOf are the TPDUs of a text as they come off the air.
func partsOf(t testing.TB, from, text string, at time.Time) [][]byte {
	t.Helper()
	tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: from, Text: text, Ref: 7, SCTS: at})
	if err != nil {
		t.Fatal(err)
	}
	return tpdus
}

func twoParts(word string) string { return strings.Repeat(word+" ", 60)[:300] }

func receive(t testing.TB, b *inbox.Inbox, tpdu []byte) (*inbox.Item, bool) {
	t.Helper()
	it, duplicate, err := b.Receive(context.Background(), inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return it, duplicate
}

func items(t testing.TB, s *Store) []inbox.Item {
	t.Helper()
	all, err := s.InboxItems(context.Background(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAShortTextIsAnItemAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
		sent := time.Now().Add(-time.Minute).In(time.FixedZone("", 8*3600)).Truncate(time.Second)
		it, duplicate := receive(t, b, partsOf(t, sender, "123456 12345X", sent)[0])
		if it == nil || duplicate {
			t.Fatal(it, duplicate)
		}
		for _, got := range []inbox.Item{*it, items(t, s)[0]} {
			if got.From != sender || got.Text != "123456 12345X" || got.Modem != "m0" || got.SIM != sim || !got.Complete || !got.Readable ||
				got.Damaged || !got.Sent.Equal(sent) || got.Sent.Format(time.RFC3339) != sent.Format(time.RFC3339) || got.Received.IsZero() || got.Stored.IsZero() {
				t.Fatalf("%+v", got)
			}
		}
	})
}

func TestEveryPartIsOnDiskBeforeReceiveReturnsAndAWholeTextIsHandedOnOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	keys := seal.Random()
	reopen := func() *Store {
		s, err := Open(t.Context(), Options{URL: "sqlite://" + path, Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	p := partsOf(t, sender, twoParts("alpha"), time.Now())
	handed := 0
	count := func(context.Context, inbox.Tx, inbox.Item) error { handed++; return nil }

	s := reopen()
	if it, duplicate := receive(t, inbox.New(s.Inbox(), inbox.Policy{}, count), p[1]); it != nil || duplicate {
		t.Fatal("half a message was handed on", it, duplicate)
	}
	if err := s.Close(); err != nil { // as good as a crash: the part was committed
		t.Fatal(err)
	}

	s = reopen()
	b := inbox.New(s.Inbox(), inbox.Policy{}, count)
	if it, duplicate := receive(t, b, p[1]); it != nil || !duplicate {
		t.Fatal("the network repeats what it was not told that we have:", it, duplicate)
	}
	it, _ := receive(t, b, p[0])
	if it == nil || it.Text != twoParts("alpha") || it.Parts != 2 || handed != 1 {
		t.Fatalf("%+v, handed on %d times", it, handed)
	}
	for _, again := range p {
		repeat, duplicate := receive(t, b, again)
		if !duplicate || repeat == nil || repeat.ID != it.ID {
			t.Fatalf("a repeat is a duplicate of %s: %+v %v", it.ID, repeat, duplicate)
		}
	}
	if handed != 1 || len(items(t, s)) != 1 {
		t.Fatalf("handed on %d times, %d items", handed, len(items(t, s)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestARepeatWithAnotherMoreMessagesFlagIsARepeat(t *testing.T) {
	s := open(t)
	b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
	tpdu := partsOf(t, sender, "hello", time.Now())[0]
	receive(t, b, tpdu)
	again := bytes.Clone(tpdu)
	again[0] ^= 0x04
	if _, duplicate := receive(t, b, again); !duplicate {
		t.Fatal("taken for a second message")
	}
	if _, duplicate := receive(t, b, partsOf(t, sender, "hello", time.Now().Add(2*time.Second))[0]); duplicate {
		t.Fatal("the same text sent again was taken for a repeat")
	}
}

func TestTheSameWordsWithoutATimeStampAreARepeatForTenMinutesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inbox.New(open(t).Inbox(), inbox.Policy{}, nil)
		tpdu := partsOf(t, sender, "yes", time.Time{})[0]
		receive(t, b, tpdu)
		time.Sleep(5 * time.Minute)
		if _, duplicate := receive(t, b, tpdu); !duplicate {
			t.Fatal("after 5 minutes it is a repeat")
		}
		time.Sleep(11 * time.Minute)
		if it, duplicate := receive(t, b, tpdu); duplicate || it.Text != "yes" || !it.Sent.IsZero() {
			t.Fatal("later it is a text of its own")
		}
	})
}

func TestAnIncompleteTextIsHandedOnAfterTheHoldTimeAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		handed := 0
		b := inbox.New(s.Inbox(), inbox.Policy{Hold: 24 * time.Hour}, func(context.Context, inbox.Tx, inbox.Item) error { handed++; return nil })
		came := time.Now()
		p := partsOf(t, sender, strings.Repeat("字", 200), came)
		receive(t, b, p[2])
		time.Sleep(time.Hour)
		receive(t, b, p[0])
		next, err := b.Sweep(t.Context(), time.Now())
		if err != nil || !next.Equal(came.Add(24*time.Hour)) || handed != 0 {
			t.Fatal(next, err, handed)
		}
		time.Sleep(time.Until(next))
		next, err = b.Sweep(t.Context(), time.Now())
		if err != nil || !next.IsZero() || handed != 1 {
			t.Fatal(next, err, handed)
		}
		it := items(t, s)[0]
		if it.Complete || it.Parts != 2 || it.Total != 3 || it.Text != strings.Repeat("字", 133) || !it.Received.Equal(came.Add(time.Hour)) {
			t.Fatalf("%+v", it)
		}
		if receive(t, b, p[1]); handed != 1 {
			t.Fatal("a part that comes after the hold time waits in a set of its own")
		}
	})
}

func TestManyIncompleteTextsAreHandedOnInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		b := inbox.New(s.Inbox(), inbox.Policy{Hold: time.Hour}, nil)
		for i := range 150 {
			receive(t, b, partsOf(t, "1069"+string(rune('0'+i%10))+string(rune('0'+i/10%10))+string(rune('0'+i/100)), twoParts("alpha"), time.Now())[0])
		}
		time.Sleep(time.Hour)
		if next, err := b.Sweep(t.Context(), time.Now()); err != nil || !next.IsZero() {
			t.Fatal(next, err)
		}
		if n := len(items(t, s)); n != 150 {
			t.Fatal(n)
		}
	})
}

func TestItemsAreDroppedWithTheirPartsWhenTheirTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		b := inbox.New(s.Inbox(), inbox.Policy{Keep: 30 * 24 * time.Hour}, nil)
		stored := time.Now()
		for range 100 {
			receive(t, b, partsOf(t, sender, "old", time.Now())[0])
			time.Sleep(time.Second)
		}
		time.Sleep(24 * time.Hour)
		receive(t, b, partsOf(t, sender, "new", time.Now())[0])
		fresh := time.Now()
		next, err := b.Sweep(t.Context(), time.Now())
		if err != nil || !next.Equal(stored.Add(30*24*time.Hour)) || len(items(t, s)) != 101 {
			t.Fatal(next, err)
		}
		time.Sleep(30*24*time.Hour - time.Hour)
		next, err = b.Sweep(t.Context(), time.Now())
		if all := items(t, s); err != nil || !next.Equal(fresh.Add(30*24*time.Hour)) || len(all) != 1 || all[0].Text != "new" {
			t.Fatal(next, err, len(all))
		}
		var parts int
		if err := s.readRow(t.Context(), `SELECT count(*) FROM inbox_parts`).Scan(&parts); err != nil || parts != 1 {
			t.Fatal(parts, err)
		}
	})
}

func TestOctetsOfWhichNothingCanBeMadeAreKept(t *testing.T) {
	s := open(t)
	b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
	submit, err := pdu.Encode(pdu.Message{To: sender, Text: "a draft in the modem"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tpdu := range [][]byte{{0x04, 0x0D}, {}, nil, {0xFF}, submit[0].TPDU} {
		it, duplicate := receive(t, b, tpdu)
		if duplicate {
			continue // nil is the same as empty
		}
		if it == nil || it.Readable || it.From != "" || it.Text != "" || !bytes.Equal(it.Data, tpdu) {
			t.Fatalf("%X: %+v", tpdu, it)
		}
	}
	if n := len(items(t, s)); n != 4 {
		t.Fatal(n)
	}
}

func TestWhenTheRulesFailNothingIsStoredAndTheModemKeepsTheMessage(t *testing.T) {
	s := open(t)
	failed := errors.New("no")
	b := inbox.New(s.Inbox(), inbox.Policy{}, func(context.Context, inbox.Tx, inbox.Item) error { return failed })
	tpdu := partsOf(t, sender, "hello", time.Now())[0]
	if _, _, err := b.Receive(t.Context(), inbox.Received{SIM: sim, TPDU: tpdu}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if len(items(t, s)) != 0 {
		t.Fatal("stored")
	}
	if _, duplicate := receive(t, inbox.New(s.Inbox(), inbox.Policy{}, nil), tpdu); duplicate {
		t.Fatal("a message that was never stored is no duplicate")
	}
}

func TestTheInboxIsListedInPages(t *testing.T) {
	s := open(t)
	b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
	for i := range 25 {
		receive(t, b, partsOf(t, sender, string(rune('a'+i)), time.Now())[0])
	}
	var text, before string
	for {
		page, err := s.InboxItems(t.Context(), before, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page {
			text += it.Text
			before = it.ID
			if one, err := s.InboxItem(t.Context(), inbox.Everyone, it.ID); err != nil || one.Text != it.Text {
				t.Fatal(one, err)
			}
		}
		if len(page) < 10 {
			break
		}
	}
	if text != "yxwvutsrqponmlkjihgfedcba" {
		t.Fatal(text)
	}
	if _, err := s.InboxItem(t.Context(), inbox.Everyone, "none"); !errors.Is(err, ErrNoItem) {
		t.Fatal(err)
	}
}

func TestNoNumberAndNoTextStandsReadableInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	s, err := Open(t.Context(), Options{URL: "sqlite://" + path, Keys: seal.Random()})
	if err != nil {
		t.Fatal(err)
	}
	b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
	p := partsOf(t, sender, twoParts("SECRET"), time.Now())
	receive(t, b, p[0])
	receive(t, b, partsOf(t, sender, "SECRET", time.Now())[0])
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range [][]byte{[]byte("SECRET"), []byte("13800138000"), p[0], p[0][4:12]} {
		if bytes.Contains(all, plain) {
			t.Fatalf("%q stands in the file", plain)
		}
	}
}

// A soak on lines that lose characters had one text of 1,173 in the inbox twice: once misread, and once whole.
func TestWhatWasNotReadWholeIsNoTextAndComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		b := inbox.New(s.Inbox(), inbox.Policy{}, nil)
		tpdu := partsOf(t, sender, "123456 12345X", time.Now().Truncate(time.Second))[0]
		short := append(bytes.Clone(tpdu[:len(tpdu)-1]), 0x00) // an octet of its end is wrong, and the rest can be read
		first, _, err := b.Receive(context.Background(), inbox.Received{Station: "m0", SIM: sim, TPDU: short, At: time.Now(), Misread: true})
		if err != nil || first == nil || first.Readable || first.From != "" || first.Text != "" || !bytes.Equal(first.Data, short) {
			t.Fatalf("%+v, %v", first, err)
		}
		whole, duplicate := receive(t, b, tpdu)
		if whole == nil || duplicate || !whole.Readable || whole.Text != "123456 12345X" {
			t.Fatalf("%+v, %v", whole, duplicate)
		}
		if all := items(t, s); len(all) != 2 {
			t.Errorf("%d items", len(all))
		}
	})
}
