package verify

import (
	"time"
)

// ChallengeState is where a challenge stands. The words are stored and shown.
type ChallengeState string

// The states of a challenge. The last four are terminal.
const (
	ChallengeNew      ChallengeState = "new"     // made; its SMS waits for the limits of the phone
	ChallengeSending  ChallengeState = "sending" // an SMS was queued; no network is known to have taken one
	ChallengeUnsent   ChallengeState = "unsent"  // its last SMS came to nothing: refused, or too late for any modem
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
	case ChallengeNew, ChallengeSending, ChallengeUnsent, ChallengeOpen:
	}
	return false
}

// Challenge is one code for one phone. It belongs to a filing, or to nobody's filing (FilingID is ""): then it has no
// tails, and is found by its id alone.
type Challenge struct {
	ID           string
	FilingID     string
	Owner        string // whose it is: its filing's, or who asked for it (see Everyone)
	Origin       string // who asked for it: the token's name
	State        ChallengeState
	Reason       string
	NumberSealed []byte
	NumberMAC    []byte
	Mobile       string // masked
	Language     string
	Site         string   // named in the SMS when the phone has several filings
	TailMACs     [][]byte // a tail that any of its persons may give
	CodeMAC      []byte   // wiped when the challenge ends
	CodeSealed   []byte   // wiped when the challenge ends; with no filing, the template of its text stands behind the code

	// ReplaceType is which of the seven replace types its SMS carry (TS 23.040 9.2.3.9), so that a phone which honours it
	// shows a re-send in place of what it repeats; 0 for none.
	ReplaceType int

	// The rules it was made under: a reloaded policy changes nothing of a running challenge.
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
	Due      time.Time // when Sweep has something to do for it; zero when it has not
	Ended    time.Time

	via string // the door through which it was verified just now, for the event; not stored
}

// challengeStep is what can happen to a challenge.
type challengeStep uint8

const (
	challengeSend     challengeStep = iota // an SMS is queued
	challengeUnsent                        // the SMS that was queued came to nothing
	challengeAccepted                      // a network took its first SMS
	challengeRight
	challengeUsedUp // the last wrong entry
	challengeTimeout
	challengeVoid
)

// next is the challenge machine. Right and wrong entries are taken in every state that is not terminal: even where
// the SMS is only queued, a modem may have sent it before the news of that came.
func (s ChallengeState) next(e challengeStep) (ChallengeState, bool) {
	switch s {
	case ChallengeNew, ChallengeSending, ChallengeUnsent, ChallengeOpen:
		switch e {
		case challengeSend:
			if s != ChallengeOpen {
				return ChallengeSending, true
			}
			return s, true
		case challengeUnsent:
			if s == ChallengeSending {
				return ChallengeUnsent, true
			}
			return s, true
		case challengeAccepted:
			return ChallengeOpen, true
		case challengeRight:
			return ChallengeVerified, true
		case challengeUsedUp:
			return ChallengeLocked, true
		case challengeTimeout:
			return ChallengeExpired, true
		case challengeVoid:
			return ChallengeVoid, true
		}
	case ChallengeVerified, ChallengeLocked, ChallengeExpired, ChallengeVoid: // terminal never reopens
	}
	return s, false
}

// step moves the challenge. The end of a challenge wipes its code.
func (c Challenge) step(e challengeStep, reason string, now time.Time) Challenge {
	next, ok := c.State.next(e)
	if !ok {
		return c
	}
	c.State = next
	if next.Terminal() {
		c.Reason, c.Ended, c.Due = reason, now, time.Time{}
		c.CodeMAC, c.CodeSealed = nil, nil
	}
	return c
}

// at applies the deadline. Whoever reads a challenge in order to change it begins here.
func (c Challenge) at(now time.Time) Challenge {
	if now.Before(c.Deadline) {
		return c
	}
	if c.Accepted.IsZero() {
		return c.step(challengeTimeout, ReasonUndeliverable, now)
	}
	return c.step(challengeTimeout, ReasonExpired, now)
}

