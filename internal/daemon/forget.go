package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"attestd/internal/config"
	"attestd/internal/httpapi"
	"attestd/internal/msisdn"
	"attestd/internal/store"
	"attestd/verify"
)

// forget erases all that is kept of the person who has a number. What is under way for the person is cancelled with force,
// and stands in the way without.
func (d *Daemon) forget(ctx context.Context, n msisdn.Number, force, dry bool) (f httpapi.Forgotten, err error) {
	open, err := d.store.OpenWork(ctx, n)
	if err != nil {
		return f, err
	}
	f.DryRun, f.Cancelled = dry, httpapi.UnderWay(open)
	if !open.None() && !dry {
		if !force {
			return f, httpapi.StillOpen{UnderWay: f.Cancelled}
		}
		if err := d.endWork(ctx, open); err != nil {
			return f, err
		}
	}
	if !dry {
		if err := d.store.WithdrawAll(ctx, n, "its recipient is forgotten"); err != nil {
			return f, err
		}
	}
	rows, err := d.store.Forget(ctx, n, dry)
	switch {
	case errors.Is(err, store.ErrInTheAir):
		return f, httpapi.StillOpen{InTheAir: true}
	case errors.Is(err, store.ErrOpenWork): // begun since we looked
		if open, err = d.store.OpenWork(ctx, n); err != nil {
			return f, err
		}
		return f, httpapi.StillOpen{UnderWay: httpapi.UnderWay(open)}
	case err != nil:
		return f, err
	}
	f.Rows = rows
	if !dry {
		d.log.Info("a person was forgotten", "rows", f.Rows)
		f.Scrubbed = d.scrub(ctx)
	}
	return f, nil
}

// endWork cancels what is under way.
func (d *Daemon) endWork(ctx context.Context, open store.OpenWork) error {
	rules := d.verify.Load()
	for _, id := range open.Filings {
		if _, err := rules.CancelFiling(ctx, verify.Everyone, id, ""); err != nil && !errors.Is(err, verify.ErrFilingClosed) {
			return fmt.Errorf("cancelling filing %s: %w", id, err)
		}
	}
	for _, id := range open.Challenges {
		if _, err := rules.CancelChallenge(ctx, verify.Everyone, id); err != nil && !errors.Is(err, verify.ErrChallengeEnded) {
			return fmt.Errorf("cancelling challenge %s: %w", id, err)
		}
	}
	return nil
}

// scrub overwrites what was erased, when nobody reads for a moment.
func (d *Daemon) scrub(ctx context.Context) bool {
	for range 5 {
		err := d.store.Scrub(ctx)
		if err == nil {
			return true
		}
		if !errors.Is(err, store.ErrBusy) {
			d.log.Warn("what was erased is not overwritten yet", "error", err)
			return false
		}
		time.Sleep(50 * time.Millisecond) // a reader's query takes less
	}
	return false
}

// Forget is what a running gateway does for POST /v1/forget, where none is running: store.ErrInUse says that one is.
func Forget(ctx context.Context, cfg config.Config, number string, force, dry bool) (httpapi.Forgotten, error) {
	n, err := msisdn.Parse(number, cfg.Verify.Region[0])
	if err != nil {
		return httpapi.Forgotten{}, fmt.Errorf("NUMBER: is no phone number: %w", err)
	}
	d := &Daemon{log: slog.New(slog.DiscardHandler), started: time.Now()}
	d.cfg.Store(&cfg)
	defer d.close()
	if err := d.openStore(ctx, cfg); err != nil {
		return httpapi.Forgotten{}, err
	}
	if err := d.buildCore(ctx, cfg); err != nil {
		return httpapi.Forgotten{}, err
	}
	return d.forget(ctx, n, force, dry)
}
