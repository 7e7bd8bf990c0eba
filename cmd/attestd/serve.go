package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"attestd/internal/config"
	"attestd/internal/daemon"
)

type serveCmd struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration (config.example.toml is the manual)."`
}

func (c *serveCmd) Help() string {
	return `Runs the gateway until SIGTERM or Ctrl-C, which let submissions under way come to their end (shutdown_grace) and exit
0; a second one ends it at once, and what was under way is settled by evidence after the next start. SIGHUP reads the configuration again and says what took effect and what waits for a restart.`
}

func (c *serveCmd) Run(a *app) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	level.Set(cfg.Log.Level)
	log := logger(a.stderr, cfg.Log.Format, level)
	d, err := daemon.New(a.ctx, cfg, daemon.Options{Version: version, Logger: log, Level: level})
	if err != nil {
		return err
	}
	hups := make(chan os.Signal, 1)
	signal.Notify(hups, syscall.SIGHUP)
	defer signal.Stop(hups)
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hups:
				reload(c.Config, d, log)
			}
		}
	}()
	log.Info("attestd serves", "version", version, "api", d.Addr(), "modems", len(cfg.Modem), "pid", os.Getpid())
	return d.Run(ctx)
}

// reload reads the file again; a faulty one changes nothing.
func reload(path string, d *daemon.Daemon, log *slog.Logger) {
	cfg, err := config.Load(path)
	if err != nil {
		log.Error("SIGHUP: the configuration has faults, nothing was changed", "error", err)
		return
	}
	changed, err := d.Reload(cfg)
	if err != nil {
		log.Error("SIGHUP: nothing was changed", "error", err)
		return
	}
	if len(changed) == 0 {
		log.Info("SIGHUP: nothing has changed")
	}
	for _, one := range changed {
		if one.Restart {
			log.Warn("SIGHUP: changed, but takes effect only after a restart", "key", one.Key)
		} else {
			log.Info("SIGHUP: changed", "key", one.Key)
		}
	}
}

func logger(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	if os.Getenv("JOURNAL_STREAM") != "" { // the journal has its own clock
		o.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
			if len(groups) == 0 && attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		}
	}
	return slog.New(slog.NewTextHandler(w, o))
}
