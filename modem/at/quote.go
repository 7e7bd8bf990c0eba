package at

import (
	"errors"
	"strings"
	"time"
)

// quoteQuiet is how long the lines of one text may be apart: a modem says them in one go.
const quoteQuiet = 300 * time.Millisecond

// open is an unsolicited line whose text may go on: Quoted until its last quote, Texted as long as lines follow.
type open struct {
	event Event
	more  []string // the lines that followed
}

// openQuote reports whether a quoted text goes on behind this line. It is over with a quote at the end, or with one and
// the data coding scheme (TS 27.007 7.15: +CUSD: <m>[,<str>,<dcs>]), however many quotes the text itself holds.
func openQuote(line string) bool {
	first := strings.IndexByte(line, '"')
	if first < 0 {
		return false
	}
	rest := line[first+1:]
	if at := strings.LastIndexByte(rest, ','); at >= 0 && strings.Trim(rest[at+1:], "0123456789 ") == "" {
		rest = strings.TrimRight(rest[:at], " ")
	}
	return !strings.HasSuffix(rest, `"`)
}

// takeQuote adds to a text that goes on over several lines. Such a line may look like anything, even like OK, but for
// one that can only be the result of the command in flight: it ends the text.
func (c *Conn) takeQuote(x *exchange, line string) bool {
	if c.quote != nil && time.Since(c.quote.event.At) > bodyWait {
		c.dropQuote()
	}
	if c.quote == nil {
		return false
	}
	texted := c.quote.event.Kind == Texted
	if !texted && x.mustBe(line) || (!texted || len(c.quote.more) > 0) && unasked(line) {
		c.dropQuote()
		return false
	}
	c.quote.more = append(c.quote.more, line)
	if !texted && strings.Contains(line, `"`) && !openQuote(`"`+line) {
		c.dropQuote()
	}
	return true
}

// unasked reports whether a line has the whole form of an unsolicited one, as "+CMTI:" (TS 27.007, 27.005), which a
// text hardly has: lines of menus begin with *1 or #2, and those of adverts with +86.
func unasked(line string) bool {
	name, _, ok := strings.Cut(line, ":")
	if !ok || len(name) < 4 || name[0] != '+' && name[0] != '^' {
		return false
	}
	for i, c := range name[1:] {
		if (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// mustBe reports whether a line can only be a result of this command.
func (x *exchange) mustBe(line string) bool {
	if x == nil {
		return false
	}
	var cms CMSError
	var cme CMEError
	fin, ok := parseFinal(line)
	return x.claims(line) || ok && (errors.As(fin.err, &cms) || errors.As(fin.err, &cme))
}

// dropQuote tells what there is of such a text.
func (c *Conn) dropQuote() {
	if c.quote != nil {
		e := c.quote.event
		e.Line = strings.Join(append([]string{e.Line}, c.quote.more...), "\n")
		c.quote = nil
		c.tell(e)
	}
}

// endQuote follows silence in a text that nothing has ended. When its last line is a result code, the quote was never a
// text that goes on, and its lines are heard again as what they are.
func (c *Conn) endQuote() {
	more := c.quote.more
	if n := len(more); n > 0 && c.quote.event.Kind != Texted {
		if _, ok := parseFinal(more[n-1]); ok {
			c.quote.more = nil
			c.split.unread(more)
		}
	}
	c.dropQuote()
}
