package queue

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Limit is a token bucket: PerMinute tokens a minute, at most Burst saved up. Zero PerMinute is no limit.
type Limit struct {
	PerMinute float64
	Burst     int
}

// Line is a modem that can send, as the gateway lends it to the dispatcher.
type Line struct {
	Station, IMEI string
	SIM           string // ICCID; "" where it cannot be read: the station stands for it
	Limit         Limit
	// Submit hands one TPDU over and waits for how it ends. It is called from one goroutine a line, and it always returns:
	// the end of the dispatcher does not end its context.
	Submit func(ctx context.Context, s Submission) Outcome
}

// Submission is one TPDU to be handed over.
type Submission struct {
	AttemptID string
	TPDU      []byte
	Owed      Owed // final results of earlier submissions that may come during this one
}

// Dispatcher hands work to lines. A line that has ended one submit takes the next itself, in the transaction that writes
// the outcome down (line.go); the dispatcher's own goroutine serves only the lines that lie idle: when work comes in, when
// something falls due, when a limit allows the next. It owns every field of a line that is not said to be the worker's.
type Dispatcher struct {
	q    *Queue
	wake <-chan struct{}
	log  *slog.Logger

	news    atomic.Uint64 // wakes seen, from 1; what a line compares with what it had seen when it found nothing
	mail    mailbox
	lines   map[*line]struct{}
	idle    []*line // longest idle first, so that work goes round
	retryAt time.Time
	pause   time.Duration // after a transaction failed; doubles
	workers sync.WaitGroup
	stopped <-chan struct{} // closed when no more work may be taken
	ended   chan struct{}   // closed when Run has returned
}

// NewDispatcher makes a dispatcher; wake has an element whenever there may be new work. log may be nil.
func NewDispatcher(q *Queue, wake <-chan struct{}, log *slog.Logger) *Dispatcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Dispatcher{q: q, wake: wake, log: log, lines: map[*line]struct{}{}, ended: make(chan struct{})}
	d.news.Store(1)
	d.mail.full = make(chan struct{}, 1)
	return d
}

// Attach lends a line to the dispatcher. detach takes it back: no new work goes to it; with wait it returns when the
// submit under way has its outcome written down. Attach may be called before, while and after Run runs.
func (d *Dispatcher) Attach(l Line) (detach func(wait bool)) {
	one := &line{
		Line: l, name: l.lanes(), bucket: l.Limit.bucket(), jobs: make(chan *job, 1),
		leaving: make(chan struct{}), gone: make(chan struct{}),
	}
	one.owing.Store(true) // perhaps: an earlier process may have left something in doubt
	d.mail.post(func() { d.attach(one) })
	var once sync.Once
	return func(wait bool) {
		once.Do(func() {
			close(one.leaving)
			d.mail.post(func() { d.release(one) })
		})
		if !wait || !d.mail.open() {
			return // nobody reads the mail yet: nothing is under way
		}
		select {
		case <-one.gone:
		case <-d.ended:
		}
	}
}

// Run hands out work until ctx ends; then it takes no more, and returns when every submit under way has its outcome
// written down.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.stopped = ctx.Done()
	d.mail.begin()
	defer close(d.ended)
	work := context.WithoutCancel(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			d.runMail()
			for l := range d.lines {
				d.release(l)
			}
			for len(d.lines) > 0 {
				<-d.mail.full
				d.runMail()
			}
			d.workers.Wait()
			return nil
		case <-d.wake:
			d.news.Add(1)
		case <-d.mail.full:
			d.runMail()
		case <-timer.C:
		}
		if ctx.Err() != nil {
			continue
		}
		d.handOut(work)
		if next := d.nextLook(time.Now()); !next.IsZero() {
			timer.Reset(max(0, time.Until(next)))
		} else {
			timer.Stop()
		}
	}
}

func (d *Dispatcher) runMail() {
	for _, act := range d.mail.take() {
		act()
	}
}

