package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"attestd/internal/seal"
)

// A database belongs to its key: it keeps a check value of each generation, and is opened with no other. With a wrong
// key nothing
// that is looked up by its hash would be found (opt-outs, codes), and nothing that waits could be sent.

// ErrKey says that the key file is not the one that the database is sealed with. Its wrapper says what to do.
var ErrKey = errors.New("store.key_file")

// Kinds of key_checks.
const (
	storeKind   = "store"   // a generation that this database is opened with
	retiredKind = "retired" // one that it needs no more, and does not learn again from a file that still has it
	webhookKind = "webhook" // a secret that signs call-backs
)

// belonging is what a database knows of its key.
type belonging struct {
	checks  map[byte]string // by generation; none in a database that was made before there were check values, or without a key
	retired map[byte]string
	samples []sample // of what is sealed, where there are no checks
}

type sample struct {
	value   []byte
	context string
}

// sampled is how many of the oldest, and of the newest, values of each column are tried.
const sampled = 20

func readBelonging(ctx context.Context, q querier) (b belonging, err error) {
	if b.retired, err = readChecks(ctx, q, retiredKind); err != nil {
		return b, err
	}
	if b.checks, err = readChecks(ctx, q, storeKind); err != nil || len(b.checks) > 0 {
		return b, err
	}
	for _, t := range keyedTables {
		for _, column := range slices.Sorted(maps.Keys(t.sealed)) {
			var has int
			err := q.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info($1) WHERE name = $2`, t.table, column).Scan(&has)
			if err != nil {
				return b, err
			}
			for _, order := range []string{"", " DESC"} {
				if has == 0 {
					continue
				}
				rows, err := q.QueryContext(ctx, fmt.Sprintf(`SELECT id, %[2]s FROM %[1]s WHERE length(%[2]s) > 0 ORDER BY id%[3]s LIMIT %[4]d`, t.table, column, order, sampled))
				found, err := collect(rows, err, func(r scanner) (one sample, err error) {
					var id string
					err = r.Scan(&id, &one.value)
					one.context = t.sealed[column] + id
					return one, err
				})
				if err != nil {
					return b, err
				}
				b.samples = append(b.samples, found...)
			}
		}
	}
	return b, nil
}

func readChecks(ctx context.Context, q querier, kind string) (map[byte]string, error) {
	has, err := hasTable(ctx, q, "key_checks")
	if err != nil || !has {
		return nil, err
	}
	checks := map[byte]string{}
	rows, err := q.QueryContext(ctx, `SELECT generation, check_value FROM key_checks WHERE kind = $1`, kind)
	_, err = collect(rows, err, func(r scanner) (struct{}, error) {
		var generation byte
		var value string
		err := r.Scan(&generation, &value)
		checks[generation] = value
		return struct{}{}, err
	})
	return checks, err
}

// sealed says whether the database needs a key.
func (b belonging) sealed() bool { return len(b.checks) > 0 || len(b.samples) > 0 }

// unknown are the check values of a ring that the database has still to note.
func (b belonging) unknown(keys *seal.Keyring) map[byte]string {
	all := keys.Checks()
	maps.DeleteFunc(all, func(generation byte, check string) bool {
		return b.checks[generation] != "" || b.retired[generation] == check
	})
	return all
}

// judge refuses a ring that is not the database's; nil for none at all. A ring may have generations that the database
// does not know yet.
func (b belonging) judge(keys *seal.Keyring, file string) error {
	if file == "" {
		file = "its key" // opened without a file, by a program
	}
	switch {
	case !b.sealed():
		return nil
	case keys == nil:
		return fmt.Errorf("%w: %s is missing, and this database is sealed with it: put it back from its backup, or correct store.key_file; "+
			"nothing was changed (if it is lost for good: attestd keys new tells what that means)", ErrKey, file)
	}
	have := keys.Checks()
	for _, generation := range slices.Sorted(maps.Keys(b.checks)) {
		switch check, ok := have[generation]; {
		case !ok:
			return fmt.Errorf("%w: %s lacks generation %d of the key, which this database needs: put back the backup of the key file that has it; "+
				"nothing was changed (if it is lost for good: attestd keys new tells what that means)", ErrKey, file, generation)
		case check != b.checks[generation]:
			return b.foreign(file)
		}
	}
	opens := func(one sample) bool { _, err := keys.Open(one.value, one.context); return err == nil }
	if len(b.samples) > 0 && !slices.ContainsFunc(b.samples, opens) {
		return b.foreign(file)
	}
	return nil
}

func (b belonging) foreign(file string) error {
	return fmt.Errorf("%w: %s holds another key than the one that this database is sealed with: put the right one back from its backup, "+
		"or correct store.key_file or store.url; nothing was changed", ErrKey, file)
}

// belong is judge with the right to write. A database that needs no key yet gets one made, where the opener says so: of
// two openers
// at once the second finds the file of the first.
func (s *Store) belong(ctx context.Context, o Options) (b belonging, err error) {
	if b, err = readBelonging(ctx, s.writer); err != nil {
		return b, err
	}
	if err := s.loadKey(o); err != nil { // whoever had the right to write before may have made it
		return b, err
	}
	if s.keys == nil && o.MakeKey && !b.sealed() {
		s.keys, s.keyMade, err = seal.LoadOrCreate(o.KeyFile)
		if err != nil {
			return b, fmt.Errorf("%w: %w", ErrKey, err)
		}
	}
	return b, s.judgeAgain(b, o)
}

// judgeAgain judges by the key file as it is after the database was read: it may have been made, or rotated, since it
// was loaded.
func (s *Store) judgeAgain(b belonging, o Options) error {
	if o.AnyKey {
		return nil
	}
	err := b.judge(s.keys, o.KeyFile)
	if err == nil || o.Keys != nil || o.KeyFile == "" {
		return err
	}
	if err := s.loadKey(o); err != nil {
		return err
	}
	return b.judge(s.keys, o.KeyFile)
}

// executor is a connection or a transaction, to write with.
type executor func(ctx context.Context, text string, args ...any) (sql.Result, error)

// learn notes check values that are not noted yet.
func learn(ctx context.Context, exec executor, kind string, checks map[byte]string) error {
	for _, generation := range slices.Sorted(maps.Keys(checks)) {
		_, err := exec(ctx, `INSERT INTO key_checks (kind, generation, check_value) VALUES ($1, $2, $3) ON CONFLICT (kind, generation) DO NOTHING`,
			kind, int(generation), checks[generation])
		if err != nil {
			return err
		}
	}
	return nil
}

// JudgeKeys says whether a ring, as a key file has it now, is the one that this database is sealed with.
func (s *Store) JudgeKeys(ctx context.Context, keys *seal.Keyring, file string) error {
	b, err := readBelonging(ctx, s.reads)
	if err != nil {
		return explain(err)
	}
	return b.judge(keys, file)
}

// RetireGeneration has the database need a generation no more. It comes before the key file loses it: a file that still
// has it is right.
func (s *Store) RetireGeneration(ctx context.Context, generation byte) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `DELETE FROM key_checks WHERE kind = $1 AND generation = $2`, retiredKind, int(generation))
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE key_checks SET kind = $1 WHERE kind = $2 AND generation = $3`, retiredKind, storeKind, int(generation))
		}
		return err
	})
}

// loadKey reads the key file of the options, if there is one.
func (s *Store) loadKey(o Options) (err error) {
	s.keys = o.Keys
	if s.keys != nil || o.KeyFile == "" {
		return nil
	}
	if s.keys, err = seal.Load(o.KeyFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return nil
}

// Keys is the ring that the database is opened with; nil where there is none yet.
func (s *Store) Keys() *seal.Keyring { return s.keys }

// KeyMade says whether Open made the key file.
func (s *Store) KeyMade() bool { return s.keyMade }
