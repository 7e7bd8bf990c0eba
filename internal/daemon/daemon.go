// Package daemon puts the house together: New builds and binds everything in the order of dependence, Run serves until
// its context ends and takes it down in reverse. It is meant to be read from top to bottom.
//
// A filing becomes challenges, a challenge becomes a message, a message becomes segments, a segment becomes an
// SMS-SUBMIT; what comes back from the modems goes inward through inward.go, and the two domains that share a
// transaction (queue and verify) meet in observer.go and nowhere else.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/config"
	"attestd/internal/gateway"
	"attestd/internal/httpapi"
	"attestd/internal/inbox"
	"attestd/internal/metrics"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/internal/watch"
	"attestd/internal/webhook"
	"attestd/internal/webui"
	"attestd/queue"
	"attestd/verify"
)

// Options are what a daemon needs besides its configuration.
type Options struct {
	Version, Commit string
	Logger          *slog.Logger
	Level           *slog.LevelVar // changed by Reload; may be nil
	Ready           func()         // called once when everything serves; may be nil
	Pace            gateway.Pace   // zero for the defaults
}

// Daemon is the whole gateway. Make one with New, serve with Run, once.
type Daemon struct {
	cfg  atomic.Pointer[config.Config]
	o    Options
	log  *slog.Logger
	keys *seal.Keyring

	store       *store.Store
	queue       *queue.Queue
	dispatcher  *queue.Dispatcher
	verify      rules
	codes       verify.Store // the store as the rules see it
	inbox       *inbox.Inbox
	inbound     atomic.Pointer[[]inbox.Rule]
	homes       atomic.Pointer[[]string] // countries that the SIMs are at home in, as last learned
	fleet       *gateway.Fleet
	metrics     *metrics.Metrics
	webhooks    *webhook.Sender
	watch       *watch.Watch
	api         *httpapi.API
	page        *webui.Page // nil where nothing public is served
	server      *httpapi.Front
	listener    net.Listener
	certificate *httpapi.Certificate // nil without TLS
	unwatch     []func()
	started     time.Time
	stopping    atomic.Bool
	reloading   sync.Mutex    // one reload after the other
	refusals    refusals      // by quotas, for the log
	probe       prober        // whether the database takes writes
	rekeyed     chan struct{} // has an element when the key file was read anew
}

