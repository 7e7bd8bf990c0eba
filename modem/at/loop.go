package at

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// gluedQuiet is how long an unfinished line that ends in > must rest to be a prompt.
const gluedQuiet = 100 * time.Millisecond

// maxUnknown bounds the events that wait when a port pours noise that nobody takes; lines of a known kind always wait.
const maxUnknown = 10_000

// exchange is a command in flight.
type exchange struct {
	cmd      Command
	lines    []string
	wantBody bool // a claimed line awaits its hexadecimal line
	paid     bool // the payload was written
	payload  string
	cleared  bool // a bare AT was written since: not every final result is this one's
	earlier  *Late
	hurried  bool // what became of it is known by other means
	asked    bool // Command.Doubt said that it may be: the wait is for another
}

func (x *exchange) result() Result { return Result{Lines: x.lines, Paid: x.paid, Earlier: x.earlier} }

// waiting are the things that may end a wait; nil ones can't.
type waiting struct {
	timer  <-chan time.Time
	cancel <-chan struct{}
	hurry  <-chan hurry
	idle   bool // requests may come
}

func (c *Conn) loop() {
	defer c.end()
	for {
		t := c.wait(waiting{idle: true})
		switch t.kind {
		case tokenEnd:
			return
		case tokenLine:
			c.hear(c.owed, t.line)
		case tokenRequest:
			c.serve(t.request)
			if c.err != nil {
				return
			}
		}
	}
}

func (c *Conn) serve(r *request) {
	if err := r.ctx.Err(); err != nil {
		r.reply <- answer{err: err}
		return
	}
	switch r.kind {
	case requestWake:
		r.reply <- answer{err: c.wake(r)}
	case requestResync:
		r.reply <- answer{err: c.settle(settling{})}
	default:
		if c.unsure {
			if err := c.settle(settling{}); err != nil {
				r.reply <- answer{err: err}
				return
			}
		}
		c.perform(r)
	}
}

// wait gives the next line, prompt, or end of waiting, and hands out events meanwhile.
func (c *Conn) wait(w waiting) token {
	var requests, urgent chan *request
	if w.idle {
		requests, urgent = c.requests, c.urgent
	}
	for {
		if t, ok := c.split.next(); ok {
			return t
		}
		if w.idle { // what is urgent goes first
			select {
			case r := <-urgent:
				return token{kind: tokenRequest, request: r}
			default:
			}
		}
		var out chan Event
		var first Event
		if len(c.out) > 0 {
			out, first = c.events, c.out[0]
		}
		var glued <-chan time.Time
		if c.split.glued() {
			glued = time.After(gluedQuiet)
		}
		var unquoted, bodiless <-chan time.Time
		if c.header != nil {
			bodiless = time.After(time.Until(c.header.At.Add(bodyWait)))
		}
		if c.quote != nil {
			unquoted = time.After(quoteQuiet)
		}
		select {
		case b, ok := <-c.chunks:
			if !ok {
				c.readEnded = true
				return token{kind: tokenEnd}
			}
			c.push(b)
		case out <- first:
			c.out = c.out[1:]
		case r := <-urgent:
			return token{kind: tokenRequest, request: r}
		case r := <-requests:
			return token{kind: tokenRequest, request: r}
		case <-glued:
			c.split.cut()
		case <-bodiless:
			c.dropHeader()
		case <-unquoted:
			c.endQuote()
		case <-w.timer:
			return token{kind: tokenTimer}
		case <-w.cancel:
			return token{kind: tokenCancel}
		case h := <-w.hurry:
			return token{kind: tokenHurry, hurry: h}
		case <-c.closing:
			return token{kind: tokenEnd}
		}
	}
}

func (c *Conn) push(b []byte) {
	c.heard.bytes += len(b)
	c.split.push(b)
}

