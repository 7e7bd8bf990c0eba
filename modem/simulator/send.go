package simulator

import (
	"encoding/hex"
	"strings"

	"attestd/pdu"
)

var sendCommands = map[string]command{
	"+CMGS": {set: sendMessage, test: accept, sms: true},
	"+CMGW": {set: writeMessage, exec: writeMessage, test: accept, sms: true},
	"+CMSS": {set: sendStored, test: accept, sms: true},
}

// sendMessage is AT+CMGS, TS 27.005 3.5.1 and 4.3: length in PDU mode, recipient in text mode; then a prompt.
func sendMessage(c call) final {
	m := c.m
	if !c.last {
		return cms(302)
	}
	s := &submission{m: m, verb: c.name, command: m.lineAt}
	e := &entry{}
	if m.set.cmgf == 1 {
		to, good := m.address(c, 0)
		if !good || strings.Trim(to, "+") == "" {
			return cms(305)
		}
		s.to = to
		e.done = func(text string) { m.submitText(s, to, text) }
	} else {
		length, good := c.num(0, 0)
		if !good || length < 7 || length > 176 {
			return cms(304)
		}
		e.done = func(text string) { m.submitHex(s, length, text) }
		e.peek = func(text string) bool { return m.strikeEarly(s, length, text) }
	}
	m.net.point(m, PointCommand, s.to, -1)
	m.prompt(e)
	s.prompt = m.net.ledger.now()
	return later
}

// submitHex sends what was typed in PDU mode: the SMSC field and a TPDU of length octets.
func (m *Modem) submitHex(s *submission, length int, text string) {
	smsc, tpdu, good := splitHex(text, length)
	if !good {
		m.reject(s, 304)
		return
	}
	s.smsc, s.tpdu = smsc, tpdu
	m.submit(s)
}

// splitHex reads hexadecimal into SMSC field and TPDU; length counts the TPDU alone.
func splitHex(text string, length int) (smsc string, tpdu []byte, good bool) {
	octets, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(octets) == 0 || len(octets) != 1+int(octets[0])+length {
		return "", nil, false
	}
	if octets[0] > 0 {
		address, rest, err := pdu.SplitSMSC(octets)
		if err != nil {
			return "", nil, false
		}
		return address.String(), rest, true
	}
	return "", octets[1:], true
}

// strikeEarly is the fate that strikes when the PDU is complete but its Ctrl-Z is not read.
func (m *Modem) strikeEarly(s *submission, length int, text string) bool {
	if len(text) < 2*(1+length) {
		return false
	}
	_, tpdu, good := splitHex(text, length)
	if !good {
		return false
	}
	decoded, err := pdu.Decode(tpdu, pdu.MO)
	if err != nil || decoded.Submit == nil {
		return false
	}
	s.tpdu, s.info, s.to = tpdu, decoded.Submit, decoded.Submit.To.String()
	if s.fate == nil {
		s.fate = m.drawFate(s.to, s.info)
	}
	if s.fate.strike != strikeUnplugEarly {
		return false
	}
	m.net.number(s)
	m.lost(s, "the port vanished before Ctrl-Z")
	m.unplugForAWhile(s.fate.Name, false)
	return true
}

// submitText sends what was typed in text mode.
func (m *Modem) submitText(s *submission, to, text string) {
	tpdu, code := m.compose(to, text)
	if code != 0 {
		m.reject(s, code)
		return
	}
	s.tpdu = tpdu
	m.submit(s)
}

// writeMessage is AT+CMGW, TS 27.005 3.5.3 and 4.4.
func writeMessage(c call) final {
	m := c.m
	e := &entry{}
	if m.set.cmgf == 1 {
		to, good := m.address(c, 0)
		if !good {
			return cms(305)
		}
		stat, good := map[string]int{"": statUnsent, "STO UNSENT": statUnsent, "STO SENT": statSent}[strings.ToUpper(c.text(2))]
		if !good {
			return cms(305)
		}
		e.done = func(text string) {
			tpdu, code := m.compose(to, text)
			if code != 0 {
				m.finish(cms(code))
				return
			}
			m.keep(&stored{stat: stat, tpdu: tpdu})
		}
	} else {
		length, good := c.num(0, 0)
		stat, good2 := c.num(1, statUnsent)
		if !good || !good2 || length < 2 || stat < 0 || stat > 3 {
			return cms(304)
		}
		e.done = func(text string) {
			smsc, tpdu, good := splitHex(text, length)
			if !good {
				m.finish(cms(304))
				return
			}
			m.keep(&stored{stat: stat, smsc: smsc, tpdu: tpdu})
		}
	}
	m.prompt(e)
	return later
}

