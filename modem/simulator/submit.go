package simulator

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/pdu"
)

// linkHold is how long AT+CMMS keeps the link after a message, TS 27.005 3.5.6 (1 to 5 s).
const linkHold = 3 * time.Second

// A submission is one SUBMIT on its way from the prompt to the network's answer.
type submission struct {
	m                           *Modem
	id                          int
	verb                        string // +CMGS or +CMSS
	smsc                        string
	tpdu                        []byte
	info                        *pdu.SubmitInfo
	to                          string
	fate                        *Fate
	mr                          int
	command, prompt, ctrlz, air int64
	accepted                    func()
	scts                        time.Time
}

func (n *Network) number(s *submission) {
	if s.id == 0 {
		n.submits++
		s.id = n.submits
	}
}

// ordered is a fate that was ordered for one of the next submits.
type ordered struct {
	fate *Fate
	to   string // only for this recipient; "" for any
	part int    // only for this part of a long message; 0 for any
}

// drawFate is the fate of a submit: one that was ordered, else that of the number.
func (m *Modem) drawFate(to string, info *pdu.SubmitInfo) *Fate {
	part := 1
	if info.Concat != nil {
		part = info.Concat.Seq
	}
	for i, o := range m.next {
		if (o.to == "" || o.to == to) && (o.part == 0 || o.part == part) {
			m.next = slices.Delete(m.next, i, i+1)
			return o.fate
		}
	}
	f := fateOf(to)
	if f.Strikes > 0 {
		if m.net.strikes[to] >= f.Strikes {
			return ordinary
		}
		m.net.strikes[to]++
	}
	return f
}

// submit sends a TPDU: Ctrl-Z has been read, or AT+CMSS. The modem is busy until finish.
func (m *Modem) submit(s *submission) {
	n := m.net
	s.ctrlz, s.mr = n.ledger.now(), -1
	decoded, err := pdu.Decode(s.tpdu, pdu.MO)
	if err != nil || decoded.Submit == nil || decoded.Submit.Damaged {
		m.reject(s, 304)
		return
	}
	s.info = decoded.Submit
	s.to = s.info.To.String()
	if s.fate == nil {
		s.fate = m.drawFate(s.to, s.info)
	}
	n.number(s)
	n.point(m, PointCtrlZ, s.to, -1)
	switch {
	case m.cfun != 1 || !registered(m.reg):
		m.reject(s, 331)
		return
	case s.smsc == "" && m.card.smsc == "":
		m.reject(s, 330)
		return
	}
	m.noiseBefore(s.fate)
	d := m.airTime()
	switch s.fate.strike {
	case strikeUnplugBefore, strikeRestartBefore:
		d /= 2
	}
	if d == 0 {
		m.onAir(s)
		return
	}
	life := m.life
	n.after(d, func() {
		if m.life != life {
			m.lost(s, "the modem lost power before it was on air")
			return
		}
		m.onAir(s)
	})
}

// airTime is how long this message will occupy the radio.
func (m *Modem) airTime() time.Duration {
	linked := m.set.cmms > 0 && time.Now().Before(m.linkUntil)
	if m.set.cmms == 1 && !linked && !m.linkUntil.IsZero() {
		m.set.cmms, m.linkUntil = 0, time.Time{} // the link fell, and mode 1 falls with it
	}
	if linked {
		return m.net.config.LinkedRadio
	}
	return m.net.config.Radio
}

// onAir is the end of the radio time: the message is with the network, or it will never be.
func (m *Modem) onAir(s *submission) {
	f := s.fate
	switch f.strike {
	case strikeUnplugBefore:
		m.lost(s, "the port vanished before it was on air")
		m.unplugForAWhile(f.Name, false)
		return
	case strikeRestartBefore:
		m.lost(s, "the modem restarted before it was on air")
		m.restart(f.Name, m.profile.usb)
		return
	}
	if m.set.cmms > 0 {
		m.linkUntil = time.Now().Add(linkHold)
	}
	if !f.onAir && (f.cms != 0 || f.answer != answerNormal) {
		m.refused(s)
		return
	}
	s.mr = int(m.card.nextMR)
	m.card.nextMR++ // TS 23.040 9.2.3.6
	s.air = m.net.ledger.now()
	s.scts = m.net.clock()
	if s.accepted != nil {
		s.accepted()
	}
	m.net.accept(s)
	m.net.point(m, PointAir, s.to, s.mr)
	switch f.strike {
	case strikeUnplugAfter, strikeRenumber:
		m.unplugForAWhile(f.Name, f.strike == strikeRenumber)
	case strikeRestartAfter:
		m.restart(f.Name, m.profile.usb)
	case strikeHang:
		m.hang(10 * m.net.config.Late)
		m.finish(final{kind: finalSilent})
	default:
		m.answer(s)
	}
}

