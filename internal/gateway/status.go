package gateway

import (
	"errors"
	"time"

	"attestd/modem"
)

// State is how a station is.
type State string

// The states of a station.
const (
	Opening    State = "opening"     // its port is being opened, its modem set up
	Searching  State = "searching"   // the modem answers, but no network has registered it
	Refused    State = "refused"     // the network refuses this SIM
	Ready      State = "ready"       // it can send
	Recovering State = "recovering"  // it is sick, and climbs the recovery ladder
	Parked     State = "parked"      // the ladder did not help, or a person must mend something: Error says what
	WrongModem State = "wrong-modem" // another module or card than the configuration says
	Closed     State = "closed"      // the gateway stops
)

// Status is a snapshot of one station, for the API and the metrics.
type Status struct {
	Name, Port   string
	State        State
	Error        string // why it is not ready, and what to do
	Since        time.Time
	Identity     modem.Identity
	Registration modem.Registration
	Signal       modem.Signal
	Seen         time.Time      // when it last told its registration and signal
	Stored       int            // texts in the memory that receives them
	Room         int            // how many it holds; 0 when the modem does not say
	Deaf         string         // why it does not tell of what it receives; empty when it does
	Deafened     int64          // times that it was found not to tell
	Opened       int64          // sessions that came up
	Lost         int64          // sessions that ended by a fault
	Submitted    int64          // SUBMITs that the modem accepted
	Failed       int64          // SUBMITs that it refused or that ended unknown
	Received     int64          // texts stored, by their parts
	Reports      int64          // STATUS-REPORTs stored
	Calls        int64          // calls that came in
	Recoveries   map[Rung]int64 // rungs taken; never changed, only replaced
	LastSubmit   time.Time
	LastReceived time.Time
}

// SIM is the key of a SIM's affairs: references, reports, limits. A card that hides its ICCID goes by its IMSI, and
// a module without either by its IMEI.
func SIM(id modem.Identity) string {
	switch {
	case id.ICCID != "":
		return id.ICCID
	case id.IMSI != "":
		return "imsi:" + id.IMSI
	default:
		return "imei:" + id.IMEI
	}
}

// fault is why a modem is out of service, as far as the ladder is concerned.
type fault struct {
	symptom Symptom
	err     error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// symptomOf says what is wrong when a session ended, or did not begin.
func symptomOf(err error) Symptom {
	var f *fault
	if errors.As(err, &f) {
		return f.symptom
	}
	for _, fatal := range []error{modem.ErrPINRequired, modem.ErrPINRefused, modem.ErrPUKRequired} {
		if errors.Is(err, fatal) {
			return Locked
		}
	}
	if errors.Is(err, modem.ErrNoSIM) || errors.Is(err, modem.ErrSIMFailure) {
		return Cardless
	}
	return Shut
}
