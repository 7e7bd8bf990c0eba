package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"attestd/queue"
)

// headSQL takes the first due part of each lane at each priority, a seek each in segments_claim, and the best of
// those. One ORDER BY over all lanes and priorities would have to read past every row that is not due yet.
var headSQL = func() string {
	var seeks []string
	for lane := 1; lane <= 3; lane++ {
		for p := int(queue.Urgent); p >= int(queue.Bulk); p-- {
			seeks = append(seeks, fmt.Sprintf(`SELECT * FROM (SELECT message_id, seq, priority, due FROM segments
 WHERE state = 'queued' AND due <= $1 AND lane = $%d AND priority = %d ORDER BY due, message_id, seq LIMIT 1) AS l%dp%d`, lane+1, p, lane, p))
		}
	}
	return `SELECT message_id, seq FROM (` + strings.Join(seeks, ` UNION ALL `) + `) AS heads ORDER BY priority DESC, due, message_id, seq LIMIT 1`
}()

// nextDueSQL is the same for what is not due yet.
var nextDueSQL = func() string {
	var seeks []string
	for lane := 1; lane <= 3; lane++ {
		for p := int(queue.Urgent); p >= int(queue.Bulk); p-- {
			seeks = append(seeks, fmt.Sprintf(`SELECT * FROM (SELECT due FROM segments
 WHERE state = 'queued' AND due > $1 AND lane = $%d AND priority = %d ORDER BY due LIMIT 1) AS l%dp%d`, lane+1, p, lane, p))
		}
	}
	return `SELECT coalesce(min(due), 0) FROM (` + strings.Join(seeks, ` UNION ALL `) + `) AS heads`
}()

// Head gives the part that a line should take next.
func (tx *Tx) Head(ctx context.Context, lanes queue.Lanes, now time.Time) (id string, seq int, found bool, err error) {
	names := lanes.Names()
	err = tx.row(ctx, headSQL, micros(now), names[0], names[1], names[2]).Scan(&id, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, false, nil
	}
	return id, seq, err == nil, err
}

// NextDue is when the lanes next have something due; zero for never.
func (tx *Tx) NextDue(ctx context.Context, lanes queue.Lanes, now time.Time) (time.Time, error) {
	names := lanes.Names()
	return scanTime(tx.row(ctx, nextDueSQL, micros(now), names[0], names[1], names[2]))
}

func scanTime(r scanner) (time.Time, error) {
	var us int64
	err := r.Scan(&us)
	return fromMicros(us), err
}

// DueSegments lists parts whose time has come, by message and seq.
func (tx *Tx) DueSegments(ctx context.Context, now time.Time, limit int) ([]queue.Segment, error) {
	rows, err := tx.query(ctx, `SELECT message_id, seq FROM (SELECT message_id, seq FROM segments WHERE state IN ('queued', 'submitting') AND state = 'queued' AND deadline <= $1 ORDER BY deadline LIMIT $2) AS a
 UNION ALL SELECT message_id, seq FROM (SELECT message_id, seq FROM segments WHERE state IN ('submitted', 'unknown') AND due <= $1 ORDER BY due LIMIT $2) AS b`,
		micros(now), limit)
	return collect(rows, err, func(r scanner) (s queue.Segment, err error) {
		err = r.Scan(&s.MessageID, &s.Seq)
		return s, err
	})
}

// NextTimer is when the next part's time comes; zero for never.
func (tx *Tx) NextTimer(ctx context.Context, now time.Time) (time.Time, error) {
	return scanTime(tx.row(ctx, `SELECT coalesce(min(t), 0) FROM (
 SELECT * FROM (SELECT deadline AS t FROM segments WHERE state IN ('queued', 'submitting') AND deadline > $1 ORDER BY deadline LIMIT 1) AS a
 UNION ALL SELECT * FROM (SELECT due AS t FROM segments WHERE state IN ('submitted', 'unknown') ORDER BY due LIMIT 1) AS b) AS timers`, micros(now)))
}

const attemptColumns = `id, message_id, seq, n, station, imei, sim, started, ended, result, mr, code, detail, status, scts, discharge, reported, shared, unanswered`

func scanAttempt(r scanner) (a queue.Attempt, err error) {
	var started, ended, scts, discharge, reported int64
	err = r.Scan(&a.ID, &a.MessageID, &a.Seq, &a.N, &a.Station, &a.IMEI, &a.SIM, &started, &ended, &a.Result, &a.MR, &a.Code, &a.Detail,
		&a.Status, &scts, &discharge, &reported, &a.Shared, &a.Unanswered)
	if errors.Is(err, sql.ErrNoRows) {
		err = queue.ErrNotFound
	}
	a.Started, a.Ended, a.SCTS = fromMicros(started), fromMicros(ended), fromMicros(scts)
	a.Discharge, a.Reported = fromMicros(discharge), fromMicros(reported)
	return a, err
}

