package store

import (
	"context"
	"time"

	"attestd/queue"
)

// Waiting is what stands in the queue now.
type Waiting struct {
	ByPriority map[queue.Priority]int // messages' parts that wait to be sent
	Oldest     time.Time              // since when the longest-waiting part that may go has been due; zero for none
}

// Waiting counts what waits, from the index that the dispatcher takes work from.
func (s *Store) Waiting(ctx context.Context) (Waiting, error) {
	w := Waiting{ByPriority: map[queue.Priority]int{}}
	type row struct {
		priority queue.Priority
		n        int
		oldest   int64
	}
	rows, err := s.readQuery(ctx, `SELECT priority, count(*), min(due) FROM segments WHERE state = 'queued' GROUP BY priority`)
	all, err := collect(rows, err, func(r scanner) (one row, err error) {
		err = r.Scan(&one.priority, &one.n, &one.oldest)
		return one, err
	})
	now := time.Now()
	for _, one := range all {
		w.ByPriority[one.priority] = one.n
		if due := fromMicros(one.oldest); !due.After(now) && (w.Oldest.IsZero() || due.Before(w.Oldest)) {
			w.Oldest = due
		}
	}
	return w, err
}

// FilingCounts counts filings by state, from an index.
func (s *Store) FilingCounts(ctx context.Context) (map[string]int, error) {
	return s.countBy(ctx, `SELECT state, count(*) FROM filings GROUP BY state`)
}

// countBy runs a query that gives a word and a number a row.
func (s *Store) countBy(ctx context.Context, text string) (map[string]int, error) {
	type count struct {
		word string
		n    int
	}
	rows, err := s.readQuery(ctx, text)
	all, err := collect(rows, err, func(r scanner) (c count, err error) {
		err = r.Scan(&c.word, &c.n)
		return c, err
	})
	counts := map[string]int{}
	for _, c := range all {
		counts[c.word] = c.n
	}
	return counts, err
}
