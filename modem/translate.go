package modem

import (
	"context"
	"errors"
	"strings"
	"time"

	"attestd/modem/at"
)

// settleTime is how long after the handshake a modem that was just switched on may still tell that its card is ready.
const settleTime = time.Minute

// translate makes events of what the modem says unasked, in its order.
func (m *Modem) translate() {
	defer close(m.translated)
	for e := range m.conn.Events() {
		for _, out := range m.meaning(e) {
			if out.At.IsZero() {
				out.At = e.At
			}
			if !m.put(out) {
				return
			}
		}
	}
}

// put hands an event to the pump.
func (m *Modem) put(e Event) bool {
	select {
	case m.emit <- e:
		return true
	case <-m.closing:
		return false
	case <-m.pumped: // the session has ended; what is stored is told by the next one
		return false
	}
}

// Events are what the modem said unasked, in its order. None is dropped. It is closed at the end of the session, when all are taken.
func (m *Modem) Events() <-chan Event { return m.events }

// pump holds the events until they are taken.
func (m *Modem) pump() {
	defer close(m.pumped)
	defer close(m.events)
	var queue []Event
	translated := m.translated
	for translated != nil || len(queue) > 0 {
		var out chan Event
		var first Event
		if len(queue) > 0 {
			out, first = m.events, queue[0]
		}
		select {
		case e := <-m.emit:
			queue = append(queue, e)
		case out <- first:
			queue = queue[1:]
		case <-translated:
			translated = nil
		case <-m.closing:
			return
		}
	}
}

// heard hands on a status report that comes while a submit is under way: its event may wait behind what must be fetched first.
func (m *Modem) heard(e at.Event) {
	m.hearing.announced()
	if m.phase2p.Load() {
		m.due.heard()
		m.conn.AskWithin(confirmSoon)
	}
	if p := part(e.Body, announced(e.Line)); m.c.Heard != nil && p.whole && strings.HasPrefix(e.Line, "+CDS:") {
		m.c.Heard(p.tpdu)
	}
}

func (m *Modem) meaning(e at.Event) []Event {
	if e.Late != nil {
		return m.late(e.Late)
	}
	line := e.Line
	switch {
	case e.Kind == at.Texted, e.Kind == at.Banner && strings.HasPrefix(line, "+CDS:"):
		return m.handedText(e)
	case e.Kind == at.Banner:
		m.stale.Store(true)
		if m.ready.Load() == nil { // the handshake looks at stale itself
			return nil
		}
		return []Event{{Kind: Restarted, Text: line}}
	case e.Kind == at.Settled:
		m.lookAgain(e.At)
		return nil
	case e.Kind == at.WithBody && strings.HasPrefix(line, "+CBM:"):
		return nil // cell broadcast; AT+CNMI does not ask for it
	case e.Kind == at.WithBody && e.Body == "":
		m.log.Warn("a message was announced and did not follow", "line", prefixed(line))
		m.refuse(context.Background())
		return []Event{{Kind: Unsolicited, Text: prefixed(line)}}
	case e.Kind == at.WithBody:
		return m.handed(e.Body, announced(line), e.At)
	case strings.HasPrefix(line, "+CMT:"), strings.HasPrefix(line, "+CDS:"): // with its body on the line
		head, body := ownBody(line)
		return m.handed(body, announced(head), e.At)
	case strings.HasPrefix(line, "+CMTI:"), strings.HasPrefix(line, "+CDSI:"):
		events := m.fetch(line, e.At)
		m.hearing.announced() // a list may have found it meanwhile
		return events
	case begins(line, registrations[:]):
		return m.registration(line)
	case strings.HasPrefix(line, "+CMGS:"): // of a submit that nobody waits for any more
		if mr, ok := reference([]string{line}); ok {
			return []Event{{Kind: LateResult, MR: mr}}
		}
		return nil
	case line == "RING", strings.HasPrefix(line, "+CRING:"):
		return []Event{{Kind: Ring}}
	case full(line):
		return []Event{{Kind: SIMFull, Text: line}}
	case begins(line, again):
		select {
		case m.awake <- struct{}{}:
		default:
		}
		// Soon after the handshake it is the modem's start; if that left something out, what was refused then is asked
		// for again.
		if since := m.ready.Load(); since != nil && (time.Since(*since) > settleTime || m.lacks.Load()) {
			m.stale.Store(true)
			return []Event{{Kind: Restarted, Text: line}}
		}
		return nil
	case strings.HasPrefix(line, "+CPIN:"):
		if m.ready.Load() != nil {
			return []Event{{Kind: SIMChanged, Text: line}}
		}
		return nil
	}
	return []Event{{Kind: Unsolicited, Text: line}}
}

// lookAgain follows a conversation that had broken: what the modem announced meanwhile was not heard, and what it handed over was
// not acknowledged, after which it says nothing more (TS 27.005 3.4.1). A conversation that breaks over this very look is left alone.
func (m *Modem) lookAgain(since time.Time) {
	if m.ready.Load() == nil || m.stale.Load() || !since.After(m.mended) {
		return
	}
	m.hearing.missed()
	if n, err := m.Drain(context.Background()); err != nil {
		m.log.Warn("what came while the modem did not answer could not be listed yet", "error", err)
	} else if n > 0 {
		m.log.Info("messages found that came while the modem did not answer", "count", n)
	}
	m.mended = time.Now()
}

// late makes an event of a late final result, if it says how the submit ended.
func (m *Modem) late(l *at.Late) []Event {
	if mr, ok := reference(l.Result.Lines); ok {
		return []Event{{Kind: LateResult, Tag: l.Tag, MR: mr}}
	}
	var cms at.CMSError
	var cme at.CMEError
	if errors.As(l.Err, &cms) || errors.As(l.Err, &cme) {
		return []Event{{Kind: LateResult, Tag: l.Tag, Err: l.Err}}
	}
	return nil // OK without a reference, or a bare ERROR: as much in doubt as before
}

func (m *Modem) registration(line string) []Event {
	for d, prefix := range registrations {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		stat := number(params(line, prefix), 0)
		if isRead(line, prefix) { // the answer to a question that nobody waits for any more
			stat = number(params(line, prefix), 1)
		}
		if stat < 0 {
			return nil
		}
		before := m.heardSoFar()
		m.regs[d].Store(int32(stat))
		if after := m.heardSoFar(); after != before && m.ready.Load() != nil {
			return []Event{{Kind: RegistrationChanged, Registration: after}}
		}
	}
	return nil
}

// received makes an event of a hexadecimal line.
func received(raw string, length int, t time.Time) Event {
	p := part(raw, length)
	return Event{Kind: Received, At: t, Raw: raw, TPDU: p.tpdu, SMSC: p.smsc}
}

// announced is the length in +CMT: [<alpha>],<length> and +CDS: <length>, which some give without their comma; -1 when there is none.
func announced(line string) int {
	_, rest, _ := strings.Cut(line, ":")
	p := params(rest, "")
	return number(p, len(p)-1)
}

// prefixed is a line down to its prefix: what follows may be a number or a name.
func prefixed(line string) string {
	prefix, _, _ := strings.Cut(line, ":")
	return prefix
}
