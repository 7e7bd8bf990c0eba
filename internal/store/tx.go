package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Tx is one write transaction. It satisfies queue.Tx, verify.Tx and inbox.Tx; their methods stand in the files named
// after them. It must not be used after Update returned, nor by two goroutines.
type Tx struct {
	s       *Store
	touched topicSet
	after   []func()
	owed    bool // what is sent now is owed to somebody: country.go, quota.go
	paid    int  // segments of what is sent now that its token was charged for before: quota.go
	called  callback
}

// group is the transactions that share a COMMIT: while one ran, the next was waiting already. Who finds nobody waiting
// commits for all; under load one fsync then serves many, and alone it costs nothing.
type group struct {
	size    int
	hurried bool // somebody of rank ahead waits for its COMMIT
	touched topicSet
	after   []func()      // AfterCommit
	clock   clock         // when one of them moved the rows by a jump of the clock: clock.go
	by      time.Duration // that jump
	done    chan struct{} // closed when err is known
	err     error         // of COMMIT
}

// longestGroup bounds what one COMMIT serves, so that the first does not wait for an endless line.
const longestGroup = 64

// Update runs fn in one transaction: COMMIT when it returns nil, ROLLBACK of what it did otherwise (and when it panics).
// It returns after COMMIT. Watchers of what it touched are woken then. An error from the database is explained (ErrFull,
// ErrReadOnly, ...).
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	return s.update(ctx, ordinary, fn)
}

// Ahead is Update for what a modem waits for: an outcome, the next work, a report that is to be acknowledged. It goes ahead of who
// waits in Update, and its COMMIT does not wait for them: however much is taken in, what was taken in before is sent.
func (s *Store) Ahead(ctx context.Context, fn func(*Tx) error) error { return s.update(ctx, ahead, fn) }

func (s *Store) update(ctx context.Context, r rank, fn func(*Tx) error) error {
	if err := s.turns.take(ctx, r); err != nil {
		return err
	}
	// Once begun, a transaction is not torn apart by its caller going away: it is short, and local.
	ctx = context.WithoutCancel(ctx)
	var g *group
	err := s.keepTime(ctx)
	if err == nil {
		if g, err = s.join(ctx, fn); err == nil && r == ahead {
			g.hurried = true
		}
	}
	s.pass(ctx)
	if err != nil {
		return explain(err)
	}
	<-g.done
	return explain(g.err)
}

// join runs fn within the group's transaction. The caller has the turn.
func (s *Store) join(ctx context.Context, fn func(*Tx) error) (g *group, err error) {
	if err := s.reach(atBegin); err != nil {
		return nil, err
	}
	begin, undo := "BEGIN IMMEDIATE", "ROLLBACK"
	if s.group != nil {
		begin, undo = "SAVEPOINT member", "ROLLBACK TO member"
	}
	if err := s.command(ctx, begin); err != nil {
		return nil, err
	}
	tx := &Tx{s: s}
	finished := false
	defer func() {
		if finished && err == nil {
			return
		}
		if rollback := s.command(ctx, undo); rollback != nil {
			err = errors.Join(err, s.abandon(ctx, rollback))
		}
		if !finished {
			s.pass(ctx) // fn panics on
		}
	}()
	err = fn(tx)
	finished = true
	if err != nil {
		return nil, err
	}
	if s.group == nil {
		s.group = &group{done: make(chan struct{})}
	}
	s.group.size++
	s.group.touched |= tx.touched
	s.group.after = append(s.group.after, tx.after...)
	return s.group, nil
}

// pass ends a turn: the group is committed, unless somebody waits who may join it and will see to that.
func (s *Store) pass(ctx context.Context) {
	for !s.turns.pass(s.joins) {
		s.settle(ctx, s.group)
	}
}

// joins says whether the next one may join the open group, if there is one. One that hurries takes in no more than others that do.
func (s *Store) joins(next rank) bool {
	g := s.group
	return g == nil || g.size < longestGroup && (next == ahead || next == ordinary && !g.hurried)
}

// settle commits the group for all its members.
func (s *Store) settle(ctx context.Context, g *group) {
	s.group = nil
	if g.err = s.commit(ctx); g.err != nil {
		_ = s.command(ctx, "ROLLBACK")
	} else {
		if !g.clock.mono.IsZero() {
			s.clock = g.clock
			if s.jumped != nil && g.by != 0 {
				s.jumped(g.by)
			}
		}
		s.topics.fire(g.touched)
		for _, f := range g.after {
			f()
		}
	}
	close(g.done)
	s.checkpointDue(ctx)
}

