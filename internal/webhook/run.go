package webhook

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// run is one run of a Sender. Everything in it belongs to the goroutine of Run; what ends elsewhere comes as an act.
type run struct {
	*Sender
	calls  context.Context // of calls under way; outlives the run a little
	ctx    context.Context
	lanes  map[string]*lane
	flying map[string]struct{} // deliveries under way
	acts   chan func()
	news   bool      // there may be work that no lane knows of
	look   time.Time // not before, for news
	rest   time.Time // the database failed: nothing before

	forgotten  time.Time
	forgetting bool
}

// Run delivers until ctx ends. Calls under way then have a moment to end; what is cut off is sent again by the next
// Run.
func (s *Sender) Run(ctx context.Context) error {
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	r := &run{Sender: s, ctx: ctx, calls: calls, lanes: map[string]*lane{}, flying: map[string]struct{}{}, acts: make(chan func()), news: true}
	for ctx.Err() == nil {
		timer := time.NewTimer(time.Until(r.step(time.Now())))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.o.Wake:
			r.news = true
		case act := <-r.acts:
			act()
		}
		timer.Stop()
	}
	defer time.AfterFunc(stopGrace, cut).Stop()
	for len(r.flying) > 0 || r.forgetting {
		act := <-r.acts
		act()
	}
	s.client.CloseIdleConnections()
	return nil
}

