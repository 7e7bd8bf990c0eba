package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"attestd/internal/config"
	"attestd/internal/seal"
	"attestd/internal/store"
)

// wipeEvery is how often what was kept long enough is looked for.
const wipeEvery = time.Hour

// keyMemory is the least that an idempotency key is remembered: a client that lost an answer tries again within a day, and
// must not have its text sent twice.
const keyMemory = 24 * time.Hour

func keep(c config.Config) store.Keep {
	return store.Keep{
		Persons: c.Privacy.WipePersons, Events: c.Privacy.WipeEvents, Audit: c.Privacy.WipeAudit,
		Keys: max(c.Queue.WipeNumber, keyMemory),
	}
}

// wipe takes what was kept long enough.
func (d *Daemon) wipe(ctx context.Context, now time.Time) (next time.Time, err error) {
	k := keep(*d.cfg.Load())
	wiped, err := d.store.Wipe(ctx, now, k)
	if err == nil {
		var n int
		if n, err = d.store.WipeAudit(ctx, now.Add(-k.Audit)); n > 0 {
			wiped["audit"] = n
		}
	}
	if len(wiped) > 0 {
		d.log.Info("what was kept long enough was wiped", "rows", map[string]int(wiped))
	}
	return now.Add(wipeEvery), err
}

// loadKeys reads the key file again: what a rotation or a retirement made of it. It must hold the key that seals now, or what
// was sealed a moment ago could not be read a moment later.
func (d *Daemon) loadKeys(ctx context.Context) (*seal.Keyring, error) {
	file := d.cfg.Load().Store.KeyFile
	fresh, err := seal.Load(file)
	if err != nil {
		return nil, fmt.Errorf("store.key_file: %w", err)
	}
	if err := d.store.JudgeKeys(ctx, fresh, file); err != nil {
		return nil, err
	}
	const purpose = "reload"
	if _, err := fresh.Open(d.keys.Seal(nil, purpose), purpose); err != nil {
		return nil, errors.New("store.key_file: it no longer holds the key that seals now: bring that file back")
	}
	return fresh, nil
}

// takeKeys seals under the newest key from now on, and has what an older one made re-sealed. That it is the newest has
// been
// written down.
func (d *Daemon) takeKeys(fresh *seal.Keyring) {
	d.keys.Replace(fresh)
	select {
	case d.rekeyed <- struct{}{}:
	default:
	}
}

// resealRest lets others write between two batches.
const resealRest = 20 * time.Millisecond

// reseal moves what an older key made to the current one, as long as there is an older one that opens anything.
func (d *Daemon) reseal(ctx context.Context, _ time.Time) (time.Time, error) {
	rotating := false
	for _, g := range d.keys.Generations() {
		rotating = rotating || !g.Current && !g.HashOnly
	}
	if !rotating {
		return time.Time{}, nil
	}
	moved, lost, err := d.store.Reseal(ctx, func(int) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(resealRest):
			return nil
		}
	})
	if moved+lost > 0 {
		d.log.Info("values were re-sealed under the newest key", "values", moved, "cannot_be_opened", lost, "generation", d.keys.Current())
	}
	return time.Time{}, err
}
