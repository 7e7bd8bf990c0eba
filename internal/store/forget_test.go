package store

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/queue"
	"attestd/verify"
)

// traces says whether anything of a number is left: whole, masked, sealed or hashed, in any form.
func traces(t *testing.T, r *rig, number string) (found []string) {
	t.Helper()
	n, err := msisdn.Parse(number, "86")
	if err != nil {
		t.Fatal(err)
	}
	all := dumpAll(t, r.s)
	for _, shown := range []string{number, msisdn.Redact(number), n.String()} {
		if strings.Contains(all, shown) {
			found = append(found, shown)
		}
	}
	for _, form := range []string{n.E164(), n.National(), "86" + number} {
		for _, mac := range r.keys.MACs(numberPurpose, []byte(form)) {
			for rest := all; ; {
				i := strings.Index(rest, string(mac))
				if i < 0 {
					break
				}
				found = append(found, "hash: "+rest[strings.LastIndex(rest[:i], "\n")+1:i])
				rest = rest[i+1:]
			}
		}
	}
	return found
}

func TestAPersonWhoIsForgottenLeavesNoTraceAndTheOthersAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		filing := fill(t, r)
		a, _ := msisdn.Parse(phoneA, "86")
		b := inbox.New(r.s.Inbox(), inbox.Policy{}, nil)
		own := "+86" + phoneA
		for _, tpdu := range append(partsOf(t, own, "hello", time.Now()), partsOf(t, own, twoParts("half"), time.Now())[0]) {
			if _, _, err := b.Receive(t.Context(), inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.s.Update(t.Context(), func(tx *Tx) error {
			_, _, err := tx.AddOptOut(t.Context(), inbox.OptOutEntry{Number: a, Source: inbox.BySMS, Maker: "stop"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.q.Enqueue(t.Context(), queue.Draft{To: a, Text: "hi", Origin: "platform", IdempotencyKey: "k", Modem: "absent"}); err != nil {
			t.Fatal(err)
		}
		open, err := r.s.OpenWork(t.Context(), a)
		if err != nil || len(open.Filings) != 1 || len(open.Messages) != 1 || len(open.Challenges) != 0 {
			t.Fatalf("%+v, %v", open, err)
		}
		if _, err := r.s.Forget(t.Context(), a, false); !errors.Is(err, ErrOpenWork) {
			t.Fatalf("with an open filing: %v", err)
		}
		if _, err := r.v.CancelFiling(t.Context(), verify.Everyone, filing.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := r.s.Forget(t.Context(), a, false); !errors.Is(err, ErrInTheAir) {
			t.Fatalf("with a message that waits: %v", err)
		}
		if err := r.s.WithdrawAll(t.Context(), a, "its recipient is forgotten"); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, r.s)
		counted, err := r.s.Forget(t.Context(), a, true)
		if err != nil || dumpAll(t, r.s) != before {
			t.Fatalf("a dry run changed something, %v", err)
		}
		if len(traces(t, r, phoneA)) < 5 {
			t.Fatal("there is nothing to forget")
		}
		done, err := r.s.Forget(t.Context(), a, false)
		if err != nil || !maps.Equal(done, counted) {
			t.Fatalf("%v, counted %v, %v", done, counted, err)
		}
		for _, table := range []string{"messages", "challenges", "persons", "filings", "inbox_items", "inbox_parts", "sent_texts", "optouts", "stored_answers", "events"} {
			if done[table] == 0 {
				t.Errorf("nothing of %s: %v", table, done)
			}
		}
		left := traces(t, r, phoneA)
		if len(left) != 1 || !strings.HasPrefix(left[0], "hash: optouts.number_mac") {
			t.Errorf("left: %q", left)
		}
		f := r.filing(filing.ID)
		if f.Persons[0].Name != "" || f.Persons[1].Name != "赵六" || f.Persons[1].Mobile == "" || f.State != verify.FilingCancelled || f.Persons[0].Role != verify.EntityHead {
			t.Errorf("%+v", f)
		}
		if len(traces(t, r, phoneB)) < 3 {
			t.Error("the other person's traces are gone too")
		}
		if err := r.s.Update(t.Context(), func(tx *Tx) error {
			out, err := tx.OptedOut(t.Context(), a)
			if !out {
				t.Error("the opt-out was forgotten, too")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if again, err := r.s.Forget(t.Context(), a, false); err != nil || len(again) != 0 {
			t.Errorf("a second time: %v, %v", again, err)
		}
		if r.events("number.forgotten", "") != 2 {
			t.Error("it is not told")
		}
	})
}

func TestForgettingKillsNothingHalfWhenItDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &death{where: beforeCommit}
		r := newRig(t, nil)
		filing := fill(t, r)
		a, _ := msisdn.Parse(phoneA, "86")
		if _, err := r.v.CancelFiling(t.Context(), verify.Everyone, filing.ID, ""); err != nil {
			t.Fatal(err)
		}
		if err := r.s.WithdrawAll(t.Context(), a, ""); err != nil {
			t.Fatal(err)
		}
		r.stop()
		r.fail = d.reach
		r.start(false)
		before := dumpAll(t, r.s)
		d.mu.Lock()
		d.count, d.nth = 0, 1
		d.mu.Unlock()
		if _, err := r.s.Forget(t.Context(), a, false); !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		r.stop()
		d.revive()
		r.start(false)
		if dumpAll(t, r.s) != before {
			t.Error("it is half done")
		}
	})
}
