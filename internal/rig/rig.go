// Package rig is a whole gateway on simulated modems in a temporary folder: real ptys, real database, real API; only the
// radio is pretended. The demo, the benchmarks and the end-to-end tests stand on it.
package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"attestd/internal/access"
	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/gateway"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// Options say what the rig is like.
type Options struct {
	Simulator simulator.Config
	Edit      func(*config.Config) // changes the configuration before the start; may be nil
	Logger    *slog.Logger         // the gateway's log; nil throws it away
	Version   string
	Pace      gateway.Pace
}

// Rig is a gateway that serves.
type Rig struct {
	Dir     string
	Network *simulator.Network
	Config  config.Config
	URL     string // of the API
	Token   string // of a platform that may do everything

	o      Options
	d      *daemon.Daemon
	stop   context.CancelFunc
	served chan error
}

// Start plugs in the modems, makes a token and starts the gateway. Close ends all of it.
func Start(ctx context.Context, o Options) (r *Rig, err error) {
	r = &Rig{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.Dir, err = os.MkdirTemp("", "attestd-"); err != nil {
		return r, err
	}
	if r.Network, err = simulator.New(o.Simulator); err != nil {
		return r, err
	}
	if err := r.configure(); err != nil {
		return r, err
	}
	if err := r.makeToken(ctx); err != nil {
		return r, err
	}
	return r, r.Boot(ctx)
}

func (r *Rig) configure() error {
	cfg := config.Default()
	cfg.Environment = config.Test
	cfg.Store = config.Store{URL: "sqlite://" + filepath.Join(r.Dir, "attestd.db"), KeyFile: filepath.Join(r.Dir, "attestd.key")}
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.HTTP.RequestsPerSecond = 0 // who measures is one token
	cfg.Abuse.TextsPerTokenHourly, cfg.Abuse.TextsPerTokenDaily = 0, 0
	cfg.Abuse.TextsPerPhoneHourly, cfg.Abuse.TextsPerPhoneDaily = 0, 0
	cfg.ShutdownGrace = 10 * time.Second
	cfg.Modem = nil
	for i := range r.Network.Modems() {
		port, err := r.Network.Modem(i).Listen(r.Dir)
		if err != nil {
			return err
		}
		cfg.Modem = append(cfg.Modem, config.Modem{Name: fmt.Sprintf("m%d", i), Port: port, Enabled: true, ModemDefaults: cfg.Modems})
	}
	if r.o.Edit != nil {
		r.o.Edit(&cfg)
	}
	r.Config = cfg
	return nil
}

// makeToken makes the platform's token before the gateway starts, as an operator would.
func (r *Rig) makeToken(ctx context.Context) error {
	keys, _, err := seal.LoadOrCreate(r.Config.Store.KeyFile)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{URL: r.Config.Store.URL, Keys: keys})
	if err != nil {
		return err
	}
	r.Token, _, err = s.CreateToken(ctx, store.NewToken{Name: "platform", Scopes: access.All})
	return errors.Join(err, s.Close())
}

// Boot starts the gateway; after Halt it starts it again on the same database and modems.
func (r *Rig) Boot(ctx context.Context) error {
	d, err := daemon.New(ctx, r.Config, daemon.Options{Version: r.o.Version, Logger: r.o.Logger, Pace: r.o.Pace})
	if err != nil {
		return err
	}
	r.URL, r.d = "http://"+d.Addr(), d
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop, r.served = stop, make(chan error, 1)
	go func() { r.served <- d.Run(serving) }()
	return nil
}

// Reload has the gateway take another configuration over, as SIGHUP does.
func (r *Rig) Reload(cfg config.Config) ([]config.Change, error) { return r.d.Reload(cfg) }

// Halt stops the gateway as SIGTERM does; the modems stay.
func (r *Rig) Halt() error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	r.stop = nil
	return <-r.served
}

// Close stops everything and removes the folder.
func (r *Rig) Close() error {
	err := r.Halt()
	if r.Network != nil {
		err = errors.Join(err, r.Network.Close())
	}
	if r.Dir != "" {
		err = errors.Join(err, os.RemoveAll(r.Dir))
	}
	return err
}
