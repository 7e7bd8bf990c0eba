package webhook

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	firstRetry    = 5 * time.Second
	longestRetry  = time.Hour
	lookAgain     = 5 * time.Second // after the database failed
	stopGrace     = 2 * time.Second // for calls under way when the gateway stops
	forgetEvery   = time.Hour
	keepDelivered = 7 * 24 * time.Hour
	keepDead      = 30 * 24 * time.Hour
)

// Sender delivers. Make one with New, run it once.
type Sender struct {
	o        Options
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	client   *http.Client
}

// New makes a Sender.
func New(o Options, s Settings) *Sender {
	d := &Sender{o: o, log: o.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = d.transport()
	}
	d.client = &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	d.Configure(s)
	return d
}

// Configure changes the settings; calls under way keep theirs.
func (s *Sender) Configure(set Settings) { s.settings.Store(&set) }

// CheckURL says what is wrong with an address that is to be called, "" for nothing.
func (s *Sender) CheckURL(raw string) string { return s.settings.Load().CheckURL(raw) }

// flight is the calls under way. It belongs to the goroutine of Run.
type flight struct {
	lane  map[string]string // by delivery
	count map[string]int    // by lane
	ended chan string       // deliveries
}

// Run delivers until ctx ends. Calls under way then have a moment to end; what is cut off is sent again by the next Run.
func (s *Sender) Run(ctx context.Context) error {
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	f := flight{lane: map[string]string{}, count: map[string]int{}, ended: make(chan string)}
	var forgotten time.Time
	for ctx.Err() == nil {
		if time.Since(forgotten) >= forgetEvery {
			forgotten = time.Now()
			s.forget(ctx, forgotten)
		}
		next, err := s.dispatch(ctx, calls, &f)
		wait := min(time.Until(next), time.Until(forgotten.Add(forgetEvery)))
		if err != nil && ctx.Err() == nil {
			s.log.Error("webhooks: the database failed", "error", err, "retry_in", lookAgain)
			wait = lookAgain
		}
		due := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-due.C:
		case <-s.o.Wake:
		case id := <-f.ended:
			f.end(id)
		}
		due.Stop()
	}
	defer time.AfterFunc(stopGrace, cut).Stop()
	for len(f.lane) > 0 {
		f.end(<-f.ended)
	}
	s.client.CloseIdleConnections()
	return nil
}

func (f *flight) end(id string) {
	lane := f.lane[id]
	delete(f.lane, id)
	if f.count[lane]--; f.count[lane] == 0 {
		delete(f.count, lane)
	}
}

func (s *Sender) forget(ctx context.Context, now time.Time) {
	if err := s.o.Store.ForgetWebhooks(ctx, now.Add(-keepDelivered), now.Add(-keepDead)); err != nil && ctx.Err() == nil {
		s.log.Error("webhooks: forgetting old deliveries", "error", err)
	}
}

// dispatch begins what is due and says when the next is. A lane that has all its calls under way is looked at again when
// one of them ends.
func (s *Sender) dispatch(ctx, calls context.Context, f *flight) (next time.Time, err error) {
	now, most := time.Now(), s.settings.Load().Concurrency
	next = now.Add(forgetEvery)
	lanes, err := s.o.Store.WebhookLanes(ctx)
	if err != nil {
		return next, err
	}
	for _, lane := range lanes {
		free := most - f.count[lane.Name]
		if free <= 0 {
			continue
		}
		if lane.Due.After(now) {
			next = earlier(next, lane.Due)
			continue
		}
		// Those under way still stand in the list, and at its head.
		waiting, err := s.o.Store.WebhooksWaiting(ctx, lane.Name, free+f.count[lane.Name]+1)
		if err != nil {
			return next, err
		}
		for _, d := range waiting {
			if _, flying := f.lane[d.ID]; flying {
				continue
			}
			if d.Due.After(now) {
				next = earlier(next, d.Due)
				break
			}
			if free--; free < 0 {
				break
			}
			f.lane[d.ID] = lane.Name
			f.count[lane.Name]++
			go func() {
				s.attempt(ctx, calls, d)
				f.ended <- d.ID
			}()
		}
	}
	return next, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// attempt calls once and writes down what came of it.
func (s *Sender) attempt(ctx, calls context.Context, d Delivery) {
	set, began := s.settings.Load(), time.Now()
	a := s.call(calls, set, d)
	if a.err != nil && calls.Err() != nil {
		return // cut off by the stop: nobody knows, the next start sends it again
	}
	o := judge(set, d, a, time.Now(), rand.Float64())
	s.count(o, time.Since(began))
	if o.State == Delivered {
		s.log.Debug("webhook delivered", "endpoint", d.Lane, "event", d.Event.ID, "type", d.Event.Type)
	} else {
		s.log.Warn("webhook not delivered", "endpoint", d.Lane, "event", d.Event.ID, "type", d.Event.Type, "error", o.Error, "state", o.State, "next", o.Due)
	}
	if err := s.o.Store.RecordWebhook(context.WithoutCancel(ctx), d, o); err != nil {
		s.log.Error("webhooks: the outcome was not stored, so the event goes out again", "event", d.Event.ID, "error", err, "retry_in", lookAgain)
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
		}
	}
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
func judge(set *Settings, d Delivery, a answer, now time.Time, chance float64) Outcome {
	o := Outcome{State: Delivered, At: now, Status: a.status}
	if a.err == nil {
		return o
	}
	o.Error = a.err.Error()
	began := d.Began
	if began.IsZero() {
		began = now
	}
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

// backoff doubles with each attempt, and spreads by a quarter to either side, so that what failed together does not come back
// together.
func backoff(before int, chance float64) time.Duration {
	wait := longestRetry
	if before < 16 {
		wait = min(firstRetry<<before, longestRetry)
	}
	return time.Duration(float64(wait) * (0.75 + chance/2))
}
