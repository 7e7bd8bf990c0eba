// Package dialogue is a text format for conversations between a driver and a modem, and the modem's side of them played
// on a connection. A dialogue shows one fact of one device:
//
//	# Device: any modem whose stored profile (AT&W) has text mode, after a restart that nobody saw.
//	# Fact: AT+CMGR answers as TS 27.005 3.4.3 says, and no PDU comes.
//
//	> AT+CSCA?                       a habit: whenever the driver writes this ...
//	< +CSCA: "+8613800100500",145    ... the modem says this; twice the same command: one answer after the other, the last one stays
//	< OK
//
//	open                             the first verb; from here on the order counts
//	< +CMTI: "ME",1                  said unasked, when the verb has been carried out
//	> AT+CMGR=1                      the driver writes this next; what else it writes is answered by habit
//	~ 3s                             the modem lets time pass
//	< +CMGR: 0,,24
//	< 0791...
//	< OK
//	stored "hello" from +8613900139003
//
// Verbs are lines without a sign. They are what the driver's owner does or sees; who plays that side gives them their
// meaning. A line that begins with # is a comment, wherever it stands.
//
// Of the driver, "..." stands for anything, and <SUB> for the Ctrl-Z that ends a text. Of the modem, "< >" is the
// prompt for a text, and "<< " brings the very bytes as a quoted string of Go; else a line has CR LF before and after
// it (V.250 5.7.1).
package dialogue

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Dialogue is one file.
type Dialogue struct {
	About  []string // the comment at its head: the device, and the fact
	Habits []Exchange
	Acts   []Act
}

// Act is one verb and the exchanges that follow it.
type Act struct {
	Line       int // in the file
	Verb, Args string
	Exchanges  []Exchange
}

// Exchange is one line of the driver, and what the modem says to it.
type Exchange struct {
	Line   int
	Driver string // empty: what the modem says is unasked
	Says   []Say
}

// Say is one thing that the modem says, after a while.
type Say struct {
	Bytes string
	After time.Duration
}

// Read reads a dialogue. An error names the line.
func Read(r io.Reader) (Dialogue, error) {
	var d Dialogue
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if err := d.line(n, strings.TrimRight(lines.Text(), " \t\r")); err != nil {
			return d, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return d, lines.Err()
}

func (d *Dialogue) line(n int, line string) error {
	sign, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimLeft(rest, " ")
	switch {
	case line == "":
		return nil
	case strings.HasPrefix(line, "#"):
		if len(d.Habits) == 0 && len(d.Acts) == 0 {
			d.About = append(d.About, strings.TrimSpace(line[1:]))
		}
		return nil
	case sign == ">":
		if rest == "" {
			return fmt.Errorf("> needs what the driver writes")
		}
		d.exchange(Exchange{Line: n, Driver: rest})
		return nil
	case sign == "<" || sign == "<<" || sign == "~":
		return d.says(n, sign, rest)
	case sign[0] >= 'a' && sign[0] <= 'z':
		d.Acts = append(d.Acts, Act{Line: n, Verb: sign, Args: rest})
		return nil
	}
	return fmt.Errorf("%q is neither >, <, <<, ~, # nor a verb", sign)
}

// says adds to the exchange that is open, or opens one of what is said unasked.
func (d *Dialogue) says(n int, sign, rest string) error {
	list := d.list()
	if len(*list) == 0 {
		if len(d.Acts) == 0 {
			return fmt.Errorf("what the modem says needs a > before it, or a verb")
		}
		d.exchange(Exchange{Line: n})
	}
	x := &(*list)[len(*list)-1]
	say := Say{Bytes: "\r\n" + rest + "\r\n"}
	switch {
	case sign == "~":
		after, err := time.ParseDuration(rest)
		if err != nil {
			return fmt.Errorf("~ needs a duration like 3s, not %q", rest)
		}
		say = Say{After: after}
	case sign == "<<":
		raw, err := strconv.Unquote(rest)
		if err != nil {
			return fmt.Errorf("<< needs a quoted string, not %q", rest)
		}
		say.Bytes = raw
	case rest == ">":
		say.Bytes = "\r\n> "
	}
	x.Says = append(x.Says, say)
	return nil
}

func (d *Dialogue) list() *[]Exchange {
	if n := len(d.Acts); n > 0 {
		return &d.Acts[n-1].Exchanges
	}
	return &d.Habits
}

func (d *Dialogue) exchange(x Exchange) { *d.list() = append(*d.list(), x) }

// Write writes a dialogue so that Read reads the same.
func (d Dialogue) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, line := range d.About {
		fmt.Fprintf(b, "# %s\n", line)
	}
	writeExchanges(b, d.Habits)
	for _, a := range d.Acts {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(a.Verb+" "+a.Args))
		writeExchanges(b, a.Exchanges)
	}
	return b.Flush()
}

func writeExchanges(b *bufio.Writer, all []Exchange) {
	for _, x := range all {
		if x.Driver != "" {
			fmt.Fprintf(b, "> %s\n", x.Driver)
		}
		for _, s := range x.Says {
			line, framed := strings.CutPrefix(s.Bytes, "\r\n")
			line, ended := strings.CutSuffix(line, "\r\n")
			plain := framed && ended && line != "" && line == strings.TrimSpace(line) && !strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0xFFFD })
			switch {
			case s.After > 0:
				fmt.Fprintf(b, "~ %s\n", s.After)
			case s.Bytes == "\r\n> ":
				fmt.Fprintln(b, "< >")
			case plain && line != ">":
				fmt.Fprintf(b, "< %s\n", line)
			default:
				fmt.Fprintf(b, "<< %s\n", strconv.Quote(s.Bytes))
			}
		}
	}
}
