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

// maxSlots bounds a search slot by slot when the modem does not say how many it has.
const maxSlots = 255

// Drain lists the stored messages of every memory into Events and says how many there were. What this session has told
// and nobody has acknowledged is not told again. A memory that can't be listed does not keep the others from it.
func (m *Modem) Drain(ctx context.Context) (n int, err error) {
	var mems []string
	var home string
	if err := m.with(ctx, "", func(string) error {
		mems, home = m.memory.all(), m.memory.home
		return nil
	}); err != nil {
		return 0, err
	}
	var failed []error
	if err := m.listen(ctx); err != nil {
		return 0, err
	}
	if m.phase2p.Load() { // one whose message was not acknowledged in time says nothing more, whatever AT+CNMI? tells
		if err := m.tellAgain(ctx); err != nil {
			return 0, err
		}
	}
	alone := m.hearing.alone()
	for _, mem := range mems {
		err := m.with(ctx, mem, func(mem string) error {
			events, err := m.list(ctx, mem)
			for _, e := range events {
				if !e.Misread {
					m.hearing.found(slot{e.Memory, e.Index}, alone)
				}
				if !m.put(e) {
					return at.ErrClosed
				}
				n++
			}
			return err
		})
		if lost(err) || errors.Is(err, errTextMode) {
			return n, err
		}
		if err == nil {
			continue
		}
		if mem == home {
			failed = append(failed, fmt.Errorf("memory %s: %w", mem, err))
		} else if !m.memory.grumbled.Swap(true) {
			m.log.Warn("a store of the modem can't be listed: what lies in it is not seen", "memory", mem, "error", err)
		}
	}
	return n, errors.Join(failed...)
}

// all are the memories that may hold received messages, the one in use first. MT is ME and SM together; SR holds the
// status reports where they are not handed over.
func (y *memory) all() []string {
	mems := []string{y.home}
	if y.fixed {
		return mems
	}
	for _, mem := range y.offered {
		if (mem == "ME" || mem == "SM" || mem == "SR") && mem != y.home {
			mems = append(mems, mem)
		}
	}
	return mems
}

// list reads all received messages of mem1: AT+CMGL=4 (TS 27.005 4.1), "ALL" where a firmware wants that in PDU mode
// too, else slot by slot.
func (m *Modem) list(ctx context.Context, mem string) ([]Event, error) {
	if !m.memory.noList {
		for _, line := range []string{"AT+CMGL=4", `AT+CMGL="ALL"`} {
			res, err := m.conn.Do(ctx, at.Command{
				Line: line, Prefix: "+CMGL:", Body: true, Timeout: max(time.Minute, m.c.CommandTimeout),
			})
			if err == nil {
				return m.whole(ctx, mem, res.Lines)
			}
			if lost(err) && !errors.Is(err, at.ErrTimeout) {
				return nil, err
			}
			if n := code(err); n == 321 || n == 21 || n == 22 { // nothing there, some say
				return nil, nil
			}
		}
		m.memory.noList = true
	}
	return m.search(ctx, mem)
}

// whole makes events of a list; what did not come whole is read by itself. When that ends, what did come is told all
// the same: it counts as told, and the next list would leave it out.
func (m *Modem) whole(ctx context.Context, mem string, lines []string) ([]Event, error) {
	list, err := m.listed(lines, mem)
	var out []Event
	for _, e := range list {
		fresh := true
		switch {
		case e.Misread && err != nil:
			continue
		case e.Misread:
			s := slot{mem, e.Index}
			again, isNew, rerr := m.readSlot(ctx, s, time.Now())
			switch {
			case rerr == nil:
				e, fresh = again, isNew
			case lost(rerr), errors.Is(rerr, errTextMode):
				err, fresh = rerr, false
			default: // it can't be read by itself
				fresh = e.Raw != "" && m.suspect(s, e.Raw)
			}
		}
		if fresh {
			out = append(out, e)
		}
	}
	return out, err
}

// listed takes a list apart, pair by pair: one bad line or PDU does not keep the rest. What was told already is left
// out.
func (m *Modem) listed(lines []string, mem string) (out []Event, err error) {
	for i := 0; i < len(lines); i++ {
		rest, isHead := strings.CutPrefix(lines[i], "+CMGL:")
		first, rest, _ := strings.Cut(rest, ",")
		index := number([]string{strings.TrimSpace(first)}, 0)
		if !isHead || index < 0 {
			continue
		}
		g := ofHead(rest)
		if g.body == "" && i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "+CMGL:") {
			i++
			g.body = lines[i]
		}
		s := slot{mem, index}
		e := g.event(s, time.Now())
		e.listed = true
		switch {
		case g.texted():
			return out, m.drifted()
		case g.ours():
		case !part(g.body, g.length).whole:
			e.misread()
			out = append(out, e)
		case m.remember(s, e.Raw):
			out = append(out, e)
		}
	}
	return out, nil
}

// search reads slot by slot. Indices begin at 0 or 1, have gaps, and may exceed the number of slots.
func (m *Modem) search(ctx context.Context, mem string) ([]Event, error) {
	used, total := m.usage(ctx)
	if used == 0 {
		return nil, nil
	}
	if total <= 0 || total > maxSlots {
		total = maxSlots
	}
	var out []Event
	for index, found := 0, 0; index <= total && (used < 0 || found < used); index++ {
		e, fresh, err := m.readSlot(ctx, slot{mem, index}, time.Now())
		switch {
		case err == nil:
			found++
			if fresh {
				out = append(out, e)
			}
		case lost(err), errors.Is(err, errTextMode):
			return out, err
		}
	}
	return out, nil
}

// usage is how full mem1 is (AT+CPMS?, TS 27.005 3.2.2); -1 when the modem does not say.
func (m *Modem) usage(ctx context.Context) (used, total int) {
	res, err := m.conn.Do(ctx, at.Command{Line: "AT+CPMS?", Prefix: "+CPMS:", Timeout: m.c.CommandTimeout})
	if err != nil || len(res.Lines) == 0 {
		return -1, -1
	}
	p := params(res.Lines[len(res.Lines)-1], "+CPMS:")
	return number(p, 1), number(p, 2)
}

// Usage is how full the memory is that receives messages: used of total slots.
func (m *Modem) Usage(ctx context.Context) (used, total int, err error) {
	err = m.with(ctx, "", func(string) error {
		used, total = m.usage(ctx)
		if used < 0 {
			return errors.New("the modem does not say how full " + strconv.Quote(m.memory.home) + " is")
		}
		return nil
	})
	return used, total, err
}
