package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/internal/seal"
	"attestd/queue"
	"attestd/verify"
)

// TestEveryColumnThatAKeyMadeIsKnownToTheReSealer looks at the schema: a migration that adds a BLOB has to say here what it is.
func TestEveryColumnThatAKeyMadeIsKnownToTheReSealer(t *testing.T) {
	s := open(t)
	notKeyed := map[string]bool{"tokens.hash": true} // SHA-256 of what is random
	known := map[string]bool{}
	for _, k := range keyedTables {
		for c := range k.sealed {
			known[k.table+"."+c] = true
		}
		for _, c := range append(k.hashes, k.packed) {
			known[k.table+"."+c] = true
		}
		if len(k.sealed) > 0 && len(k.columns()) != len(k.sealed)+len(k.hashes) {
			t.Errorf("%s: columns() leaves one out", k.table)
		}
	}
	rows, err := s.readQuery(t.Context(), `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND p.type = 'BLOB'`)
	columns, err := collect(rows, err, func(r scanner) (name string, err error) {
		var table, column string
		err = r.Scan(&table, &column)
		return table + "." + column, err
	})
	if err != nil || len(columns) < 15 {
		t.Fatal(columns, err)
	}
	for _, c := range columns {
		if !known[c] && !notKeyed[c] {
			t.Errorf("%s: say in keyedTables how it is re-sealed, or that it cannot be", c)
		}
	}
}

