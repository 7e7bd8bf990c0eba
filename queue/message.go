package queue

import (
	"errors"
	"fmt"
	"time"

	"attestd/internal/msisdn"
	"attestd/pdu"
)

// State is where a message, or one segment of it, stands.
type State string

// The states. Their order here is the order of a life; docs/states.md draws the ways between them.
const (
	Queued      State = "queued"      // waits for a line, or for its time
	Submitting  State = "submitting"  // an attempt is written down and no result of it yet
	Unknown     State = "unknown"     // handed to a modem that gave no final result: perhaps on its way
	Submitted   State = "submitted"   // the network took it (+CMGS)
	Delivered   State = "delivered"   // proof that it arrived
	Undelivered State = "undelivered" // the network gave up
	Unreported  State = "unreported"  // no proof either way came in time
	Rejected    State = "rejected"    // the network, or we, refused it for good
	Expired     State = "expired"     // its deadline came before it could be handed over
	Cancelled   State = "cancelled"   // its sender took it back in time
)

// States lists every state, for metrics and filters.
var States = []State{Queued, Submitting, Unknown, Submitted, Delivered, Undelivered, Unreported, Rejected, Expired, Cancelled}

// Terminal says that the state never changes again; what is learned later only adds facts.
func (s State) Terminal() bool {
	switch s {
	case Delivered, Undelivered, Unreported, Rejected, Expired, Cancelled:
		return true
	case Queued, Submitting, Unknown, Submitted:
	}
	return false
}

// Valid says whether it is a state at all.
func (s State) Valid() bool {
	for _, one := range States {
		if s == one {
			return true
		}
	}
	return false
}

// Priority decides who goes first on a line.
type Priority int

// The priorities. Codes are Urgent.
const (
	Bulk Priority = iota
	Normal
	Urgent
)

var priorityNames = []string{"bulk", "normal", "urgent"}

func (p Priority) String() string {
	if p < Bulk || p > Urgent {
		return fmt.Sprintf("priority(%d)", int(p))
	}
	return priorityNames[p]
}

// MarshalText writes the priority by name.
func (p Priority) MarshalText() ([]byte, error) {
	if p < Bulk || p > Urgent {
		return nil, fmt.Errorf("priority: %d is none of bulk, normal, urgent", int(p))
	}
	return []byte(priorityNames[p]), nil
}

// UnmarshalText reads the priority by name.
func (p *Priority) UnmarshalText(text []byte) error {
	for i, name := range priorityNames {
		if string(text) == name {
			*p = Priority(i)
			return nil
		}
	}
	return fmt.Errorf("priority: %.20q is none of bulk, normal, urgent", text)
}

// Whoever asks for a message names an owner, and gets only what is that owner's; what is another's is as little there
// as what
// does not exist. Everyone, which owns nothing, gets what is anybody's. "" gets nothing: who forgets to name an owner
// sees
// no row, and a row without an owner is only Everyone's.
const Everyone = "*"

func owns(asker, owner string) bool { return asker == Everyone || asker != "" && asker == owner }

// Draft is a message as its sender hands it in.
type Draft struct {
	To             msisdn.Number
	Text           string
	Priority       Priority
	Deadline       time.Time // after it, sending makes no sense; zero: the policy's default from now
	Spanned        bool      // Deadline is a span from now, not a moment that somebody named: it moves when the clock is set
	Report         bool      // ask for a status report
	Flash          bool      // class 0
	Repeatable     bool      // may go out once more when nobody can tell whether it did: two are better than none
	Necessary      bool      // its sender declares that it must come even to who has opted out
	PID            byte      // TP-PID, such as a replace type
	Owner          string    // whose it is: see Everyone
	Origin         string    // what made it: a token's name, or "challenge:ID"
	Payer          string    // whose quota of texts it is charged to: a token's name; "" for nobody's. Not stored
	IdempotencyKey string    // within Owner; "" for none
	Modem          string    // only this modem may send it; "" for any
}

// Message is what a person wrote, and what became of it.
type Message struct {
	ID string
	Draft
	Alphabet pdu.Alphabet
	Segments int
	Ref      uint16 // concatenation reference, when Segments > 1
	State    State
	Reason   string // why it ended as it did, or waits; for people
	Created  time.Time
	Updated  time.Time
	Accepted time.Time // the first +CMGS of any part
	// Delivered is when the network handed over the last part (its own clock), or when the proof came.
	Delivered    time.Time
	Ended        time.Time // when State became terminal
	Attempts     int       // over all parts
	Station, SIM string    // of the latest attempt
	Parts        []Segment // by Seq

	Replayed bool // Enqueue found it by its idempotency key; nothing was added
	Locked   bool // its text or number can no longer be opened: the key is gone
	Wiped    bool // its text is gone, as the policy wants it
}

