package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

const homesMark = "sims.homes"

// Homes are the country codes of the countries that the SIMs were at home in when that was last learned, none at first.
func (s *Store) Homes(ctx context.Context) ([]string, error) {
	var value string
	err := s.readRow(ctx, `SELECT value FROM meta WHERE name = $1`, homesMark).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return strings.Fields(value), explain(err)
}

// SaveHomes keeps them.
func (s *Store) SaveHomes(ctx context.Context, homes []string) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			homesMark, strings.Join(homes, " "))
		return err
	})
}
