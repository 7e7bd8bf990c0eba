package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A migration is a file NNNN_name.sql: what stands between the two marks is run, once, in the order of the numbers.
const (
	upMark   = "-- +goose Up\n"
	downMark = "-- +goose Down\n"
)

type migration struct {
	version int
	name    string
	up      string
}

// allMigrations are those built into this program, oldest first.
func allMigrations() (all []migration, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files { // sorted by name
		text, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := path.Base(file)
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		_, rest, found := strings.Cut(string(text), upMark)
		if err != nil || !found {
			return nil, fmt.Errorf("migration %s: want NNNN_name.sql with a line %q", name, strings.TrimSpace(upMark))
		}
		up, _, _ := strings.Cut(rest, downMark)
		all = append(all, migration{version, name, up})
	}
	return all, nil
}

// querier is a connection or a pool, to read with.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// applied are the migrations that a database has had.
func applied(ctx context.Context, q querier) (have map[int]bool, err error) {
	have = map[int]bool{}
	has, err := hasTable(ctx, q, "goose_db_version")
	if err != nil || !has {
		return have, err
	}
	rows, err := q.QueryContext(ctx, `SELECT version_id FROM goose_db_version WHERE is_applied`)
	versions, err := collect(rows, err, func(r scanner) (v int, err error) { return v, r.Scan(&v) })
	for _, v := range versions {
		have[v] = true
	}
	return have, err
}

// missing are the migrations that a database has still to have. One that has had more than this program knows is
// refused.
func missing(ctx context.Context, q querier) (todo []migration, err error) {
	all, err := allMigrations()
	if err != nil {
		return nil, err
	}
	have, err := applied(ctx, q)
	if err != nil {
		return nil, err
	}
	newest := all[len(all)-1].version
	for v := range have {
		if v > newest {
			return nil, fmt.Errorf("%w: its schema is %d, this program knows up to %d: run the newer attestd", ErrNewer, v, newest)
		}
	}
	for _, m := range all {
		if !have[m.version] {
			todo = append(todo, m)
		}
	}
	return todo, nil
}

func hasTable(ctx context.Context, q querier, name string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`, name).Scan(&n)
	return n > 0, err
}

// bringUp makes an opened database one that this program serves: it belongs to the key, and its schema is the newest.
// All of it is
// one transaction, begun with the right to write: of two processes at once the second finds it done, and one that is
// refused or dies
// has changed nothing.
func (s *Store) bringUp(ctx context.Context, o Options) error {
	up, err := s.isUp(ctx, o)
	if err != nil || up {
		return err
	}
	if _, err := s.writer.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err = s.migrate(ctx, o); err == nil {
		_, err = s.writer.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, _ = s.writer.ExecContext(ctx, "ROLLBACK") // a full disk has rolled back by itself
	}
	return err
}

// isUp says whether there is nothing to do, which is so at nearly every start. It only reads.
func (s *Store) isUp(ctx context.Context, o Options) (bool, error) {
	todo, err := missing(ctx, s.writer)
	if err != nil || len(todo) > 0 || s.keys == nil && !o.AnyKey {
		return false, err
	}
	if o.AnyKey {
		return true, nil
	}
	b, err := readBelonging(ctx, s.writer)
	if err != nil || len(b.checks) == 0 || len(b.unknown(s.keys)) > 0 {
		return false, err
	}
	return true, s.judgeAgain(b, o)
}

func (s *Store) migrate(ctx context.Context, o Options) error {
	todo, err := missing(ctx, s.writer)
	if err != nil {
		return err
	}
	b, err := s.belong(ctx, o)
	if err != nil {
		return err
	}
	_, err = s.writer.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS goose_db_version (
 id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`)
	if err != nil {
		return err
	}
	for _, m := range todo {
		if _, err := s.writer.ExecContext(ctx, m.up); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		if _, err := s.writer.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, m.version, true); err != nil {
			return err
		}
	}
	if s.keys == nil || o.AnyKey {
		return nil
	}
	return learn(ctx, s.writer.ExecContext, storeKind, b.unknown(s.keys))
}
