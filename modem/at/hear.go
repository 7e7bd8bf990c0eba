package at

import (
	"strings"
	"time"
)

// bodyWait is how long an unsolicited line may wait for its body, which follows it at once when it comes at all.
const bodyWait = 5 * time.Second

// heard counts what came, for the verdict on a port that does not answer.
type heard struct{ bytes int }

// hear decides whose a line is: an unsolicited line's body, an echo, a final result, information text of x, or an unsolicited
// line. It reports a final result that ends x. x is nil when nothing is in flight.
func (c *Conn) hear(x *exchange, line string) (final, bool) {
	if echoOf(line, c.last) {
		c.trace(false, c.lastShown)
		c.echoes.Add(1)
		if !c.silent.CompareAndSwap(true, false) {
			return final{}, false
		}
		// It had switched its echo off, so it has forgotten its settings, and nobody saw it restart.
		c.tell(Event{At: time.Now(), Line: Forgot, Kind: Banner})
		c.verbose, c.owed = false, nil
		return final{err: ErrRestarted}, x != nil
	}
	c.traceHeard(x, line)
	if c.takeQuote(x, line) {
		return final{}, false
	}
	if c.takeBody(x, line) {
		return final{}, false
	}
	if line = c.stripEcho(x, line); line == "" {
		return final{}, false
	}
	if fin, ok := c.final(x, line); ok {
		return c.heardFinal(x, line, fin)
	}
	if x.claims(line) {
		c.dropHeader()
		x.wantBody = x.cmd.Body
		x.lines = append(x.lines, line)
		return final{}, false
	}
	kind := c.o.URC(line)
	switch {
	case kind == Unknown && c.header != nil && garbled(line): // a body that lost something on its way: its owner judges it
		c.giveBody(line)
	case kind == Unknown && x != nil && x.wantBody: // a body that is not hexadecimal: its owner judges it
		x.wantBody = false
		x.lines = append(x.lines, line)
	case kind == Unknown && x != nil && x.cmd.Bare:
		c.dropHeader()
		x.lines = append(x.lines, line)
	case kind == Quoted && openQuote(line):
		c.dropHeader()
		c.quote = &open{event: Event{At: time.Now(), Line: line, Kind: kind}}
	case kind == Texted:
		c.dropHeader()
		c.quote = &open{event: Event{At: time.Now(), Line: line, Kind: kind}}
		c.verbose, c.owed = false, nil
		return final{err: ErrRestarted}, x != nil // what comes from here on may be a line of the text
	case kind == WithBody:
		c.dropHeader()
		c.header = &Event{At: time.Now(), Line: line, Kind: kind}
	default:
		if kind == Unknown {
			c.dropHeader()
		}
		c.tell(Event{At: time.Now(), Line: line, Kind: kind})
		if kind == Banner {
			c.verbose = false // and echo may be on again; both are read either way
			c.owed = nil      // it took what was owed with it
			return final{err: ErrRestarted}, x != nil
		}
	}
	return final{}, false
}

// takeBody gives a hexadecimal line to the last line that awaits one.
func (c *Conn) takeBody(x *exchange, line string) bool {
	if c.header != nil && time.Since(c.header.At) > bodyWait {
		c.dropHeader()
	}
	if c.header != nil && isHex(line, 8) && (x == nil || line != x.payload) {
		c.giveBody(line)
		return true
	}
	if x != nil && x.wantBody && isHex(line, 2) {
		x.wantBody = false
		x.lines = append(x.lines, line)
		return true
	}
	return false
}

// giveBody tells the unsolicited line that awaits one with its body.
func (c *Conn) giveBody(line string) {
	e := *c.header
	e.Body = line
	c.header = nil
	c.tell(e)
}

// garbled reports whether a line was perhaps a PDU once: long, without blanks, and hexadecimal but for a few
// characters.
func garbled(line string) bool {
	n := 0
	for i := range len(line) {
		if isHex(line[i:i+1], 1) {
			n++
		}
	}
	return n >= 16 && !strings.Contains(line, " ") && 4*(len(line)-n) <= len(line)
}

// dropHeader tells an unsolicited line whose body did not come without it.
func (c *Conn) dropHeader() {
	if c.header != nil {
		c.tell(*c.header)
		c.header = nil
	}
}

// stripEcho takes away what we wrote ourselves. Only equality counts: a pattern would eat lines of modems that do not echo.
func (c *Conn) stripEcho(x *exchange, line string) string {
	if x != nil && x.paid {
		line = strings.TrimLeft(line, "> ") // a prompt that is repeated before the echo
		if rest, ok := cutFold(line, x.payload); ok {
			return string(trim([]byte(rest)))
		}
	}
	if line == "AT" { // the echo of a probe that is past
		return ""
	}
	return line
}

// final reads a final result, if this line can be one here.
func (c *Conn) final(x *exchange, line string) (final, bool) {
	if line == "NA" && x != nil && x.cmd.Bare {
		return final{}, false
	}
	if fin, ok := parseFinal(line); ok {
		return fin, true
	}
	if !c.verbose && x != nil {
		return parseNumeric(line)
	}
	return final{}, false
}

func (c *Conn) heardFinal(x *exchange, line string, fin final) (final, bool) {
	c.dropHeader()
	if len(line) > 1 {
		c.verbose = true
	}
	if fin.call && (x == nil || !x.cmd.Call) { // somebody else's call
		c.tell(Event{At: time.Now(), Line: line, Kind: Known})
		return final{}, false
	}
	if x == nil {
		return final{}, false // a stray one, owed to nobody
	}
	if x == c.owed {
		c.credit(fin)
	}
	return fin, true
}

func (x *exchange) claims(line string) bool {
	if x == nil {
		return false
	}
	return x.cmd.Prefix != "" && strings.HasPrefix(line, x.cmd.Prefix) || x.cmd.Match != nil && x.cmd.Match(line)
}

// tell puts an event in line.
func (c *Conn) tell(e Event) {
	if e.Kind == Unknown && e.Late == nil && len(c.out) >= maxUnknown {
		return
	}
	if e.Kind == WithBody && e.Body != "" && c.o.Heard != nil {
		c.o.Heard(e)
	}
	c.out = append(c.out, e)
}