// fill makes a row of every kind: open and ended, with a text that waits for its other half, a held report, a refused PIN.
func fill(t *testing.T, r *rig) (filing verify.Filing) {
	t.Helper()
	ctx := context.Background()
	filing = r.file(twoPersons())
	synctest.Wait()
	if got := r.check(other(r.code(phoneA), 1), phoneA, tailA); got != verify.ResultWrong {
		t.Fatal(got)
	}
	if _, err := r.v.CreateChallenge(ctx, verify.ChallengeRequest{Origin: "platform", To: "13700137000"}); err != nil {
		t.Fatal(err)
	}
	to, _ := msisdn.Parse("13600136000", "86")
	for key, modem := range map[string]string{"waits": "absent", "": "absent", "sent": ""} {
		if _, err := r.q.Enqueue(ctx, queue.Draft{To: to, Text: "plain " + key, Origin: "platform", IdempotencyKey: key, Modem: modem, Report: true}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	b := inbox.New(r.s.Inbox(), inbox.Policy{}, nil)
	for _, tpdu := range append(partsOf(t, sender, twoParts("inbound"), time.Now()), partsOf(t, sender, twoParts("half of it"), time.Now())[0]) {
		if _, _, err := b.Receive(ctx, inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.q.Report(ctx, queue.Report{SIM: "elsewhere", Station: "m0", MR: 9, Recipient: "+8613600136000", Received: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := r.s.EndPIN(ctx, "card", "1234", true); err != nil {
		t.Fatal(err)
	}
	return filing
}

// readable says what of all that fill made can be read and found.
func readable(t *testing.T, r *rig, filing string) string {
	t.Helper()
	ctx := context.Background()
	var b strings.Builder
	f := r.filing(filing)
	fmt.Fprintln(&b, f.Persons[0].Name, f.Persons[1].Name)
	page, _, err := r.s.Messages(ctx, queue.Filter{Owner: queue.Everyone, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page {
		fmt.Fprintln(&b, m.To.E164(), m.Text, m.Locked)
	}
	for _, n := range []string{phoneA, phoneB, "13700137000", "13600136000"} {
		to, _ := msisdn.Parse(n, "86")
		page, _, err := r.s.Messages(ctx, queue.Filter{Owner: queue.Everyone, Limit: 100, To: to})
		if err != nil {
			t.Fatal(err)
		}
		err = r.s.Update(ctx, func(tx *Tx) error {
			macs := r.keys.MACs(numberPurpose, []byte(to.E164()))
			open, err := tx.ChallengesOfNumber(ctx, macs, time.Time{})
			if err != nil {
				return err
			}
			for _, c := range open {
				number, err := r.keys.Open(c.NumberSealed, "challenge:"+c.ID)
				code, err2 := r.keys.Open(c.CodeSealed, "code:"+c.ID)
				if errors.Join(err, err2) != nil {
					t.Errorf("a challenge cannot be opened: %v", errors.Join(err, err2))
				}
				fmt.Fprintln(&b, string(number), string(code))
			}
			sent, err := tx.SentSince(ctx, macs, "code", time.Time{})
			fmt.Fprintln(&b, n, len(page), len(open), len(sent))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, it := range items(t, r.s) {
		fmt.Fprintln(&b, it.From, it.Text, it.Readable)
	}
	err = r.s.Update(ctx, func(tx *Tx) error {
		held, err := tx.HeldReports(ctx, "elsewhere", -1)
		for _, h := range held {
			fmt.Fprintln(&b, h.Report.Recipient)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func noPause(int) error { return nil }

// older counts what an older key is still needed for.
func older(t *testing.T, s *Store) (sealed, hashes map[string]int) {
	t.Helper()
	uses, err := s.KeyUses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sealed, hashes = map[string]int{}, map[string]int{}
	for _, u := range uses {
		switch {
		case u.Generation == s.keys.Current():
		case u.Sealed:
			sealed[u.Table+"."+u.Column] += u.Values
		default:
			hashes[u.Table+"."+u.Column] += u.Values
		}
	}
	return sealed, hashes
}

// rotated is the ring after a rotation of one that sealWith(1) made.
func rotated(t *testing.T) (old, both, last *seal.Keyring) {
	t.Helper()
	old, err1 := sealWith(map[byte]byte{1: 1})
	both, err2 := sealWith(map[byte]byte{1: 1, 2: 2})
	last, err3 := sealWith(map[byte]byte{2: 2})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return old, both, last
}

func TestReSealingMovesAllThatCanBeAndWhatIsLeftIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, both, last := rotated(t)
		r := newKeyedRig(t, old)
		filing := fill(t, r)
		before := readable(t, r, filing.ID)
		r.keys = both
		r.restart(true)
		if got := readable(t, r, filing.ID); got != before {
			t.Errorf("after the rotation\n%s\nbefore it\n%s", got, before)
		}
		var told int
		moved, lost, err := r.s.Reseal(t.Context(), func(n int) error { told = n; return nil })
		if err != nil || lost != 0 || moved < 30 || told != moved {
			t.Fatal(moved, lost, told, err)
		}
		sealed, hashes := older(t, r.s)
		if len(sealed) != 0 {
			t.Errorf("still sealed under the older key: %v", sealed)
		}
		want := map[string]int{"persons.tail_macs": 2, "challenges.tail_macs": 2, "filings.body_mac": 1, "stored_answers.id": 1, "meta.refused PINs": 1}
		if fmt.Sprint(hashes) != fmt.Sprint(want) {
			t.Errorf("hashes under the older key: %v, want %v", hashes, want)
		}
		if again, _, err := r.s.Reseal(t.Context(), noPause); err != nil || again != 0 {
			t.Errorf("a second time moves %d, %v", again, err)
		}
		// A refused PIN moves when it is asked for.
		if err := r.s.BeginPIN(t.Context(), "card", "1234", true); !errors.Is(err, ErrPINRefused) {
			t.Error(err)
		}
		if _, hashes := older(t, r.s); hashes["meta.refused PINs"] != 0 {
			t.Error("the refused PIN is still under the older key")
		}
		// The code, re-sealed and hashed anew, is right; its tail is compared under the older key.
		if got := r.check(r.code(phoneA), phoneA, tailA); got != verify.ResultVerified {
			t.Error(got)
		}
		// A replay of a message that waits is known by its new fingerprint.
		to, _ := msisdn.Parse("13600136000", "86")
		if _, err := r.q.Enqueue(t.Context(), queue.Draft{To: to, Text: "plain waits", Origin: "platform", IdempotencyKey: "waits", Modem: "absent", Report: true}); err != nil {
			t.Error(err)
		}
		// Without the older key everything that is sealed is still read.
		if err := r.s.RetireGeneration(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		r.keys = last
		r.restart(true)
		got := readable(t, r, filing.ID)
		if strings.Contains(got, "true\n") != strings.Contains(before, "true\n") || !strings.Contains(got, "王五 赵六") {
			t.Errorf("without the older key\n%s", got)
		}
	})
}

// TestWhereverReSealingDiesNothingBecomesUnreadableAndItGoesOn dies at every boundary of every batch.
func TestWhereverReSealingDiesNothingBecomesUnreadableAndItGoesOn(t *testing.T) {
	for where, name := range map[boundary]string{beforeCommit: "before COMMIT", afterCommit: "after COMMIT"} {
		deaths := 0
		for nth := 1; ; nth++ {
			died := false
			synctest.Test(t, func(t *testing.T) {
				old, both, _ := rotated(t)
				r := newKeyedRig(t, old)
				filing := fill(t, r)
				before := readable(t, r, filing.ID)
				d := &death{where: where}
				r.stop()
				r.keys, r.fail = both, d.reach
				r.start(false)
				d.mu.Lock()
				d.count, d.nth = 0, nth
				d.mu.Unlock()
				_, _, err := r.s.Reseal(t.Context(), noPause)
				if died = d.struck(); died != errors.Is(err, errDied) {
					t.Fatal(died, err)
				}
				r.stop()
				d.revive()
				r.start(false)
				if got := readable(t, r, filing.ID); got != before {
					t.Errorf("%s %d: after the death\n%s\nbefore\n%s", name, nth, got, before)
				}
				if _, lost, err := r.s.Reseal(t.Context(), noPause); err != nil || lost != 0 {
					t.Error(lost, err)
				}
				if sealed, _ := older(t, r.s); len(sealed) != 0 {
					t.Errorf("%s %d: it did not go on: %v", name, nth, sealed)
				}
			})
			if !died || t.Failed() {
				break
			}
			deaths++
		}
		if deaths < 5 {
			t.Errorf("%s: died only %d times", name, deaths)
		}
		t.Logf("%s: died %d times", name, deaths)
	}
}

func TestAValueThatNoKeyOpensStaysAsItIsAndIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, both, _ := rotated(t)
		r := newKeyedRig(t, old)
		fill(t, r)
		if err := r.s.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.exec(t.Context(), `UPDATE persons SET name = $1 WHERE place = 0`, []byte("\x01damaged"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r.keys = both
		r.restart(true)
		if _, lost, err := r.s.Reseal(t.Context(), noPause); err != nil || lost != 1 {
			t.Errorf("%d lost, %v", lost, err)
		}
		if sealed, _ := older(t, r.s); sealed["persons.name"] != 1 {
			t.Errorf("%v", sealed)
		}
	})
}

func TestWhoServesNotesTheKeyItSealsUnder(t *testing.T) {
	_, both, _ := rotated(t)
	r := newRig(t, nil)
	if n, err := r.s.NotedGeneration(t.Context()); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	r.keys.Replace(both)
	if err := r.s.NoteGeneration(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := r.s.NotedGeneration(t.Context()); err != nil || n != 2 {
		t.Fatal(n, err)
	}
}
