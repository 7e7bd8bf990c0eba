// Package store is where everything durable lives. It is the only package that speaks SQL and the only one that
// holds a transaction: queue, verify and inbox each declare what they need of one, and *Tx satisfies them all, so that
// a challenge and its message are one commit.
//
// Writes go one at a time through one connection (SQLite has one writer in any case); reads for the API use a pool
// beside it and never wait for a writer (WAL). What a transaction touched is announced after COMMIT, from here,
// so that nobody can forget to wake the dispatcher.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/seal"
	"attestd/queue"

	_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3"
	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say which database to open and how.
type Options struct {
	URL  string        // sqlite:///absolute/path, or sqlite:relative/path
	Keys *seal.Keyring // seals numbers, texts and codes; needed for everything but tokens
	// Exclusive refuses to open a database that another exclusive opener holds: one gateway on one database.
	Exclusive bool

	failpoint func(boundary) error // for the tests of this package: see boundary
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	keys    *seal.Keyring
	reads   *sql.DB
	writes  *sql.DB
	writer  *sql.Conn     // used by whoever holds turn
	turn    chan struct{} // capacity 1: the right to write
	waiting atomic.Int32  // who wants a turn
	group   *group        // the transaction that is open between turns; nil for none. Of whoever holds turn
	stmts   map[string]*sql.Stmt
	readers sync.Map // SQL text -> *sql.Stmt
	lock    *os.File
	topics  hub
	hooks   atomic.Pointer[[]hook] // who is told of events, besides callbacks
	cap     atomic.Pointer[countryCap]
	codes   queue.Policy     // under which the rules' texts are queued; see Verify
	clock   clock            // at the last jump that was committed: clock.go. Of whoever holds turn
	before  map[string]int64 // the last row of each table when this process began
	jumped  func(by time.Duration)

	failpoint func(boundary) error // nil but in tests
}

// Open opens the database, makes it where there is none, and brings its schema up to date. A database that is newer
// than this program, read-only or damaged is refused and left as it was.
func Open(ctx context.Context, o Options) (*Store, error) {
	path, err := sqlitePath(o.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{keys: o.Keys, turn: make(chan struct{}, 1), stmts: map[string]*sql.Stmt{}, before: map[string]int64{}, failpoint: o.failpoint}
	if err := s.open(ctx, path, o.Exclusive); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("store.url: %s: %w", path, explainStart(err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, exclusive bool) (err error) {
	if err := writable(path); err != nil {
		return err
	}
	if exclusive {
		if s.lock, err = lockFile(path + ".lock"); err != nil {
			return err
		}
	}
	if s.writes, err = sql.Open("sqlite3", dsn(path, "synchronous(full)", "foreign_keys(on)", "journal_mode(wal)", "temp_store(memory)", "secure_delete(on)")); err != nil {
		return err
	}
	s.writes.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writes); err != nil {
		return err
	}
	if s.writer, err = s.writes.Conn(ctx); err != nil {
		return err
	}
	s.reads, err = sql.Open("sqlite3", dsn(path, "query_only(on)", "temp_store(memory)"))
	if err == nil {
		s.reads.SetMaxOpenConns(4)
		s.reads.SetMaxIdleConns(4)
		err = s.loadHooks(ctx)
	}
	if err == nil && exclusive {
		err = s.beginClock(ctx)
	}
	return err
}

func sqlitePath(raw string) (string, error) {
	rest, ok := strings.CutPrefix(raw, "sqlite:")
	if !ok {
		return "", fmt.Errorf("store.url: %q is no database that this version knows: write sqlite:///var/lib/attestd/attestd.db", redactURL(raw))
	}
	path := strings.TrimPrefix(rest, "//")
	if path == "" || strings.ContainsAny(path, "?#\x00") {
		return "", errors.New("store.url: it names no file: write sqlite:///var/lib/attestd/attestd.db")
	}
	return path, nil
}

func redactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// busyTimeout is how long a statement waits for another process.
const busyTimeout = 5 * time.Second

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}, pragmas...)}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// writable says what is wrong with the file or its folder before SQLite touches either.
func writable(path string) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("its folder cannot be used: %w: make it, owned by the user that runs attestd", err)
	} else if !info.IsDir() {
		return fmt.Errorf("%s is no folder", dir)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if unix.Access(dir, unix.W_OK) != nil {
			return fmt.Errorf("its folder %s cannot be written: give it to the user that runs attestd", dir)
		}
		// Made here with a narrow mode: SQLite's -wal and -shm files take the mode of the database.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		return f.Close()
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder: name a file in it")
	case unix.Access(path, unix.W_OK) != nil:
		return ErrReadOnly
	}
	return nil
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, ErrInUse
	}
	return f, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return fmt.Errorf("%w: its schema is %d, this program knows up to %d: run the newer attestd", ErrNewer, have, want)
	}
	_, err = provider.Up(ctx)
	return err
}

// Close releases the database. Transactions under way must have ended.
func (s *Store) Close() error {
	var errs []error
	s.readers.Range(func(_, stmt any) bool {
		errs = append(errs, stmt.(*sql.Stmt).Close())
		return true
	})
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	for _, db := range []*sql.DB{s.reads, s.writes} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Ping proves that the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return explain(s.readRow(ctx, "SELECT 1").Scan(&one))
}
