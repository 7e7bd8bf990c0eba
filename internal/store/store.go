// Package store is where everything durable lives. It is the only package that speaks SQL and the only one that
// holds a transaction: queue, verify and inbox each declare what they need of one, and *Tx satisfies them all, so that
// a challenge and its message are one commit.
//
// Writes go one at a time through one connection (SQLite has one writer in any case); reads for the API use a pool
// beside it and never wait for a writer (WAL). What a modem waits for is written first: turns.go. What a transaction
// touched is announced after COMMIT, from here, so that nobody can forget to wake the dispatcher.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/seal"
	"attestd/queue"

	"golang.org/x/sys/unix"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options say which database to open and how.
type Options struct {
	URL  string        // sqlite:///absolute/path, or sqlite:relative/path
	Keys *seal.Keyring // seals numbers, texts and codes; nil for those of KeyFile
	// KeyFile is where the key is. A database that is sealed is opened with its own key only; one that is not yet, without one too.
	KeyFile string
	// MakeKey makes the key file where there is none, for a database that belongs to no key yet.
	MakeKey bool
	// AnyKey opens it whatever its key is, to give up a key that is lost.
	AnyKey bool
	// Exclusive refuses to open a database that another exclusive opener holds: one gateway on one database.
	Exclusive bool

	failpoint func(boundary) error // for the tests of this package: see boundary
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	keys    *seal.Keyring
	keyMade bool
	reads   *sql.DB
	writes  *sql.DB
	writer  *sql.Conn // used by whoever has the turn
	turns   turns     // the right to write
	group   *group    // the transaction that is open between turns; nil for none. Of whoever has the turn
	stmts   map[string]*sql.Stmt
	readers sync.Map // SQL text -> *sql.Stmt
	lock    *os.File
	path    string
	logs    logs // whole.go. Of whoever has the turn
	topics  hub
	hooks   atomic.Pointer[[]hook] // who is told of events, besides callbacks
	cap     atomic.Pointer[countryCap]
	quotas  atomic.Pointer[Quotas]
	codes   func() queue.Policy // under which the rules' texts are queued; see Verify
	clock   clock               // at the last jump that was committed: clock.go. Of whoever has the turn
	before  map[string]int64    // the last row of each table when this process began
	jumped  func(by time.Duration)

	failpoint func(boundary) error // nil but in tests
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
	s.closeMark(context.Background())
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

// leastFree is how much room the disk must have for the database to be called one that takes writes: a small one may find room in
// the -wal when the next finds none.
const leastFree = 1 << 20

// TryWrite proves that the database can be written, by writing.
func (s *Store) TryWrite(ctx context.Context) error {
	var disk unix.Statfs_t
	if unix.Statfs(s.path, &disk) == nil && disk.Bavail*uint64(disk.Bsize) < leastFree {
		return ErrFull
	}
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			"tried", strconv.FormatInt(time.Now().Unix(), 10))
		return err
	})
}

// Ping proves that the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return explain(s.readRow(ctx, "SELECT 1").Scan(&one))
}
