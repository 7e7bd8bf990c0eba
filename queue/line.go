package queue

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// line is an attached Line. Its worker goroutine ends when jobs is closed.
type line struct {
	Line
	name    Lanes
	bucket  *rate.Limiter // nil for no limit; used by whoever claims for the line
	jobs    chan *job
	leaving chan struct{} // closed by detach
	gone    chan struct{} // closed by the worker at its end

	// The dispatcher's.
	busy bool
	idleness

	failures int         // the worker's: attempts spoiled one after the other
	owing    atomic.Bool // earlier attempts may still get their final result; whoever claims for the line looks
}

// idleness is what is known of a line that has nothing to do.
type idleness struct {
	seen uint64    // the news that its last look for work had seen; 0 for never looked
	due  time.Time // when there may be work without any news; zero for never
	rest time.Time // it takes nothing before
}

// A line whose modem spoils one attempt after the other rests between them, so that its work goes to others and its
// owner can see to it.
const (
	shortestRest = time.Second
	longestRest  = time.Minute
)

// nextLook is when the line should look for work, if nothing else happens; zero for never, past or present for now.
func (l *line) nextLook(now time.Time, news uint64) time.Time {
	at := l.due
	if l.seen != news {
		at = now
	}
	if at.IsZero() || isClosed(l.leaving) {
		return time.Time{}
	}
	if !l.rest.After(now) {
		l.rest = time.Time{} // it is told by the monotonic clock, work on record is not: the later of them may be over
	}
	return latest(at, l.rest, l.tokenAt(now))
}

// tokenAt is when the line's limit lets it send.
func (l *line) tokenAt(now time.Time) time.Time {
	if l.bucket == nil {
		return now
	}
	missing := 1 - l.bucket.TokensAt(now)
	if missing <= 0 {
		return now
	}
	// Rounded up: a look too early would find nothing and look again.
	return now.Add(time.Duration(math.Ceil(missing / float64(l.bucket.Limit()) * float64(time.Second)))).Add(time.Microsecond)
}

func (l *line) take(now time.Time) {
	if l.bucket != nil {
		l.bucket.AllowN(now, 1)
	}
}

// refill sets the limit's level to what the attempts on record left of it: a restart does not forget. Looking back a few
// times as long as the bucket takes to fill, from an empty one, never gives more than was there.
func (l *line) refill(ctx context.Context, q *Queue) error {
	if l.bucket == nil {
		return nil
	}
	now := time.Now()
	perSecond, burst := float64(l.bucket.Limit()), float64(l.bucket.Burst())
	last := now.Add(-time.Duration(min(4*burst/perSecond, 24*3600) * float64(time.Second)))
	var starts []time.Time
	err := q.store.Ahead(ctx, func(tx Tx) (err error) {
		starts, err = tx.Starts(ctx, l.name.SIM, last)
		return err
	})
	level := 0.0
	for _, t := range append(starts, now) {
		level = min(burst, level+max(0, t.Sub(last).Seconds())*perSecond)
		last = t
		if t != now {
			level = max(0, level-1)
		}
	}
	// A fresh bucket is full, and gives up whole tokens only: taken a little in the past, the rest refills until now.
	whole, fraction := math.Modf(level)
	if n := int(burst - whole); n > 0 {
		l.bucket.AllowN(now.Add(-time.Duration(fraction/perSecond*float64(time.Second))), n)
	}
	return err
}

// work is the line's worker: one submit after the other until there is none to take.
func (d *Dispatcher) work(l *line) {
	defer close(l.gone)
	ctx := context.Background()
	for j := range l.jobs {
		var next idleness
		for j != nil {
			o := l.Submit(ctx, Submission{AttemptID: j.attempt.ID, TPDU: j.tpdu, Owed: j.owed})
			if o.Kind == OutcomeUnknown {
				l.owing.Store(true)
			}
			j, next = d.finish(ctx, l, j, o)
		}
		d.mail.post(func() { d.lay(l, next) })
	}
}

// claim takes the line's next work, and finds out what may still be owed to earlier attempts.
func (l *line) claim(ctx context.Context, tx Tx, q *Queue, now time.Time) (*job, time.Time, error) {
	j, due, err := q.claim(ctx, tx, l.Line, now)
	if err != nil || j == nil || !l.owing.Load() {
		return j, due, err
	}
	j.owed, err = q.owed(ctx, tx, j.attempt)
	l.owing.Store(!j.owed.None() || err != nil)
	return j, due, err
}

// finish writes an outcome down and takes the line's next work, in one transaction. An outcome is never dropped: while the
// database refuses it, it is tried again, and the line takes nothing else.
func (d *Dispatcher) finish(ctx context.Context, l *line, j *job, o Outcome) (next *job, idle idleness) {
	now := time.Now()
	idle.rest = l.restAfter(o, now)
	news := d.news.Load() // before the look for work: what is committed later comes as new news
	more := idle.rest.IsZero() && !l.tokenAt(now).After(now)
	var giveUp time.Time
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		var due time.Time
		more = more && !isClosed(l.leaving) && !isClosed(d.stopped)
		err := d.q.store.Ahead(ctx, func(tx Tx) error {
			a, err := tx.Attempt(ctx, j.attempt.ID)
			if err != nil {
				return err
			}
			now := time.Now() // in the transaction: rows follow a clock that was set before it
			if err := d.q.settle(ctx, tx, a, o, now); err != nil || !more {
				return err
			}
			next, due, err = l.claim(ctx, tx, d.q, now)
			return err
		})
		switch {
		case err == nil && next != nil:
			l.take(next.attempt.Started)
			return next, idle
		case err == nil && more:
			idle.seen, idle.due = news, due
			return nil, idle
		case err == nil:
			return nil, idle
		}
		d.log.Error("an outcome could not be written down; trying again", "modem", l.Station, "attempt", j.attempt.ID, "outcome", o.Kind.String(), "error", err)
		next, more = nil, false // perhaps it was the next one's fault
		if isClosed(d.stopped) {
			if giveUp.IsZero() {
				giveUp = time.Now().Add(lastTries)
			} else if time.Now().After(giveUp) {
				return nil, idle // the next start finds the attempt open, and calls it unknown
			}
		}
		time.Sleep(pause)
	}
}

// lastTries is how long a stopping dispatcher tries to write an outcome into a database that refuses it.
const lastTries = 5 * time.Second

// restAfter is until when a line rests after an outcome; zero for not at all.
func (l *line) restAfter(o Outcome, now time.Time) time.Time {
	if o.Kind != OutcomeSick && o.Kind != OutcomeNotSent {
		l.failures = 0
		return time.Time{}
	}
	l.failures++
	return now.Add(max(o.RetryAfter, min(shortestRest<<min(l.failures-1, 10), longestRest)))
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
