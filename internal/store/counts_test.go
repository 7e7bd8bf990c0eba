package store

import (
	"testing"
	"time"

	"attestd/queue"
)

func TestCountsFollowTheRowsAndWhatIsWrongIsPutRight(t *testing.T) {
	s := open(t)
	q := queue.New(s.Queue(), queue.DefaultPolicy(), nil)
	bulk := draft(t, 1)
	bulk.Priority = queue.Bulk
	for i, d := range []queue.Draft{draft(t, 0), bulk, draft(t, 2)} {
		m := enqueue(t, s, d)
		if i == 2 {
			if _, err := q.Cancel(t.Context(), queue.Everyone, m.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	byState, err := s.MessageCounts(t.Context())
	if err != nil || byState[queue.Queued] != 2 || byState[queue.Cancelled] != 1 || byState[queue.Delivered] != 0 {
		t.Errorf("%v %v", byState, err)
	}
	w, err := s.Waiting(t.Context())
	if err != nil || w.ByPriority[queue.Urgent] != 1 || w.ByPriority[queue.Bulk] != 1 || len(w.ByPriority) != 2 || time.Since(w.Oldest) > time.Minute {
		t.Errorf("%+v %v", w, err)
	}
	if wrong, err := s.Recount(t.Context()); err != nil || wrong != 0 {
		t.Errorf("%d are wrong: %v", wrong, err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.exec(t.Context(), `UPDATE counts SET n = 7 WHERE word = 'queued'`); err != nil {
			return err
		}
		_, err := tx.exec(t.Context(), `DELETE FROM counts WHERE word = 'cancelled'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if wrong, err := s.Recount(t.Context()); err != nil || wrong == 0 {
		t.Errorf("%d %v", wrong, err)
	}
	if again, err := s.MessageCounts(t.Context()); err != nil || again[queue.Queued] != 2 || again[queue.Cancelled] != 1 {
		t.Errorf("%v %v", again, err)
	}
}

func TestTheOldestThatWaitsIsFoundAmongThoseForOneModem(t *testing.T) {
	s := open(t)
	for i, modem := range []string{"", "m7", "m8"} {
		d := draft(t, i)
		d.Modem = modem
		enqueue(t, s, d)
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Microsecond)
	if err := s.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(t.Context(), `UPDATE segments SET due = $1 WHERE lane LIKE '%m8'`, micros(old))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if w, err := s.Waiting(t.Context()); err != nil || !w.Oldest.Equal(old) || w.ByPriority[queue.Urgent] != 3 {
		t.Errorf("%+v %v", w, err)
	}
}
