package at

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// testURC is the table that the driver would give, as far as the tests here need it.
func testURC(line string) Kind {
	switch {
	case strings.HasPrefix(line, "+CMT:"), strings.HasPrefix(line, "+CDS:"):
		return WithBody
	case strings.HasPrefix(line, "+CUSD:"):
		return Quoted
	case line == "RDY":
		return Banner
	case line == "RING", strings.HasPrefix(line, "+CMTI:"), strings.HasPrefix(line, "^RSSI:"), strings.HasPrefix(line, "+CREG:"):
		return Known
	}
	return Unknown
}

// peer is the modem's end of the pipe, spoken by hand.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// talk runs f against a Conn in a bubble of fake time.
func talk(t *testing.T, o Options, f func(c *Conn, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		if o.URC == nil {
			o.URC = testURC
		}
		c := New(ours, o)
		defer c.Close()
		defer theirs.Close()
		f(c, &peer{t, theirs, bufio.NewReader(theirs)})
	})
}

// wants reads exactly what the driver should have written.
func (p *peer) wants(s string) {
	p.t.Helper()
	b := make([]byte, len(s))
	for n := 0; n < len(b); {
		m, err := p.in.Read(b[n:])
		if err != nil {
			p.t.Errorf("wanted %q, got %q and %v", s, b[:n], err)
			return
		}
		n += m
	}
	if string(b) != s {
		p.t.Errorf("wanted %q, got %q", s, b)
	}
}

func (p *peer) says(s string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(s)); err != nil {
		p.t.Errorf("the driver does not read %q: %v", s, err)
	}
}

// settles plays the part of a modem whose conversation is re-established.
func (p *peer) settles() {
	p.t.Helper()
	for range 2 {
		p.wants("AT\r")
		p.says("\r\nOK\r\n")
	}
}

type outcome struct {
	res Result
	err error
}

// do starts a command and gives its outcome later.
func do(c *Conn, cmd Command) <-chan outcome { return doCtx(context.Background(), c, cmd) }

func doCtx(ctx context.Context, c *Conn, cmd Command) <-chan outcome {
	ch := make(chan outcome, 1)
	go func() {
		res, err := c.Do(ctx, cmd)
		ch <- outcome{res, err}
	}()
	return ch
}

// submit is the command of the driver's hot path.
func submit(tag string) Command {
	return Command{
		Line: "AT+CMGS=15", Tag: tag, Prefix: "+CMGS:", Payload: []byte("0011000B91" + tag + "\x1a"),
		PromptTimeout: 10 * time.Second, Timeout: 180 * time.Second, Linger: 5 * time.Second,
	}
}

// collect gathers what the modem has told so far.
func collect(c *Conn) *[]Event {
	var got []Event
	go func() {
		for e := range c.Events() {
			if e.Kind != Settled { // which we say ourselves
				got = append(got, e)
			}
		}
	}()
	return &got
}
