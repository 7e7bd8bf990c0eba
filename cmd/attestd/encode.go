package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"attestd/internal/msisdn"
	"attestd/pdu"
)

type encodeCmd struct {
	To       string        `required:"" help:"Recipient: +8613800138000, or national or short digits as they are dialled."`
	Text     string        `required:"" help:"The text. Any Unicode; the smallest alphabet that has all of it is used."`
	SMSC     string        `name:"smsc" help:"Service centre; without it the SIM's own is used."`
	Validity time.Duration `help:"How long the network may try, such as 30m or 24h; rounded down to what the PDU can say."`
	Report   bool          `help:"Ask for a delivery report."`
	Flash    bool          `help:"Class 0: shown at once and not stored."`
	Ref      uint16        `default:"1" help:"Reference that joins the parts of a long text."`
	WideRef  bool          `help:"Use a 16 bit reference."`
	Alphabet string        `enum:"auto,gsm7,ucs2" default:"auto" help:"Alphabet: auto, gsm7 or ucs2."`
	JSON     bool          `xor:"form" help:"Print as JSON."`
	PDU      bool          `name:"pdu" xor:"form" help:"Print the PDUs alone, one a line."`
}

func (c *encodeCmd) Help() string {
	return "Shows what a text costs and what is sent for it. Nothing is sent.\n\n" +
		"Example: attestd encode --to +8613800138000 --text \"Your code is 123456\""
}

func (c *encodeCmd) Run(a *app) error {
	if c.Ref > 255 && !c.WideRef {
		return fmt.Errorf("--ref: %d does not fit into 8 bits, add --wide-ref", c.Ref)
	}
	m := pdu.Message{
		To: msisdn.Fold(c.To), Text: c.Text, Validity: c.Validity, StatusReport: c.Report, Flash: c.Flash, Ref: c.Ref, WideRef: c.WideRef,
	}
	switch gsm, ucs := pdu.GSM7, pdu.UCS2; c.Alphabet {
	case "gsm7":
		m.Alphabet = &gsm
	case "ucs2":
		m.Alphabet = &ucs
	}
	submits, err := pdu.Encode(m)
	if err != nil {
		return fmt.Errorf("--%w", err)
	}
	if c.SMSC != "" && len(pdu.EncodeSMSC(c.SMSC)) == 1 {
		return fmt.Errorf("--smsc: is no number, write it as +8613800100500")
	}
	switch {
	case c.JSON:
		return printJSON(a.stdout, c.view(m, submits))
	case c.PDU:
		for _, s := range submits {
			if _, err := fmt.Fprintln(a.stdout, pdu.Frame(c.SMSC, s.TPDU)); err != nil {
				return err
			}
		}
		return nil
	}
	return c.print(a.stdout, m, submits)
}

type encodeView struct {
	To       string     `json:"to"`
	Alphabet string     `json:"alphabet"`
	Segments int        `json:"segments"`
	Units    int        `json:"units"`
	Room     int        `json:"room"`
	Parts    []partView `json:"parts"`
}

type partView struct {
	Seq    int    `json:"seq"`
	Total  int    `json:"total"`
	Units  int    `json:"units"`
	Length int    `json:"length"` // what AT+CMGS= takes: octets without the SMSC field
	PDU    string `json:"pdu"`
}

func (c *encodeCmd) view(m pdu.Message, submits []pdu.Submit) encodeView {
	v := encodeView{To: m.To, Alphabet: submits[0].Alphabet.String(), Segments: len(submits)}
	for _, s := range submits {
		v.Units += s.Units
		v.Parts = append(v.Parts, partView{s.Seq, s.Total, s.Units, len(s.TPDU), pdu.Frame(c.SMSC, s.TPDU)})
	}
	v.Room = pdu.Capacity(submits[0].Alphabet, len(submits) > 1, c.WideRef) - submits[len(submits)-1].Units
	return v
}

func (c *encodeCmd) print(w io.Writer, m pdu.Message, submits []pdu.Submit) error {
	v := c.view(m, submits)
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s%s\n", name, fmt.Sprintf(format, args...))
	}
	row("to", "%s", m.To)
	row("alphabet", "%s", c.why(v.Alphabet))
	row("length", "%s: %s in %s", count(utf8.RuneCountInString(c.Text), "character"), count(v.Units, unitName[v.Alphabet]), count(v.Segments, "part"))
	row("cost", "%s; room for %s more before the next", count(v.Segments, "SMS"), count(v.Room, unitName[v.Alphabet]))
	if c.Validity > 0 {
		if p, err := pdu.Decode(submits[0].TPDU, pdu.MO); err == nil {
			row("validity", "%s", p.Submit.VP)
		}
	}
	for _, p := range v.Parts {
		fmt.Fprintf(&b, "\npart %d of %d, %s: AT+CMGS=%d\n%s\n", p.Seq, p.Total, count(p.Units, unitName[v.Alphabet]), p.Length, p.PDU)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var unitName = map[string]string{"gsm7": "septet", "ucs2": "UTF-16 unit"}

// why names the alphabet, and the character that made it the dearer one.
func (c *encodeCmd) why(alphabet string) string {
	r, outside := pdu.OutsideGSM(c.Text)
	switch {
	case alphabet == "gsm7":
		return "gsm7 (160 septets in one part, 153 in each of several)"
	case outside:
		return fmt.Sprintf("ucs2 (70 units in one part, 67 in each of several), because of %q %U", r, r)
	}
	return "ucs2, because it was asked for; gsm7 has every character of this text"
}

func count(n int, what string) string {
	if n != 1 && what != "SMS" {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