// New opens the database, recovers what an earlier run left, and binds the API's address, in this order: whoever can
// connect sees recovered states. An error names the key of the configuration that it is about.
func New(ctx context.Context, cfg config.Config, o Options) (*Daemon, error) {
	d := &Daemon{o: o, log: o.Logger, started: time.Now()}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.cfg.Store(&cfg)
	for _, build := range []func() error{
		func() error { return d.openStore(ctx, cfg) },
		func() error { return d.buildCore(ctx, cfg) },
		func() error { d.buildFleet(cfg); d.buildMetrics(); return d.buildWebhooks(ctx, cfg) },
		func() error { return d.buildWatch(ctx, cfg) },
		func() error { return d.bind(cfg) },
	} {
		if err := build(); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

func (d *Daemon) openStore(ctx context.Context, cfg config.Config) (err error) {
	if err := CheckDatabase(ctx, cfg); errors.Is(err, store.ErrSecret) { // told before anything is changed
		return err
	}
	d.store, err = store.Open(ctx, store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile, MakeKey: true, Exclusive: true})
	if err != nil {
		return err
	}
	d.keys = d.store.Keys()
	d.probe.write = d.store.TryWrite
	if d.store.KeyMade() {
		d.log.Warn("a new key was made: back it up apart from the database", "file", cfg.Store.KeyFile)
	}
	d.store.Clock(d.clockJumped)
	d.rekeyed = make(chan struct{}, 1)
	if err := d.store.NoteGeneration(ctx); err != nil { // a full disk keeps nobody from starting; attestd keys retire will refuse
		d.log.Warn("the generation of the key could not be noted", "error", err)
	}
	return nil
}

// buildCore makes the three domains over the one store.
func (d *Daemon) buildCore(ctx context.Context, cfg config.Config) (err error) {
	d.queue = queue.New(d.store.Queue(), queuePolicy(cfg), d.messageChanged)
	d.queue.Bar(d.barred)
	d.codes = d.store.Verify(d.queue.Policy)
	rules, err := d.makeRules(cfg)
	if err != nil {
		return err
	}
	d.useRules(cfg, rules)
	d.inbox = inbox.New(d.store.Inbox(), inboxPolicy(cfg), d.textArrived)
	if err := d.queue.Recover(ctx); err != nil {
		return fmt.Errorf("recovering the queue: %w", err)
	}
	wake, unwatch := d.store.Watch(store.TopicWork)
	d.unwatch = append(d.unwatch, unwatch)
	d.dispatcher = queue.NewDispatcher(d.queue, wake, d.log)
	return nil
}

// makeRules makes the verification service, at start and again at a reload: it keeps nothing but what is in the store.
func (d *Daemon) makeRules(cfg config.Config) (*verify.Service, error) {
	policy := verifyPolicy(cfg)
	policy.Callback = d.checkCallback
	areas, err := numberAreas(cfg)
	if err != nil {
		return nil, err
	}
	policy.Province = areas.Province
	return verify.New(d.codes, d.keys, policy, verifyTemplates(cfg))
}

func (d *Daemon) useRules(cfg config.Config, service *verify.Service) {
	inbound := inboundRules(cfg)
	d.inbound.Store(&inbound)
	d.verify.Store(service)
}

func (d *Daemon) buildFleet(cfg config.Config) {
	d.fleet = gateway.New(gateway.Options{
		Stations: d.stations(cfg), Lines: measured{d}, Inward: inward{d}, Logger: d.log, Pace: d.o.Pace,
	})
}

func (d *Daemon) buildMetrics() {
	d.metrics = metrics.New(metrics.Sources{
		Version: d.o.Version, Commit: d.o.Commit,
		Queue: d.queueSnapshot, Filings: d.store.FilingCounts, Modems: d.modemSnapshot, Logger: d.log,
	})
	d.metrics.Unopened(d.keys.Shut)
}

// Addr is where the API listens.
func (d *Daemon) Addr() string { return d.listener.Addr().String() }

// Run serves until ctx ends, then drains: no new work is taken, submissions under way reach their final result within
// shutdown_grace, and the API answers all that time: reads and persons' checks as ever, 503 to the rest (httpapi/stopping.go). Then the
// listener and the database are closed. It returns nil after an orderly end.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.close()
	grace := d.cfg.Load().ShutdownGrace

	// work ends at once when ctx does. hard ends when the grace is used up: it is only for what would not end by itself.
	work, stopWork := context.WithCancelCause(ctx)
	defer stopWork(nil)
	failed := make(chan error, 4)
	run := func(name string, f func(context.Context) error) <-chan struct{} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := f(work); err != nil && work.Err() == nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
		}()
		return ended
	}
	dispatcher := run("dispatcher", d.dispatcher.Run)
	fleet := run("modems", d.fleet.Run)
	sweepers := run("sweepers", d.sweep)
	clock := run("clock", d.store.FollowClock)
	webhooks := run("webhooks", d.webhooks.Run)
	server := run("http.listen", func(context.Context) error { return d.server.Serve() })
	notify := run("systemd", d.notify)

	var err error
	select {
	case <-ctx.Done():
		d.log.Info("stopping: no new work is taken", "grace", grace)
	case err = <-failed:
		d.log.Error("stopping: a part of the gateway failed", "error", err)
	}
	d.stopping.Store(true)
	stopWork(errors.New("the gateway stops"))
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	// Until the end the API answers: reads, persons' checks, and 503 to all else. A client that is refused a connection knows less.
	parts := []<-chan struct{}{fleet, dispatcher, sweepers, clock, webhooks, notify}
	defer d.endServer(server)
	for _, part := range parts {
		select {
		case <-part:
		case <-deadline.Done():
			// What is still in a modem's hands is written down as begun, and is unknown to the next start.
			d.log.Warn("shutdown_grace is used up: submissions without a final result will be settled by evidence after the next start")
			return err
		}
	}
	return err
}

// lastAnswers is how long requests under way may take when all else has ended.
const lastAnswers = 2 * time.Second

// endServer closes the listener, and waits for the answers under way.
func (d *Daemon) endServer(ended <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		_ = d.server.Close()
	}
	<-ended
	d.log.Info("stopped")
}

func (d *Daemon) close() {
	for _, f := range d.unwatch {
		f()
	}
	if d.listener != nil {
		_ = d.listener.Close()
	}
	d.probe.all.Wait()
	if d.store != nil {
		if err := d.store.Close(); err != nil {
			d.log.Warn("closing the database", "error", err)
		}
	}
}

// Healthy says whether the gateway works: the database answers. It is what the watchdog asks.
func (d *Daemon) Healthy(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return d.store.Ping(bounded)
}
