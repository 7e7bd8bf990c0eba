// Package soak runs a whole gateway for a long time while everything goes wrong that the simulator knows, and then asks
// two questions. Does it hold more goroutines, descriptors or memory than after its first minute? And does the network's
// ledger say the same as the gateway: nothing lost, nothing sent twice, every text that came in kept once?
//
// Gateway, network and platform are one process, so that a binary built with -race watches all of it.
package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"attestd/internal/config"
	"attestd/internal/gateway"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// Options say how long and how hard.
type Options struct {
	Length time.Duration // of the whole run; 0 means 20 minutes
	First  time.Duration // after which the yardstick is taken; 0 means a minute
	Modems int           // 0 means 8
	Rate   float64       // messages a second; 0 means 10
	Seed   uint64
	Tell   func(string)
	Logger *slog.Logger // the gateway's own log; may be nil
}

// Result is what came of it.
type Result struct {
	Took   time.Duration  `json:"took_ns"`
	First  Level          `json:"first"` // at rest, after the first minute
	Last   Level          `json:"last"`  // at rest, at the end
	Faults map[string]int `json:"faults"`

	Sent     int            `json:"sent"`     // messages asked for
	OnAir    int            `json:"on_air"`   // of them, went on air in all their parts
	GivenUp  int            `json:"given_up"` // did not, and are said to have failed or to be in doubt
	Lost     int            `json:"lost"`     // did not, and nobody says so
	Doubled  int            `json:"doubled"`  // went on air more than once without having been declared repeatable
	Repeated int            `json:"repeated"` // went on air twice, as their sender had allowed
	States   map[string]int `json:"states"`   // messages by final state

	Received    int `json:"received"`     // texts sent to us
	InboxLost   int `json:"inbox_lost"`   // of them, not in the inbox
	InboxDouble int `json:"inbox_double"` // of them, in the inbox twice

	Filings     int `json:"filings"`
	Passed      int `json:"passed"`       // of them, by a code that was entered or answered by SMS
	PassedTwice int `json:"passed_twice"` // filings with more than one event that says so
	Reads       int `json:"reads"`        // requests that read
	Refused     int `json:"refused"`      // requests of any kind that were not done
}

// Clean says that nothing was lost or doubled and nothing has grown by more than a tenth.
func (r Result) Clean() bool {
	return r.Lost == 0 && r.Doubled == 0 && r.InboxLost == 0 && r.InboxDouble == 0 && r.PassedTwice == 0 && r.Refused == 0 && len(r.Grown()) == 0
}

// Grown names what has grown by more than a tenth since the first minute.
func (r Result) Grown() []string {
	var grown []string
	for _, one := range []struct {
		name        string
		first, last float64
	}{
		{"goroutines", float64(r.First.Goroutines), float64(r.Last.Goroutines)},
		{"descriptors", float64(r.First.Descriptors), float64(r.Last.Descriptors)},
		{"heap", float64(r.First.Heap), float64(r.Last.Heap)},
	} {
		if one.last > 1.1*one.first {
			grown = append(grown, one.name)
		}
	}
	return grown
}

// soak is one run.
type soak struct {
	o      Options
	rig    *rig.Rig
	client *http.Client
	air    *air

	mu     sync.Mutex // guards what follows
	dice   *rand.Rand
	result Result
	next   int // number of the next message
	came   int // number of the next text to us
}

// Run runs the gateway for o.Length under load and faults, and counts.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Length == 0 {
		o.Length = 20 * time.Minute
	}
	if o.First == 0 {
		o.First = time.Minute
	}
	if o.Modems == 0 {
		o.Modems = 8
	}
	if o.Rate == 0 {
		o.Rate = 10
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	s := &soak{
		o: o, dice: rand.New(rand.NewPCG(o.Seed, 2)), client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
		air:    newAir(int(2 * o.Rate * o.Length.Seconds())),
		result: Result{Faults: map[string]int{}, States: map[string]int{}},
	}
	began := time.Now()
	var err error
	if s.rig, err = rig.Start(ctx, rig.Options{
		Simulator: simulator.Config{
			Modems: o.Modems, Radio: 150 * time.Millisecond, ReportDelay: 200 * time.Millisecond, Late: 500 * time.Millisecond,
			MECapacity: 255, AckTimeout: 2 * time.Second, Keep: 256, Ledger: s.air, Seed: int64(o.Seed),
		},
		Edit: configure, Logger: o.Logger,
		Pace: gateway.Pace{ReopenMin: 200 * time.Millisecond, ReopenMax: 5 * time.Second, Parked: 5 * time.Second, Health: 5 * time.Second, Drain: 10 * time.Second},
	}); err != nil {
		return s.result, err
	}
	err = s.play(ctx, began)
	err = errors.Join(err, s.rig.Close())
	s.result.Took = time.Since(began)
	return s.result, err
}

// configure takes the patience and the limits out that would let a run of minutes show nothing.
func configure(cfg *config.Config) {
	for i := range cfg.Modem {
		m := &cfg.Modem[i]
		m.RatePerMinute, m.SubmitTimeout, m.PromptTimeout, m.CommandTimeout = 0, 10*time.Second, 3*time.Second, 3*time.Second
		m.LateResultWait, m.AskAfter, m.RegistrationWait = 3*time.Second, time.Second, 5*time.Second
	}
	cfg.HTTP.MaxConnections = max(cfg.HTTP.MaxConnections, 64)
	cfg.Queue.Backoff, cfg.Queue.EvidenceWindow, cfg.Queue.ReportWindow = 200*time.Millisecond, 20*time.Second, time.Minute
	cfg.Verify.Limits = config.VerifyLimits{}
	cfg.Verify.Replies = true
	cfg.Verify.Site = "soak.example"
}

// play is load, rest, load, rest, count. The levels are compared at rest: under load they say how much is going on.
func (s *soak) play(ctx context.Context, began time.Time) (err error) {
	if err := s.under(ctx, began, s.o.First); err != nil {
		return err
	}
	if s.result.First, err = s.rest(ctx, began); err != nil {
		return fmt.Errorf("after the first load: %w", err)
	}
	s.o.Tell("at rest: " + s.result.First.String())
	if err := s.under(ctx, began, s.o.Length); err != nil {
		return err
	}
	if s.result.Last, err = s.rest(ctx, began); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	s.o.Tell("at rest: " + s.result.Last.String())
	return s.count(ctx)
}

// under puts the gateway under load and faults until a time after the start.
func (s *soak) under(ctx context.Context, began time.Time, until time.Duration) error {
	load, stop := context.WithDeadline(ctx, began.Add(until))
	defer stop()
	var all sync.WaitGroup
	for _, work := range []func(context.Context){s.send, s.inject, s.harm, s.read, s.follow, s.file, s.file, s.file, s.file, func(ctx context.Context) { s.report(ctx, began) }} {
		all.Go(func() { work(load) })
	}
	all.Wait()
	return ctx.Err()
}

// report says each minute how it goes.
func (s *soak) report(ctx context.Context, began time.Time) {
	for tick := time.NewTicker(time.Minute); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			s.mu.Lock()
			n := s.next
			s.mu.Unlock()
			s.o.Tell(fmt.Sprintf("under load: %s, %d messages asked for", level(began), n))
		}
	}
}

// roll is a number from 0 to n-1.
func (s *soak) roll(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dice.IntN(n)
}

// pause waits for about d, or until ctx ends.
func (s *soak) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d/2 + time.Duration(s.roll(int(d))))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
