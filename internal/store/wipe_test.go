package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/inbox"
	"attestd/verify"
)

const keepDays = 30 * 24 * time.Hour

var keptLong = Keep{Persons: keepDays, Keys: keepDays, Events: keepDays, Audit: 6 * keepDays}

// dumpAll is every column of every table, as text and as octets.
func dumpAll(t *testing.T, s *Store) string {
	t.Helper()
	ctx := context.Background()
	rows, err := s.readQuery(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	tables, err := collect(rows, err, func(r scanner) (name string, err error) { return name, r.Scan(&name) })
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range tables {
		rows, err := s.reads.QueryContext(ctx, "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, dest := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				if octets, ok := v.([]byte); ok {
					v = string(octets)
				}
				fmt.Fprintf(&b, "%s.%s=%v\n", table, columns[i], v)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// sweepAll is an hour's work of the gateway's sweepers.
func sweepAll(t *testing.T, r *rig, b *inbox.Inbox) {
	t.Helper()
	ctx := context.Background()
	_, err1 := r.v.Sweep(ctx, time.Now())
	_, err2 := r.q.Sweep(ctx, time.Now())
	_, err3 := b.Sweep(ctx, time.Now())
	_, err4 := r.s.Wipe(ctx, time.Now(), keptLong)
	_, err5 := r.s.ForgetWebhooks(ctx, time.Now().Add(-keepDays), time.Now().Add(-keepDays))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
}

func TestAfterThirtyDaysTheDatabaseHoldsNeitherNumberNorHashNorName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		filing := fill(t, r)
		b := inbox.New(r.s.Inbox(), inbox.Policy{Keep: keepDays}, nil)
		if uses, err := r.s.KeyUses(t.Context()); err != nil || len(uses) < 15 {
			t.Fatal(uses, err)
		}
		for range 8 { // everything ends by itself
			time.Sleep(12 * time.Hour)
			sweepAll(t, r, b)
		}
		f := r.filing(filing.ID)
		if !f.State.Terminal() || f.Persons[0].Name != "王五" || f.Persons[0].Mobile == "" || len(f.Challenges[0].NumberMAC) == 0 {
			t.Fatalf("too early: %s %q %q", f.State, f.Persons[0].Name, f.Persons[0].Mobile)
		}
		time.Sleep(keepDays)
		sweepAll(t, r, b)
		uses, err := r.s.KeyUses(t.Context())
		if err != nil || len(uses) != 1 || uses[0].Table != "meta" {
			t.Errorf("still there: %+v, %v", uses, err)
		}
		all := dumpAll(t, r.s)
		for _, trace := range []string{"138****8000", "139****9000", "waits", "13600136000", phoneA, "王五"} {
			if i := strings.Index(all, trace); i >= 0 {
				t.Errorf("%q is still there: %q", trace, all[max(0, i-100):i+20])
			}
		}
		if f = r.filing(filing.ID); f.State != verify.FilingRejected || f.Persons[0].Role != verify.EntityHead || len(f.Challenges) != 2 {
			t.Errorf("what became of it is gone too: %+v", f)
		}
		if n, err := r.s.MessageCounts(t.Context()); err != nil || n["expired"]+n["unreported"] == 0 {
			t.Errorf("counts %v, %v", n, err)
		}
	})
}

func TestEventsStayUntilAllWhoAreToBeToldWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		req := onePerson()
		req.Callback = "https://platform.example/x"
		r.file(req)
		synctest.Wait()
		count := func() int {
			all, err := r.s.Events(t.Context(), 0, "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		before := count()
		time.Sleep(2 * keepDays)
		done, err := r.s.Wipe(t.Context(), time.Now(), keptLong)
		if err != nil {
			t.Fatal(err)
		}
		left := count()
		if left == 0 || left >= before || done["events"] != before-left {
			t.Errorf("%d of %d events are left, %d wiped", left, before, done["events"])
		}
		if err := r.s.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.exec(t.Context(), `UPDATE webhook_deliveries SET state = 'delivered', ended = $1`, micros(time.Now().Add(-2*keepDays)))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if more, err := r.s.ForgetWebhooks(t.Context(), time.Now(), time.Now()); err != nil || more {
			t.Fatal(more, err)
		}
		if _, err := r.s.Wipe(t.Context(), time.Now(), keptLong); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 0 {
			t.Errorf("%d events are left", n)
		}
		last, err := r.s.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.s.Update(t.Context(), func(tx *Tx) error { return tx.Emit(t.Context(), "n", "x", "", nil) }); err != nil {
			t.Fatal(err)
		}
		if next, err := r.s.LastEvent(t.Context()); err != nil || next <= int64(before) || next <= last {
			t.Errorf("the stream begins anew at %d after %d", next, before)
		}
	})
}

func TestWhatIsWipedIsOverwrittenInTheFileAndInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		f := r.file(onePerson())
		synctest.Wait()
		sealed := r.filing(f.ID).Persons[0].NameSealed
		mac := r.filing(f.ID).Challenges[0].NumberMAC
		stands := func() (n int) {
			for _, file := range []string{r.path, r.path + "-wal"} {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				n += bytes.Count(raw, sealed) + bytes.Count(raw, mac)
			}
			return n
		}
		if stands() == 0 {
			t.Fatal("nothing to wipe")
		}
		if _, err := r.v.CancelFiling(t.Context(), verify.Everyone, f.ID, ""); err != nil {
			t.Fatal(err)
		}
		b := inbox.New(r.s.Inbox(), inbox.Policy{}, nil)
		for _, wait := range []time.Duration{72 * time.Hour, keepDays} {
			time.Sleep(wait)
			sweepAll(t, r, b)
		}
		if err := r.s.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := stands(); n != 0 {
			t.Errorf("it stands %d times", n)
		}
	})
}

func TestTheTextOfAReplyGoesAtTheNextSweepAndThatItCameStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		b := inbox.New(r.s.Inbox(), inbox.Policy{}, func(ctx context.Context, tx inbox.Tx, it inbox.Item) error {
			if strings.HasPrefix(it.Text, "048213") {
				return tx.MarkItem(ctx, it.ID, inbox.Mark{Rule: "replies", Action: inbox.Reply})
			}
			return nil
		})
		for _, text := range []string{"048213 02531X", "hello"} {
			for _, tpdu := range partsOf(t, sender, text, time.Now()) {
				if _, _, err := b.Receive(t.Context(), inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if done, err := r.s.Wipe(t.Context(), time.Now(), keptLong); err != nil || done["inbox_items"] != 1 {
			t.Fatal(done, err)
		}
		if done, err := r.s.Wipe(t.Context(), time.Now(), keptLong); err != nil || len(done) != 0 {
			t.Error(done, err)
		}
		all := items(t, r.s)
		if len(all) != 2 || all[1].Text != "" || !all[1].Readable || all[0].Text != "hello" || all[1].Action != inbox.Reply {
			t.Errorf("%+v", all)
		}
		// The network repeats it: it is known, and not a new text.
		for _, tpdu := range partsOf(t, sender, "048213 02531X", time.Now()) {
			if _, again, err := b.Receive(t.Context(), inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()}); err != nil || !again {
				t.Error(again, err)
			}
		}
	})
}
