package verify

import (
	"time"
)

// ChallengeState is where a challenge stands. The words are stored and shown.
type ChallengeState string

// The states of a challenge. The last four are terminal.
const (
	ChallengeNew      ChallengeState = "new"     // made; its SMS waits for the limits of the phone
	ChallengeSending  ChallengeState = "sending" // an SMS was queued; no network has taken one yet
	ChallengeOpen     ChallengeState = "open"    // a network has taken an SMS
	ChallengeVerified ChallengeState = "verified"
	ChallengeLocked   ChallengeState = "locked"
	ChallengeExpired  ChallengeState = "expired"
	ChallengeVoid     ChallengeState = "void"
)

// Terminal says whether the state never changes again.
func (s ChallengeState) Terminal() bool {
	switch s {
	case ChallengeVerified, ChallengeLocked, ChallengeExpired, ChallengeVoid:
		return true
	}
	return false
}

// Challenge is one code for one phone. It belongs to a filing, or to nobody's filing (FilingID is ""): then it has no
// tails, and is found by its id alone.
type Challenge struct {
	ID           string
	FilingID     string
	Origin       string // who asked for it
	State        ChallengeState
	Reason       string
	NumberSealed []byte
	NumberMAC    []byte
	Mobile       string // masked
	Language     string
	Site         string   // named in the SMS when the phone has several filings
	TailMACs     [][]byte // a tail that any of its persons may give
	CodeMAC      []byte   // wiped when the challenge ends
	CodeSealed   []byte   // wiped when the challenge ends

	// The rules it was made under: a reloaded policy changes none of a running challenge.
	Life     time.Duration
	HardEnd  time.Duration
	MaxWrong int
	MaxSends int

	Wrong    int
	Sends    int
	LastSend time.Time

	FirstSMS     string // the first message that a network took; only its report moves the deadline
	LastSMS      string
	LastSMSState string
	Accepted     time.Time // of FirstSMS
	Delivered    time.Time // of FirstSMS

	Created  time.Time
	Deadline time.Time // valid if and only if now < Deadline
	Due      time.Time // when Sweep has something to do; zero when it has not
	Ended    time.Time
}