// Segment is what the network carries: one SMS-SUBMIT's worth of a message.
type Segment struct {
	MessageID string
	Seq       int // from 1
	State     State
	// Due is when the segment needs attention again: queued, when a line may take it; submitted and unknown, until when
	// proof may still come.
	Due          time.Time
	Lane         string // who may take it: "" anyone, otherwise see Line
	Attempts     int    // made
	Tries        int    // those that the network answered with a temporary error: they count against MaxAttempts
	Faults       int    // those that a modem spoiled: they count against MaxFaults
	Repeated     bool   // its one repetition after an empty evidence window is used up, or forfeited
	Doubt        int    // the earlier attempt whose outcome is still unknown while a repetition of it goes on; 0 for none
	Station, SIM string // of the latest attempt
	MR           int    // TP-MR of the attempt that the network took; -1 for none known
	Submitted    time.Time
	Status       int // latest TP-ST; -1 for none
	Discharged   time.Time
	Reason       string
}

// Attempt is one handing-over of a segment to a modem. It is written down before it is made.
type Attempt struct {
	ID, MessageID      string
	Seq, N             int
	Station, IMEI, SIM string
	Started, Ended     time.Time
	Result             Result
	MR                 int // the modem's reference, or the one inferred from a report; -1 for none
	Code               int // +CMS ERROR or +CME ERROR, 0 for none
	Detail             string
	Unanswered         bool // its final result was never read, and may still come, whatever else is known of it by now
	Shared             bool // accepted; but an earlier attempt was owed a result too, and the reference may be that one's
	// What status reports said of it.
	Status          int // -1 for none
	SCTS, Discharge time.Time
	Reported        time.Time
}

// Result is how an attempt ended.
type Result string

// The results. Open is that of an attempt which has not ended.
const (
	Open            Result = ""
	ResultAccepted  Result = "accepted"
	ResultRefused   Result = "refused"
	ResultTemporary Result = "temporary"
	ResultSick      Result = "sick"
	ResultUnknown   Result = "unknown"
	ResultNotSent   Result = "notsent"
)

// OutcomeKind classes what a modem answered.
type OutcomeKind uint8

// The kinds of outcome.
const (
	OutcomeUnknown   OutcomeKind = iota // Ctrl-Z was written, no final result was read (the zero value is the careful one)
	OutcomeAccepted                     // +CMGS
	OutcomeRefused                      // for good, for this message
	OutcomeTemporary                    // the network may take it later
	OutcomeSick                         // this modem or its SIM cannot send; the message is not to blame
	OutcomeNotSent                      // nothing was handed over
)

func (k OutcomeKind) result() Result {
	switch k {
	case OutcomeAccepted:
		return ResultAccepted
	case OutcomeRefused:
		return ResultRefused
	case OutcomeTemporary:
		return ResultTemporary
	case OutcomeSick:
		return ResultSick
	case OutcomeNotSent:
		return ResultNotSent
	case OutcomeUnknown:
	}
	return ResultUnknown
}

func (k OutcomeKind) String() string { return string(k.result()) }

// Outcome is how a submit ended.
type Outcome struct {
	Kind       OutcomeKind
	MR         byte          // with OutcomeAccepted
	Code       int           // +CMS ERROR or +CME ERROR, 0 for none
	RetryAfter time.Duration // not before; 0 for the policy's backoff
	NoTry      bool          // with OutcomeSick and OutcomeNotSent: the terminal's own trouble, which never ends a message
	MaxTries   int           // so many attempts that ended with Code are as good as a refusal; 0: the policy's limit alone
	Detail     string        // for people; no number and no text in it
	Shared     bool          // with OutcomeAccepted: see Attempt
	Unanswered bool          // with OutcomeUnknown: see Attempt
}

// Report is a status report as the gateway received it.
type Report struct {
	SIM, Station    string
	MR              byte
	Recipient       string // as the network wrote it
	Status          pdu.Status
	SCTS, Discharge time.Time
	Received        time.Time
	Raw             []byte // the TPDU
}

// Errors that callers tell apart.
var (
	ErrNotFound            = errors.New("message: there is none with this id")
	ErrNotCancellable      = errors.New("message: it was handed to a modem already, or has ended: it cannot be taken back")
	ErrExpired             = errors.New("deadline: has passed already: give a later one, or none")
	ErrTooLong             = errors.New("text: needs more than 255 parts: shorten it")
	ErrNoText              = errors.New("text: is empty: say something that can be seen")
	ErrNoRecipient         = errors.New("to: is empty: give a phone number")
	ErrCountryCap          = errors.New("to: its country has had as many texts today as it may (abuse.per_country_per_day): try again tomorrow, or raise the limit if they were wanted")
	ErrPriority            = errors.New("priority: is none of bulk, normal, urgent")
	ErrIdempotencyConflict = errors.New("idempotency_key: was used for another message: take a new key")
)
