package store

import (
	"context"
	"fmt"
	"time"

	"attestd/queue"
)

// What moves when the clock was set, by which rule, and what stays:
//
//   - What still runs (a time to rest, a window, a share that was used, a retry) moves with every jump, whoever wrote it: it lasts
//     as long as it would have. So do attempts, or the order in which a SIM sent them would be lost, and with it what their
//     references prove.
//   - What this process wrote moves as a whole, as if the clock had been right from its start.
//   - Of what earlier processes wrote, the rest stays. The deadlines of their codes go back with a jump back, and forward only
//     as far as they went back: while the gateway was down time went on, and a jump forward may be no more than the news of that. So no
//     jump lets such a code live longer, and none that is undone makes it die early.
//   - Moments that somebody named stay: the deadline that a sender gave, the end of a token, the day of a country's cap,
//     the hours and days of quotas.

// written are the tables whose rows this process is told from earlier ones' by the order in which they were written: ids and times
// are by the clock, which is what cannot be trusted here.
var written = []string{"messages", "challenges", "filings", "inbox_items", "inbox_parts", "events", "audit", "webhook_deliveries"}

// running is what moves whoever wrote it, by $1.
var running = []string{
	`UPDATE segments SET due = max(due + $1, 1) WHERE state = 'queued'`,
	`UPDATE segments SET due = max(due + $1, 1) WHERE state IN ('submitted', 'unknown')`,
	`UPDATE held_reports SET received = received + $1`,
	`UPDATE sent_texts SET at = at + $1`,
	`UPDATE uses SET at = at + $1`,
	`UPDATE filings SET resubmit_due = max(resubmit_due + $1, 1) WHERE resubmit_due > 0`,
	`UPDATE challenge_keys SET at = at + $1`,
	`UPDATE stored_answers SET at = at + $1, until = until + $1`,
	`UPDATE challenges SET last_send = max(last_send + $1, 1) WHERE ended = 0 AND last_send > 0`,
	`UPDATE webhook_deliveries SET due = max(due + $1, 1), began = CASE WHEN began = 0 THEN 0 ELSE max(began + $1, 1) END WHERE ended = 0`,
	`UPDATE webhook_breakers SET since = max(since + $1, 1), next = max(next + $1, 1)`,
	`UPDATE inbox_parts SET received = received + $1 WHERE item_id IS NULL`,
}

// attempts move as far back as a report may reach. A jump back moves all that would lie ahead; those before 1970 were moved back.
const moveAttempts = `UPDATE attempts SET started = started + $1, ended = CASE WHEN ended = 0 THEN 0 ELSE ended + $1 END,
 reported = CASE WHEN reported = 0 THEN 0 ELSE reported + $1 END WHERE started >= $2 OR started < 0`

const attemptsReach = 7 * 24 * time.Hour

// ours moves by $1 what this process wrote: rows after $2. A column that is 0 stays so.
var ours = []struct {
	table   string
	columns []string
	besides string
}{
	{"messages", []string{"created", "updated", "accepted", "ended"}, ""},
	{"challenges", []string{"created", "accepted", "delivered", "ended"}, ""},
	{"filings", []string{"created", "updated", "ended"}, ""},
	{"inbox_items", []string{"received", "stored"}, ""},
	{"inbox_parts", []string{"received"}, " AND item_id IS NOT NULL"},
	{"audit", []string{"at"}, ""},
	{"webhook_deliveries", []string{"created", "ended"}, ""},
	// What an endpoint was sent once it is sent the same again, to the byte.
	{"events", []string{"at"}, " AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS d WHERE d.event = events.seq AND d.attempts > 0)"},
}

// deadlines are those of codes and of messages whose sender named none: by $1, of rows that follow one rule ($3 is the jump itself).
const (
	spannedSegments = `UPDATE segments SET deadline = max(deadline + $1, 1) WHERE message_id IN
 (SELECT id FROM messages WHERE ended = 0 AND spanned AND rowid %s $2)`
	spannedMessages = `UPDATE messages SET deadline = max(deadline + $1, 1) WHERE ended = 0 AND spanned AND rowid %s $2`
	acceptedOfOurs  = `UPDATE segments SET submitted = max(submitted + $1, 1) WHERE submitted > 0 AND message_id IN
 (SELECT id FROM messages WHERE rowid > $2)`
	// due is the deadline, or when an SMS that waits for the limits of its phone goes out.
	codeDeadlines = `UPDATE challenges SET due = CASE WHEN due = 0 THEN 0 WHEN due = deadline THEN max(due + $1, 1) ELSE max(due + $2, 1) END,
 deadline = max(deadline + $1, 1) WHERE (ended = 0 OR due > 0) AND rowid %s $3`
	codesOfBefore = `UPDATE challenges SET created = max(created + $1, 1), accepted = CASE WHEN accepted = 0 THEN 0 ELSE max(accepted + $1, 1) END,
 delivered = CASE WHEN delivered = 0 THEN 0 ELSE max(delivered + $1, 1) END WHERE (ended = 0 OR due > 0) AND rowid <= $2`
)

// move moves the rows by a jump of the clock to now.
func (tx *Tx) move(ctx context.Context, by time.Duration, now time.Time) error {
	us := by.Microseconds()
	earlier := now
	if by > 0 {
		earlier = now.Add(-by)
	}
	do := func(text string, args ...any) func() error {
		return func() error {
			if _, err := tx.exec(ctx, text, args...); err != nil {
				return fmt.Errorf("the clock was set by %v, and the times on record cannot follow: %w", by, err)
			}
			return nil
		}
	}
	before := tx.s.before
	old, err := tx.behind(ctx, by)
	if err != nil {
		return err
	}
	var all []func() error
	for _, text := range running {
		all = append(all, do(text, us))
	}
	all = append(all, do(moveAttempts, us, micros(earlier.Add(-attemptsReach))), do(acceptedOfOurs, us, before["messages"]))
	for _, o := range ours {
		text := "UPDATE " + o.table + " SET "
		for i, c := range o.columns {
			if i > 0 {
				text += ", "
			}
			text += fmt.Sprintf("%s = CASE WHEN %[1]s = 0 THEN 0 ELSE max(%[1]s + $1, 1) END", c)
		}
		all = append(all, do(text+" WHERE rowid > $2"+o.besides, us, before[o.table]))
	}
	for _, whose := range []struct {
		rows string
		by   int64
	}{{">", us}, {"<=", old.Microseconds()}} {
		all = append(all,
			do(fmt.Sprintf(spannedSegments, whose.rows), whose.by, before["messages"]),
			do(fmt.Sprintf(spannedMessages, whose.rows), whose.by, before["messages"]),
			do(fmt.Sprintf(codeDeadlines, whose.rows), whose.by, us, before["challenges"]))
	}
	all = append(all, do(codesOfBefore, old.Microseconds(), before["challenges"]))
	for _, one := range all {
		if err := one(); err != nil {
			return err
		}
	}
	return tx.Emit(ctx, "clock.jumped", "", queue.Everyone, map[string]float64{"seconds": by.Round(time.Millisecond).Seconds()})
}
