package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/internal/seal"
	"attestd/queue"

	"github.com/ncruces/go-sqlite3"
)

// judged is an inbox whose rules do as act says, and what became of the latest text.
func judged(t testing.TB, s *Store, act func(tx *Tx, r inbox.Rule, seen inbox.Seen) (bool, error)) (b *inbox.Inbox, latest func() (inbox.Mark, error)) {
	t.Helper()
	var mark inbox.Mark
	var failed error
	b = inbox.New(s.Inbox(), inbox.Policy{}, func(ctx context.Context, tx inbox.Tx, it inbox.Item) (err error) {
		mark, failed, err = inbox.Judge(ctx, tx, inbox.DefaultRules(), it, "86", func(r inbox.Rule, seen inbox.Seen) (bool, error) {
			return act(tx.(*Tx), r, seen)
		})
		return err
	})
	return b, func() (inbox.Mark, error) { return mark, failed }
}

// optOut is what a rule may do.
func optOut(tx *Tx, seen inbox.Seen) error {
	_, _, err := tx.AddOptOut(context.Background(), inbox.OptOutEntry{Number: seen.Number, Source: inbox.BySMS, Maker: "stop"})
	return err
}

func optedOut(t testing.TB, s *Store, number string) (out bool) {
	t.Helper()
	n, err := msisdn.Parse(number, "86")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) (err error) { out, err = tx.OptedOut(t.Context(), n); return err }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestARuleThatFailsCostsItsOwnWorkAndNotTheText(t *testing.T) {
	wrong := errors.New("it went wrong")
	for name, fail := range map[string]func() error{
		"an error": func() error { return wrong },
		"a panic":  func() error { panic("123456") },
	} {
		s := open(t)
		b, latest := judged(t, s, func(tx *Tx, _ inbox.Rule, seen inbox.Seen) (bool, error) {
			if err := optOut(tx, seen); err != nil {
				return false, err
			}
			return true, fail()
		})
		it, duplicate := receive(t, b, partsOf(t, sender, "TD", time.Now())[0])
		if it == nil || duplicate {
			t.Fatal(name, it, duplicate)
		}
		mark, failed := latest()
		if failed == nil || strings.Contains(failed.Error(), "123456") || !mark.Failed {
			t.Errorf("%s: %+v %v", name, mark, failed)
		}
		all := items(t, s)
		if len(all) != 1 || all[0].Text != "TD" || all[0].Rule != "stop" || all[0].Action != inbox.OptOut || !all[0].Failed {
			t.Errorf("%s: %+v", name, all)
		}
		if optedOut(t, s, sender) {
			t.Errorf("%s: half of the rule's work stands", name)
		}
		if events, err := s.Events(t.Context(), 0, it.ID, 10); err != nil || len(events) != 2 || events[1].Type != "inbox.rule_failed" {
			t.Errorf("%s: %+v %v", name, events, err)
		}
		if _, again := receive(t, b, partsOf(t, sender, "TD", all[0].Sent)[0]); !again {
			t.Errorf("%s: the text is taken twice", name)
		}
	}
}

func TestWhenTheDatabaseFailsARuleTheModemKeepsTheTextAndTheNextTryDoesIt(t *testing.T) {
	s := open(t)
	full := true
	b, latest := judged(t, s, func(tx *Tx, _ inbox.Rule, seen inbox.Seen) (bool, error) {
		if err := optOut(tx, seen); err != nil {
			return false, err
		}
		if full {
			return false, sqlite3.FULL
		}
		return true, nil
	})
	tpdu := partsOf(t, sender, "TD", time.Now())[0]
	if _, _, err := b.Receive(t.Context(), inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()}); !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	if len(items(t, s)) != 0 || optedOut(t, s, sender) {
		t.Error("something of it stands")
	}
	full = false
	if it, duplicate := receive(t, b, tpdu); it == nil || duplicate {
		t.Fatal(it, duplicate)
	}
	if mark, failed := latest(); mark.Rule != "stop" || failed != nil || !optedOut(t, s, sender) {
		t.Errorf("%+v %v", mark, failed)
	}
}

