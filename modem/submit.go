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

// Owing is what earlier submits may still be owed: final results that were given up, or that another process waited for. The
// caller knows of them, because it wrote them down; this session may be younger than they are.
type Owing struct {
	// Owners says whose a final result with this reference may be (-1: a refusal), besides the submit under way: tags. When
	// certain, it is not that of the submit under way. nil: nothing is owed.
	Owners func(mr int) (tags []string, certain bool)
	// Newer says whether reference a was given after b. The one under way has the newest.
	Newer func(a, b byte) bool
	// Patience is how long a second final result is waited for when the first may be an earlier submit's; at most, and by default,
	// LateResultWait.
	Patience time.Duration
}

// Receipt is what a modem gives for a message that the network took.
type Receipt struct {
	MR byte
	// Shared: one final result came where an earlier submit was owed one too, and its reference could be that one's.
	Shared bool
}

// Submit is SubmitOwing for a session in which nothing is owed.
func (m *Modem) Submit(ctx context.Context, tag string, tpdu []byte) (mr byte, err error) {
	r, err := m.SubmitOwing(ctx, tag, tpdu, Owing{})
	return r.MR, err
}

// SubmitOwing hands one SMS-SUBMIT to the modem and waits for its message reference. The context ends it only until Ctrl-Z is written; then
// the final result, SubmitTimeout, or the end of the port does. A reference that comes later than that is an event LateResult with the
// tag; so is one that comes during this submit and is an earlier one's.
func (m *Modem) SubmitOwing(ctx context.Context, tag string, tpdu []byte, owing Owing) (Receipt, error) {
	if m.stale.Load() {
		return Receipt{}, fmt.Errorf("%w: %w", ErrNotSent, ErrNeedsReinit)
	}
	m.due.before(ctx)
	if err := m.stillPDU(ctx); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	res, err := m.conn.Do(ctx, at.Command{
		Line:          "AT+CMGS=" + strconv.Itoa(len(tpdu)), // TS 27.005 4.3: without the SMSC field
		Tag:           tag,
		Prefix:        "+CMGS:",
		Payload:       m.payload(tpdu),
		PromptTimeout: m.c.PromptTimeout,
		Timeout:       m.c.SubmitTimeout,
		AskAfter:      m.c.AskAfter,
		Linger:        5 * time.Second, // the reference is given once the SMSC has the message; OK is only manners
		Doubt:         owing.doubt(),
		DoubtWait:     owing.Patience,
	})
	switch {
	case res.Unresolved:
		return Receipt{}, fmt.Errorf("%w: one final result came for two messages: %w", ErrOutcomeUnknown, err)
	case res.Earlier != nil && owing.Owners != nil:
		return m.two(res, err, owing)
	case res.Alone && err == nil:
		return m.alone(res, owing)
	}
	if mr, ok := reference(res.Lines); ok && res.Paid {
		return Receipt{MR: mr}, nil
	}
	return Receipt{}, unsent(res, err)
}

// two judges two final results, of which one is an earlier submit's. They may come in either order.
func (m *Modem) two(res at.Result, err error, owing Owing) (Receipt, error) {
	first, hadFirst := reference(res.Earlier.Result.Lines)
	second, hadSecond := reference(res.Lines)
	_, firstNot := owing.Owners(int(first))
	_, secondNot := owing.Owners(int(second))
	switch {
	case hadFirst && hadSecond && !firstNot && (secondNot || owing.Newer(first, second)):
		m.credit(at.Late{Result: res}, owing)
		second = first
	case hadFirst && !hadSecond && res.Paid && err != nil && !lost(err): // a reference, then a refusal: which is whose?
		return Receipt{}, fmt.Errorf("%w: a reference and a refusal came for two messages", ErrOutcomeUnknown)
	default:
		m.credit(*res.Earlier, owing)
	}
	if !hadSecond {
		return Receipt{}, unsent(res, err)
	}
	others, _ := owing.Owners(int(second))
	return Receipt{MR: second, Shared: len(others) > 0}, nil
}

// knownWait is how long a final result may take once the message is known to be with the network.
const knownWait = 5 * time.Second

// Known says that the submit with this tag is known to have reached the network (its status report came): its final result is waited for a few
// seconds more, and not for SubmitTimeout. It ends as unknown then.
func (m *Modem) Known(tag string) { m.conn.Hurry(tag, knownWait) }

// unsent says what it means that no reference was read.
func unsent(res at.Result, err error) error {
	var cms at.CMSError
	var cme at.CMEError
	refused := errors.As(err, &cms) || errors.As(err, &cme) || errors.Is(err, at.ErrError)
	switch {
	case refused && res.Paid:
		return err
	case refused:
		return fmt.Errorf("%w: %w", errBeforePayload, err)
	case err == nil:
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, ErrNoReference)
	case res.Paid:
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return fmt.Errorf("%w: %w", ErrNotSent, err)
}

// doubt is what the AT wire asks of a final result.
func (o Owing) doubt() func(lines []string, err error) bool {
	if o.Owners == nil {
		return nil
	}
	return func(lines []string, err error) bool {
		mr, ok := reference(lines)
		n := int(mr)
		switch {
		case err != nil:
			n = -1
		case !ok: // OK alone: nobody's
			return false
		}
		tags, _ := o.Owners(n)
		return len(tags) > 0
	}
}

// credit tells of an earlier submit's final result, if it can only be that one's.
func (m *Modem) credit(l at.Late, owing Owing) {
	n := -1
	if mr, ok := reference(l.Result.Lines); ok {
		n = int(mr)
	}
	tags, _ := owing.Owners(n)
	if len(tags) != 1 {
		return
	}
	l.Tag = tags[0]
	for _, e := range m.late(&l) {
		e.At = time.Now()
		m.put(e)
	}
}

// alone judges a reference that may be an earlier submit's, when no other came.
func (m *Modem) alone(res at.Result, owing Owing) (Receipt, error) {
	mr, _ := reference(res.Lines)
	if _, certain := owing.Owners(int(mr)); certain {
		m.credit(at.Late{Result: res}, owing)
		return Receipt{}, fmt.Errorf("%w: the only final result was an earlier message's", ErrOutcomeUnknown)
	}
	return Receipt{MR: mr, Shared: true}, nil
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
