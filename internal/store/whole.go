package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// While a gateway runs, its database is two files: what was committed last stands in the -wal only. A copy of one
// without the other
// looks sound and lacks the newest messages; one file beside the other's older half is damage. So the main file says of
// itself that it
// is a part, and the -wal says that both together are whole: before a checkpoint moves pages into the main file, the
// mark "part" is
// committed, and "whole" after it. Whoever reads through the -wal (sqlite3's .backup, VACUUM INTO) copies "whole", and
// whoever copies
// the main file alone copies "part". Each checkpoint has a name of its own, so that halves of different times are told
// apart.

// ErrNotWhole says that a database was copied in part. Its wrapper says what to do.
var ErrNotWhole = errors.New("it is not a whole copy, and was left as it is")

const (
	markName        = "copy"
	checkpointAfter = 1000 // pages in the -wal, as SQLite does it by itself
	checkpointAgain = 500  // more, when readers kept it from coming to an end
)

// logs is how the -wal stands.
type logs struct {
	mark   mark
	logged int // pages in it
	due    int // when there are as many, they are moved
}

// mark is what the row says: part, the checkpoint that it is about, and the one before.
type mark struct {
	part          bool
	epoch, before string // "" where nothing was noted yet
}

func (m mark) String() string {
	if m.part {
		return "part " + m.epoch + " " + m.before
	}
	return "whole " + m.epoch
}

func readMark(ctx context.Context, q querier) (m mark, err error) {
	has, err := hasTable(ctx, q, "meta")
	if err != nil || !has {
		return m, err
	}
	var value string
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, markName).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	words := strings.Fields(value + " ")
	if len(words) > 1 {
		m.part, m.epoch = words[0] == "part", words[1]
	}
	if len(words) > 2 {
		m.before = words[2]
	}
	return m, err
}

func (s *Store) writeMark(ctx context.Context, m mark) error {
	_, err := s.writer.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, markName, m.String())
	return err
}

// beginCheckpoints takes the checkpoints over from SQLite, and makes the first.
func (s *Store) beginCheckpoints(ctx context.Context) error {
	err := s.writer.Raw(func(c any) error {
		c.(driver.Conn).Raw().WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
			s.logs.logged = pages
			return nil
		})
		return nil
	})
	if err != nil {
		return err
	}
	if s.logs.mark, err = readMark(ctx, s.writer); err != nil {
		return err
	}
	_ = s.checkpoint(ctx, "PASSIVE") // a full disk keeps nobody from starting; the next commit tries again
	s.logs.due = s.logs.logged
	if !s.logs.mark.part {
		s.logs.due += checkpointAfter
	}
	return nil
}

// checkpointDue keeps the -wal short. The caller has the turn. What fails now (a full disk) is tried again after the
// next commits.
func (s *Store) checkpointDue(ctx context.Context) {
	if s.lock == nil || s.logs.logged < s.logs.due {
		return
	}
	_ = s.checkpoint(ctx, "PASSIVE")
	s.logs.due = s.logs.logged + checkpointAfter
	if s.logs.mark.part || s.logs.logged > checkpointAgain {
		s.logs.due = s.logs.logged + checkpointAgain
	}
}

// checkpoint moves what is in the -wal into the main file, between its two marks. Readers of what was before keep it
// from coming to
// an end; they are given a moment.
func (s *Store) checkpoint(ctx context.Context, how string) (err error) {
	began, next := s.logs.mark, s.logs.mark
	if !began.part {
		next = mark{part: true, epoch: newEpoch(), before: began.epoch}
		if err := s.writeMark(ctx, next); err != nil {
			return err
		}
		s.logs.mark = next
	}
	moved, err := s.moveLog(ctx, how)
	done := mark{epoch: next.epoch}
	switch {
	case !moved && began.part:
		return err // where the main file stands is not known: both names stay in the mark
	case !moved:
		done.epoch = began.epoch // the main file is what it was, or a little further, but not at this mark
	}
	if wrong := s.writeMark(ctx, done); wrong != nil {
		return errors.Join(err, wrong)
	}
	s.logs.mark = done
	return err
}

// closeMark sees to it that the main file says "whole" when the last who closes it moves all that is in the -wal there.
func (s *Store) closeMark(ctx context.Context) {
	switch {
	case s.writer == nil || s.reads == nil: // it was never open
	case s.lock != nil:
		if s.logs.mark.part {
			_ = s.checkpoint(ctx, "PASSIVE")
		}
	default: // after a gateway that was killed between its two marks; one that lives writes its own
		if m, err := readMark(ctx, s.reads); err == nil && m.part {
			_, _ = s.writer.ExecContext(ctx, `UPDATE meta SET value = $1 WHERE name = $2 AND value = $3`, mark{epoch: m.epoch}.String(), markName, m.String())
		}
	}
}

