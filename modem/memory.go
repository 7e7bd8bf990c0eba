package modem

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"attestd/modem/at"
)

// memory is where received messages lie. mem1 decides which memory is read and deleted from; whoever changes or uses it
// holds the turn.
type memory struct {
	turn          chan struct{} // holds one when somebody has it
	home, current string        // belong to the turn
	offered       []string      // what mem1 may be; set by the handshake
	fixed         bool          // AT+CPMS is refused in every form: there is the one in use, whatever it is called; belongs to the turn
	noList        bool          // AT+CMGL is refused in every form; belongs to the turn
	grumbled      atomic.Bool   // that one can't be listed was said

	mu      sync.Mutex
	slots   map[slot]string // what was last read from a slot and not deleted yet
	suspect map[slot]string // the same of what was not read whole; never deleted
}

type slot struct {
	memory string
	index  int
}

var errNoSuchMemory = errors.New("the modem does not let this memory be chosen")

// with runs f while mem1 is mem ("" is where it is), and puts it back.
func (m *Modem) with(ctx context.Context, mem string, f func(mem string) error) error {
	select {
	case m.memory.turn <- struct{}{}:
		defer func() { <-m.memory.turn }()
	case <-ctx.Done():
		return ctx.Err()
	case <-m.conn.Done():
		return m.conn.Err()
	}
	if mem == "" || m.memory.fixed {
		mem = m.memory.current
	}
	if mem != m.memory.current {
		if err := m.choose(ctx, mem); err != nil {
			return err
		}
		defer m.choose(context.WithoutCancel(ctx), m.memory.home)
	}
	return f(mem)
}

// choose sets mem1. Some want all three memories named (TS 27.005 3.2.2).
func (m *Modem) choose(ctx context.Context, mem string) error {
	var err error
	for _, line := range []string{`AT+CPMS="` + mem + `"`, fmt.Sprintf(`AT+CPMS="%s","%s","%s"`, mem, m.memory.home, m.memory.home)} {
		if _, err = m.conn.Do(ctx, at.Command{Line: line, Prefix: "+CPMS:", Timeout: m.c.CommandTimeout}); err == nil {
			m.memory.current = mem
			return nil
		}
		if lost(err) {
			return err
		}
	}
	return fmt.Errorf("%w: %s: %w", errNoSuchMemory, mem, err)
}

// remember notes what lies in a slot, so that only that is ever deleted from it. It reports whether this is new.
func (m *Modem) remember(s slot, raw string) bool {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	old, had := m.memory.slots[s]
	m.memory.slots[s] = raw
	delete(m.memory.suspect, s)
	return !had || old != raw
}

// suspect notes what could not be read whole, and reports whether it is new.
func (m *Modem) suspect(s slot, raw string) bool {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	old, had := m.memory.suspect[s]
	m.memory.suspect[s] = raw
	return !had || old != raw
}

// lies reports whether raw still lies in the slot, as far as is known.
func (m *Modem) lies(s slot, raw string) bool {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	return m.memory.slots[s] == raw
}

// forget reports whether raw still lies in the slot, as far as is known, and takes the right to delete it.
func (m *Modem) forget(s slot, raw string) bool {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	if m.memory.slots[s] != raw {
		return false
	}
	delete(m.memory.slots, s)
	return true
}

// mustForget forgets what lies in a slot, without the right to delete it.
func (m *Modem) mustForget(s slot) {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	delete(m.memory.slots, s)
}

// fetch reads what +CMTI or +CDSI announces. The slot may not be written yet: the modem is asked again, and at last
// left to Drain.
func (m *Modem) fetch(line string, t time.Time) []Event {
	prefix := prefixed(line) + ":"
	p := params(line, prefix)
	mem, index := param(p, 0), number(p, 1)
	if number(p, 0) >= 0 { // +CMTI: 0,111
		mem = ""
	}
	if index < 0 {
		return []Event{{Kind: Unsolicited, Text: line}}
	}
	if m.stale.Load() { // what it says can't be trusted before it is set up again; then the store is drained
		return nil
	}
	ctx := context.Background()
	var out []Event
	for _, wait := range []time.Duration{0, 200 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		if wait > 0 && pause(ctx, m.conn.Done(), wait) != nil {
			return nil
		}
		read := func(mem string) error {
			e, fresh, err := m.readSlot(ctx, slot{mem, index}, t)
			if err == nil && fresh { // else a list has told it already
				out = []Event{e}
			}
			return err
		}
		err := m.with(ctx, mem, read)
		if errors.Is(err, errNoSuchMemory) { // then it may lie in the one in use
			err = m.with(ctx, "", read)
		}
		if err == nil || lost(err) || errors.Is(err, errTextMode) {
			return out
		}
	}
	m.log.Warn("a message was announced and could not be read; it is looked for when the store is drained", "memory", mem, "index", index)
	return []Event{{Kind: Unsolicited, Text: line}}
}

// Acknowledge tells the modem that the caller has stored what the event carried: a stored message is deleted from its
// slot, if it still lies there; one that was handed over is acknowledged, where that is asked for.
func (m *Modem) Acknowledge(ctx context.Context, e Event) error {
	switch {
	case e.Kind != Received || e.Misread:
		return nil
	case e.Stored:
		s := slot{e.Memory, e.Index}
		if !m.lies(s, e.Raw) {
			return nil // deleted already, or another message has come to lie there
		}
		err := m.with(ctx, e.Memory, func(string) error {
			// Within the turn, or a list that is read at this moment would find the message again, and its second
			// acknowledgement would delete whatever has come to lie there since.
			if e.listed || time.Since(e.read) > justRead {
				if there, err := m.liesThere(ctx, s, e.Raw); err != nil || !there {
					return err
				}
			}
			if !m.forget(s, e.Raw) {
				return nil
			}
			_, err := m.conn.Do(ctx, at.Command{Line: "AT+CMGD=" + strconv.Itoa(e.Index), Timeout: max(30*time.Second, m.c.CommandTimeout)})
			return err
		})
		if code(err) == 321 || code(err) == 21 || code(err) == 22 { // empty already
			return nil
		}
		return err
	case m.phase2p.Load():
		return m.confirm(ctx)
	}
	return nil
}

// justRead is how long after it was read a slot is sure to hold the message still. A restart takes longer, and puts
// mem1 back to what the modem's profile says (TS 27.005 3.2.2): then the same index names another message.
const justRead = 2 * time.Second

// liesThere looks whether a message lies where it was read, or where a list said: an index that has lost a digit on the
// line names another one's slot.
func (m *Modem) liesThere(ctx context.Context, s slot, raw string) (bool, error) {
	if !m.lies(s, raw) {
		return false, nil
	}
	e, _, err := m.readSlot(ctx, s, time.Now())
	if err == nil && e.Raw == raw && !e.Misread {
		return true, nil
	}
	m.mustForget(s) // the next list tells it again
	if lost(err) {
		return false, err
	}
	return false, nil
}
