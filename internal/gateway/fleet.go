// Package gateway keeps the fleet: one station for each configured modem, opened, initialised, watched and reopened for
// ever. It gives the queue a line for every station that can send, and carries what stations receive inward.
//
// Each station has three goroutines: run (find, open, watch, mend), events (store what came, then acknowledge it), and
// the queue's own line, whose submissions are the only thing that can put a message on air.
//
// A modem that is sick gets no work: its line is taken back, which gives its messages to the others, and it climbs the recovery
// ladder (ladder.go decides, mend.go acts). No rung is taken while a submission may still come to its end there, one message
// that fails is no sickness, and no two modems are switched off and on at the same time.
//
// A modem is found anew each time it is opened (find.go), by the module or card that the configuration names, so that it may come
// back under any name; the file system tells when a port came or went (notice.go).
package gateway

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/inbox"
	"attestd/modem"
	"attestd/queue"
)

// StationConfig is one configured modem.
type StationConfig struct {
	Name  string
	Modem modem.Config
	// Modem.Port is a path, tcp://host:port, a pattern of paths, or Auto.
	IMEI     string        // "" or the only module that is accepted
	SIM      string        // "" or the ICCID of the only card that is accepted
	Scan     []string      // patterns of the ttys that may be opened in search of it, for Auto
	Search   time.Duration // how long it may be without a network before that counts as sickness: 3 min
	NoReset  bool          // it must not be restarted
	Limit    queue.Limit
	HangUp   bool   // end incoming calls
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
	// StrayResult brings one of which nobody knows whose it is.
	StrayResult(ctx context.Context, station, imei, sim string, mr byte) error
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
	// Restart opens a modem's port as far as asking who is there, and lets do act on it; nil means modem.Touch.
	Restart func(ctx context.Context, c modem.Config, do func(commander)) error
}

// Pace is how often a station looks after itself; zero values choose the defaults.
type Pace struct {
	ReopenMin time.Duration // first pause before a failed station is opened again: 1 s
	ReopenMax time.Duration // longest pause, and how often a parked modem is looked at: 20 s
	Parked    time.Duration // until a parked modem may be treated harshly again, and a PIN file is read anew: 10 min
	Health    time.Duration // registration, signal: 30 s
	Drain     time.Duration // stored messages are listed even if nothing announced them: 2 min
	Rest      time.Duration // what a modem that accepts nothing rests before it is tried again: 5 s
	Boot      time.Duration // how long a restart may keep the others from one: 60 s
	Scan      time.Duration // ports are looked for even if nothing announced them: 10 s
}

func (p *Pace) fill() {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&p.ReopenMin, time.Second}, {&p.ReopenMax, 20 * time.Second}, {&p.Parked, 10 * time.Minute}, {&p.Health, 30 * time.Second}, {&p.Drain, 2 * time.Minute},
		{&p.Rest, 5 * time.Second}, {&p.Boot, time.Minute}, {&p.Scan, 10 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
}

// Fleet is every station. Run must be called once.
type Fleet struct {
	o        Options
	yard     *yard
	stations atomic.Pointer[[]*station] // in the order of the configuration; replaced by Run alone, read by Status
	changes  chan []StationConfig
	ended    chan struct{}
}

// yard is what the stations share.
type yard struct {
	find *finder
	// turn has one place: a modem that is switched off and on takes it, so that no two draw their start-up current from one hub at
	// once, and a fault that all share does not take all of them away.
	turn chan struct{}
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
	if o.Restart == nil {
		o.Restart = func(ctx context.Context, c modem.Config, do func(commander)) error {
			return modem.Touch(ctx, c, func(m *modem.Modem) { do(m) })
		}
	}
	f := &Fleet{o: o, yard: &yard{newFinder(o), make(chan struct{}, 1)}, changes: make(chan []StationConfig), ended: make(chan struct{})}
	var all []*station
	for _, c := range o.Stations {
		all = append(all, newStation(c, o, f.yard))
	}
	f.stations.Store(&all)
	return f
}

// Run keeps the stations until ctx ends, and returns when every one has let its submission under way come to its end
// and closed its port. One station's failure never ends another.
func (f *Fleet) Run(ctx context.Context) error {
	defer close(f.ended)
	noticing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var noticed sync.WaitGroup
	noticed.Go(func() { f.yard.find.run(noticing) })
	defer func() {
		stop()
		noticed.Wait()
		f.yard.find.tasks.Wait()
	}()
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
		s := newStation(c, f.o, f.yard)
		if here {
			s.after = old.ended // the port must be free first
		}
		next = append(next, s)
	}
	for _, old := range running {
		old.stop()
		stopped = append(stopped, old)
	}
	f.yard.find.configure(configs)
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