// moveLog says whether the main file is at the mark that was written before.
func (s *Store) moveLog(ctx context.Context, how string) (all bool, err error) {
	upTo := s.logs.logged
	for try := range 5 {
		if try > 0 {
			time.Sleep(time.Millisecond)
		}
		var busy, frames, moved int
		err = s.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+how+`)`).Scan(&busy, &frames, &moved)
		switch {
		case err != nil:
			return false, err
		case busy != 0:
			err = ErrBusy
		case moved >= upTo || how == "TRUNCATE": // which leaves nothing to count
			return true, nil
		}
		if how == "TRUNCATE" {
			break // it has waited
		}
	}
	return false, err
}

func newEpoch() string {
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

// header is what the main file says of itself (SQLite's file format, 1.3).
type header struct {
	wal      bool // the -wal belongs to it; else it is whole by itself
	pageSize int64
	pages    int64 // 0 where it is not known
	size     int64
}

func readHeader(path string) (h header, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer func() { _ = f.Close() }()
	var b [100]byte
	if _, err := io.ReadFull(f, b[:]); err != nil || !strings.HasPrefix(string(b[:]), "SQLite format 3\x00") {
		return h, ErrCorrupt
	}
	info, err := f.Stat()
	h.wal, h.pageSize = b[19] == 2, int64(binary.BigEndian.Uint16(b[16:]))
	if h.pageSize == 1 {
		h.pageSize = 65536
	}
	if string(b[24:28]) == string(b[92:96]) {
		h.pages = int64(binary.BigEndian.Uint32(b[28:]))
	}
	if err == nil {
		h.size = info.Size()
	}
	return h, err
}

// walSize is -1 for none.
func walSize(path string) (int64, error) {
	info, err := os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	} else if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

const walHeader = 32

// whole refuses what is only a part of a database. It reads the main file by itself through own, and writes nothing.
func (s *Store) whole(ctx context.Context, own *sql.DB) error {
	h, err := readHeader(s.path)
	if err != nil {
		return err
	}
	wal, err := walSize(s.path)
	if err != nil {
		return err
	}
	if !h.wal && wal > walHeader {
		return s.foreignLog()
	}
	if h.wal && wal > walHeader {
		return s.wholeWithLog(ctx, h, own)
	}
	if h.pages*h.pageSize > h.size {
		return truncated(h.pages*h.pageSize, h.size)
	}
	m, err := readMark(ctx, own)
	if err == nil && h.wal && m.part && wal < 0 {
		return fmt.Errorf("%w: its main file was copied while a gateway ran, without the -wal, where the newest messages were: %s", ErrNotWhole, putBack)
	}
	return err
}

const putBack = "put a copy back that was made whole (docs/operating.md, Copies)"

func truncated(want, have int64) error {
	return fmt.Errorf("%w: it ends after %d bytes and should have %d: %s", ErrNotWhole, have, want, putBack)
}

func (s *Store) foreignLog() error {
	return fmt.Errorf("%w: %s-wal beside it belongs to a copy of another time: put back the two that belong together; if this file is whole by "+
		"itself (docs/operating.md, Copies), move that one and %[2]s-shm away", ErrNotWhole, s.path)
}

// wholeWithLog looks at both halves.
func (s *Store) wholeWithLog(ctx context.Context, h header, own *sql.DB) error {
	both, err := sql.Open("sqlite3", dsn(s.path)+"&mode=ro")
	if err != nil {
		return err
	}
	defer func() { _ = both.Close() }()
	alone, err := readMark(ctx, own)
	if err != nil && !errors.Is(explain(err), ErrCorrupt) { // a checkpoint that was cut off leaves it so, and the -wal has the rest
		return err
	}
	together, err := readMark(ctx, both)
	if err == nil && alone.epoch != "" && alone.epoch != together.epoch && !(together.part && alone.epoch == together.before) {
		return s.foreignLog()
	} else if err != nil {
		return err
	}
	return s.wholeLength(ctx, h, both)
}

// wholeLength says whether each page stands in one of the halves.
func (s *Store) wholeLength(ctx context.Context, h header, both *sql.DB) error {
	var pages int64
	if err := both.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		return err
	}
	logged, err := loggedPages(s.path, h.pageSize)
	if err != nil {
		return err
	}
	if h, err = readHeader(s.path); err != nil { // as it is after the log was read: a checkpoint makes it longer
		return err
	}
	for page := h.size/h.pageSize + 1; page <= pages; page++ {
		if !logged[uint32(page)] {
			return truncated(pages*h.pageSize, h.size)
		}
	}
	return nil
}

// loggedPages are the pages that stand in the -wal (SQLite's file format, 4.1).
func loggedPages(path string, pageSize int64) (map[uint32]bool, error) {
	f, err := os.Open(path + "-wal")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var head [walHeader]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return nil, nil //nolint:nilerr // it is empty
	}
	pages := map[uint32]bool{}
	var frame [24]byte
	for at := int64(walHeader); ; at += int64(len(frame)) + pageSize {
		if _, err := f.ReadAt(frame[:], at); err != nil || string(frame[8:16]) != string(head[16:24]) {
			return pages, nil //nolint:nilerr // its end, or what an earlier round left behind
		}
		pages[binary.BigEndian.Uint32(frame[:])] = true
	}
}
