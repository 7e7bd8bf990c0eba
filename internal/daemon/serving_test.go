package daemon

import (
	"context"
	"path/filepath"
	"testing"

	"attestd/internal/config"
)

// Bare is the configuration of a gateway without modems in a folder of its own.
func Bare(t *testing.T) config.Config {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Environment, cfg.HTTP.Listen = config.Test, "127.0.0.1:0"
	cfg.Store = config.Store{URL: "sqlite://" + filepath.Join(dir, "attestd.db"), KeyFile: filepath.Join(dir, "attestd.key")}
	return cfg
}

// Serving is a gateway that serves until the test ends.
func Serving(t *testing.T, cfg config.Config) *Daemon {
	t.Helper()
	d, err := New(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return d
}