// send has the writer write b, and goes on reading meanwhile: a modem that can't get rid of what it says takes nothing in. It
// gives how many bytes are known to be written; -1 when that can't be known. An error ends the conversation.
func (c *Conn) send(b []byte, shown string) (int, error) {
	c.trace(true, shown)
	deadline := time.NewTimer(c.o.WriteTimeout)
	defer deadline.Stop()
	closing := c.closing
	chunks := c.chunks
	for n := 0; n < len(b); {
		c.writes <- b[n:]
		var w wrote
		for waiting := true; waiting; {
			select {
			case w = <-c.wrote:
				waiting = false
			case more, ok := <-chunks:
				if !ok {
					c.readEnded, chunks = true, nil
					break
				}
				c.push(more)
			case <-closing: // a Write that has only just begun must not meet a port that is closed
				closing = nil
				deadline.Reset(min(c.o.WriteTimeout, time.Second))
			case <-deadline.C: // the Write is abandoned, and with it the port
				c.err = ErrWriteBlocked
				return -1, c.err
			}
		}
		n += w.n
		if w.err != nil && !errors.Is(w.err, syscall.EINTR) {
			c.err = fmt.Errorf("%w: %w", ErrClosed, w.err)
			return n, c.err
		}
	}
	return len(b), nil
}

// perform runs one command from its first byte to the point where the next may be sent.
func (c *Conn) perform(r *request) {
	x := &exchange{cmd: r.cmd}
	c.last, c.lastShown = r.cmd.Line, r.cmd.Line
	if r.cmd.Shown != "" {
		c.lastShown = r.cmd.Shown
	}
	if r.cmd.Payload != nil {
		for len(c.hurries) > 0 { // said of an earlier one
			<-c.hurries
		}
		c.split.arm()
		defer c.split.disarm()
	}
	if _, err := c.send([]byte(r.cmd.Line+"\r"), c.lastShown); err != nil {
		r.reply <- answer{err: err}
		return
	}
	if r.cmd.Payload != nil && !c.pay(r, x) {
		return
	}
	c.finish(r, x)
}

// pay waits for the prompt and writes the payload. It reports whether there is a final result to wait for.
func (c *Conn) pay(r *request, x *exchange) bool {
	timer := time.NewTimer(orDefault(r.cmd.PromptTimeout))
	defer timer.Stop()
	for {
		t := c.wait(waiting{timer: timer.C, cancel: r.ctx.Done()})
		switch t.kind {
		case tokenPrompt:
			x.payload = string(trim(r.cmd.Payload))
			n, err := c.send(r.cmd.Payload, x.payload)
			x.paid = n < 0 || n == len(r.cmd.Payload)
			if err != nil {
				r.reply <- answer{result: x.result(), err: err}
				return false
			}
			return true
		case tokenLine:
			fin, ended := c.hear(x, t.line)
			if !ended {
				break
			}
			if fin.err == nil && len(x.lines) > 0 { // an earlier command's, late: nothing of ours has begun
				x.setAside(fin)
				break
			}
			if fin.err == nil { // OK in place of the prompt: nothing was asked of us and nothing was sent
				fin.err = ErrNoPrompt
			}
			r.reply <- answer{result: x.result(), err: fin.err}
			if errors.Is(fin.err, ErrRestarted) { // one that only forgot its settings may show a prompt yet
				c.settle(settling{escape: true})
			}
			return false
		case tokenTimer:
			r.reply <- answer{result: x.result(), err: ErrNoPrompt}
			c.settle(settling{escape: true})
			return false
		case tokenCancel:
			r.reply <- answer{result: x.result(), err: r.ctx.Err()}
			c.settle(settling{escape: true})
			return false
		case tokenEnd:
			r.reply <- answer{result: x.result(), err: c.ended()}
			return false
		}
	}
}

// ended is why nothing can be read or written any more.
func (c *Conn) ended() error {
	switch {
	case c.err != nil:
		return c.err
	case c.readEnded && !c.isClosing():
		return fmt.Errorf("%w: %w", ErrClosed, c.readErr)
	}
	return ErrClosed
}

func orDefault(d time.Duration) time.Duration {
	if d <= 0 {
		return 10 * time.Second
	}
	return d
}

func echoOf(line, written string) bool {
	return written != "" && strings.EqualFold(line, strings.TrimSpace(written))
}
