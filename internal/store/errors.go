package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// What can be wrong with a database, for callers to tell apart and for people to read.
var (
	ErrFull     = errors.New("the disk is full: nothing was stored; free some space and it goes on by itself")
	ErrReadOnly = errors.New("the database cannot be written: check its owner, its mode and whether the disk is mounted read-only")
	ErrCorrupt  = errors.New("the database is damaged, and was left as it is: restore it from a backup")
	ErrNewer    = errors.New("the database belongs to a newer version, and was left as it is")
	ErrInUse    = errors.New("another attestd uses this database: stop it first, or give this one its own store.url")
	ErrBusy     = errors.New("the database is busy: try again")
)

// unusable is an I/O error. A full disk is the usual cause (the driver gives SQLITE_IOERR, and not SQLITE_FULL, for a write
// without space), so it counts as ErrFull; its words leave room for another.
type unusable struct{}

func (unusable) Error() string {
	return "the disk refuses: most likely it is full; nothing was stored, and it goes on by itself when there is space"
}

func (unusable) Is(target error) bool { return target == ErrFull }

// fullAtStart is the same when the database is opened: then nothing goes on by itself.
type fullAtStart struct{}

func (fullAtStart) Error() string {
	return "the disk refuses: most likely it is full; the database was left as it is: free some space and start again"
}

func (fullAtStart) Is(target error) bool { return target == ErrFull }

// explainStart is explain for a database that could not be opened.
func explainStart(err error) error {
	explained := explain(err)
	if errors.Is(explained, ErrFull) {
		return fmt.Errorf("%w (%w)", fullAtStart{}, err)
	}
	return explained
}

// explain puts the error that people can act on before the database's own.
func explain(err error) error {
	var code sqlite3.ErrorCode
	if err == nil || !errors.As(err, &code) || explained(err) {
		return err
	}
	for _, c := range []struct {
		code sqlite3.ErrorCode
		err  error
	}{
		{sqlite3.FULL, ErrFull},
		{sqlite3.IOERR, unusable{}},
		{sqlite3.READONLY, ErrReadOnly},
		{sqlite3.CORRUPT, ErrCorrupt},
		{sqlite3.NOTADB, ErrCorrupt},
		{sqlite3.BUSY, ErrBusy},
	} {
		if code == c.code {
			return fmt.Errorf("%w (%w)", c.err, err)
		}
	}
	if code == sqlite3.INTERRUPT {
		return errors.Join(context.Canceled, err)
	}
	return err
}

func explained(err error) bool {
	for _, one := range []error{ErrFull, ErrReadOnly, ErrCorrupt, ErrNewer, ErrInUse, ErrBusy} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