func (d *Dispatcher) attach(l *line) {
	if isClosed(l.leaving) {
		close(l.gone)
		return
	}
	d.lines[l] = struct{}{}
	if err := l.refill(context.Background(), d.q); err != nil {
		d.log.Error("the limit's level could not be read back; it starts empty", "modem", l.Station, "error", err)
	}
	d.workers.Go(func() { d.work(l) })
	d.lay(l, idleness{})
}

// lay puts a line among the idle ones.
func (d *Dispatcher) lay(l *line, i idleness) {
	l.busy, l.idleness = false, i
	if isClosed(l.leaving) || isClosed(d.stopped) {
		d.release(l)
		return
	}
	d.idle = append(d.idle, l)
}

// release lets a line go, at once when it lies idle, otherwise when its worker comes back.
func (d *Dispatcher) release(l *line) {
	if _, here := d.lines[l]; !here || l.busy {
		return
	}
	delete(d.lines, l)
	for i, one := range d.idle {
		if one == l {
			d.idle = append(d.idle[:i], d.idle[i+1:]...)
			break
		}
	}
	close(l.jobs)
}

// handOut claims work for every idle line that may have some, in one transaction.
func (d *Dispatcher) handOut(ctx context.Context) {
	now := time.Now()
	if now.Before(d.retryAt) {
		return
	}
	news := d.news.Load()
	var ready []*line
	for _, l := range d.idle {
		if at := l.nextLook(now, news); !at.IsZero() && !at.After(now) {
			ready = append(ready, l)
		}
	}
	if len(ready) == 0 {
		return
	}
	found := make([]*job, len(ready))
	due := make([]time.Time, len(ready))
	err := d.q.store.Ahead(ctx, func(tx Tx) (err error) {
		now := time.Now() // in the transaction: rows follow a clock that was set before it
		for i, l := range ready {
			if found[i], due[i], err = l.claim(ctx, tx, d.q, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.pause = min(max(2*d.pause, shortestPause), longestPause)
		d.retryAt = now.Add(d.pause)
		d.log.Error("work could not be handed out; trying again", "in", d.pause, "error", err)
		return
	}
	d.pause, d.retryAt = 0, time.Time{}
	for i, l := range ready {
		l.seen, l.due = news, due[i]
		if found[i] == nil {
			continue
		}
		l.busy = true
		l.take(found[i].attempt.Started)
		l.jobs <- found[i] // never blocks: an idle line's channel is empty
	}
	left := d.idle[:0]
	for _, l := range d.idle {
		if !l.busy {
			left = append(left, l)
		}
	}
	clear(d.idle[len(left):])
	d.idle = left
}

// nextLook is when time alone may bring work to an idle line; zero for never.
func (d *Dispatcher) nextLook(now time.Time) (next time.Time) {
	news := d.news.Load()
	for _, l := range d.idle {
		next = earliest(next, l.nextLook(now, news))
	}
	if !next.IsZero() && next.Before(d.retryAt) {
		return d.retryAt
	}
	return next
}

const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 5 * time.Second
)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// bucket makes the limiter; nil is no limit.
func (l Limit) bucket() *rate.Limiter {
	if l.PerMinute <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(l.PerMinute/60), max(1, l.Burst))
}

// mailbox carries acts to the dispatcher's goroutine from those that must not wait for it.
type mailbox struct {
	mu      sync.Mutex
	acts    []func()
	full    chan struct{}
	running bool
}

func (m *mailbox) post(act func()) {
	m.mu.Lock()
	m.acts = append(m.acts, act)
	m.mu.Unlock()
	select {
	case m.full <- struct{}{}:
	default:
	}
}

func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	acts := m.acts
	m.acts = nil
	return acts
}

func (m *mailbox) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = true
}

// open says whether somebody began to read the mail.
func (m *mailbox) open() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running
}