// check takes one entry that was compared with this challenge.
func (c Challenge) check(right bool, now time.Time) Challenge {
	c = c.at(now)
	switch {
	case c.State.Terminal():
		return c
	case c.Wrong >= c.MaxWrong: // no further comparison counts, not even a right one
		return c.step(challengeUsedUp, ReasonTooManyAttempts, now)
	case right:
		return c.step(challengeRight, "", now)
	}
	c.Wrong++
	if c.Wrong >= c.MaxWrong {
		return c.step(challengeUsedUp, ReasonTooManyAttempts, now)
	}
	return c
}

// sendRefusal says why no SMS can be queued for the challenge now; ok says that one can.
func (c Challenge) sendRefusal(now time.Time, p Policy) (why Result, wait time.Duration, ok bool) {
	switch since := now.Sub(c.LastSend); {
	case c.State.Terminal():
		return ResultNothingToSend, 0, false
	case c.Sends >= c.MaxSends:
		return ResultSendCap, 0, false
	case c.Sends == 0:
	case c.Deadline.Sub(now) < p.ResendMinLeft:
		return ResultNothingToSend, 0, false
	case since >= 0 && since < p.ResendWait: // a clock set back must not lock anybody out; the cap holds in any case
		return ResultWait, p.ResendWait - since, false
	case c.LastSMSState == smsQueued: // a second one would only stand behind it
		return ResultWait, p.ResendWait, false
	}
	return ResultSent, 0, true
}

// sent counts an SMS that was queued in this transaction.
func (c Challenge) sent(messageID string, now time.Time) Challenge {
	c = c.step(challengeSend, "", now)
	c.Sends++
	c.LastSend, c.LastSMS, c.LastSMSState = now, messageID, smsQueued
	c.Due = c.Deadline
	return c
}

// heard takes what the queue knows of one of its messages. The first message that a network takes opens the
// challenge and starts its life; the delivery of that one, and of no other, starts it anew. A terminal challenge only
// gains the data.
func (c Challenge) heard(sms SMS, now time.Time) Challenge {
	c = c.at(now)
	if sms.MessageID == c.LastSMS {
		c.LastSMSState = sms.State
		if sms.nothing() {
			c = c.step(challengeUnsent, "", now)
		}
	}
	if c.FirstSMS == "" && !sms.Accepted.IsZero() {
		c.FirstSMS, c.Accepted = sms.MessageID, between(c.Created, sms.Accepted, now)
		c = c.step(challengeAccepted, "", now).lives(c.Accepted.Add(c.Life))
	}
	if c.FirstSMS == sms.MessageID && c.Delivered.IsZero() && !sms.Delivered.IsZero() {
		c.Delivered = between(c.Accepted, sms.Delivered, now)
		c = c.lives(c.Delivered.Add(c.Life))
	}
	return c
}

// lives sets the deadline, never past the hard end; not of a terminal challenge.
func (c Challenge) lives(until time.Time) Challenge {
	if c.State.Terminal() {
		return c
	}
	if end := c.Accepted.Add(c.HardEnd); until.After(end) {
		until = end
	}
	c.Deadline, c.Due = until, until
	return c
}

// between holds a time that somebody else's clock gave inside what ours allows.
func between(low, t, high time.Time) time.Time {
	if t.After(high) {
		t = high
	}
	if t.Before(low) {
		t = low
	}
	return t
}

// same says whether nothing changed that is stored by UpdateChallenge.
func (c Challenge) same(d Challenge) bool {
	return c.State == d.State && c.Reason == d.Reason && c.Wrong == d.Wrong && c.Sends == d.Sends &&
		c.LastSend.Equal(d.LastSend) && c.FirstSMS == d.FirstSMS && c.LastSMS == d.LastSMS &&
		c.LastSMSState == d.LastSMSState && c.Accepted.Equal(d.Accepted) && c.Delivered.Equal(d.Delivered) &&
		c.Deadline.Equal(d.Deadline) && c.Due.Equal(d.Due) && c.Ended.Equal(d.Ended)
}
