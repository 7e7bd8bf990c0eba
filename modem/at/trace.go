package at

import (
	"fmt"
	"strings"
	"time"
)

// maskFrom is from how many hexadecimal digits in a row a trace shows only their number: a PDU holds a text and a number
// of a person, and an identity of 15 to 20 digits is shorter.
const maskFrom = 22

func (c *Conn) trace(sent bool, line string) {
	if c.o.Trace != nil {
		c.o.Trace(Trace{At: time.Now(), Sent: sent, Line: Mask(line)})
	}
}

// traceHeard shows a line, but not one of a message in text mode or of a quoted text.
func (c *Conn) traceHeard(x *exchange, line string) {
	_, fin := parseFinal(line)
	if c.quote != nil && !x.mustBe(line) || x != nil && x.cmd.Body && !fin && !x.claims(line) && !isHex(line, 1) && c.o.URC(line) == Unknown {
		line = fmt.Sprintf("<%d bytes>", len(line))
	}
	c.trace(false, line)
}

// personal begin lines that hold somebody's number or text.
var personal = []string{"+CNUM:", "+CLIP:", "+CCWA:", "+COLP:", "+CUSD:", "+CPBR:", "+CLCC:", "AT+CPIN="}

// heads begin the messages that a modem gives; in text mode they name the sender (TS 27.005 3.4.1 to 3.4.3).
var heads = []string{"+CMT:", "+CDS:", "+CMGR:", "+CMGL:"}

// Mask hides what a line could hold of a message or of a person.
func Mask(line string) string {
	for _, p := range personal {
		if rest, ok := cutFold(line, p); ok && rest != "" {
			return p + " <hidden>"
		}
	}
	for _, p := range heads {
		if rest, ok := cutFold(line, p); ok && strings.ContainsAny(rest, "+/") { // a number or a time: that of text mode
			return p + " <hidden>"
		}
	}
	if len(line) < maskFrom {
		return line
	}
	var b strings.Builder
	for i := 0; i < len(line); {
		n := 0
		for i+n < len(line) && isHex(line[i+n:i+n+1], 1) {
			n++
		}
		switch {
		case n >= maskFrom:
			fmt.Fprintf(&b, "<%d hex digits>", n)
			i += n
		case n > 0:
			b.WriteString(line[i : i+n])
			i += n
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return b.String()
}
