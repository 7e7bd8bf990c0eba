package at

import (
	"strings"
	"testing"
)

// kinds is a table of unsolicited lines for tests.
func kinds(line string) Kind {
	switch {
	case strings.HasPrefix(line, "+CMT: \""):
		return Texted
	case strings.HasPrefix(line, "+CMT:"), strings.HasPrefix(line, "+CDS:"):
		return WithBody
	case strings.HasPrefix(line, "+CUSD:"):
		return Quoted
	case line == "RDY":
		return Banner
	case line[0] == '+' || line == "RING":
		return Known
	}
	return Unknown
}

// FuzzEveryLineHasOnePlace: whatever a modem says, each of its lines is information text, a final result, part of an
// event, or the echo of a bare AT; none is lost, and none comes twice.
func FuzzEveryLineHasOnePlace(f *testing.F) {
	for _, s := range []string{
		"+CUSD: 2,\"Only today: 32\" TV\",15\n+CMGR: 0,,3\n0011223344\nOK", "+CUSD: 0,\"a\nOK\n12.50\",15\nERROR", "+CUSD: 0,\"a\nOK", "+CMT: ,24\n00112233445566~7\n+CDS: 2\n0011223344",
		"+CMT: \"+86139\",,\"26/11/28\"\n+CMGR: x\nRDY\nAT", "+CMGR: 0,,9\nzz\nRING\n+CMS ERROR: no network", "BUSY\nCONNECT 9600\n0\nNA\n> ", "+CUSD: 0,\"\n+CMGR: 1\nOK",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, said string, running bool) {
		c := &Conn{o: Options{URC: kinds}}
		var x *exchange
		if running {
			x = &exchange{cmd: Command{Line: "AT+CMGR=1", Prefix: "+CMGR:", Body: true}}
		}
		c.split.push([]byte(said + "\r"))
		heard, placed := 0, 0
		for {
			tok, ok := c.split.next()
			if !ok && c.quote == nil {
				break
			}
			if !ok { // silence
				heard -= len(c.quote.more)
				more := len(c.split.in)
				c.endQuote()
				if len(c.split.in) == more { // none is heard again
					heard += lines(c.out[len(c.out)-1].Line) - 1
				}
				continue
			}
			heard++
			before := len(c.out)
			_, ended := c.hear(x, tok.line)
			_, isFinal := c.final(x, tok.line)
			switch {
			case tok.line == "AT" && c.quote == nil && len(c.out) == before: // an echo, unless a text has it
				placed++
			case ended && kinds(tok.line) != Banner && kinds(tok.line) != Texted, x == nil && isFinal && len(c.out) == before && c.quote == nil:
				placed++
			}
		}
		c.dropHeader()
		if x != nil {
			placed += len(x.lines)
		}
		for _, e := range c.out {
			placed += lines(e.Line)
			if e.Body != "" {
				placed++
			}
		}
		if placed != heard {
			t.Errorf("%d lines heard, %d have a place: %q, %+v", heard, placed, said, c.out)
		}
	})
}

func lines(s string) int { return 1 + strings.Count(s, "\n") }
