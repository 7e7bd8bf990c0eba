package modem

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"attestd/modem/at"
)

// A serial line loses characters, and a restart that nobody saw changes what a modem says. What was not read whole is
// not deleted, not acknowledged, and asked for again.

const (
	readTries = 3                      // then what came is kept as it came, and left in the modem
	readAgain = 200 * time.Millisecond // between two of them
)

var (
	errEmptySlot = errors.New("nothing lies there")
	errTextMode  = fmt.Errorf("%w: it has left PDU mode for text mode", ErrNeedsReinit)
)

// given is a message as a modem gives it: <stat> and the announced length of its head, and its line.
type given struct {
	stat   string
	length int // -1: not announced
	body   string
}

// ofHead reads what stands behind a prefix and an index: <stat>,[<alpha>],<length> (TS 27.005 4.1, 4.2). Some put the
// PDU on this line too.
func ofHead(line string) given {
	line, body := ownBody(line)
	p := params(line, "")
	return given{stat: param(p, 0), length: number(p, len(p)-1), body: body}
}

// ownBody takes a PDU off the end of the line that announces it. A number of a person is not as long.
func ownBody(line string) (head, body string) {
	n := len(line)
	for n > 0 && isHexDigit(line[n-1]) {
		n--
	}
	if len(line)-n <= 22 || n == 0 || line[n-1] != ',' && line[n-1] != ' ' {
		return line, ""
	}
	return strings.TrimRight(line[:n], ", "), line[n:]
}

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f'
}

// texted reports whether this is a message in text mode: <stat> is a name (TS 27.005 3.4.2, 3.4.3), in UCS2 where
// AT+CSCS says so, and what follows is no PDU. A few give the name in PDU mode too.
func (g given) texted() bool {
	name := strings.HasPrefix(g.stat, "REC") || strings.HasPrefix(g.stat, "STO") || strings.HasPrefix(g.stat, "0052") || strings.HasPrefix(g.stat, "0053")
	return name && !part(g.body, g.length).whole
}

// ours reports whether it is one that was stored for sending: <stat> 2 and 3 (TS 27.005 3.1). An empty one is a
// firmware's fault.
func (g given) ours() bool {
	return g.stat == "2" || g.stat == "3" || strings.HasPrefix(g.stat, "STO")
}

// event makes an event of it.
func (g given) event(s slot, t time.Time) Event {
	e := received(g.body, g.length, t)
	e.Stored, e.Memory, e.Index, e.read = true, s.memory, s.index, time.Now()
	return e
}

// misread has an event keep a line as it came: what was made of it may be wrong in any field.
func (e *Event) misread() {
	e.Misread, e.TPDU, e.SMSC = true, []byte(e.Raw), ""
}

// drifted says that the modem is in text mode: it has restarted unseen, or another program has set it. Its other
// settings are as doubtful.
func (m *Modem) drifted() error {
	if !m.stale.Swap(true) {
		m.log.Warn("the modem has left PDU mode: it has restarted unseen, or another program uses it")
		if m.ready.Load() != nil {
			m.put(Event{Kind: Restarted, At: time.Now(), Text: "(it is in text mode)"})
		}
	}
	return errTextMode
}

// readSlot reads one stored message (AT+CMGR, TS 27.005 4.2) until it was read whole, and reports whether it is one
// that was not told yet.
func (m *Modem) readSlot(ctx context.Context, s slot, t time.Time) (e Event, fresh bool, err error) {
	var first string
	same := true
	for try := range readTries {
		if try > 0 {
			if err := pause(ctx, m.conn.Done(), readAgain); err != nil {
				return Event{}, false, err
			}
		}
		g, err := m.readOnce(ctx, s)
		if err != nil {
			return Event{}, false, err
		}
		p := part(g.body, g.length)
		e = g.event(s, t)
		if try == 0 {
			first = g.body
		}
		same = same && g.body == first
		// What comes again and again the same, and ends where its own fields say, is announced with a wrong length.
		if p.whole || p.ends && same && try == readTries-1 {
			return e, m.remember(s, e.Raw), nil
		}
	}
	if e.Raw == "" {
		return Event{}, false, errEmptySlot
	}
	m.log.Warn("a stored message can't be read whole: it is kept as it came, and left in the modem", "memory", s.memory, "index", s.index)
	e.misread()
	return e, m.suspect(s, e.Raw), nil
}

func (m *Modem) readOnce(ctx context.Context, s slot) (given, error) {
	res, err := m.conn.Do(ctx, at.Command{
		Line: "AT+CMGR=" + strconv.Itoa(s.index), Prefix: "+CMGR:", Body: true, Timeout: m.c.CommandTimeout,
	})
	if err != nil {
		return given{}, err
	}
	if len(res.Lines) == 0 {
		return given{}, errEmptySlot
	}
	line, body := ownBody(strings.TrimPrefix(res.Lines[0], "+CMGR:"))
	if p := params(line, ""); len(p) == 4 && number(p, 0) == s.index && number(p, 1) >= 0 { // <index> first, against TS 27.005 4.2
		_, line, _ = strings.Cut(line, ",")
	}
	g := ofHead(line)
	if g.body = body; body == "" && len(res.Lines) > 1 {
		g.body = res.Lines[1]
	}
	switch {
	case g.texted():
		return g, m.drifted()
	case g.body == "" && g.length <= 0, g.ours():
		return g, errEmptySlot
	}
	return g, nil
}

// handed takes what was handed over. What did not come whole is refused, so that the network gives it again; the third
// time in a row it is kept as it came.
func (m *Modem) handed(body string, length int, t time.Time) []Event {
	e := received(body, length, t)
	if part(body, length).whole {
		m.misreads = 0
		return []Event{e}
	}
	m.misreads++
	asked := m.refuse(context.Background())
	if asked && m.misreads < readTries {
		return nil
	}
	m.misreads = 0
	m.log.Warn("a message that was handed over can't be read whole: it is kept as it came", "asked_again", asked)
	e.misread()
	return []Event{e}
}

// refuse has the network give again what was handed over (AT+CNMA=2, TS 27.005 4.7). A modem that knows no such thing
// lets its time run out, which comes to the same. It reports whether what was handed over still is the network's at
// all.
func (m *Modem) refuse(ctx context.Context) bool {
	if !m.phase2p.Load() {
		return false
	}
	due := m.due.since.Load()
	if _, err := m.conn.Do(ctx, at.Command{Line: "AT+CNMA=2", Urgent: true, Timeout: m.c.CommandTimeout}); err == nil {
		m.due.confirmed(due)
	}
	return true
}

// handedText takes a message that was handed over in text mode. The modem may have acknowledged it, so its lines are
// kept.
func (m *Modem) handedText(e at.Event) []Event {
	_ = m.drifted()
	if strings.HasPrefix(e.Line, "+CBM:") {
		return nil
	}
	kept := Event{Kind: Received, At: e.At, Raw: e.Line}
	kept.misread()
	return []Event{kept}
}

// inTextMode reports whether a line hands over a message in text mode: with the service centre's time (TS 27.005
// 3.4.1), where PDU mode has a length; a cell broadcast with its page.
func inTextMode(line string) bool {
	prefix, rest, _ := strings.Cut(line, ":")
	if prefix == "+CBM" {
		return strings.Count(rest, ",") >= 3
	}
	return strings.Count(rest, "/") >= 2 && strings.Count(rest, ":") >= 2
}
