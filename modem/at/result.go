package at

import (
	"errors"
	"fmt"
)

// Errors that are not a final result of the modem.
var (
	ErrError        = errors.New("the modem answered ERROR")
	ErrTimeout      = errors.New("no final result in time")
	ErrNoPrompt     = errors.New("no prompt for the payload")
	ErrRestarted    = errors.New("the modem restarted")
	ErrClosed       = errors.New("the port is closed")
	ErrNotAnswering = errors.New("the modem does not answer AT")
	ErrWriteBlocked = errors.New("the port takes no more bytes")
)

// CMSError is +CMS ERROR (TS 27.005 3.2.5).
type CMSError struct {
	Code int // -1: a text that is in no table
	Text string
}

func (e CMSError) Error() string { return describe("+CMS ERROR", e.Code, e.Text) }

// CMEError is +CME ERROR (TS 27.007 9.2).
type CMEError struct {
	Code int // -1: a text that is in no table
	Text string
}

func (e CMEError) Error() string { return describe("+CME ERROR", e.Code, e.Text) }

func describe(name string, code int, text string) string {
	switch {
	case code < 0:
		return fmt.Sprintf("%s: %s", name, text)
	case text == "":
		return fmt.Sprintf("%s: %d", name, code)
	}
	return fmt.Sprintf("%s: %d (%s)", name, code, text)
}
