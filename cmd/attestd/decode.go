package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"attestd/pdu"
)

type decodeCmd struct {
	JSON      bool     `help:"Print one JSON object a line."`
	Direction string   `enum:"mt,mo" default:"mt" help:"Which way the PDU went: mt, to the phone (what modems receive); mo, from it (what AT+CMGS takes)."`
	PDUs      []string `arg:"" name:"hex" help:"PDUs with their SMSC field, as modems print them. With - they are read from standard input, one a line, and each gives one line of JSON."`
}

func (c *decodeCmd) Help() string {
	return "Example: attestd decode 0891683108100005F0040D91683108108300F000006211429080702305E8329BFD06"
}

func (c *decodeCmd) Run(a *app) error {
	failed := false
	err := eachPDU(a, c.PDUs, c.Direction, func(_ int, fromStdin bool, p pdu.PDU, err error) error {
		if err != nil && !fromStdin {
			failed = true
			if !c.JSON {
				_, err = fmt.Fprintln(a.stderr, "attestd:", err)
				return err
			}
		}
		if c.JSON || fromStdin {
			if err != nil {
				return printJSON(a.stdout, errorView{Error: err.Error()})
			}
			return printJSON(a.stdout, viewOf(p))
		}
		return printPDU(a.stdout, p)
	})
	if err == nil && failed {
		return errExit(1)
	}
	return err
}

// eachPDU decodes every PDU of the command line in turn; "-" stands for the lines of standard input, none of which,
// however bad, ends the run.
func eachPDU(a *app, pdus []string, direction string, do func(line int, fromStdin bool, p pdu.PDU, err error) error) error {
	d := pdu.MT
	if direction == "mo" {
		d = pdu.MO
	}
	for _, s := range pdus {
		if s != "-" {
			p, err := pdu.DecodeHex(s, d)
			if err := do(0, false, p, err); err != nil {
				return err
			}
			continue
		}
		out := bufio.NewWriter(a.stdout)
		was := a.stdout
		a.stdout = out
		err := eachLine(a, out, func(n int, line string, err error) error {
			var p pdu.PDU
			if err == nil {
				p, err = pdu.DecodeHex(line, d)
			}
			return do(n, true, p, err)
		})
		a.stdout = was
		if err = errors.Join(err, out.Flush()); err != nil {
			return err
		}
	}
	return nil
}

// longestLine is room for the longest PDU there is, many times over.
const longestLine = 64 << 10

var errLongLine = errors.New("the line is longer than any PDU")

// line is one line of standard input, or what was wrong with it.
type line struct {
	text string
	bad  error
}

// eachLine reads standard input line by line. What was printed goes out before it waits for more, so that it can stand
// at the end of a pipe that never closes; an interrupt ends it although a read from a terminal cannot be ended.
func eachLine(a *app, out *bufio.Writer, do func(n int, text string, err error) error) error {
	lines := make(chan line, 256)
	failed := make(chan error, 1)
	go func() {
		defer close(lines)
		failed <- readLines(a, lines)
	}()
	for n := 1; ; n++ {
		var l line
		more := true
		select {
		case l, more = <-lines:
		default:
			if err := out.Flush(); err != nil {
				return err
			}
			select {
			case l, more = <-lines:
			case <-a.ctx.Done():
				return errExit(130) // as a shell calls an interrupt
			}
		}
		if !more {
			return <-failed
		}
		if err := do(n, l.text, l.bad); err != nil {
			return err
		}
	}
}