// boundary is where a process can die around a COMMIT. A test that lets it die there (failpoint gives an error, and goes on
// giving it) sees what a new process finds in the file, while nobody in the old one is told of success.
type boundary uint8

const (
	atBegin      boundary = iota
	beforeCommit          // everything is written, nothing will stand
	afterCommit           // everything stands, and nobody knows it
)

func (s *Store) reach(b boundary) error {
	if s.failpoint == nil {
		return nil
	}
	return s.failpoint(b)
}

func (s *Store) commit(ctx context.Context) error {
	err := s.reach(beforeCommit)
	if err == nil {
		err = s.command(ctx, "COMMIT")
	}
	if err == nil {
		err = s.reach(afterCommit)
	}
	return err
}

// abandon fails the whole group: SQLite has rolled back more than a member (a full disk does that).
func (s *Store) abandon(ctx context.Context, why error) error {
	_ = s.command(ctx, "ROLLBACK")
	if g := s.group; g != nil {
		s.group = nil
		g.err = why
		close(g.done)
	}
	return why
}

// command runs a statement of transaction control. A whole ROLLBACK where SQLite has already rolled back is no error.
func (s *Store) command(ctx context.Context, what string) error {
	stmt, err := s.prepared(ctx, what)
	if err != nil {
		return err
	}
	if _, err = stmt.ExecContext(ctx); err != nil && what == "ROLLBACK" {
		return nil
	}
	return err
}

// recordText is told of each statement that is prepared; tests look at their plans.
var recordText = func(text string) {}

// prepared gives the writer's statement for this SQL text; it is made once. Only the holder of the turn may call it.
func (s *Store) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[text]; ok {
		return stmt, nil
	}
	recordText(text)
	stmt, err := s.writer.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("preparing %.60q: %w", text, err)
	}
	s.stmts[text] = stmt
	return stmt, nil
}

// exec runs a statement. Placeholders $1, $2 ... must first appear in ascending order: SQLite numbers them so.
func (tx *Tx) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := tx.s.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// execOne is exec for a statement that must hit exactly one row; sql.ErrNoRows says that it hit none.
func (tx *Tx) execOne(ctx context.Context, text string, args ...any) error {
	result, err := tx.exec(ctx, text, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return sql.ErrNoRows
}

// query runs a query; the caller closes the rows before the next statement.
func (tx *Tx) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	stmt, err := tx.s.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// row runs a query for one row; its error comes from Scan.
func (tx *Tx) row(ctx context.Context, text string, args ...any) scanner {
	ctx = context.WithoutCancel(ctx)
	stmt, err := tx.s.prepared(ctx, text)
	if err != nil {
		return failedRow{err}
	}
	return stmt.QueryRowContext(ctx, args...)
}

// touch has the watchers of a topic woken after COMMIT.
func (tx *Tx) touch(t Topic) { tx.touched |= 1 << t }

// AfterCommit has f called once what this transaction did stands, and never if it does not. f is short, and asks the store
// for nothing: the next transaction waits for it.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// scanner is a row, or what kept us from having one.
type scanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

func (f failedRow) Scan(...any) error { return f.err }

// reader gives the read pool's statement for this SQL text.
func (s *Store) reader(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := s.readers.Load(text); ok {
		return stmt.(*sql.Stmt), nil
	}
	recordText(text)
	stmt, err := s.reads.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("preparing %.60q: %w", text, err)
	}
	if first, loaded := s.readers.LoadOrStore(text, stmt); loaded {
		_ = stmt.Close()
		return first.(*sql.Stmt), nil
	}
	return stmt, nil
}

// readRow and readQuery read what is committed, beside any writer.
func (s *Store) readRow(ctx context.Context, text string, args ...any) scanner {
	stmt, err := s.reader(ctx, text)
	if err != nil {
		return failedRow{err}
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (s *Store) readQuery(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.reader(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// collect scans every row with scan and closes rows.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, one)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// newID makes an id that sorts by the time of its making (UUID version 7, RFC 9562).
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// micros is how a time stands in the database: microseconds since 1970 UTC, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
