package simulator

import (
	"strings"

	"attestd/pdu"
)

const (
	ctrlZ = 0x1A
	esc   = 0x1B

	lineLimit  = 2048 // a command line
	entryLimit = 2048 // what may be typed at a prompt
	inLimit    = 8192 // what waits while a command runs
)

// input takes what the host sent. While a command runs, the bytes wait. The lock is held.
func (m *Modem) input(b []byte) {
	if m.mute || m.off {
		return
	}
	if room := inLimit - len(m.inbuf); len(b) > room {
		b = b[:room] // overrun: a real UART loses them as well
	}
	m.inbuf = append(m.inbuf, b...)
	m.pump()
}

// pump feeds waiting bytes to whatever reads them now: the command line or the prompt. What a line or text leads to
// is done after its bytes have left the queue, and never from within another one.
func (m *Modem) pump() {
	if m.pumping {
		return
	}
	m.pumping = true
	defer func() { m.pumping = false }()
	for len(m.inbuf) > 0 && !m.busy && m.port != nil && !m.off && !m.mute {
		read := m.typeLine
		if m.entry != nil {
			read = m.typeText
		}
		used, act := read(m.inbuf)
		m.inbuf = append(m.inbuf[:0], m.inbuf[used:]...)
		if act != nil {
			act()
		}
	}
}

func (m *Modem) echo(b []byte) {
	if m.set.echo && !m.echoLost {
		m.say(string(b))
	}
}

// typeLine takes bytes of a command line up to its end (S3, a carriage return) and echoes them.
func (m *Modem) typeLine(b []byte) (used int, act func()) {
	for i, c := range b {
		switch {
		case c == m.set.s3:
			m.echo(b[:i+1])
			line := string(m.line)
			m.line = m.line[:0]
			return i + 1, func() { m.runLine(line) }
		case c == m.set.s5 && len(m.line) > 0:
			m.line = m.line[:len(m.line)-1]
		case c < ' ' || c == 0x7F: // control characters are no part of a line, V.250 5.2.2
		case len(m.line) <= lineLimit:
			m.line = append(m.line, c)
		}
		if len(m.line) == 2 && m.line[1] == '/' && (m.line[0] == 'A' || m.line[0] == 'a') {
			m.echo(b[:i+1])
			m.line = m.line[:0]
			return i + 1, func() { m.runLine(m.last) } // A/ needs no carriage return, V.250 5.2.4
		}
	}
	m.echo(b)
	return len(b), nil
}

// An entry is a text being typed at a prompt: the PDU or text of +CMGS, +CMGW and so on.
type entry struct {
	buf  []byte
	done func(text string) // Ctrl-Z
	// peek sees the PDU after each piece, before Ctrl-Z; it is there for the fate that strikes there.
	peek func(text string) (struck bool)
}

// prompt shows the prompt and reads text until Ctrl-Z. The lock is held.
func (m *Modem) prompt(e *entry) {
	m.entry = e
	m.aside()
	m.say(m.profile.prompt)
}

func (m *Modem) leaveEntry() { m.entry = nil }

// typeText takes bytes typed at the prompt.
func (m *Modem) typeText(b []byte) (used int, act func()) {
	e := m.entry
	for i, c := range b {
		switch {
		case c == ctrlZ:
			m.echo(b[:i])
			e.take(b[:i])
			return i + 1, func() { m.endText(e) }
		case c == esc: // TS 27.005 3.5.1: sending is cancelled
			m.echo(b[:i])
			return i + 1, m.abandonText
		case c == '\r' && m.set.cmgf == 1: // a further line of the text gets a prompt of its own
			m.echo(b[:i+1])
			e.take(b[:i])
			e.buf = append(e.buf, '\n')
			m.say(m.profile.prompt)
			return i + 1, nil
		}
	}
	m.echo(b)
	e.take(b)
	if e.peek != nil {
		return len(b), func() { e.peek(string(e.buf)) }
	}
	return len(b), nil
}

func (m *Modem) endText(e *entry) {
	if e.peek != nil && e.peek(string(e.buf)) {
		return // Ctrl-Z was never read
	}
	m.leaveEntry()
	m.busy = true // until finish
	e.done(string(e.buf))
}

func (m *Modem) abandonText() {
	m.leaveEntry()
	m.inLine, m.rest = false, ""
	m.say(m.profile.abort)
	m.flushURCs()
}

func (e *entry) take(b []byte) {
	for _, c := range b {
		switch {
		case c == 8 && len(e.buf) > 0:
			e.buf = e.buf[:len(e.buf)-1]
		case c == 8 || c == 0 || c == '\n':
		case len(e.buf) < entryLimit:
			e.buf = append(e.buf, c)
		}
	}
}

// info says one line of information, V.250 5.7.1.
func (m *Modem) info(line string) {
	m.aside()
	if m.set.verbose {
		m.say("\r\n" + line + "\r\n")
	} else {
		m.say(line + "\r\n")
	}
}

// asides are unsolicited lines that any command may meet.
var asides = []string{"+CREG: 1", "^HCSQ: \"LTE\",30", "RING", "^RSSI: 21", "+CIEV: 2,4", "^BOOT:36252678,0,0,0,6"}

// aside says an unsolicited line in the middle of an answer, while the fault "chatter" lasts.
func (m *Modem) aside() {
	if m.asides > 0 {
		m.say("\r\n" + asides[m.asides%len(asides)] + "\r\n")
		m.asides++
	}
}

// urc says an unsolicited line: now, unless the host is just typing at a prompt.
func (m *Modem) urc(line string) {
	if m.off || m.port == nil {
		return
	}
	if m.entry != nil || (m.inLine && !m.busy) {
		if len(m.waiting) < 64 {
			m.waiting = append(m.waiting, line)
		}
		return
	}
	m.say("\r\n" + line + "\r\n")
}

func (m *Modem) flushURCs() {
	if m.entry != nil || m.inLine {
		return
	}
	waiting := m.waiting
	m.waiting = nil
	for _, line := range waiting {
		m.say("\r\n" + line + "\r\n")
	}
}

// frame is a PDU as the modem gives it, and now and then what is left of it on a line that loses characters: 1 to 3 of
// them, or all from somewhere on.
func (m *Modem) frame(smsc string, tpdu []byte) string {
	line := pdu.Frame(smsc, tpdu)
	if m.lossy == 0 {
		return line
	}
	n := m.lossy
	m.lossy++
	if n%2 == 0 {
		return line
	}
	at := 7 * n % len(line)
	if n%8 == 7 {
		return line[:at]
	}
	return line[:at] + line[min(at+1+n/2%3, len(line)):]
}

func upper(s string) string { return strings.ToUpper(s) }
