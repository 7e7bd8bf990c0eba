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

// RegStatus is <stat> of +CREG, +CGREG, +CEREG and +C5GREG (TS 27.007 7.2, 10.1).
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
	Status RegStatus // of the first domain that carries SMS, else what the most telling of them says
	In     [domains]RegStatus
}

// Domain is where a modem can be registered: each has a command of its own.
type Domain int

// The domains, in the order in which they are asked.
const (
	CS   Domain = iota // circuit-switched
	EPS                // LTE: SMS over SGs or IMS
	NR                 // 5G: SMS over NAS or IMS
	GPRS               // packet-switched 2G and 3G: SMS over GPRS (AT+CGSMS)
	domains
)

// registrations are the prefixes of each domain's command and unsolicited line (TS 27.007 7.2, 10.1.22, 10.1.47,
// 10.1.20).
var registrations = [domains]string{CS: "+CREG:", EPS: "+CEREG:", NR: "+C5GREG:", GPRS: "+CGREG:"}

func unregistered() (r Registration) {
	r.Status = RegUnknown
	for d := range r.In {
		r.In[d] = RegUnknown
	}
	return r
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

// Registration asks the modem whether it is registered, domain by domain until one carries SMS: any will do, for
// sending is what
// tells. A modem may be known to one of them only, and one that is to 5G alone says so by +C5GREG and nothing else.
func (m *Modem) Registration(ctx context.Context) (Registration, error) {
	for d, prefix := range registrations {
		stat, err := m.askStat(ctx, "AT"+strings.TrimSuffix(prefix, ":")+"?", &m.regs[d])
		if err != nil {
			return unregistered(), err
		}
		if stat.Ready() {
			break
		}
	}
	return m.heardSoFar(), nil
}

// heardSoFar is what the modem last said of each domain.
func (m *Modem) heardSoFar() Registration {
	var in [domains]RegStatus
	for d := range in {
		in[d] = RegStatus(m.regs[d].Load())
	}
	return combine(in)
}

// combine judges over all domains. Where none carries SMS, what the circuit-switched one says tells most, then the next
// that says
// anything.
func combine(in [domains]RegStatus) Registration {
	r := Registration{Status: RegUnknown, In: in}
	for _, stat := range in {
		if stat.Ready() {
			r.Status = stat
			return r
		}
		if r.Status == RegUnknown {
			r.Status = stat
		}
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
