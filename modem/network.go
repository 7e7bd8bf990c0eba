package modem

import (
	"context"
	"errors"
	"fmt"
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

// Registration asks the modem whether it is registered.
func (m *Modem) Registration(ctx context.Context) (Registration, error) {
	return Registration{}, errors.New("modem: not built yet")
}

// Signal asks for the signal strength.
func (m *Modem) Signal(ctx context.Context) (Signal, error) {
	return Signal{}, errors.New("modem: not built yet")
}