// InsertAttempt writes an attempt down before it is made.
func (tx *Tx) InsertAttempt(ctx context.Context, a queue.Attempt) error {
	_, err := tx.exec(ctx, `INSERT INTO attempts (`+attemptColumns+`)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		a.ID, a.MessageID, a.Seq, a.N, a.Station, a.IMEI, a.SIM, micros(a.Started), micros(a.Ended), string(a.Result), a.MR, a.Code, a.Detail,
		a.Status, micros(a.SCTS), micros(a.Discharge), micros(a.Reported), a.Shared, a.Unanswered)
	return err
}

// SaveAttempt writes what can change in an attempt.
func (tx *Tx) SaveAttempt(ctx context.Context, a queue.Attempt) error {
	return tx.execOne(ctx, `UPDATE attempts SET ended = $1, result = $2, mr = $3, code = $4, detail = $5, status = $6, scts = $7,
 discharge = $8, reported = $9, shared = $10, unanswered = $11 WHERE id = $12`,
		micros(a.Ended), string(a.Result), a.MR, a.Code, a.Detail, a.Status, micros(a.SCTS), micros(a.Discharge), micros(a.Reported), a.Shared, a.Unanswered, a.ID)
}

// Attempt gives one attempt, or queue.ErrNotFound.
func (tx *Tx) Attempt(ctx context.Context, id string) (queue.Attempt, error) {
	return scanAttempt(tx.row(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE id = $1`, id))
}

// AttemptsWithCode counts the attempts of a part that ended with this error.
func (tx *Tx) AttemptsWithCode(ctx context.Context, messageID string, seq, code int) (n int, err error) {
	err = tx.row(ctx, `SELECT count(*) FROM attempts WHERE message_id = $1 AND seq = $2 AND code = $3`, messageID, seq, code).Scan(&n)
	return n, err
}

func (tx *Tx) attempts(ctx context.Context, where string, args ...any) ([]queue.Attempt, error) {
	rows, err := tx.query(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE `+where, args...)
	return collect(rows, err, scanAttempt)
}

// OpenAttempts lists attempts that have no result, oldest first.
func (tx *Tx) OpenAttempts(ctx context.Context, limit int) ([]queue.Attempt, error) {
	return tx.attempts(ctx, `result = '' ORDER BY started LIMIT $1`, limit)
}

// AttemptsWithMR lists what a SIM sent under a reference, newest first.
func (tx *Tx) AttemptsWithMR(ctx context.Context, sim string, mr byte, since time.Time, limit int) ([]queue.Attempt, error) {
	return tx.attempts(ctx, `sim = $1 AND mr = $2 AND mr >= 0 AND started >= $3 ORDER BY started DESC LIMIT $4`, sim, int(mr), micros(since), limit)
}

// DoubtfulAttempts lists what a SIM sent without a known outcome, newest first.
func (tx *Tx) DoubtfulAttempts(ctx context.Context, sim string, since time.Time, limit int) ([]queue.Attempt, error) {
	return tx.attempts(ctx, `result = 'unknown' AND sim = $1 AND started >= $2 ORDER BY started DESC LIMIT $3`, sim, micros(since), limit)
}

// Neighbours lists what the attempt's SIM sent just before it (newest first) and just after it (oldest first).
func (tx *Tx) Neighbours(ctx context.Context, a queue.Attempt, limit int) (before, after []queue.Attempt, err error) {
	before, err = tx.attempts(ctx, `sim = $1 AND started <= $2 AND (started < $2 OR id < $3) ORDER BY started DESC, id DESC LIMIT $4`, a.SIM, micros(a.Started), a.ID, limit)
	if err != nil {
		return nil, nil, err
	}
	after, err = tx.attempts(ctx, `sim = $1 AND started >= $2 AND (started > $2 OR id > $3) ORDER BY started, id LIMIT $4`, a.SIM, micros(a.Started), a.ID, limit)
	return before, after, err
}

// LastStart is when a SIM's latest attempt began; zero for none.
func (tx *Tx) LastStart(ctx context.Context, sim string) (time.Time, error) {
	return scanTime(tx.row(ctx, `SELECT coalesce(max(started), 0) FROM attempts WHERE sim = $1`, sim))
}

// Starts lists when a SIM's attempts since then began, oldest first, leaving out those that sent nothing.
func (tx *Tx) Starts(ctx context.Context, sim string, since time.Time) ([]time.Time, error) {
	rows, err := tx.query(ctx, `SELECT started FROM attempts WHERE sim = $1 AND started > $2 AND result <> 'notsent' ORDER BY started`, sim, micros(since))
	return collect(rows, err, scanTime)
}

// WipeTexts takes the texts of messages that ended at or before then.
func (tx *Tx) WipeTexts(ctx context.Context, before time.Time, limit int) (int, error) {
	return tx.wipe(ctx, `UPDATE messages SET body = NULL WHERE id IN
 (SELECT id FROM messages WHERE ended > 0 AND body IS NOT NULL AND ended <= $1 ORDER BY ended LIMIT $2)`, before, limit)
}

// WipeNumbers takes the recipients of messages that ended at or before then.
func (tx *Tx) WipeNumbers(ctx context.Context, before time.Time, limit int) (int, error) {
	return tx.wipe(ctx, `UPDATE messages SET recipient = NULL, recipient_mac = NULL WHERE id IN
 (SELECT id FROM messages WHERE ended > 0 AND recipient IS NOT NULL AND ended <= $1 ORDER BY ended LIMIT $2)`, before, limit)
}

func (tx *Tx) wipe(ctx context.Context, text string, before time.Time, limit int) (int, error) {
	result, err := tx.exec(ctx, text, micros(before), limit)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// NextWipe is the end of the earliest message whose text, and whose number, still stand; zero for none.
func (tx *Tx) NextWipe(ctx context.Context) (text, numbers time.Time, err error) {
	text, err = scanTime(tx.row(ctx, `SELECT coalesce(min(ended), 0) FROM messages WHERE ended > 0 AND body IS NOT NULL`))
	if err != nil {
		return text, numbers, err
	}
	numbers, err = scanTime(tx.row(ctx, `SELECT coalesce(min(ended), 0) FROM messages WHERE ended > 0 AND recipient IS NOT NULL`))
	return text, numbers, err
}
