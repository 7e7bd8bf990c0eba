package daemon

import (
	"context"
	"errors"
	"time"

	"attestd/internal/store"
	"attestd/modem"
)

// pinGuard remembers across restarts which card refused which PIN, so that a watchdog or systemd restarting us again
// and again can't burn the three tries of a card.
type pinGuard struct{ store *store.Store }

func (g pinGuard) Before(card, pin string, counted bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := g.store.BeginPIN(ctx, card, pin, counted)
	switch {
	case errors.Is(err, store.ErrPINRefused):
		return errors.New("this card has refused this PIN before")
	case errors.Is(err, store.ErrPINBegun):
		return errors.New("this PIN was entered before and what came of it is not known, nor does the modem tell how many tries are left")
	}
	return err
}

func (g pinGuard) After(card, pin string, v modem.PINVerdict) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return g.store.EndPIN(ctx, card, pin, v == modem.PINRefused)
}
