package modem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"attestd/modem/at"
)

// How a modem answers AT+CMGF (TS 27.005 3.2.3).
const (
	modeAsked   int32 = iota // AT+CMGF? says it
	modeSet                  // AT+CMGF? does not say it, and AT+CMGF=0 is answered with OK
	modeRefused              // it knows neither: PDU mode is the default, and all that it has
)

const (
	modeTries = 3
	modeWait  = 30 * time.Second // how long a modem that stays in text mode may be starting
)

// pduMode sets PDU mode, and believes only what it reads back. A modem that is starting refuses, or keeps the mode that
// its profile had.
func (m *Modem) pduMode(h *hands) error {
	limit := time.Now().Add(modeWait)
	for try := 1; ; try++ {
		taken := h.try("AT+CMGF=0")
		stat := number(params(h.ask("AT+CMGF?"), "+CMGF:"), 0)
		switch {
		case h.err != nil:
			return h.err
		case stat == 0:
			m.mode.Store(modeAsked)
			return nil
		case stat < 0 && taken:
			m.mode.Store(modeSet)
			return nil
		case stat < 0 && try >= modeTries:
			m.mode.Store(modeRefused)
			return nil
		case stat > 0 && time.Now().After(limit):
			return say(ErrNoPDUMode, "it stays in text mode for %v, whatever AT+CMGF=0 is answered: does another program use it? If not, look for a firmware with PDU mode", modeWait)
		}
		if h.err = pause(h.ctx, m.conn.Done(), time.Second); h.err != nil { // the SMS part of some is not up yet
			return h.err
		}
	}
}

// stillPDU asks before each submission whether PDU mode still stands: after a restart that nobody saw, AT+CMGS=<length>
// would ask for a text to the number <length> (TS 27.005 3.5.1), and get a PDU to send.
func (m *Modem) stillPDU(ctx context.Context) error {
	mode := m.mode.Load()
	line := "AT+CMGF?"
	if mode == modeSet {
		line = "AT+CMGF=0"
	}
	err := errors.New("it does not say in which mode it is")
	for range modeTries {
		res, derr := m.conn.Do(ctx, at.Command{Line: line, Prefix: "+CMGF:", Timeout: m.c.CommandTimeout})
		if lost(derr) {
			return derr
		}
		stat := -1
		if n := len(res.Lines); n > 0 {
			stat = number(params(res.Lines[n-1], "+CMGF:"), 0)
		}
		switch {
		case derr == nil && (stat == 0 || mode == modeSet):
			return nil
		case stat > 0:
			return m.drifted()
		case mode == modeRefused: // no more than it did before
			return nil
		case derr != nil: // or a late result of what came before: it is asked again
			err = fmt.Errorf("it does not say in which mode it is: %w", derr)
		}
	}
	return err
}
