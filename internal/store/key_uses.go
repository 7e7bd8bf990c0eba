package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// KeyUse is how many values of a column one generation of the key made.
type KeyUse struct {
	Generation byte
	Table      string
	Column     string
	Sealed     bool // opened with the key; else it is a hash that is compared under it
	Values     int
}

// KeyUses counts what every generation is still needed for, from the committed.
func (s *Store) KeyUses(ctx context.Context) (all []KeyUse, err error) {
	for _, t := range keyedTables {
		for _, column := range slices.Sorted(maps.Keys(t.sealed)) {
			if all, err = s.countKeyed(ctx, all, t.table, column, true); err != nil {
				return nil, explain(err)
			}
		}
		for _, column := range t.hashes {
			if all, err = s.countKeyed(ctx, all, t.table, column, false); err != nil {
				return nil, explain(err)
			}
		}
		if t.packed != "" {
			if all, err = s.countPacked(ctx, all, t.table, t.packed); err != nil {
				return nil, explain(err)
			}
		}
	}
	all, err = s.countPins(ctx, all)
	return all, explain(err)
}

func (s *Store) countKeyed(ctx context.Context, all []KeyUse, table, column string, sealed bool) ([]KeyUse, error) {
	rows, err := s.readQuery(ctx, fmt.Sprintf(`SELECT substr(%[2]s, 1, 1) AS generation, count(*) FROM %[1]s WHERE length(%[2]s) > 0 GROUP BY generation`, table, column))
	found, err := collect(rows, err, func(r scanner) (u KeyUse, err error) {
		var generation []byte
		err = r.Scan(&generation, &u.Values)
		if len(generation) > 0 {
			u.Generation = generation[0]
		}
		u.Table, u.Column, u.Sealed = table, column, sealed
		return u, err
	})
	return append(all, found...), err
}

// countPacked counts hashes that stand several in a column.
func (s *Store) countPacked(ctx context.Context, all []KeyUse, table, column string) ([]KeyUse, error) {
	rows, err := s.readQuery(ctx, fmt.Sprintf(`SELECT %s FROM %s WHERE length(%s) > 0`, column, table, column))
	if err != nil {
		return nil, err
	}
	counts := map[byte]int{}
	for rows.Next() {
		var packed []byte
		err := rows.Scan(&packed)
		var hashes [][]byte
		if err == nil {
			hashes, err = unpack(packed)
		}
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		for _, one := range hashes {
			if len(one) > 0 {
				counts[one[0]]++
			}
		}
	}
	for _, g := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, KeyUse{Generation: g, Table: table, Column: column, Values: counts[g]})
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// countPins counts what keeps a card from being tried again with a PIN that it refused.
func (s *Store) countPins(ctx context.Context, all []KeyUse) ([]KeyUse, error) {
	rows, err := s.readQuery(ctx, `SELECT name FROM meta WHERE name LIKE $1`, pinKey(nil)+"%")
	names, err := collect(rows, err, func(r scanner) (name string, err error) { return name, r.Scan(&name) })
	counts := map[byte]int{}
	for _, name := range names {
		if mac, err := hex.DecodeString(name[len(pinKey(nil)):]); err == nil && len(mac) > 0 {
			counts[mac[0]]++
		}
	}
	for _, g := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, KeyUse{Generation: g, Table: "meta", Column: "refused PINs", Values: counts[g]})
	}
	return all, err
}

const generationMark = "key-generation"

// NoteGeneration writes down which key whoever serves from this database seals under, so that no older one is taken from it
// before it has taken the newer.
func (s *Store) NoteGeneration(ctx context.Context) error {
	now := s.keys.Current()
	noted, err := s.NotedGeneration(ctx)
	if err != nil || noted == now {
		return err
	}
	return s.Update(ctx, func(tx *Tx) error { return tx.noteGeneration(ctx, noted, now) })
}

func (tx *Tx) noteGeneration(ctx context.Context, before, now byte) error {
	generation := strconv.Itoa(int(now))
	_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, generationMark, generation)
	if err != nil || before == 0 {
		return err
	}
	return tx.Emit(ctx, "keys.rotated", "", "", map[string]string{"generation": generation, "before": strconv.Itoa(int(before))})
}

// NotedGeneration is what NoteGeneration wrote; 0 when nobody has served from this database since there are generations.
func (s *Store) NotedGeneration(ctx context.Context) (byte, error) {
	var value string
	err := s.readRow(ctx, `SELECT value FROM meta WHERE name = $1`, generationMark).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	} else if err != nil {
		return 0, explain(err)
	}
	n, err := strconv.ParseUint(value, 10, 8)
	return byte(n), err
}
