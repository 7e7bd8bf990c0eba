package at

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is a conversation with one modem.
type Conn struct {
	port io.ReadWriteCloser
	o    Options

	urgent, requests chan *request
	chunks           chan []byte // what the reader read; closed when Read failed
	writes           chan []byte // one Write each
	wrote            chan wrote
	events           chan Event
	hurries          chan hurry
	closing          chan struct{} // Close was called
	closeOnce        sync.Once
	done             chan struct{} // nothing is read or written any more
	gone             chan struct{} // the loop has ended

	readErr error // set before chunks is closed
	err     error // set before done is closed

	silent atomic.Bool  // it does not echo, and must not
	echoes atomic.Int64 // counted

	// What follows belongs to the loop.
	split     splitter
	out       []Event   // spoken, not yet taken
	header    *Event    // an unsolicited line whose body is awaited
	quote     *open     // an unsolicited line whose text goes on
	verbose   bool      // a verbose result code was read: digits alone are no results any more
	last      string    // the last line written, for its echo
	lastShown string    // how traces show it
	owed      *exchange // a command whose final result was not read
	unsure    bool      // the conversation is not established
	heard     heard
	readEnded bool // the reader has ended, and readErr says why
}

type wrote struct {
	n   int
	err error
}

// hurry says that the result of a command is known by other means, or that the line is wanted soon.
type hurry struct {
	tag    string
	within time.Duration
	ask    bool
}

// request is a call of Do, Wake or Resync on its way to the loop.
type request struct {
	ctx   context.Context
	cmd   Command
	kind  requestKind
	reply chan answer // holds one
}

type requestKind uint8

const (
	requestCommand requestKind = iota
	requestWake
	requestResync
)

type answer struct {
	result Result
	err    error
}

// New starts a conversation over port and owns it from here. A Write of port may be short without an error, as those of
// serial ports are; it must not be called again after Close, and is not.
func New(port io.ReadWriteCloser, o Options) *Conn {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.WriteTimeout, 10*time.Second)
	def(&o.LateResultWait, 30*time.Second)
	def(&o.Quiet, 200*time.Millisecond)
	def(&o.ProbeTimeout, 3*time.Second)
	if o.URC == nil {
		o.URC = func(string) Kind { return Unknown }
	}
	c := &Conn{
		port: port, o: o,
		urgent: make(chan *request), requests: make(chan *request),
		chunks: make(chan []byte), writes: make(chan []byte), wrote: make(chan wrote, 1),
		events: make(chan Event), hurries: make(chan hurry, 4), closing: make(chan struct{}),
		done: make(chan struct{}), gone: make(chan struct{}),
	}
	go c.read()
	go c.write()
	go c.loop()
	return c
}

// read is the reader. It has no read timeout: Close frees it.
func (c *Conn) read() {
	defer close(c.chunks)
	for {
		b := make([]byte, 512)
		n, err := c.port.Read(b)
		if n > 0 {
			select {
			case c.chunks <- b[:n]:
			case <-c.done:
				return
			}
		}
		if err != nil {
			c.readErr = err
			return
		}
	}
}

// write is the writer: one Write for each request, so that the loop knows that no Write begins after Close.
func (c *Conn) write() {
	for b := range c.writes {
		n, err := c.port.Write(b)
		c.wrote <- wrote{n, err}
	}
}

// Do sends a command and waits for its final result. The context ends the wait only until the payload is written; after that
// the final result, the timeout or the end of the port does. Result.Paid says which, also beside an error.
func (c *Conn) Do(ctx context.Context, cmd Command) (Result, error) {
	return c.ask(&request{ctx: ctx, cmd: cmd, kind: requestCommand})
}

// Hurry says that what became of the command with this tag is known by other means: its final result is waited for no longer than that.
func (c *Conn) Hurry(tag string, within time.Duration) { c.urge(hurry{tag: tag, within: within}) }

// AskWithin says that another command must be given soon: a modem that is silent about a payload is asked no later than that whether it still
// sends, if its command has AskAfter.
func (c *Conn) AskWithin(d time.Duration) { c.urge(hurry{within: d, ask: true}) }

func (c *Conn) urge(h hurry) {
	select {
	case c.hurries <- h:
	default: // nobody waits
	}
}

// Wake leaves a prompt that somebody left open, and asks AT until it is answered, for at most d. ErrNotAnswering: there was
// silence. ErrGarbage: something came, and it was no answer.
func (c *Conn) Wake(ctx context.Context, d time.Duration) error {
	_, err := c.ask(&request{ctx: ctx, cmd: Command{Timeout: d}, kind: requestWake})
	return err
}

// Resync re-establishes the conversation: silence, and a bare AT that is answered.
func (c *Conn) Resync(ctx context.Context) error {
	_, err := c.ask(&request{ctx: ctx, kind: requestResync})
	return err
}

func (c *Conn) ask(r *request) (Result, error) {
	r.reply = make(chan answer, 1)
	queue := c.requests
	if r.cmd.Urgent {
		queue = c.urgent
	}
	select {
	case queue <- r:
	case <-r.ctx.Done():
		return Result{}, r.ctx.Err()
	case <-c.done:
		return Result{}, c.err
	}
	a := <-r.reply
	return a.result, a.err
}

// Events are the unsolicited lines and late results in the modem's order. None is dropped; the channel is closed at the end of
// the conversation, when all have been taken.
func (c *Conn) Events() <-chan Event { return c.events }

// Forgot is the line of the Banner event of a modem that echoes again.
const Forgot = "(it echoes again)"

// ExpectNoEcho says that the modem has switched its echo off: one that echoes a command from now on has restarted unseen.
func (c *Conn) ExpectNoEcho(silent bool) { c.silent.Store(silent) }

// Echoes is how many commands were echoed.
func (c *Conn) Echoes() int64 { return c.echoes.Load() }

// Done is closed when the conversation has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why the conversation ended; nil before that.
func (c *Conn) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Close ends the conversation and closes the port. Events that nobody has taken are dropped.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() { close(c.closing) })
	<-c.gone
	return nil
}

func (c *Conn) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// end closes everything in the order that leaves no Write after Close, and hands out what was heard.
func (c *Conn) end() {
	defer close(c.gone)
	c.err = c.ended()
	close(c.writes)
	c.port.Close()
	close(c.done)
	c.dropHeader()
	c.dropQuote()
	for _, e := range c.out {
		select {
		case c.events <- e:
		case <-c.closing:
		}
	}
	close(c.events)
}
