package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"
)

// PINFailed remembers for ever that a card refused a PIN. Neither can be read from what is kept (a keyed hash): a new
// PIN for the card, or a new card, is another pair.
func (s *Store) PINFailed(ctx context.Context, card, pin string) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			pinKey(s.keys.MAC("pin", []byte(card), []byte(pin))), time.Now().UTC().Format(time.RFC3339))
		return err
	})
}

// PINRefusedBefore says whether this card has refused this PIN, in any run of the gateway.
func (s *Store) PINRefusedBefore(ctx context.Context, card, pin string) (bool, error) {
	for i, mac := range s.keys.MACs("pin", []byte(card), []byte(pin)) {
		var when string
		err := s.readRow(ctx, `SELECT value FROM meta WHERE name = $1`, pinKey(mac)).Scan(&when)
		if err == nil {
			if i > 0 { // known under an older key: only here can it be made again. That it cannot be written now is no harm
				_ = s.movePIN(ctx, mac, card, pin, when)
			}
			return true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return false, explain(err)
		}
	}
	return false, nil
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
