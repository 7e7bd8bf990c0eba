package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"attestd/modem/at"
)

// Modem is one open session. Its methods may be called from any goroutine; commands wait for each other in package at.
//
// Two goroutines serve it beside those of package at. The translator takes at's events one by one, fetches what they announce,
// and makes events of them; it ends with the conversation. The pump holds events until somebody takes them, so that neither
// Drain nor the translator waits for a slow consumer; it ends when the translator has ended and all are taken, or at Close.
type Modem struct {
	c    Config
	conn *at.Conn
	log  *slog.Logger

	identity atomic.Pointer[Identity]
	ready    atomic.Pointer[time.Time] // when the handshake was done; nil during it
	stale    atomic.Bool               // the modem restarted since
	regs     [domains]atomic.Int32     // the last <stat> heard, for modems that answer +CREG? with nothing
	noCMMS   atomic.Bool
	told     atomic.Value  // the AT+CNMI that the modem took, a string
	awake    chan struct{} // the modem has said that its card is ready, or its SMS part
	lacks    atomic.Bool   // something was refused in the handshake without which a session is not complete
	mode     atomic.Int32  // how it answers AT+CMGF: modeAsked, modeSet, modeRefused
	misreads int           // handed over in a row and not read whole; the translator's own
	mended   time.Time     // when the translator last looked for what a broken conversation had lost; its own
	phase2p  atomic.Bool   // CSMS=1: received messages want AT+CNMA (TS 27.005 3.2.1)

	emit       chan Event
	events     chan Event
	translated chan struct{} // the translator has ended
	closing    chan struct{}
	closeOnce  sync.Once
	pumped     chan struct{}

	memory  memory
	due     confirmation
	hearing hearing
}

