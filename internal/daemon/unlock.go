package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"attestd/internal/config"
	"attestd/internal/gateway"
	"attestd/internal/httpapi"
	"attestd/modem"
)

// unlockTime is how long a modem may take to start, to answer and to count its tries: less than clients wait for an
// answer.
const unlockTime = 50 * time.Second

// unlock has a person's PIN tried on a parked modem, and writes down that it was.
func (d *Daemon) unlock(ctx context.Context, name, pin string) (httpapi.Unlocked, error) {
	bounded, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	tries, err := d.fleet.Unlock(bounded, name, pin)
	switch {
	case errors.Is(err, gateway.ErrNoModem):
		return httpapi.Unlocked{}, httpapi.ErrNoModem
	case errors.Is(err, gateway.ErrNotLocked):
		return httpapi.Unlocked{}, httpapi.ErrNotLocked
	case bounded.Err() != nil:
		d.auditUnlock(ctx, name, map[string]any{"outcome": "not seen"})
		return httpapi.Unlocked{}, httpapi.NewConflict("the modem is still at it; GET /v1/modems will tell what came of it")
	}
	return d.unlocked(ctx, name, tries, err)
}

// unlocked tells and audits what came of a PIN. The error is one of a PIN that was not tried.
func (d *Daemon) unlocked(ctx context.Context, name string, tries modem.PINTrial, err error) (httpapi.Unlocked, error) {
	u := httpapi.Unlocked{Modem: name, Unlocked: err == nil && tries.Entered, TriesBefore: told(tries.Before), TriesAfter: told(tries.After)}
	if tries.Entered { // what follows the PIN may have failed, and the PIN been right
		u.Unlocked = !errors.Is(err, modem.ErrPINRefused) && !errors.Is(err, modem.ErrPUKRequired) && !errors.Is(err, modem.ErrPINRequired)
	}
	if err != nil {
		u.Detail = err.Error()
	}
	d.auditUnlock(ctx, name, map[string]any{"entered": tries.Entered, "unlocked": u.Unlocked, "tries_before": u.TriesBefore, "tries_after": u.TriesAfter})
	d.log.Info("a PIN was tried on purpose", "modem", name, "entered", tries.Entered, "unlocked", u.Unlocked, "tries_before", tries.Before, "tries_after", tries.After)
	switch {
	case tries.Entered:
		return u, nil
	case err == nil:
		return u, httpapi.ErrNotLocked
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return u, err
	}
	return u, httpapi.NewConflict("not tried: " + err.Error())
}

func (d *Daemon) auditUnlock(ctx context.Context, name string, data map[string]any) {
	if err := d.store.Audit(context.WithoutCancel(ctx), "modem.unlock", name, data); err != nil {
		d.log.Warn("an unlock is missing in the audit log", "error", err)
	}
}

func told(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

// Unlock is what a running gateway does for POST /v1/modems/NAME/unlock, where none is running: store.ErrInUse says
// that one is.
func Unlock(ctx context.Context, cfg config.Config, name, pin string) (httpapi.Unlocked, error) {
	d := &Daemon{log: slog.New(slog.DiscardHandler), started: time.Now()}
	d.cfg.Store(&cfg)
	defer d.close()
	if err := d.openStore(ctx, cfg); err != nil {
		return httpapi.Unlocked{}, err
	}
	for _, m := range cfg.Modem {
		if m.Name != name || !m.Enabled {
			continue
		}
		paths, missing := Locate(ctx, cfg)
		if err := missing[name]; err != nil {
			return httpapi.Unlocked{}, fmt.Errorf("modem %s: %w", name, err)
		}
		m.Port, m.PIN = paths[name], config.Secret(pin)
		c := d.station(m, false).Modem
		tries := modem.PINTrial{Before: -1, After: -1}
		c.PINTrial, c.Registration = &tries, 0
		ctx, cancel := context.WithTimeout(ctx, unlockTime)
		defer cancel()
		opened, err := modem.Open(ctx, c)
		if err == nil {
			defer opened.Close()
		}
		return d.unlocked(ctx, name, tries, err)
	}
	return httpapi.Unlocked{}, httpapi.ErrNoModem
}