// refused ends a submit that the network did not take.
func (m *Modem) refused(s *submission) {
	if s.fate.cms > 0 && s.fate.cms != 331 && s.fate.cms != 330 {
		s.mr = int(m.card.nextMR) // it was transmitted, so it used up a reference, TS 23.040 9.2.3.6
		m.card.nextMR++
		s.air = m.net.ledger.now()
	}
	e := s.entry(false)
	e.Result = resultText(s.final())
	m.net.ledger.add(e)
	m.answer(s)
}

// final is the final result of this submit.
func (s *submission) final() final {
	switch {
	case s.fate.cms > 0:
		return cms(s.fate.cms)
	case s.fate.cms < 0:
		return failed
	}
	return ok
}

// reject ends a submit that never reached the radio.
func (m *Modem) reject(s *submission, code int) {
	m.net.number(s)
	s.mr = -1
	e := s.entry(false)
	e.Result = resultText(cms(code))
	m.net.ledger.add(e)
	m.finish(cms(code))
	m.written(s, e.Result)
}

// lost notes a submit that ended with its modem.
func (m *Modem) lost(s *submission, why string) {
	s.mr = -1
	e := s.entry(false)
	e.Detail = why
	m.net.ledger.add(e)
}

// written notes the final result when it is on the wire.
func (m *Modem) written(s *submission, result string) {
	e := Entry{Modem: m.index, IMEI: m.imei, ICCID: m.card.iccid, Kind: KindResult, Submit: s.id, To: s.to, Result: result}
	if s.mr >= 0 {
		mr := s.mr
		e.MR = &mr
	}
	m.onceWritten(func() {
		e.US = 0
		m.net.ledger.add(e)
		m.net.point(m, PointResult, s.to, s.mr)
	})
}

func (s *submission) entry(accepted bool) Entry {
	e := Entry{
		Modem: s.m.index, IMEI: s.m.imei, ICCID: s.m.card.iccid, Kind: KindSubmit, Submit: s.id, Accepted: accepted,
		From: s.m.card.number, To: s.to, PDU: upper(hex.EncodeToString(s.tpdu)),
		Command: s.command, Prompt: s.prompt, CtrlZ: s.ctrlz, Air: s.air,
	}
	if s.fate != nil {
		e.Fate = s.fate.Name
	}
	if s.mr >= 0 {
		mr := s.mr
		e.MR = &mr
	}
	if s.info != nil {
		e.Text = s.info.Text
		if c := s.info.Concat; c != nil {
			e.Part, e.Parts, e.Ref = c.Seq, c.Total, int(c.Ref)
		}
	}
	return e
}

// answer says the final result, as the fate has it.
func (m *Modem) answer(s *submission) {
	life, port := m.life, m.port
	switch s.fate.answer {
	case answerNone:
		m.finish(final{kind: finalSilent})
	case answerLate:
		m.net.after(m.net.config.Late, func() {
			if m.life == life {
				m.conclude(s)
			}
		})
	case answerOverdue:
		m.net.after(m.net.config.Late, func() {
			if m.life == life && m.port == port {
				m.sayResult(s)
			}
		})
		m.finish(final{kind: finalSilent})
	default:
		m.conclude(s)
	}
}

// conclude says the result and ends the command.
func (m *Modem) conclude(s *submission) {
	m.sayResult(s)
	m.noiseAfter(s.fate)
	m.finish(final{kind: finalSilent})
}

// sayResult says +CMGS and OK, or the error, or what the fate makes of them.
func (m *Modem) sayResult(s *submission) {
	told := resultText(s.final())
	line := fmt.Sprintf("%s: %d", s.verb, s.mr)
	if m.port != nil && s.fate.noise == noiseSingle {
		m.port.single = true
	}
	if s.fate.noise == noiseNUL {
		m.say("\x00\x00")
	}
	switch s.fate.answer {
	case answerOKOnly:
		m.result(ok)
	case answerNoOK:
		told = line
		m.info(line)
	case answerCut:
		told = s.verb[:4]
		m.say("\r\n" + told)
	case answerCutLine:
		told = s.verb[:3]
		m.info(told)
		m.result(ok)
	case answerOtherLine:
		m.say("\r\n\x81\xfe+C&%GS~~ 7\r\n\r\n#\x00\x7f+CM" + strings.Repeat("U", 40) + "\r\n")
		fallthrough
	default:
		if f := s.final(); f != ok {
			m.result(f)
			break
		}
		told = line
		m.info(line)
		if s.fate.noise == noiseURC {
			m.say("\r\n+CREG: 1\r\n\r\n^HCSQ: \"LTE\",30\r\n")
		}
		m.result(ok)
	}
	if s.fate.noise == noiseNUL {
		m.say("\x00")
	}
	m.written(s, told)
}
