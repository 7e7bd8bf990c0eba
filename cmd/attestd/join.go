package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"attestd/internal/inbox"
	"attestd/pdu"
)

type joinCmd struct {
	JSON      bool     `help:"Print one JSON object a line (as it always is with -)."`
	Direction string   `enum:"mt,mo" default:"mt" help:"Which way the PDUs went: mt, to the phone; mo, from it."`
	PDUs      []string `arg:"" name:"hex" help:"PDUs with their SMSC field. With - they are read from standard input, one a line."`
}

func (c *joinCmd) Help() string {
	return "Joins the parts of long texts as the gateway does it: in any order, with repeats, and never two texts in one even where " +
		"a sender uses a reference again. A message is printed when its last part comes; those that miss parts come at the end of the input."
}

func (c *joinCmd) Run(a *app) error {
	var assembler inbox.Assembler
	asJSON, failed := c.JSON, false
	show := func(w inbox.Whole) error {
		if asJSON {
			return printJSON(a.stdout, wholeView(w))
		}
		return printWhole(a.stdout, w)
	}
	reports := 0
	err := eachPDU(a, c.PDUs, c.Direction, func(line int, fromStdin bool, p pdu.PDU, err error) error {
		asJSON = c.JSON || fromStdin
		if err != nil {
			failed = failed || !fromStdin
			if asJSON {
				return printJSON(a.stdout, errorView{Error: err.Error(), Line: line})
			}
			_, err = fmt.Fprintln(a.stderr, "attestd:", err)
			return err
		}
		var piece inbox.Piece
		switch p.Type {
		case pdu.TypeDeliver:
			piece = inbox.Piece{From: p.Deliver.From, SCTS: p.Deliver.SCTS, Content: p.Deliver.Content}
		case pdu.TypeSubmit:
			piece = inbox.Piece{From: p.Submit.To, Content: p.Submit.Content}
		default:
			reports++
			return nil
		}
		if w, ok := assembler.Add(piece); ok {
			return show(w)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range assembler.Rest() {
		if err := show(w); err != nil {
			return err
		}
	}
	if reports > 0 {
		fmt.Fprintf(a.stderr, "%s left out, being no message: attestd decode shows it\n", count(reports, "status report"))
	}
	if failed {
		return errExit(1)
	}
	return nil
}

type messageView struct {
	Number    string  `json:"number"`
	Text      string  `json:"text"`
	Alphabet  string  `json:"alphabet"`
	Timestamp *string `json:"timestamp"`
	Parts     int     `json:"parts"`
	Total     int     `json:"total"`
	Complete  bool    `json:"complete"`
	Missing   []int   `json:"missing,omitempty"`
	Class     *int    `json:"class"`
	Data      *string `json:"data"`
	Damaged   bool    `json:"damaged"`
}

func wholeView(w inbox.Whole) messageView {
	v := messageView{
		Number: w.From.String(), Text: w.Text, Alphabet: w.Alphabet.String(), Timestamp: timeView(w.SCTS), Parts: w.Parts, Total: w.Total,
		Complete: w.Complete(), Missing: w.Missing, Class: w.Class, Damaged: w.Damaged,
	}
	if w.Alphabet == pdu.Data8 {
		v.Data = dataView(w.Data)
	}
	return v
}

func printWhole(out io.Writer, w inbox.Whole) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", shown(w.From), sentAt(w.SCTS))
	if w.Total > 1 {
		fmt.Fprintf(&b, ", %d of %d parts", w.Parts, w.Total)
	}
	if !w.Complete() {
		fmt.Fprintf(&b, ", incomplete: %v missing", w.Missing)
	}
	if w.Damaged {
		b.WriteString(", damaged")
	}
	if w.Alphabet == pdu.Data8 {
		fmt.Fprintf(&b, "\n  %X\n", w.Data)
	}
	if w.Alphabet != pdu.Data8 || w.Text != "" {
		fmt.Fprintf(&b, "\n  %q\n", w.Text)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func sentAt(t time.Time) string {
	if t.IsZero() {
		return "sent at an unknown time"
	}
	return "sent " + orUnknown(t)
}
