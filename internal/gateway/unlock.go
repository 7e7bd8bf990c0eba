package gateway

import (
	"context"
	"errors"

	"attestd/modem"
)

// Why no PIN was tried.
var (
	ErrNoModem   = errors.New("there is no modem of this name that is enabled")
	ErrNotLocked = errors.New("this modem does not wait for a PIN")
)

// trial is a PIN that a person wants tried once.
type trial struct {
	pin   string
	tries modem.PINTrial
	done  chan error
}

// Unlock has a parked modem tried with another PIN, once, and tells what the card's counter showed. A PIN that worked
// is kept until the
// station is configured anew: a modem that restarts asks for it again.
func (f *Fleet) Unlock(ctx context.Context, name, pin string) (modem.PINTrial, error) {
	for _, s := range *f.stations.Load() {
		if s.c.Name == name {
			return s.unlock(ctx, pin)
		}
	}
	return modem.PINTrial{}, ErrNoModem
}

func (s *station) unlock(ctx context.Context, pin string) (modem.PINTrial, error) {
	if !s.locked.Load() {
		return modem.PINTrial{}, ErrNotLocked
	}
	t := &trial{pin: pin, tries: modem.PINTrial{Before: -1, After: -1}, done: make(chan error, 1)}
	select {
	case s.trials <- t:
	case <-s.ended:
		return t.tries, ErrNotLocked
	case <-ctx.Done():
		return t.tries, ctx.Err()
	}
	select {
	case err := <-t.done:
		return t.tries, err
	case <-s.ended:
		return modem.PINTrial{Before: -1, After: -1}, ErrNotLocked
	case <-ctx.Done(): // the answer is lost, what it wrote down is not
		return modem.PINTrial{Before: -1, After: -1}, ctx.Err()
	}
}

// apply gives the modem the PIN of a trial, or the one that a trial has proved. A nil trial is none.
func (t *trial) apply(c *modem.Config, proved string) {
	switch {
	case t != nil:
		c.PIN, c.PINTrial = t.pin, &t.tries
	case proved != "":
		c.PIN = proved
	}
}

// end tells who waits; only the first counts.
func (t *trial) end(err error) {
	if t == nil {
		return
	}
	select {
	case t.done <- err:
	default:
	}
}
