package simulator

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"attestd/pdu"
)

// textListed is a message as AT+CMGL lists it in text mode, from <stat> on, TS 27.005 3.4.2.
func (m *Modem) textListed(s *stored) string {
	stat := `"` + m.encode(statNames[s.stat]) + `"`
	d, err := m.meaning(s)
	if err != nil {
		return stat + ",,,\r\n" + upper(hex.EncodeToString(s.tpdu))
	}
	switch {
	case d.Deliver != nil:
		from, kind := m.shown(d.Deliver.From.String())
		line := fmt.Sprintf(`%s,"%s",,"%s"`, stat, from, timestamp(d.Deliver.SCTS))
		if m.set.csdh == 1 {
			line += fmt.Sprintf(",%d,%d", kind, m.textLength(d.Deliver.Content))
		}
		return line + "\r\n" + m.textData(s.tpdu, d.Deliver.Content)
	case d.Report != nil:
		return stat + "," + m.textReport(s.tpdu)
	}
	to, kind := m.shown(d.Submit.To.String())
	line := fmt.Sprintf(`%s,"%s",,`, stat, to)
	if m.set.csdh == 1 {
		line += fmt.Sprintf(",%d,%d", kind, m.textLength(d.Submit.Content))
	}
	return line + "\r\n" + m.textData(s.tpdu, d.Submit.Content)
}

// textRead is a message as AT+CMGR shows it in text mode, from <stat> on, TS 27.005 3.4.3.
func (m *Modem) textRead(s *stored) string {
	stat := `"` + m.encode(statNames[s.stat]) + `"`
	d, err := m.meaning(s)
	if err != nil {
		return stat + ",,\r\n" + upper(hex.EncodeToString(s.tpdu))
	}
	switch {
	case d.Deliver != nil:
		return stat + "," + m.textDeliver(s.tpdu)
	case d.Report != nil:
		return stat + "," + m.textReport(s.tpdu)
	}
	to, kind := m.shown(d.Submit.To.String())
	line := fmt.Sprintf(`%s,"%s",`, stat, to)
	if m.set.csdh == 1 {
		c := d.Submit.Content
		centre, centreKind := m.shown(m.card.smsc)
		line += fmt.Sprintf(`,%d,%d,%d,%d,%d,"%s",%d,%d`, kind, s.tpdu[0], c.PID, c.DCS, m.set.csmp.vp, centre, centreKind, m.textLength(c))
	}
	return line + "\r\n" + m.textData(s.tpdu, d.Submit.Content)
}

func (m *Modem) meaning(s *stored) (pdu.PDU, error) {
	direction := pdu.MT
	if s.stat == statUnsent || s.stat == statSent {
		direction = pdu.MO
	}
	return pdu.Decode(s.tpdu, direction)
}

// textDeliver is <oa>,[<alpha>],<scts>[,...]<CR><LF><data> of +CMT and +CMGR, TS 27.005 3.4.1.
func (m *Modem) textDeliver(tpdu []byte) string {
	d, err := pdu.Decode(tpdu, pdu.MT)
	if err != nil || d.Deliver == nil {
		return ",,\r\n" + upper(hex.EncodeToString(tpdu))
	}
	c := d.Deliver.Content
	from, kind := m.shown(d.Deliver.From.String())
	line := fmt.Sprintf(`"%s",,"%s"`, from, timestamp(d.Deliver.SCTS))
	if m.set.csdh == 1 {
		centre, centreKind := m.shown(m.centre())
		line += fmt.Sprintf(`,%d,%d,%d,%d,"%s",%d,%d`, kind, tpdu[0], c.PID, c.DCS, centre, centreKind, m.textLength(c))
	}
	return line + "\r\n" + m.textData(tpdu, c)
}

// textReport is <fo>,<mr>,[<ra>],[<tora>],<scts>,<dt>,<st> of +CDS and +CMGR.
func (m *Modem) textReport(tpdu []byte) string {
	d, err := pdu.Decode(tpdu, pdu.MT)
	if err != nil || d.Report == nil {
		return upper(hex.EncodeToString(tpdu))
	}
	r := d.Report
	to, kind := m.shown(r.Recipient.String())
	return fmt.Sprintf(`%d,%d,"%s",%d,"%s","%s",%d`, tpdu[0], r.MR, to, kind, timestamp(r.SCTS), timestamp(r.Discharge), r.Status)
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock(t)
}

// textData is <data>, TS 27.005 3.1: text in the set of AT+CSCS if the message is plain GSM 7 bit, hexadecimal otherwise.
func (m *Modem) textData(tpdu []byte, c pdu.Content) string {
	if c.Alphabet == pdu.GSM7 && tpdu[0]&0x40 == 0 {
		return strings.ReplaceAll(m.encode(c.Text), "\n", "\r\n")
	}
	return upper(hex.EncodeToString(userData(tpdu, c)))
}

// userData is TP-UD: what is left of the TPDU behind the length octet.
func userData(tpdu []byte, c pdu.Content) []byte {
	octets := len(c.Units)
	if c.Alphabet == pdu.Data8 {
		octets = len(c.Data)
	}
	if tpdu[0]&0x40 == 0 && octets <= len(tpdu) {
		return tpdu[len(tpdu)-octets:]
	}
	// A header comes first; find TP-UDL by walking over the fixed fields, TS 23.040 9.2.2.1 and 9.2.2.2.
	at := 1
	if tpdu[0]&3 == 1 {
		at++ // TP-MR
	}
	if at >= len(tpdu) {
		return nil
	}
	at += 2 + (int(tpdu[at])+1)/2 + 2 // address, TP-PID, TP-DCS
	switch {
	case tpdu[0]&3 == 0:
		at += 7 // TP-SCTS
	case tpdu[0]&0x18 == 0x10:
		at++ // TP-VP, relative
	case tpdu[0]&0x18 != 0:
		at += 7
	}
	if at+1 > len(tpdu) {
		return nil
	}
	return tpdu[at+1:]
}

func (m *Modem) textLength(c pdu.Content) int {
	if c.Alphabet == pdu.Data8 {
		return len(c.Data)
	}
	return len(c.Units)
}
