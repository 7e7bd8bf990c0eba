package daemon

import (
	"context"
	"fmt"
	"time"

	"attestd/internal/store"
)

// pinGuard remembers across restarts which card refused which PIN, so that a watchdog or systemd restarting us again
// and again can't burn the three tries of a card.
type pinGuard struct {
	store      *store.Store
	modem, pin string
}

func (g pinGuard) MayTry(card string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	refused, err := g.store.PINRefusedBefore(ctx, card, g.pin)
	if err != nil {
		return err
	}
	if refused {
		return fmt.Errorf("this card has refused this PIN before: put the right one into modem %s's pin_file", g.modem)
	}
	return nil
}

func (g pinGuard) Failed(card string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return g.store.PINFailed(ctx, card, g.pin)
}