func (m *Modem) keep(s *stored) {
	index, good := m.view(m.set.mem2)[0].put(s)
	if !good {
		m.finish(cms(322))
		return
	}
	m.info("+CMGW: " + itoa(index))
	m.finish(ok)
}

// sendStored is AT+CMSS=index[,da[,toda]], TS 27.005 3.5.2.
func sendStored(c call) final {
	m := c.m
	index, good := c.num(0, -1)
	if !good {
		return cms(321)
	}
	kept := m.view(m.set.mem2).get(index)
	if kept == nil {
		return cms(321)
	}
	tpdu := kept.tpdu
	if to := c.text(1); to != "" {
		number, good := m.address(c, 1)
		if !good {
			return cms(304)
		}
		if tpdu, good = redirect(tpdu, number); !good {
			return cms(304)
		}
	}
	m.busy = true
	m.submit(&submission{m: m, verb: c.name, command: m.lineAt, prompt: m.lineAt, smsc: kept.smsc, tpdu: tpdu,
		accepted: func() { kept.stat = statSent }})
	return later
}

// redirect gives a SUBMIT another recipient: the address field is octets 2 and on, TS 23.040 9.2.2.2.
func redirect(tpdu []byte, to string) ([]byte, bool) {
	donor, err := pdu.Encode(pdu.Message{To: to, Text: "x"})
	if err != nil || len(tpdu) < 4 {
		return nil, false
	}
	field := func(t []byte) int { return 4 + (int(t[2])+1)/2 }
	head, end := donor[0].TPDU, field(tpdu)
	if end > len(tpdu) {
		return nil, false
	}
	out := append([]byte{}, tpdu[:2]...)
	out = append(out, head[2:field(head)]...)
	return append(out, tpdu[end:]...), true
}

// compose makes the SUBMIT of a text as text mode has it: AT+CSMP says how, AT+CSCS in what characters.
func (m *Modem) compose(to, typed string) (tpdu []byte, code int) {
	p := m.set.csmp
	msg := pdu.Message{To: to, StatusReport: p.fo&0x20 != 0, PID: byte(p.pid)}
	if p.fo&0x18 == 0x10 {
		msg.Validity = validity(p.vp)
	}
	alphabet := pdu.GSM7
	var octets []byte
	good := true
	switch group := p.dcs & 0x0C; {
	case p.dcs&0xC0 == 0 && group == 4: // TS 27.005 3.1 <data>: octets in hexadecimal
		var err error
		octets, err = hex.DecodeString(typed)
		good = err == nil && len(octets) <= 140
	case p.dcs&0xC0 == 0 && group == 8:
		alphabet = pdu.UCS2
		msg.Text, good = unhexUCS2(typed)
	default:
		msg.Text, good = m.decode(typed)
	}
	if !good {
		return nil, 305
	}
	msg.Alphabet = &alphabet
	submits, err := pdu.Encode(msg)
	if err != nil || len(submits) != 1 { // one message is one TPDU; longer texts are the host's to split
		return nil, 305
	}
	tpdu = submits[0].TPDU
	if octets != nil {
		tpdu = append(tpdu[:len(tpdu)-1], byte(len(octets)))
		tpdu = append(tpdu, octets...)
	}
	if at := dcsAt(tpdu); p.dcs != 0 && at < len(tpdu) {
		tpdu[at] = byte(p.dcs)
	}
	return tpdu, 0
}

// dcsAt is where TP-DCS stands in a SUBMIT.
func dcsAt(tpdu []byte) int { return 2 + 2 + (int(tpdu[2])+1)/2 + 1 }