// step begins what is due and says when the next is.
func (r *run) step(now time.Time) (next time.Time) {
	if now.Sub(r.forgotten) >= forgetEvery && !r.forgetting {
		r.forgotten, r.forgetting = now, true
		go r.forget(now)
	}
	next = r.forgotten.Add(forgetEvery)
	if now.Before(r.rest) {
		return r.rest
	}
	if err := r.begin(now); err != nil {
		if r.ctx.Err() == nil {
			r.log.Error("webhooks: the database failed", "error", err, "retry_in", lookAgain)
		}
		r.news, r.rest = true, now.Add(lookAgain)
		return r.rest
	}
	if r.news {
		next = earlier(next, r.look)
	}
	most := r.settings.Load().Concurrency
	for _, l := range r.lanes {
		if at := l.wake(most); !at.IsZero() {
			next = earlier(next, at)
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (r *run) begin(now time.Time) error {
	if r.news && !now.Before(r.look) {
		stored, err := r.o.Store.WebhookLanes(r.ctx)
		if err != nil {
			return err
		}
		r.news = false
		r.found(stored)
		r.look = now.Add(lookShare * time.Since(now))
	}
	for _, l := range r.lanes {
		if l.due.IsZero() || l.due.After(now) {
			continue
		}
		if err := r.pump(l, now); err != nil {
			return err
		}
	}
	return nil
}

// found takes over what the store says of all lanes.
func (r *run) found(stored []Lane) {
	for _, l := range r.lanes {
		l.due = time.Time{}
	}
	for _, one := range stored {
		l := r.lanes[one.Name]
		if l == nil {
			l = &lane{name: one.Name}
			r.lanes[one.Name] = l
		}
		l.seen(one)
	}
	for name, l := range r.lanes {
		if l.due.IsZero() && l.open == 0 && l.saving == 0 {
			delete(r.lanes, name)
		}
	}
}

// pump begins what a lane has due, as far as it may.
func (r *run) pump(l *lane, now time.Time) error {
	for most := l.most(now, r.settings.Load().Concurrency); l.calls < most && l.open < mostOpen; {
		if len(l.ready) == 0 || now.Sub(l.read) > freshFor {
			if err := r.read(l, now); err != nil || len(l.ready) == 0 {
				return err
			}
		}
		d := l.ready[0]
		l.ready = l.ready[1:]
		r.flying[d.ID] = struct{}{}
		l.calls++
		l.open++
		go r.attempt(l, d, l.Breaker)
	}
	return nil
}

// read fetches what is due in a lane. Those under way still stand in the list, and at its head.
func (r *run) read(l *lane, now time.Time) error {
	all, err := r.o.Store.WebhooksWaiting(r.ctx, l.name, l.open+readAtOnce)
	if err != nil {
		return err
	}
	l.ready, l.read, l.due = l.ready[:0], now, time.Time{}
	for _, d := range all {
		if _, flying := r.flying[d.ID]; flying {
			continue
		}
		if l.due.IsZero() {
			l.due = d.Due
		}
		if d.Due.After(now) {
			break
		}
		l.ready = append(l.ready, d)
	}
	return nil
}

// attempt calls once and has what came of it judged, and then committed. down is the lane's breaker as the call began.
func (r *run) attempt(l *lane, d Delivery, down Breaker) {
	set, began := r.settings.Load(), time.Now()
	a := r.call(r.calls, set, d)
	took := time.Since(began)
	r.acts <- func() {
		l.calls--
		if a.err != nil && r.calls.Err() != nil {
			r.ended(l, d) // cut off by the stop: nobody knows, the next start sends it again
			return
		}
		now := time.Now()
		o := judge(set, d, a, down, now, rand.Float64())
		r.count(o, took)
		change := r.judged(l, d, o, a, !down.Since.IsZero(), now)
		if change != nil {
			l.saving++
		}
		if o.Gone {
			l.halted++
		}
		go r.record(l, d, o, change)
	}
}

// judged is what an outcome says of the lane.
func (r *run) judged(l *lane, d Delivery, o Outcome, a answer, trial bool, now time.Time) *Change {
	switch {
	case o.State == Delivered:
		r.log.Debug("webhook delivered", "endpoint", l.name, "event", d.Event.ID, "type", d.Event.Type)
		return l.taken(r.log, now)
	case o.Gone || a.never: // says nothing of what else waits
		l.note(r.log, now, d, o)
		return nil
	}
	l.note(r.log, now, d, o)
	return l.failed(r.log, now, trial, a.after, rand.Float64())
}

// record writes an outcome down.
func (r *run) record(l *lane, d Delivery, o Outcome, change *Change) {
	ctx := context.WithoutCancel(r.ctx)
	err := r.o.Store.RecordWebhook(ctx, d, o, change)
	if err != nil {
		r.log.Error("webhooks: the outcome was not stored, so the event goes out again", "event", d.Event.ID, "error", err, "retry_in", lookAgain)
	} else if change != nil && !change.Breaker.Since.IsZero() {
		r.expire(ctx, change, o.At)
	}
	r.acts <- func() {
		if change != nil {
			l.saving--
		}
		if o.Gone {
			l.halted--
			l.ready = nil
		}
		if err != nil {
			r.rest = time.Now().Add(lookAgain)
		}
		r.ended(l, d)
	}
}

// ended has the lane read again: what ended may come once more, or let another one follow.
func (r *run) ended(l *lane, d Delivery) {
	l.open--
	delete(r.flying, d.ID)
	if now := time.Now(); l.due.IsZero() || l.due.After(now) {
		l.due = now
	}
}

// expire gives up what waits in a lane that is down and has had its time.
func (r *run) expire(ctx context.Context, c *Change, now time.Time) {
	before, total := now.Add(-r.settings.Load().RetryFor-lastGrace), 0
	for r.ctx.Err() == nil {
		n, err := r.o.Store.ExpireWebhooks(ctx, c.Lane, c.Breaker.Since, before, neverTried)
		if err != nil {
			r.log.Error("webhooks: what is to be given up was not", "endpoint", c.Lane, "error", err)
			return
		}
		if total += n; n == 0 {
			break
		}
	}
	if total > 0 {
		r.log.Warn("webhooks given up: the endpoint was down for too long", "endpoint", c.Lane, "deliveries", total)
	}
}

func (r *run) forget(now time.Time) {
	for more := true; more && r.ctx.Err() == nil; {
		var err error
		if more, err = r.o.Store.ForgetWebhooks(r.ctx, now.Add(-keepDelivered), now.Add(-keepDead)); err != nil && r.ctx.Err() == nil {
			r.log.Error("webhooks: forgetting old deliveries", "error", err)
		}
		more = more && err == nil
	}
	r.acts <- func() { r.forgetting = false }
}

func (s *Sender) count(o Outcome, took time.Duration) {
	if s.o.Meter == nil {
		return
	}
	switch {
	case o.Gone:
		s.o.Meter.Attempt("gone", took)
	case o.State == Waiting:
		s.o.Meter.Attempt("retry", took)
	default:
		s.o.Meter.Attempt(string(o.State), took)
	}
}

// judge says what an answer makes of a delivery. chance is from 0 to 1.
func judge(set *Settings, d Delivery, a answer, down Breaker, now time.Time, chance float64) Outcome {
	began := d.Began
	if began.IsZero() {
		began = now
		if !down.Since.IsZero() { // it was due, and only the breaker kept it from being tried
			since := now.Add(-now.Sub(down.Since)) // by today's clock
			if began = d.Due; since.After(began) {
				began = since
			}
		}
	}
	o := Outcome{State: Delivered, At: now, Began: began, Status: a.status}
	if a.err == nil {
		return o
	}
	o.Error = a.err.Error()
	end := began.Add(set.RetryFor)
	switch {
	case a.status == http.StatusGone: // Standard Webhooks: the receiver wants no more of this
		o.State, o.Gone = Dead, true
	case a.never || !now.Before(end):
		o.State = Dead
	default:
		o.State = Waiting
		o.Due = now.Add(max(backoff(d.Attempts, chance), min(a.after, longestRetry)))
		if o.Due.After(end) {
			o.Due = end // the last try
		}
	}
	return o
}

// backoff doubles with each attempt, and spreads by a quarter to either side, so that what failed together does not
// come back
// together.
func backoff(before int, chance float64) time.Duration {
	wait := longestRetry
	if before < 16 {
		wait = min(firstRetry<<before, longestRetry)
	}
	return time.Duration(float64(wait) * (0.75 + chance/2))
}
