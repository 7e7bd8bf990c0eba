package at

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors that are not a final result of the modem, but for ErrError, which is the plainest one of them.
var (
	ErrError        = errors.New("the modem answered ERROR")
	ErrTimeout      = errors.New("no final result in time")
	ErrResultLost   = fmt.Errorf("%w: the modem takes commands again", ErrTimeout)
	ErrNoPrompt     = errors.New("no prompt for the payload")
	ErrRestarted    = errors.New("the modem restarted")
	ErrClosed       = errors.New("the port is closed")
	ErrNotAnswering = errors.New("the modem does not answer AT")
	ErrGarbage      = errors.New("what answers does not speak AT")
	ErrWriteBlocked = errors.New("the port takes no more bytes")
	ErrCallEnded    = errors.New("the call ended") // NO CARRIER, BUSY, NO ANSWER, NO DIALTONE
)

// CMSError is +CMS ERROR (TS 27.005 3.2.5).
type CMSError struct {
	Code int    // -1: a text that is in no table
	Text string // as the modem gave it, or the specification's
}

func (e CMSError) Error() string { return describe("+CMS ERROR", e.Code, e.Text) }

// CMEError is +CME ERROR (TS 27.007 9.2).
type CMEError struct {
	Code int    // -1: a text that is in no table
	Text string // as the modem gave it, or the specification's
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

// final is a final result code.
type final struct {
	err  error // nil: OK
	call bool  // it ends a call, and only a command that made one
}

// parseFinal reads a verbose final result code (V.250 5.7.1, TS 27.007 9.2, TS 27.005 3.2.5) and those that vendors add.
func parseFinal(line string) (final, bool) {
	switch line {
	case "OK":
		return final{}, true
	case "ERROR", "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORTED", "TOO MANY PARAMETERS", "NA":
		return final{err: refused(line)}, true
	case "NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE":
		return final{err: fmt.Errorf("%w: %s", ErrCallEnded, line), call: true}, true
	case "CONNECT":
		return final{call: true}, true
	}
	if rest, ok := cutFold(line, "CONNECT "); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return final{call: true}, true
	}
	bare := strings.TrimPrefix(line, "+")
	if rest, ok := cutFold(bare, "CMS ERROR"); ok {
		code, text := codeAndText(rest, cmsCodes, cmsTexts)
		return final{err: CMSError{Code: code, Text: text}}, true
	}
	if rest, ok := cutFold(bare, "CME ERROR"); ok {
		code, text := codeAndText(rest, cmeCodes, cmeTexts)
		return final{err: CMEError{Code: code, Text: text}}, true
	}
	if _, ok := cutFold(line, "ERROR:"); ok {
		return final{err: refused(line)}, true
	}
	if _, ok := cutFold(line, "MODEM ERROR"); ok {
		return final{err: refused(line)}, true
	}
	return final{}, false
}

// parseNumeric reads a numeric result code (V.250 5.7.1, ATV0). 2 is RING, which ends nothing.
func parseNumeric(line string) (final, bool) {
	switch line {
	case "0":
		return final{}, true
	case "4":
		return final{err: refused("ERROR")}, true
	case "3", "6", "7", "8":
		return final{err: ErrCallEnded, call: true}, true
	case "1":
		return final{call: true}, true
	}
	return final{}, false
}

func refused(line string) error {
	if line == "ERROR" {
		return ErrError
	}
	return fmt.Errorf("%w (%s)", ErrError, line)
}

// codeAndText reads what follows "ERROR": a number, or a text of AT+CMEE=2 that is looked up.
func codeAndText(rest string, codes map[string]int, texts map[int]string) (int, string) {
	rest = strings.Trim(rest, ": \t\"")
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if code, err := strconv.Atoi(rest[:digits]); err == nil && strings.Trim(rest[digits:], " ,.;") == "" {
		return code, texts[code]
	}
	if code, ok := codes[foldText(rest)]; ok {
		return code, rest
	}
	return -1, rest
}

// foldText makes texts comparable: vendors differ in case, hyphens and stops.
func foldText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, s)
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
