package main

import (
	"context"
	"fmt"
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
	d, err := daemon.New(a.ctx, cfg, daemon.Options{Version: version, Commit: commit(), Logger: log, Level: level})
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
				err := reload(c.Config, d, log)
				if err := answerReload(err); err != nil {
					log.Warn("SIGHUP: what came of it could not be told", "error", err)
				}
			}
		}
	}()
	for _, warning := range cfg.Warnings() {
		log.Warn("configuration: " + warning)
	}
	log.Info("attestd serves", "version", version, "api", d.Addr(), "modems", len(cfg.Modem), "pid", os.Getpid())
	return d.Run(ctx)
}

// reload reads the file again; a faulty one changes nothing.
func reload(path string, d *daemon.Daemon, log *slog.Logger) error {
	cfg, err := config.Load(path)
	if err != nil {
		log.Error("SIGHUP: the configuration has faults, nothing was changed", "error", err)
		return fmt.Errorf("the configuration has faults, nothing was changed: %w", err)
	}
	changed, err := d.Reload(cfg)
	if err != nil {
		log.Error("SIGHUP: nothing was changed", "error", err)
		return fmt.Errorf("nothing was changed: %w", err)
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
	return nil
}
