package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/msisdn"
	"attestd/internal/seal"
	"attestd/queue"
)

func draft(t testing.TB, i int) queue.Draft {
	t.Helper()
	to, err := msisdn.Parse(fmt.Sprintf("139%08d", 77_000_000+i), "86")
	if err != nil {
		t.Fatal(err)
	}
	return queue.Draft{To: to, Text: "the code is 915273", Priority: queue.Urgent, Origin: "test"}
}

func enqueue(t testing.TB, s *Store, d queue.Draft) (m queue.Message) {
	t.Helper()
	err := s.Update(context.Background(), func(tx *Tx) (err error) {
		m, err = queue.Enqueue(context.Background(), tx, queue.DefaultPolicy(), d, time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestInvariantNoTextAndNoNumberStandsPlainInTheDatabase(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{URL: "sqlite://" + filepath.Join(dir, "t.db"), Keys: seal.Random()})
	if err != nil {
		t.Fatal(err)
	}
	q := queue.New(s.Queue(), queue.DefaultPolicy(), nil)
	m := enqueue(t, s, draft(t, 1))
	if matched, err := q.Report(t.Context(), queue.Report{SIM: "s", MR: 3, Recipient: "+8613977000001", Raw: []byte("8613977000001"), Received: time.Now()}); matched || err != nil {
		t.Fatal(matched, err)
	}
	if _, err := q.Cancel(t.Context(), queue.Everyone, m.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{"915273", "13977000001"} {
			if bytes.Contains(text, []byte(plain)) {
				t.Errorf("%s holds %q", filepath.Base(f), plain)
			}
		}
	}
}

func TestAMessageReadsBackAsItWasWritten(t *testing.T) {
	s := open(t)
	d := draft(t, 1)
	d.Text = strings.Repeat("long 長い ", 40)
	d.Report, d.Flash, d.Repeatable, d.PID, d.Modem = true, true, true, 0x41, "m7"
	d.IdempotencyKey = "key"
	d.Deadline = time.Now().Add(time.Hour).Truncate(time.Microsecond).UTC()
	want := enqueue(t, s, d)
	got, err := s.Message(t.Context(), queue.Everyone, want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Draft != d {
		t.Errorf("draft\n%+v, want\n%+v", got.Draft, d)
	}
	if got.Segments != want.Segments || len(got.Parts) != want.Segments || got.Segments < 2 || got.Ref != want.Ref || got.Ref == 0 || got.Alphabet != want.Alphabet {
		t.Errorf("%+v", got)
	}
	p := got.Parts[1]
	if p.Seq != 2 || p.State != queue.Queued || p.Lane != "modem:m7" || p.MR != -1 || p.Status != -1 || p.MessageID != got.ID {
		t.Errorf("%+v", p)
	}
	next := enqueue(t, s, func() queue.Draft { d.IdempotencyKey = ""; return d }())
	if next.Ref != want.Ref+1 {
		t.Errorf("reference %d after %d", next.Ref, want.Ref)
	}
	if _, err := s.Message(t.Context(), queue.Everyone, "none"); !errors.Is(err, queue.ErrNotFound) {
		t.Errorf("no such message: %v", err)
	}
}

func TestMessagesAreListedNewestFirstPageByPage(t *testing.T) {
	s := open(t)
	var ids []string
	for i := range 25 {
		ids = append(ids, enqueue(t, s, draft(t, i%5)).ID)
	}
	q := queue.New(s.Queue(), queue.DefaultPolicy(), nil)
	if _, err := q.Cancel(t.Context(), queue.Everyone, ids[3]); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for f := (queue.Filter{Owner: queue.Everyone, Limit: 10}); ; {
		items, next, err := s.Messages(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range items {
			seen = append(seen, m.ID)
		}
		if next == "" {
			break
		}
		f.Cursor = next
	}
	if len(seen) != 25 || seen[0] != ids[24] || seen[24] != ids[0] {
		t.Errorf("%d listed", len(seen))
	}
	for name, c := range map[string]struct {
		f queue.Filter
		n int
	}{
		"state":  {queue.Filter{Owner: queue.Everyone, State: queue.Cancelled}, 1},
		"number": {queue.Filter{Owner: queue.Everyone, To: draft(t, 2).To}, 5},
		"both":   {queue.Filter{Owner: queue.Everyone, To: draft(t, 3).To, State: queue.Queued}, 4},
	} {
		if items, next, err := s.Messages(t.Context(), c.f); err != nil || len(items) != c.n || next != "" {
			t.Errorf("by %s: %d, %q, %v, want %d", name, len(items), next, err, c.n)
		}
	}
	counts, err := s.MessageCounts(t.Context())
	if err != nil || counts[queue.Queued] != 24 || counts[queue.Cancelled] != 1 || len(counts) != len(queue.States) {
		t.Errorf("%v, %v", counts, err)
	}
}

func TestTextsAreWipedWithTheEndAndNumbersLater(t *testing.T) {
	s := open(t)
	p := queue.DefaultPolicy()
	p.KeepTexts = time.Hour
	q := queue.New(s.Queue(), p, nil)
	m, waits := enqueue(t, s, draft(t, 1)), enqueue(t, s, draft(t, 2))
	if _, err := q.Cancel(t.Context(), queue.Everyone, m.ID); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	for _, c := range []struct {
		after        time.Duration
		text, number bool
	}{
		{59 * time.Minute, true, true},
		{61 * time.Minute, false, true},
		{p.KeepNumbers + time.Minute, false, false},
	} {
		next, err := q.Sweep(t.Context(), ended.Add(c.after))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Message(t.Context(), queue.Everyone, m.ID)
		if err != nil || got.Text != "" != c.text || got.To.IsZero() == c.number || got.Wiped == c.text || got.Locked {
			t.Errorf("after %v: %+v, %v", c.after, got, err)
		}
		if c.number && next.IsZero() {
			t.Errorf("after %v nothing is due any more", c.after)
		}
	}
	if got, _ := s.Message(t.Context(), queue.Everyone, waits.ID); got.State != queue.Expired { // 30 days later
		t.Errorf("%s", got.State)
	}
}

func TestAMessageThatCannotBeOpenedWaitsAndHoldsUpNobody(t *testing.T) {
	s := open(t)
	lost := enqueue(t, s, draft(t, 1))
	right := seal.Random()
	right.Replace(s.keys)
	s.keys.Replace(seal.Random())
	good := enqueue(t, s, draft(t, 2))
	work, unwatch := s.Watch(TopicWork)
	defer unwatch()
	q := queue.New(s.Queue(), queue.DefaultPolicy(), nil)
	d := queue.NewDispatcher(q, work, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	sent := make(chan struct{}, 9)
	d.Attach(queue.Line{Station: "m0", Submit: func(context.Context, queue.Submission) queue.Outcome {
		sent <- struct{}{}
		return queue.Outcome{Kind: queue.OutcomeAccepted}
	}})
	<-sent
	stop()
	<-ended
	if m, err := s.Message(t.Context(), queue.Everyone, lost.ID); err != nil || m.State != queue.Queued || !m.Locked || !m.Parts[0].Due.After(time.Now()) {
		t.Errorf("%s %s, %v", m.State, m.Reason, err)
	}
	if m, err := s.Message(t.Context(), queue.Everyone, good.ID); err != nil || m.State != queue.Submitted {
		t.Errorf("%s, %v", m.State, err)
	}
	s.keys.Replace(right) // the key is back
	if m, err := s.Message(t.Context(), queue.Everyone, lost.ID); err != nil || m.Locked || m.To.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestEveryHotQueryIsASeek keeps a claim's cost flat with a million rows: no step of its plan may read a table through.
func TestEveryHotQueryIsASeek(t *testing.T) {
	s := open(t)
	for name, text := range map[string]string{
		"head":      headSQL,
		"next due":  nextDueSQL,
		"due":       `SELECT message_id, seq FROM segments WHERE state IN ('submitted', 'unknown') AND due <= $1 ORDER BY due LIMIT $2`,
		"deadline":  `SELECT message_id, seq FROM segments WHERE state IN ('queued', 'submitting') AND state = 'queued' AND deadline <= $1 ORDER BY deadline LIMIT $2`,
		"message":   selectWithParts + `WHERE m.id = $1 ORDER BY s.seq`,
		"origin":    selectWithParts + `WHERE m.origin = $1 AND m.ended = 0 ORDER BY m.id, s.seq`,
		"open":      `SELECT id FROM attempts WHERE result = '' ORDER BY started LIMIT $1`,
		"reference": `SELECT id FROM attempts WHERE sim = $1 AND mr = $2 AND mr >= 0 AND started >= $3 ORDER BY started DESC LIMIT $4`,
		"doubtful":  `SELECT id FROM attempts WHERE result = 'unknown' AND sim = $1 AND started >= $2 ORDER BY started DESC LIMIT $3`,
		"before":    `SELECT id FROM attempts WHERE sim = $1 AND started <= $2 AND (started < $2 OR id < $3) ORDER BY started DESC, id DESC LIMIT $4`,
		"held":      `SELECT id FROM held_reports WHERE sim = $1 AND mr BETWEEN $2 AND $3 ORDER BY received`,
	} {
		rows, err := s.reads.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+text, []any{1, 1, 1, 1}[:placeholders(text)]...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			scansTable := strings.HasPrefix(detail, "SCAN ") && !strings.Contains(detail, "USING") && !strings.Contains(detail, "heads") &&
				!strings.HasPrefix(detail, "SCAN l") && !strings.HasPrefix(detail, "SCAN (")
			sorts := strings.Contains(detail, "TEMP B-TREE") && name != "head" && name != "held" && name != "origin" // of a handful of rows
			if scansTable || sorts {
				t.Errorf("%s: %s", name, detail)
			}
		}
		_ = rows.Close()
	}
}

// placeholders counts the arguments that a statement takes.
func placeholders(text string) (n int) {
	for strings.Contains(text, placeholder(n+1)) {
		n++
	}
	return n
}
