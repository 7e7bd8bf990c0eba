package pdu

import (
	"github.com/warthog618/sms/encoding/gsm7"
)

// coding is what a TP-DCS says, TS 23.038 section 4.
type coding struct {
	alphabet   Alphabet
	class      *int
	compressed bool
}

func readDCS(dcs byte) coding {
	var c coding
	switch group := dcs >> 4; {
	case group <= 0x7: // general data coding, and the same with automatic deletion
		c.compressed = dcs&0x20 != 0
		if dcs&0x10 != 0 {
			c.class = class(dcs)
		}
		switch dcs >> 2 & 3 {
		case 1:
			c.alphabet = Data8
		case 2:
			c.alphabet = UCS2
		} // 3 is reserved: 7 bit
	case group == 0xE: // message waiting, UCS-2
		c.alphabet = UCS2
	case group == 0xF:
		c.class = class(dcs)
		if dcs&4 != 0 {
			c.alphabet = Data8
		}
	} // 8..B: "any reserved codings shall be assumed to be the GSM 7 bit default alphabet"; C, D: message waiting, 7 bit
	return c
}

func class(dcs byte) *int {
	n := int(dcs & 3)
	return &n
}

// content reads TP-UDL and TP-UD, TS 23.040 9.2.3.16 and 9.2.3.24. What follows the length that TP-UDL gives is no part
// of the message; what is missing marks it as damaged.
func (r *reader) content(c *Content, header bool) {
	coding := readDCS(c.DCS)
	c.Alphabet, c.Class = coding.alphabet, coding.class
	if coding.compressed { // TS 23.042, which nobody sends: the octets are kept
		c.Alphabet = Data8
	}
	length := int(r.octet())
	octets := length
	if c.Alphabet == GSM7 {
		octets = (length*7 + 7) / 8
	}
	ud := r.take(octets)
	c.Damaged = r.short
	skip := 0
	if header {
		skip = c.header(ud, r.short)
	}
	switch c.Alphabet {
	case GSM7:
		c.septets(ud, skip, length)
	case UCS2:
		text := ud[skip:]
		if len(text)%2 != 0 { // half a character; the octets before it are whole ones
			text, c.Damaged = text[:len(text)-1], true
		}
		c.Units = text
		c.Text = utf16Text(text)
	case Data8:
		c.Data = ud[skip:]
		c.Units = c.Data
		c.Text = c.render(c.Units)
	}
}

// septets reads the text after a header of skip octets; fill bits bring it to a septet boundary, TS 23.040 9.2.3.24.
func (c *Content) septets(ud []byte, skip, length int) {
	before := (skip*8 + 6) / 7 // septets that the header and its fill take
	fill := before*7 - skip*8
	want := length - before
	if want < 0 {
		c.Damaged = true
		return
	}
	have := max(0, (len(ud)*8-before*7)/7)
	if have < want {
		c.Damaged = true
	}
	septets := gsm7.Unpack7Bit(ud[skip:], fill)
	c.Units = septets[:min(want, have, len(septets))]
	c.Text = septetText(c.Units, c.Locking, c.Shift)
}

// Information elements, TS 23.040 9.2.3.24.
const (
	ieConcat8  = 0x00
	iePorts8   = 0x04
	iePorts16  = 0x05
	ieConcat16 = 0x08
	ieShift    = 0x24 // national language single shift
	ieLocking  = 0x25 // national language locking shift
)

// header reads the user data header and tells how many octets it takes.
func (c *Content) header(ud []byte, short bool) int {
	if len(ud) == 0 {
		c.Damaged = true
		return 0
	}
	end := 1 + int(ud[0])
	if end > len(ud) {
		c.Damaged = true
		if !short {
			return 0 // the message is whole, so this is no header: show it all rather than nothing
		}
		end = len(ud)
	}
	elements := ud[1:end]
	for len(elements) > 0 {
		if len(elements) < 2 || len(elements) < 2+int(elements[1]) {
			c.Damaged = true // an element must not reach past TP-UDHL into the text
			break
		}
		n := 2 + int(elements[1])
		c.element(elements[0], elements[2:n])
		elements = elements[n:]
	}
	return end
}

// element reads one information element. Of elements that exclude each other the last one counts, and octets behind
// those that we know are for versions to come, TS 23.040 9.2.3.24.
func (c *Content) element(id byte, v []byte) {
	switch {
	case id == ieConcat8 && len(v) >= 3:
		c.place(Concat{Ref: uint16(v[0]), Bits: 8, Total: int(v[1]), Seq: int(v[2])})
	case id == ieConcat16 && len(v) >= 4:
		c.place(Concat{Ref: uint16(v[0])<<8 | uint16(v[1]), Bits: 16, Total: int(v[2]), Seq: int(v[3])})
	case id == iePorts8 && len(v) >= 2:
		c.Ports = &Ports{uint16(v[0]), uint16(v[1])}
	case id == iePorts16 && len(v) >= 4:
		c.Ports = &Ports{uint16(v[0])<<8 | uint16(v[1]), uint16(v[2])<<8 | uint16(v[3])}
	case id == ieShift && len(v) >= 1:
		c.Shift = v[0]
	case id == ieLocking && len(v) >= 1:
		c.Locking = v[0]
	}
}

// place ignores an element with no sense in it, TS 23.040 9.2.3.24.1: the message then stands alone.
func (c *Content) place(p Concat) {
	if p.Total == 0 || p.Seq == 0 || p.Seq > p.Total {
		return
	}
	c.Concat = &p
}
