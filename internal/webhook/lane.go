package webhook

import (
	"log/slog"
	"time"
)

const (
	downAfter  = 5            // calls that failed one after the other
	longestTry = time.Minute  // between the tries of an endpoint that is down
	logEvery   = time.Minute  // of a lane
	mostOpen   = 64           // outcomes of a lane that are not committed yet
	readAtOnce = 64           // deliveries of a lane
	freshFor   = time.Second  // what was read of a lane
	lookShare  = 10           // looking for work takes a tenth of the time at most
	lastGrace  = longestRetry // in which what is given up in a lane that is down has its last try
	neverTried = "the endpoint was down until the time to try was over"
)

// lane is what the goroutine of Run knows of a lane.
type lane struct {
	name  string
	due   time.Time  // when something may begin; zero: nothing waits
	ready []Delivery // read and due, the first first
	read  time.Time
	calls int // under way
	open  int // deliveries under way: called, or called and not committed yet

	failures int // one after the other
	Breaker
	tries  int // that failed since the endpoint is down
	saving int // changes of the breaker that are not committed yet
	halted int // 410s that are not committed yet: nothing more goes out before

	noted time.Time
	muted int // failures that were not noted since then
}

func (l *lane) down() bool { return !l.Since.IsZero() }

// most is how many calls the lane may have under way.
func (l *lane) most(now time.Time, concurrency int) int {
	switch {
	case l.halted > 0 || l.down() && l.Next.After(now):
		return 0
	case l.down():
		return 1
	}
	return concurrency
}

// wake is when time alone lets something begin; zero for never.
func (l *lane) wake(concurrency int) time.Time {
	switch {
	case l.due.IsZero(), l.halted > 0, l.open >= mostOpen, l.down() && l.calls > 0, l.calls >= concurrency:
		return time.Time{} // the end of a call, or a commit, comes first
	case l.down() && l.Next.After(l.due):
		return l.Next
	}
	return l.due
}

// seen takes over what the store says of the lane, unless it is about to be told better.
func (l *lane) seen(stored Lane) {
	l.due = stored.Due
	switch b := stored.Breaker; {
	case l.saving > 0:
	case b.Since.IsZero():
		l.Breaker, l.tries = Breaker{}, 0
	case !l.down(): // of an earlier process
		l.Breaker, l.tries = b, 1
	case b.Next.Before(l.Next): // a replay
		l.Next = b.Next
	}
}

// taken is that the endpoint took a call.
func (l *lane) taken(log *slog.Logger, now time.Time) *Change {
	l.failures = 0
	if !l.down() {
		return nil
	}
	log.Info("webhooks: the endpoint is back", "endpoint", l.name, "down_for", now.Sub(l.Since).Round(time.Second))
	// What failed of itself, between calls that were taken, keeps its own time: only of a real outage everything is
	// woken.
	c := &Change{Lane: l.name, Awake: l.tries > 0}
	l.Breaker, l.tries, l.noted, l.muted = Breaker{}, 0, time.Time{}, 0
	return c
}

// failed is that it did not; trial says that the call was made to see whether it is back, after is its Retry-After.
func (l *lane) failed(log *slog.Logger, now time.Time, trial bool, after time.Duration, chance float64) *Change {
	l.failures++
	switch {
	case l.down() && trial:
		l.tries++
	case !l.down() && l.failures >= downAfter:
		l.Since = now
		log.Warn("webhooks: the endpoint is down: one delivery at a time is tried until it is back, the others wait", "endpoint", l.name)
	default:
		return nil
	}
	wait := min(backoff(l.tries, chance), time.Duration(float64(longestTry)*(0.75+chance/2)))
	l.Next = now.Add(max(wait, min(after, longestRetry)))
	return &Change{Lane: l.name, Breaker: l.Breaker}
}

// note logs a failure of the lane, at most one a minute.
func (l *lane) note(log *slog.Logger, now time.Time, d Delivery, o Outcome) {
	if now.Sub(l.noted) < logEvery {
		l.muted++
		return
	}
	args := []any{"endpoint", l.name, "event", d.Event.ID, "type", d.Event.Type, "error", o.Error, "state", o.State, "next", o.Due}
	if l.down() {
		args = append(args, "down_since", l.Since)
	}
	if l.muted > 0 {
		args = append(args, "others_failed_since_the_last_line", l.muted)
	}
	log.Warn("webhook not delivered", args...)
	l.noted, l.muted = now, 0
}
