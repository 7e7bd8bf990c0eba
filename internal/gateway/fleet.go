// Package gateway keeps the fleet: one station for each configured modem, opened, initialised, watched and reopened for
// ever. It gives the queue a line for every station that can send, and carries what stations receive inward.
//
// Each station has three goroutines: run (open, watch, reopen), events (store what came, then acknowledge it), and
// the queue's own line, whose submissions are the only thing that can put a message on air.
package gateway

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"attestd/internal/inbox"
	"attestd/modem"
	"attestd/queue"
)

// StationConfig is one configured modem.
type StationConfig struct {
	Name     string
	Modem    modem.Config
	IMEI     string // "" or the only module that is accepted on this port
	SIM      string // "" or the ICCID of the only card that is accepted
	Limit    queue.Limit
	HoldLink bool   // keep the radio link between messages (AT+CMMS)
	Version  string // differs when anything in it differs, for Reconfigure
}

// Lines is what the fleet needs of the dispatcher: a place to offer stations that can send.
type Lines interface {
	// Attach offers a line; detach takes it back, waiting for its submission under way if told to.
	Attach(queue.Line) (detach func(wait bool))
}

// Inward is where stations bring what they hear. Each call has stored it durably when it returns nil; on an error
// the station keeps the message in the modem and tries again.
type Inward interface {
	Text(ctx context.Context, r inbox.Received) error
	Report(ctx context.Context, r queue.Report) error
	LateResult(ctx context.Context, attemptID string, o queue.Outcome) error
}

// Options say what the fleet consists of and what it is connected to.
type Options struct {
	Stations []StationConfig
	Lines    Lines
	Inward   Inward
	Logger   *slog.Logger
	Pace     Pace
	// Open opens a modem; nil means modem.Open. Tests give their own.
	Open func(ctx context.Context, c modem.Config) (*modem.Modem, error)
}

// Pace is how often a station looks after itself; zero values choose the defaults.
type Pace struct {
	ReopenMin time.Duration // first pause before a failed station is opened again: 1 s
	ReopenMax time.Duration // longest pause: 1 min
	Parked    time.Duration // pause after a fault that only a person can mend (PIN, PUK, no SIM): 10 min
	Health    time.Duration // registration, signal: 30 s
	Drain     time.Duration // stored messages are listed even if nothing announced them: 2 min
}

func (p *Pace) fill() {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&p.ReopenMin, time.Second}, {&p.ReopenMax, time.Minute}, {&p.Parked, 10 * time.Minute}, {&p.Health, 30 * time.Second}, {&p.Drain, 2 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
}

// Fleet is every station. Run must be called once.
type Fleet struct {
	o        Options
	stations atomic.Pointer[[]*station] // in the order of the configuration; replaced by Run alone, read by Status
	changes  chan []StationConfig
	ended    chan struct{}
}

// New makes a fleet; nothing is opened before Run.
func New(o Options) *Fleet {
	o.Pace.fill()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Open == nil {
		o.Open = modem.Open
	}
	f := &Fleet{o: o, changes: make(chan []StationConfig), ended: make(chan struct{})}
	var all []*station
	for _, c := range o.Stations {
		all = append(all, newStation(c, o))
	}
	f.stations.Store(&all)
	return f
}

// Run keeps the stations until ctx ends, and returns when every one has let its submission under way come to its end
// and closed its port. One station's failure never ends another.
func (f *Fleet) Run(ctx context.Context) error {
	defer close(f.ended)
	for _, s := range *f.stations.Load() {
		s.start(ctx)
	}
	var leaving []*station
	for {
		select {
		case configs := <-f.changes:
			leaving = append(leaving, f.apply(ctx, configs)...)
		case <-ctx.Done():
			for _, s := range append(leaving, *f.stations.Load()...) {
				<-s.ended
			}
			return nil
		}
	}
}

// Reconfigure makes the fleet consist of these stations: one whose Version is the same goes on undisturbed, any other
// is closed in good order and opened as told. It returns when that has begun.
func (f *Fleet) Reconfigure(configs []StationConfig) {
	select {
	case f.changes <- configs:
	case <-f.ended:
	}
}

// apply says which stations it stopped.
func (f *Fleet) apply(ctx context.Context, configs []StationConfig) (stopped []*station) {
	running := map[string]*station{}
	for _, s := range *f.stations.Load() {
		running[s.c.Name] = s
	}
	var next []*station
	for _, c := range configs {
		old, here := running[c.Name]
		if here && old.c.Version == c.Version {
			delete(running, c.Name)
			next = append(next, old)
			continue
		}
		s := newStation(c, f.o)
		if here {
			s.after = old.ended // the port must be free first
		}
		next = append(next, s)
	}
	for _, old := range running {
		old.stop()
		stopped = append(stopped, old)
	}
	for _, s := range next {
		s.start(ctx)
	}
	f.stations.Store(&next)
	return stopped
}

// Status tells how each station is, in the order of the configuration.
func (f *Fleet) Status() []Status {
	stations := *f.stations.Load()
	all := make([]Status, len(stations))
	for i, s := range stations {
		all[i] = *s.status.Load()
	}
	return all
}
