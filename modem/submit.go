package modem

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"attestd/modem/at"
)

// ErrNoReference: the modem answered OK and gave no reference. That is no success: an aborted entry is answered so, and by some
// modems every failure.
var ErrNoReference = errors.New("OK without a message reference")

// errBeforePayload marks a final result that came in place of the prompt: whatever its code, nothing was handed over.
var errBeforePayload = errors.New("refused before the message was handed over")

// Submit hands one SMS-SUBMIT to the modem and waits for its message reference. The context ends it only until Ctrl-Z is written; then
// the final result, SubmitTimeout, or the end of the port does. A reference that comes later than that is an event LateResult with the tag.
func (m *Modem) Submit(ctx context.Context, tag string, tpdu []byte) (mr byte, err error) {
	if m.stale.Load() {
		return 0, fmt.Errorf("%w: %w", ErrNotSent, ErrNeedsReinit)
	}
	res, err := m.conn.Do(ctx, at.Command{
		Line:          "AT+CMGS=" + strconv.Itoa(len(tpdu)), // TS 27.005 4.3: without the SMSC field
		Tag:           tag,
		Prefix:        "+CMGS:",
		Payload:       m.payload(tpdu),
		PromptTimeout: m.c.PromptTimeout,
		Timeout:       m.c.SubmitTimeout,
		Linger:        5 * time.Second, // the reference is given once the SMSC has the message; OK is only manners
	})
	if mr, ok := reference(res.Lines); ok && res.Paid {
		return mr, nil
	}
	var cms at.CMSError
	var cme at.CMEError
	refused := errors.As(err, &cms) || errors.As(err, &cme) || errors.Is(err, at.ErrError)
	switch {
	case refused && res.Paid:
		return 0, err
	case refused:
		return 0, fmt.Errorf("%w: %w", errBeforePayload, err)
	case err == nil:
		return 0, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ErrNoReference)
	case res.Paid:
		return 0, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return 0, fmt.Errorf("%w: %w", ErrNotSent, err)
}

// payload is the SMSC field and the TPDU in hexadecimal, and Ctrl-Z (TS 27.005 4.3), for one write.
func (m *Modem) payload(tpdu []byte) []byte {
	smsc := smscField(m.c.SMSC)
	b := make([]byte, 0, len(smsc)+2*len(tpdu)+1)
	b = append(b, smsc...)
	b = append(b, strings.ToUpper(hex.EncodeToString(tpdu))...)
	return append(b, 0x1a)
}

// reference reads +CMGS: <mr>[,...].
func reference(lines []string) (byte, bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		if n := number(params(lines[i], "+CMGS:"), 0); n >= 0 && n <= 255 {
			return byte(n), true
		}
	}
	return 0, false
}

// HoldLink asks the modem to keep the radio link between messages (AT+CMMS, TS 27.005 3.5.6). A modem that refuses is left in peace.
func (m *Modem) HoldLink(ctx context.Context, on bool) error {
	if m.noCMMS.Load() {
		return nil
	}
	line := "AT+CMMS=0"
	if on {
		line = "AT+CMMS=2"
	}
	_, err := m.conn.Do(ctx, at.Command{Line: line, Timeout: m.c.CommandTimeout})
	if err != nil && !lost(err) {
		m.noCMMS.Store(true)
		return nil
	}
	return err
}
