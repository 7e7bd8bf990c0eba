package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// Why a PIN is not given to a card.
var (
	ErrPINRefused = errors.New("the card has refused this PIN before")
	ErrPINBegun   = errors.New("an earlier entry of this PIN has no known end")
)

const pinBegun = "begun "

// BeginPIN writes down that a card is about to be given a PIN, unless it refused it in any run of the gateway. harmless
// says that an
// earlier entry without an end did the card no harm. Neither can be read from what is kept (a keyed hash): a new PIN
// for the card, or a
// new card, is another pair.
func (s *Store) BeginPIN(ctx context.Context, card, pin string, harmless bool) error {
	for i, mac := range s.keys.MACs("pin", []byte(card), []byte(pin)) {
		var when string
		switch err := s.readRow(ctx, `SELECT value FROM meta WHERE name = $1`, pinKey(mac)).Scan(&when); {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return explain(err)
		}
		if i > 0 { // known under an older key: only here can it be made again. That it cannot be written now is no harm
			_ = s.movePIN(ctx, mac, card, pin, when)
		}
		switch begun := strings.HasPrefix(when, pinBegun); {
		case !begun:
			return ErrPINRefused
		case !harmless:
			return ErrPINBegun
		}
	}
	return s.putPIN(ctx, card, pin, pinBegun+time.Now().UTC().Format(time.RFC3339))
}

// EndPIN remembers for ever that a card refused a PIN, or that nothing came of it that need be remembered.
func (s *Store) EndPIN(ctx context.Context, card, pin string, refused bool) error {
	if refused {
		return s.putPIN(ctx, card, pin, time.Now().UTC().Format(time.RFC3339))
	}
	return s.Update(ctx, func(tx *Tx) error {
		for _, mac := range s.keys.MACs("pin", []byte(card), []byte(pin)) {
			if _, err := tx.exec(ctx, `DELETE FROM meta WHERE name = $1`, pinKey(mac)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) putPIN(ctx context.Context, card, pin, value string) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			pinKey(s.keys.MAC("pin", []byte(card), []byte(pin))), value)
		return err
	})
}

func (s *Store) movePIN(ctx context.Context, old []byte, card, pin, when string) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			pinKey(s.keys.MAC("pin", []byte(card), []byte(pin))), when)
		if err == nil {
			_, err = tx.exec(ctx, `DELETE FROM meta WHERE name = $1`, pinKey(old))
		}
		return err
	})
}

func pinKey(mac []byte) string { return "pin-refused:" + hex.EncodeToString(mac) }
