package modem

import "time"

// ClassKind is what a failed submit means for the message, the SIM and the modem.
type ClassKind uint8

// The classes.
const (
	Temporary     ClassKind = iota // try again after RetryAfter
	Permanent                      // this message will never go out to this recipient
	Account                        // the SIM or its account: stop this SIM, move the message to another
	Sick                           // the modem: recover it, then try again
	Doubt                          // the message may be out
	Misconfigured                  // somebody must change a setting
	Accepted                       // the SMSC has the message already (197)
)

func (k ClassKind) String() string {
	return [...]string{"temporary", "permanent", "account", "sick", "doubt", "config", "accepted"}[k]
}

// Class is one row of the table.
type Class struct {
	Kind       ClassKind
	RetryAfter time.Duration // for Temporary and Sick: wait at least this long
	MaxTries   int           // then it counts as Permanent; 0: the caller's own limit
	NoTry      bool          // the failure is not counted as a try of the message (no network, busy SIM)
	Code       int           // +CMS ERROR or +CME ERROR, -1 when there is none
	Meaning    string
	Clause     string // 3GPP clause
}

// Classify tells what an error of Submit means.
func Classify(err error) Class { return Class{} }
