package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"attestd/queue"
)

// The table counts says how many rows there are of each kind; migration 18 keeps it, within each change.

// countsSQL reads the counts of what is counted, kinds together.
const countsSQL = `SELECT word, sum(n) FROM counts WHERE what = $1 GROUP BY word`

// recountSQL is what the table should hold.
const recountSQL = `SELECT 'messages' AS what, '' AS kind, state AS word, count(*) AS n FROM messages GROUP BY state
 UNION ALL SELECT 'filings', '', state, count(*) FROM filings GROUP BY state
 UNION ALL SELECT 'queued', '', CAST(priority AS TEXT), count(*) FROM segments WHERE state = 'queued' GROUP BY priority
 UNION ALL SELECT 'webhooks', endpoint, state, count(*) FROM webhook_deliveries GROUP BY endpoint, state`

// Recount compares the counts with the rows and puts right what is wrong, which nothing but a change from outside can
// have
// made so. It reads whole indexes: once a day is enough.
func (s *Store) Recount(ctx context.Context) (wrong int, err error) {
	err = s.readRow(ctx, `SELECT (SELECT count(*) FROM (`+recountSQL+` EXCEPT SELECT what, kind, word, n FROM counts) AS missing)
 + (SELECT count(*) FROM (SELECT what, kind, word, n FROM counts WHERE n <> 0 EXCEPT SELECT what, kind, word, n FROM (`+recountSQL+`) AS rows) AS stray)`).Scan(&wrong)
	if err != nil || wrong == 0 {
		return 0, explain(err)
	}
	return wrong, s.Update(ctx, func(tx *Tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM counts`); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO counts (what, kind, word, n) `+recountSQL)
		return err
	})
}

// Waiting is what stands in the queue now.
type Waiting struct {
	ByPriority map[queue.Priority]int // messages' parts that wait to be sent
	Oldest     time.Time              // since when the longest-waiting part that may go has been due; zero for none
}

// Waiting says what waits. The oldest is found by a few seeks for each modem that something waits for by name.
func (s *Store) Waiting(ctx context.Context) (Waiting, error) {
	w := Waiting{ByPriority: map[queue.Priority]int{}}
	byPriority, err := s.counted(ctx, "queued")
	if err != nil {
		return w, err
	}
	for word, n := range byPriority {
		p, err := strconv.Atoi(word)
		if err != nil {
			return w, fmt.Errorf("counts: a priority %q", word)
		}
		if n > 0 {
			w.ByPriority[queue.Priority(p)] = n
		}
	}
	oldest := time.Now()
	for lane, more := "", true; more; {
		for p := range w.ByPriority {
			due, err := scanTime(s.readRow(ctx, `SELECT coalesce(min(due), 0) FROM segments WHERE state = 'queued' AND lane = $1 AND priority = $2`, lane, int(p)))
			if err != nil {
				return w, err
			}
			if !due.IsZero() && !due.After(oldest) {
				oldest, w.Oldest = due, due
			}
		}
		err := s.readRow(ctx, `SELECT lane FROM segments WHERE state = 'queued' AND lane > $1 ORDER BY lane LIMIT 1`, lane).Scan(&lane)
		if more = err == nil; !more && !errors.Is(err, sql.ErrNoRows) {
			return w, err
		}
	}
	return w, nil
}

// FilingCounts counts filings by state.
func (s *Store) FilingCounts(ctx context.Context) (map[string]int, error) {
	return s.counted(ctx, "filings")
}

// counted gives the counts of what is counted, by word.
func (s *Store) counted(ctx context.Context, what string) (map[string]int, error) {
	type count struct {
		word string
		n    int
	}
	rows, err := s.readQuery(ctx, countsSQL, what)
	all, err := collect(rows, err, func(r scanner) (c count, err error) {
		err = r.Scan(&c.word, &c.n)
		return c, err
	})
	counts := map[string]int{}
	for _, c := range all {
		if c.n != 0 {
			counts[c.word] = c.n
		}
	}
	return counts, err
}