// OpenOn opens a session over a connection that is there already, and owns it from here.
func OpenOn(ctx context.Context, port io.ReadWriteCloser, c Config) (*Modem, error) {
	m := begin(port, c)
	if err := m.handshake(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// begin takes up the conversation; nothing is said yet.
func begin(port io.ReadWriteCloser, c Config) *Modem {
	c.fill()
	m := &Modem{
		c: c, log: c.Logger,
		awake: make(chan struct{}, 1), emit: make(chan Event), events: make(chan Event), translated: make(chan struct{}),
		closing: make(chan struct{}), pumped: make(chan struct{}),
		memory: memory{turn: make(chan struct{}, 1), slots: map[slot]string{}, suspect: map[slot]string{}},
		due:    confirmation{said: make(chan struct{}, 1)},
	}
	m.identity.Store(&Identity{})
	for d := range m.regs {
		m.regs[d].Store(int32(RegUnknown))
	}
	m.conn = at.New(port, at.Options{
		Heard: m.heard, URC: unsolicited, WriteTimeout: c.WriteTimeout, LateResultWait: c.LateResultWait, Trace: c.Trace,
	})
	go m.translate()
	go m.pump()
	return m
}

func (c *Config) fill() {
	for _, d := range []struct {
		d *time.Duration
		v time.Duration
	}{
		{&c.CommandTimeout, 10 * time.Second}, {&c.PromptTimeout, 10 * time.Second}, {&c.SubmitTimeout, 180 * time.Second},
		{&c.LateResultWait, 30 * time.Second}, {&c.WriteTimeout, 10 * time.Second}, {&c.AnswerWait, 20 * time.Second},
	} {
		if *d.d <= 0 {
			*d.d = d.v
		}
	}
	if c.AskAfter == 0 {
		c.AskAfter = 15 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.PINGuard == nil {
		c.PINGuard = processGuard{}
	}
}

// Identity is who the modem and the card are.
func (m *Modem) Identity() Identity { return *m.identity.Load() }

// Check asks the modem whether it is there.
func (m *Modem) Check(ctx context.Context) error {
	_, err := m.conn.Do(ctx, at.Command{Line: "AT", Timeout: m.c.CommandTimeout})
	if lost(err) {
		return err
	}
	return nil // an answer of any kind means that it is
}

// Resync re-establishes the conversation.
func (m *Modem) Resync(ctx context.Context) error { return m.conn.Resync(ctx) }

// Reinit sets up again a modem that has restarted.
func (m *Modem) Reinit(ctx context.Context) error {
	m.ready.Store(nil)
	return m.handshake(ctx)
}

// Command sends one AT command line of the caller's own (recovery, diagnosis) and gives its information text.
func (m *Modem) Command(ctx context.Context, line string) ([]string, error) {
	res, err := m.conn.Do(ctx, at.Command{Line: line, Bare: true, Prefix: prefixOf(line), Timeout: m.c.CommandTimeout})
	return res.Lines, err
}

// Done is closed when the session has ended.
func (m *Modem) Done() <-chan struct{} { return m.conn.Done() }

// Err says why the session ended; nil before that.
func (m *Modem) Err() error { return m.conn.Err() }

// Close ends the session. Events that nobody has taken are dropped.
func (m *Modem) Close() error {
	m.closeOnce.Do(func() { close(m.closing) })
	err := m.conn.Close()
	<-m.pumped
	return err
}

// lost reports whether the error is about the conversation, not about the command.
func lost(err error) bool {
	for _, e := range []error{
		at.ErrTimeout, at.ErrClosed, at.ErrNotAnswering, at.ErrWriteBlocked, at.ErrRestarted, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// code is the number of a +CME ERROR or +CMS ERROR; -1 when it is neither.
func code(err error) int {
	var cme at.CMEError
	var cms at.CMSError
	switch {
	case errors.As(err, &cme):
		return cme.Code
	case errors.As(err, &cms):
		return cms.Code
	}
	return -1
}

// hands are a run of commands where most may fail: what a modem does not know it answers with ERROR, and the handshake goes on.
// Only the end of the conversation ends the run, and is kept in err.
type hands struct {
	m   *Modem
	ctx context.Context
	err error

	busyUntil time.Time // until when a card that is busy is waited for; zero before it was
	hasty     bool      // it is not waited for
}

// do sends a command. The second result is false when the modem refused, or when the run has ended.
func (h *hands) do(cmd at.Command) (at.Result, bool) {
	if h.err != nil {
		return at.Result{}, false
	}
	if cmd.Timeout == 0 {
		cmd.Timeout = h.m.c.CommandTimeout
	}
	res, err := h.m.conn.Do(h.ctx, cmd)
	for !h.hasty && notYet(err) && h.rest() {
		res, err = h.m.conn.Do(h.ctx, cmd)
	}
	if !h.hasty && notYet(err) && h.err == nil {
		h.err = say(ErrSIMFailure, "the card is still busy after %v (%v, to %s); restart the modem", simPatience, err, cmd.Line)
	}
	if err != nil && lost(err) && !errors.Is(err, at.ErrTimeout) { // one command that hangs is no reason to give up
		h.err = err
	}
	return res, err == nil
}

// rest gives a busy card time: for a second, or until the modem says that it is ready. It is false when it was given
// enough.
func (h *hands) rest() bool {
	if h.busyUntil.IsZero() {
		h.busyUntil = time.Now().Add(simPatience)
	}
	if h.err != nil || !time.Now().Before(h.busyUntil) {
		return false
	}
	second := time.NewTimer(time.Second)
	defer second.Stop()
	select {
	case <-second.C:
	case <-h.m.awake:
	case <-h.ctx.Done():
	case <-h.m.conn.Done():
	}
	return true
}

// notYet reports whether the modem means "not yet" (TS 27.007 9.2.1, TS 27.005 3.2.5; 515 is many vendors').
func notYet(err error) bool {
	n := code(err)
	return n == 14 || n == 314 || n == 515
}

// try sends a command that has no information text.
func (h *hands) try(line string) bool {
	cmd := at.Command{Line: line}
	if strings.HasPrefix(line, "AT+CPMS=") { // which alone tells something when it sets
		cmd.Prefix = "+CPMS:"
	}
	_, ok := h.do(cmd)
	return ok
}

// ask gives the last information line of a query, which begins with its prefix: earlier ones may be unsolicited.
func (h *hands) ask(line string) string {
	res, _ := h.do(at.Command{Line: line, Prefix: prefixOf(line)})
	if len(res.Lines) == 0 {
		return ""
	}
	return res.Lines[len(res.Lines)-1]
}

// info gives the answer to a command such as AT+CGMI, with or without the prefix that some put before it.
func (h *hands) info(line string) string {
	res, ok := h.do(at.Command{Line: line, Prefix: prefixOf(line), Bare: true})
	if !ok || len(res.Lines) == 0 {
		return ""
	}
	p := params(res.Lines[0], prefixOf(line))
	if len(p) == 1 {
		return p[0]
	}
	return res.Lines[0]
}

// prefixOf is the prefix of a command's information text: "+CSQ:" for AT+CSQ.
func prefixOf(line string) string {
	if len(line) < 3 {
		return ""
	}
	name := line[2:]
	for i := 1; i < len(name); i++ {
		if name[i] == '=' || name[i] == '?' {
			name = name[:i]
			break
		}
	}
	switch name[0] {
	case '+', '^', '#', '*', '%', '$', '!':
		return name + ":"
	}
	return ""
}

// say makes a clear line of an error that ends Open.
func say(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
}