func readLines(a *app, lines chan<- line) error {
	in := bufio.NewReaderSize(a.stdin, longestLine)
	for {
		text, err := in.ReadSlice('\n')
		l := line{text: string(text)}
		for errors.Is(err, bufio.ErrBufferFull) { // pass over the rest of it
			l.bad = errLongLine
			_, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading standard input: %w", err)
		}
		if l.text != "" {
			select {
			case lines <- l:
			case <-a.ctx.Done():
				return nil
			}
		}
		if err != nil {
			return nil
		}
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type errorView struct {
	Error string `json:"error"`
	Line  int    `json:"line,omitempty"`
}

// pduView is a PDU as others script against it: every field is always there, null where it does not apply.
type pduView struct {
	Type        pdu.Type         `json:"type"`
	SMSC        string           `json:"smsc"`
	Number      string           `json:"number"`
	Text        string           `json:"text"`
	Alphabet    *string          `json:"alphabet"`
	DCS         *int             `json:"dcs"`
	Timestamp   *string          `json:"timestamp"`
	Discharge   *string          `json:"discharge"`
	MR          *int             `json:"mr"`
	Status      *int             `json:"status"`
	StatusClass *pdu.StatusClass `json:"status_class"`
	Concat      *concatView      `json:"concat"`
	Class       *int             `json:"class"`
	Data        *string          `json:"data"`
	Damaged     bool             `json:"damaged"`
}

type concatView struct {
	Ref   int `json:"ref"`
	Bits  int `json:"bits"`
	Total int `json:"total"`
	Seq   int `json:"seq"`
}

func viewOf(p pdu.PDU) pduView {
	v := pduView{Type: p.Type, SMSC: p.SMSC.String()}
	switch p.Type {
	case pdu.TypeDeliver:
		v.Number, v.Timestamp = p.Deliver.From.String(), timeView(p.Deliver.SCTS)
		v.content(p.Deliver.Content)
	case pdu.TypeSubmit:
		v.Number, v.MR = p.Submit.To.String(), intView(p.Submit.MR)
		v.content(p.Submit.Content)
	case pdu.TypeStatusReport:
		r := p.Report
		class := r.Status.Class()
		v.Number, v.Timestamp, v.Discharge = r.Recipient.String(), timeView(r.SCTS), timeView(r.Discharge)
		v.MR, v.Status, v.StatusClass = intView(r.MR), intView(byte(r.Status)), &class
		v.Text, v.Damaged = r.Text, r.Damaged
	}
	return v
}

func (v *pduView) content(c pdu.Content) {
	alphabet := c.Alphabet.String()
	v.Text, v.Alphabet, v.DCS, v.Class, v.Damaged = c.Text, &alphabet, intView(c.DCS), c.Class, c.Damaged
	if c.Alphabet == pdu.Data8 {
		v.Data = dataView(c.Data)
	}
	if k := c.Concat; k != nil {
		v.Concat = &concatView{int(k.Ref), k.Bits, k.Total, k.Seq}
	}
}

func intView(b byte) *int {
	n := int(b)
	return &n
}

func dataView(data []byte) *string {
	s := strings.ToUpper(hex.EncodeToString(data))
	return &s
}

func timeView(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.Format(time.RFC3339)
	return &s
}

// printPDU tells a person what a PDU says.
func printPDU(w io.Writer, p pdu.PDU) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-11s%s\n", name, fmt.Sprintf(format, args...))
	}
	switch p.Type {
	case pdu.TypeDeliver:
		b.WriteString("SMS-DELIVER: a message to this phone\n")
		row("from", "%s", shown(p.Deliver.From))
		row("sent", "%s", orUnknown(p.Deliver.SCTS))
		printContent(row, p.Deliver.Content)
	case pdu.TypeSubmit:
		b.WriteString("SMS-SUBMIT: a message from this phone\n")
		row("to", "%s", shown(p.Submit.To))
		if p.Submit.VP > 0 {
			row("valid for", "%s", p.Submit.VP)
		}
		if !p.Submit.VPUntil.IsZero() {
			row("valid until", "%s", orUnknown(p.Submit.VPUntil))
		}
		row("report", "%s", map[bool]string{true: "asked for", false: "not asked for"}[p.Submit.StatusReport])
		printContent(row, p.Submit.Content)
	case pdu.TypeStatusReport:
		b.WriteString("SMS-STATUS-REPORT: what became of a message from this phone\n")
		row("recipient", "%s", p.Report.Recipient)
		row("reference", "%d", p.Report.MR)
		row("status", "%s: %s", p.Report.Status, p.Report.Status.Class())
		row("sent", "%s", orUnknown(p.Report.SCTS))
		row("ended", "%s", orUnknown(p.Report.Discharge))
		if p.Report.Text != "" {
			row("text", "%q", p.Report.Text)
		}
	}
	if p.SMSC.Digits != "" {
		row("SMSC", "%s", p.SMSC)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shown keeps a sender's name from writing over the terminal.
func shown(a pdu.Address) string {
	s := a.String()
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func printContent(row func(name, format string, args ...any), c pdu.Content) {
	if c.Alphabet == pdu.Data8 {
		row("data", "%X", c.Data)
	}
	if c.Alphabet != pdu.Data8 || c.Text != "" {
		row("text", "%q", c.Text)
	}
	row("alphabet", "%s (DCS 0x%02X)", c.Alphabet, c.DCS)
	if c.Class != nil {
		row("class", "%d", *c.Class)
	}
	if k := c.Concat; k != nil {
		row("part", "%d of %d (reference %d, %d bit)", k.Seq, k.Total, k.Ref, k.Bits)
	}
	if c.Ports != nil {
		row("ports", "to %d, from %d: for a program, not a person", c.Ports.Destination, c.Ports.Source)
	}
	if c.Damaged {
		row("damaged", "something was missing or cut: this is what there was")
	}
}

func orUnknown(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}
