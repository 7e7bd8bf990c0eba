package modem

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"attestd/modem/at"
)

// RegStatus is <stat> of +CREG and +CEREG (TS 27.007 7.2).
type RegStatus int

// The registration states.
const (
	RegUnknown       RegStatus = -1 // not told yet
	RegNotSearching  RegStatus = 0
	RegHome          RegStatus = 1
	RegSearching     RegStatus = 2
	RegDenied        RegStatus = 3
	RegOutOfCoverage RegStatus = 4
	RegRoaming       RegStatus = 5
	RegHomeSMS       RegStatus = 6
	RegRoamingSMS    RegStatus = 7
	RegEmergency     RegStatus = 8
	RegHomeCSFB      RegStatus = 9
	RegRoamingCSFB   RegStatus = 10
)

// Registration is whether the network knows us.
type Registration struct {
	Status  RegStatus // the better of circuit-switched and EPS
	CS, EPS RegStatus
}

// Ready reports whether SMS can work.
func (r Registration) Ready() bool { return r.Status.Ready() }

// Roaming reports whether the network is not the SIM's own.
func (r Registration) Roaming() bool {
	return r.Status == RegRoaming || r.Status == RegRoamingSMS || r.Status == RegRoamingCSFB
}

func (r Registration) String() string { return r.Status.String() }

// Ready reports whether SMS can work in this state.
func (s RegStatus) Ready() bool {
	switch s {
	case RegHome, RegRoaming, RegHomeSMS, RegRoamingSMS, RegHomeCSFB, RegRoamingCSFB:
		return true
	}
	return false
}

func (s RegStatus) String() string {
	switch s {
	case RegNotSearching:
		return "not searching"
	case RegHome, RegHomeSMS, RegHomeCSFB:
		return "home"
	case RegSearching:
		return "searching"
	case RegDenied:
		return "denied"
	case RegRoaming, RegRoamingSMS, RegRoamingCSFB:
		return "roaming"
	case RegEmergency:
		return "emergency only"
	}
	return "unknown"
}

// Signal is +CSQ (TS 27.007 8.5).
type Signal struct {
	Known bool
	DBm   int
	BER   int // 0 to 7, 99 unknown
}

func (s Signal) String() string {
	if !s.Known {
		return "unknown"
	}
	return fmt.Sprintf("%d dBm", s.DBm)
}

// Registration asks the modem whether it is registered. Some are known to the circuit-switched network only, some to EPS only; either
// will do, for sending is what tells.
func (m *Modem) Registration(ctx context.Context) (Registration, error) {
	cs, err := m.askStat(ctx, "AT+CREG?", &m.cs) // TS 27.007 7.2
	if err != nil {
		return Registration{Status: RegUnknown, CS: RegUnknown, EPS: RegUnknown}, err
	}
	eps, err := m.askStat(ctx, "AT+CEREG?", &m.eps) // TS 27.007 10.1.22
	if err != nil {
		return Registration{Status: RegUnknown, CS: RegUnknown, EPS: RegUnknown}, err
	}
	return combine(cs, eps), nil
}

func combine(cs, eps RegStatus) Registration {
	r := Registration{Status: cs, CS: cs, EPS: eps}
	if !cs.Ready() && (eps.Ready() || cs == RegUnknown) {
		r.Status = eps
	}
	return r
}

// askStat gives what the modem answers, or last said unasked when it answers with nothing.
func (m *Modem) askStat(ctx context.Context, line string, heard *atomic.Int32) (RegStatus, error) {
	prefix := prefixOf(line)
	res, err := m.conn.Do(ctx, at.Command{Line: line, Timeout: m.c.CommandTimeout, Match: func(s string) bool { return isRead(s, prefix) }})
	if lost(err) {
		return RegUnknown, err
	}
	if len(res.Lines) > 0 {
		if stat := number(params(res.Lines[len(res.Lines)-1], prefix), 1); stat >= 0 {
			heard.Store(int32(stat))
		}
	}
	return RegStatus(heard.Load()), nil
}

// isRead tells the answer to a read command, <n>,<stat>[,...], from the unsolicited <stat>[,"<lac>",...].
func isRead(line, prefix string) bool {
	rest, ok := strings.CutPrefix(line, prefix)
	if !ok {
		return false
	}
	_, second, ok := strings.Cut(rest, ",")
	second, _, _ = strings.Cut(second, ",")
	second, _, _ = strings.Cut(strings.TrimSpace(second), " ")
	stat, err := strconv.Atoi(second)
	return ok && err == nil && len(second) <= 3 && stat >= 0 && stat <= 10
}

// awaitNetwork waits for registration, if Open shall. What the modem says unasked would tell sooner; asking each second does not
// depend on it.
func (m *Modem) awaitNetwork(ctx context.Context) error {
	if m.c.Registration <= 0 {
		return nil
	}
	limit := time.Now().Add(m.c.Registration)
	for {
		r, err := m.Registration(ctx)
		if err != nil || r.Ready() {
			return err
		}
		if time.Now().After(limit) {
			switch r.Status {
			case RegDenied:
				return say(ErrNoNetwork, "the network refuses this card (registration denied); is it active, paid, and allowed in this module and network?")
			case RegEmergency:
				return say(ErrNoNetwork, "only emergency calls are possible; no operator here accepts this card")
			}
			return say(ErrNoNetwork, "not registered within %v (%v); look at antenna, coverage, and whether the operator still runs a network for this module", m.c.Registration, r)
		}
		if err := pause(ctx, m.conn.Done(), time.Second); err != nil {
			return err
		}
	}
}

// Signal asks for the signal strength. Some answer with more fields than the two of TS 27.007 8.5.
func (m *Modem) Signal(ctx context.Context) (Signal, error) {
	res, err := m.conn.Do(ctx, at.Command{Line: "AT+CSQ", Prefix: "+CSQ:", Timeout: m.c.CommandTimeout})
	if lost(err) {
		return Signal{}, err
	}
	if len(res.Lines) == 0 {
		return Signal{BER: 99}, nil
	}
	return parseSignal(res.Lines[len(res.Lines)-1]), nil
}

func parseSignal(line string) Signal {
	p := params(line, "+CSQ:")
	s := Signal{BER: number(p, 1)}
	if s.BER < 0 {
		s.BER = 99
	}
	switch rssi := number(p, 0); {
	case rssi >= 0 && rssi <= 31:
		s.Known, s.DBm = true, -113+2*rssi
	case rssi >= 100 && rssi <= 191: // TD-SCDMA and LTE of some vendors
		s.Known, s.DBm = true, -116+rssi-100
	}
	return s
}