func TestAReplyThatFailedKeepsItsTextUntilTheInboxDropsIt(t *testing.T) {
	s := open(t)
	fail := true
	b, _ := judged(t, s, func(*Tx, inbox.Rule, inbox.Seen) (bool, error) {
		if fail {
			return false, errors.New("it went wrong")
		}
		return true, nil
	})
	receive(t, b, partsOf(t, sender, "048213 02531X", time.Now())[0])
	fail = false
	receive(t, b, partsOf(t, sender, "048214 02531X", time.Now())[0])
	if done, err := s.Wipe(t.Context(), time.Now(), keptLong); err != nil || done["inbox_items"] != 1 {
		t.Fatal(done, err)
	}
	if all := items(t, s); len(all) != 2 || all[0].Text != "" || all[1].Text != "048213 02531X" || !all[1].Failed {
		t.Errorf("%+v", all)
	}
}

func TestARuleThatTakesNothingLeavesTheTextToTheNext(t *testing.T) {
	s := open(t)
	var asked []string
	b, latest := judged(t, s, func(_ *Tx, r inbox.Rule, _ inbox.Seen) (bool, error) {
		asked = append(asked, r.Name)
		return false, nil
	})
	receive(t, b, partsOf(t, sender, "TD", time.Now())[0])
	if mark, failed := latest(); mark.Rule != "" || failed != nil || strings.Join(asked, " ") != "stop replies" {
		t.Errorf("%+v %v %v", mark, failed, asked)
	}
	if it := items(t, s)[0]; it.Rule != "" || it.Action != "" || it.Failed {
		t.Errorf("%+v", it)
	}
}

func TestHalfATextIsJudgedByNoRule(t *testing.T) {
	s := open(t)
	b, latest := judged(t, s, func(*Tx, inbox.Rule, inbox.Seen) (bool, error) { return true, nil })
	receive(t, b, partsOf(t, sender, twoParts("alpha"), time.Now())[0])
	if _, err := b.Sweep(t.Context(), time.Now().Add(100*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if it := items(t, s)[0]; it.Complete || it.Rule != "" {
		t.Errorf("%+v", it)
	}
	if mark, _ := latest(); mark.Rule != "" {
		t.Errorf("%+v", mark)
	}
}

func TestAnOptOutHoldsUnderTheKeyThatMadeItAndUnderTheNext(t *testing.T) {
	path := "sqlite://" + filepath.Join(t.TempDir(), "t.db")
	master := func(b byte) []byte { return []byte(strings.Repeat(string(rune('a'+b)), 32)) }
	at := func(masters map[byte][]byte, do func(s *Store)) {
		keys, err := seal.New(masters)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Options{URL: path, Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		do(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	add := func(s *Store) (added bool) {
		if err := s.Update(t.Context(), func(tx *Tx) (err error) {
			_, added, err = tx.AddOptOut(t.Context(), inbox.OptOutEntry{Number: draft(t, 1).To, Source: inbox.ByAPI, Maker: "crm"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return added
	}
	at(map[byte][]byte{1: master(1)}, func(s *Store) {
		if !add(s) || add(s) {
			t.Error("it is added once")
		}
	})
	at(map[byte][]byte{1: master(1), 2: master(2)}, func(s *Store) {
		if !optedOut(t, s, draft(t, 1).To.E164()) || optedOut(t, s, draft(t, 2).To.E164()) || add(s) {
			t.Error("the list is not the same under a new key")
		}
		if all, err := s.OptOuts(t.Context(), "", 10); err != nil || len(all) != 1 || all[0].Number != draft(t, 1).To || all[0].Maker != "crm" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestWhatAnOptOutStopsIsFoundByNumberWhateverItsPriority(t *testing.T) {
	s := open(t)
	d := draft(t, 1)
	var want []string
	for _, p := range []queue.Priority{queue.Bulk, queue.Normal, queue.Urgent} {
		d.Priority, d.Necessary = p, p == queue.Urgent
		want = append(want, enqueue(t, s, d).ID)
	}
	enqueue(t, s, draft(t, 2))
	var got []string
	if err := s.Update(t.Context(), func(tx *Tx) error {
		open, err := tx.OpenTo(t.Context(), d.To)
		for _, m := range open {
			got = append(got, m.ID)
			if m.Necessary != (m.Priority == queue.Urgent) {
				t.Errorf("what was declared necessary is not: %+v", m)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%v, want %v", got, want)
	}
}
