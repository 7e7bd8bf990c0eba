package modem

import (
	"context"
	"errors"
	"sync"
	"time"

	"attestd/modem/at"
)

// A modem may stop telling of what it receives: its AT+CNMI becomes 0,0,0,0,0 by a restart that nobody saw, by another
// program, or because an acknowledgement was late (TS 27.005 3.4.1); or what it says goes to another port. Each list
// looks whether it still does.

// announceWait is how long after a list has found a message it may still be announced: both may be under way at the
// same time.
const announceWait = 10 * time.Second

// hearing is what is known of whether the modem tells of what it receives.
type hearing struct {
	mu      sync.Mutex
	asked   indication         // what AT+CNMI was set to
	known   bool               // it was set
	odd     bool               // AT+CNMI? says something else just after it was set: it is not asked any more
	why     string             // deaf, and why; empty: not
	first   bool               // the next list may find what came before anything could be told
	unheard map[slot]time.Time // found by a list, and not announced by now
}

// Deaf says why the modem does not tell of what it receives, as far as is known; empty when it does. Texts are found by
// lists alone then.
func (m *Modem) Deaf() string {
	m.hearing.mu.Lock()
	defer m.hearing.mu.Unlock()
	return m.hearing.why
}

// begin forgets everything: the modem is initialised.
func (g *hearing) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known, g.odd, g.why, g.first, g.unheard = false, false, "", true, nil
}

func (g *hearing) set(n indication) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked, g.known = n, true
}

func (g *hearing) refused() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why = "it takes no AT+CNMI"
}

// announced: it does tell.
func (g *hearing) announced() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unheard = nil
	if g.known {
		g.why = ""
	}
}

// missed: what comes to be found next may have been announced when nobody could hear it.
func (g *hearing) missed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.first = true
}

// alone reports whether what a list finds from here on should have been announced.
func (g *hearing) alone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.first
	g.first = false
	return !first && g.known
}

func (g *hearing) found(s slot, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if alone {
		if g.unheard == nil {
			g.unheard = map[slot]time.Time{}
		}
		g.unheard[s] = time.Now()
	}
}

// judge reports whether a message that a list found was not announced after all.
func (g *hearing) judge() (why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s, at := range g.unheard {
		if time.Since(at) > announceWait {
			delete(g.unheard, s)
			why = "a text was found that it had not announced; does another port or program get what it says?"
		}
	}
	return why
}

// deafened says once that the modem does not tell of what it receives.
func (m *Modem) deafened(why string) {
	m.hearing.mu.Lock()
	before := m.hearing.why
	m.hearing.why = why
	m.hearing.mu.Unlock()
	if before != why {
		m.log.Warn("the modem does not tell of what it receives", "why", why)
	}
	m.put(Event{Kind: Deaf, At: time.Now(), Text: why})
}

// Listen looks whether the modem is still as it was set up: in PDU mode, and telling of what it receives. It has it
// tell again.
func (m *Modem) Listen(ctx context.Context) error {
	if err := m.stillPDU(ctx); errors.Is(err, errTextMode) || lost(err) {
		return err
	}
	return m.listen(ctx)
}

func (m *Modem) listen(ctx context.Context) error {
	g := &m.hearing
	if why := g.judge(); why != "" {
		m.deafened(why)
	}
	g.mu.Lock()
	asked, ask := g.asked, g.known && !g.odd
	g.mu.Unlock()
	if !ask {
		return m.tellAgain(ctx)
	}
	now, err := m.indications(ctx)
	if err != nil || now.tells(asked) {
		return err
	}
	if now[0] < 0 { // it does not say: what lists find does
		return m.tellAgain(ctx)
	}
	m.deafened("its AT+CNMI was set to " + now.String() + " by a restart, another program, or a late acknowledgement; it is set again")
	if err := m.tellAgain(ctx); err != nil {
		return err
	}
	switch after, err := m.indications(ctx); {
	case err != nil:
		return err
	case after.tells(asked):
		g.announced()
	default: // it says otherwise whatever is set
		g.mu.Lock()
		g.odd = true
		g.mu.Unlock()
		m.deafened("it takes AT+CNMI=" + asked.String() + ", and its AT+CNMI is " + after.String() + " after that")
	}
	return nil
}

// indications asks for AT+CNMI? (TS 27.005 3.4.1); -1 for what it does not say.
func (m *Modem) indications(ctx context.Context) (n indication, err error) {
	res, err := m.conn.Do(ctx, at.Command{Line: "AT+CNMI?", Prefix: "+CNMI:", Timeout: m.c.CommandTimeout})
	if lost(err) {
		return n, err
	}
	var p []string
	if err == nil && len(res.Lines) > 0 {
		p = params(res.Lines[len(res.Lines)-1], "+CNMI:")
	}
	for i := range n {
		n[i] = number(p, i)
	}
	return n, nil
}

// tells reports whether received messages and status reports are told as was asked.
func (n indication) tells(asked indication) bool {
	return n[0] > 0 && n[1] == asked[1] && (n[3] == asked[3] || n[3] < 0)
}

// tellAgain sets again that the modem tells of what it receives.
func (m *Modem) tellAgain(ctx context.Context) error {
	line, ok := m.told.Load().(string)
	if !ok {
		return nil
	}
	_, err := m.conn.Do(ctx, at.Command{Line: line, Timeout: m.c.CommandTimeout})
	if lost(err) {
		return err
	}
	return nil // a refusal leaves things as they were; lists find what is not told
}
