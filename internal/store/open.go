package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3"
	"golang.org/x/sys/unix"
)

// Open opens the database, makes it where there is none, and brings its schema up to date. A database that is newer
// than this program, read-only, damaged, not whole, or sealed with another key is refused and left as it was.
func Open(ctx context.Context, o Options) (*Store, error) {
	path, err := sqlitePath(o.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{stmts: map[string]*sql.Stmt{}, before: map[string]int64{}, path: path, failpoint: o.failpoint}
	if err = s.loadKey(o); err == nil {
		err = s.open(ctx, o)
	}
	if err != nil {
		_ = s.Close()
		if errors.Is(err, ErrKey) {
			return nil, err // it names its own setting
		}
		return nil, fmt.Errorf("store.url: %s: %w", path, explainStart(err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	if err := writable(s.path); err != nil {
		return err
	}
	if err := s.examine(ctx, o, nil); err != nil {
		return err
	}
	if o.Exclusive {
		if s.lock, err = lockFile(s.path + ".lock"); err != nil {
			return err
		}
	}
	if err := create(s.path); err != nil {
		return err
	}
	if s.writes, err = sql.Open("sqlite3", dsn(s.path, "synchronous(full)", "foreign_keys(on)", "journal_mode(wal)", "temp_store(memory)", "secure_delete(on)")); err != nil {
		return err
	}
	s.writes.SetMaxOpenConns(1)
	if s.writer, err = patiently(ctx, s.writes.Conn); err != nil {
		return err
	}
	if err := s.bringUp(ctx, o); err != nil {
		return err
	}
	s.reads, err = sql.Open("sqlite3", dsn(s.path, "query_only(on)", "temp_store(memory)"))
	if err == nil {
		s.reads.SetMaxOpenConns(4)
		s.reads.SetMaxIdleConns(4)
		err = s.loadHooks(ctx)
		narrow(s.path)
	}
	if err == nil && o.Exclusive {
		if err = s.beginCheckpoints(ctx); err == nil {
			err = s.beginClock(ctx)
		}
	}
	return err
}

// patiently connects while another process makes the same database: SQLite gives up at once when two change the
// journal's mode.
func patiently(ctx context.Context, connect func(context.Context) (*sql.Conn, error)) (*sql.Conn, error) {
	for began := time.Now(); ; {
		c, err := connect(ctx)
		if err == nil || !errors.Is(explain(err), ErrBusy) || time.Since(began) > busyTimeout {
			return c, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Examine says what would keep Open from opening a database, and changes nothing. Secrets are the check values of those
// of call-backs.
func Examine(ctx context.Context, o Options, secrets []string, secretFile string) error {
	path, err := sqlitePath(o.URL)
	if err != nil {
		return err
	}
	s := &Store{path: path}
	if err := s.loadKey(o); err != nil {
		return err
	}
	err = s.examine(ctx, o, func(q querier) error {
		checks, err := readChecks(ctx, q, webhookKind)
		if err != nil || len(checks) == 0 {
			return err
		}
		if len(secrets) == 0 {
			return MissingSecrets(secretFile)
		}
		return judgeSecrets(checks, secrets, secretFile)
	})
	if err == nil || errors.Is(err, ErrKey) || errors.Is(err, ErrSecret) {
		return err
	}
	return fmt.Errorf("store.url: %s: %w", path, explainStart(err))
}

// examine looks at a database that is there before anything is opened for writing: a database that is refused is not
// touched. more, if
// given, looks on with the same eyes: beside a running gateway it sees what was committed some time ago.
func (s *Store) examine(ctx context.Context, o Options, more func(querier) error) error {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	} else if err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", dsn(s.path)+"&mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for try := 1; ; try++ {
		err = s.look(ctx, o, db, more)
		if err == nil || errors.Is(err, ErrKey) || try == 3 {
			break
		}
		time.Sleep(50 * time.Millisecond) // beside a running gateway a page may have changed while it was read
	}
	if more == nil && !errors.Is(err, ErrKey) && !errors.Is(err, ErrNotWhole) {
		return nil // the opening that follows tells it better
	}
	return err
}

func (s *Store) look(ctx context.Context, o Options, own *sql.DB, more func(querier) error) error {
	if err := s.whole(ctx, own); err != nil {
		return err
	}
	b, err := readBelonging(ctx, own)
	if err == nil {
		err = s.judgeAgain(b, o)
	}
	if err == nil && more != nil {
		err = more(own)
	}
	return err
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
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder: name a file in it")
	case unix.Access(path, unix.W_OK) != nil:
		return ErrReadOnly
	}
	return nil
}

// create makes an empty database where there is none.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return f.Close()
}

// narrow gives the database's own files its mode, and takes from it what others may: some were made under a wide umask.
// What cannot
// be changed is another user's.
func narrow(path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	mode := info.Mode().Perm() & 0o660
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Mode().Perm() != mode {
			_ = os.Chmod(path+suffix, mode)
		}
	}
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
