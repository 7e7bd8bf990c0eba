package verify

import "time"

// FilingState is where a filing stands. The words are stored and shown.
type FilingState string

// The states of a filing. The last four are terminal.
const (
	FilingReceived    FilingState = "received"
	FilingVerifying   FilingState = "verifying"
	FilingPassed      FilingState = "passed"
	FilingRejected    FilingState = "rejected"
	FilingCancelled   FilingState = "cancelled"
	FilingNotRequired FilingState = "not_required"
)

// Terminal says whether the state never changes again.
func (s FilingState) Terminal() bool {
	switch s {
	case FilingPassed, FilingRejected, FilingCancelled, FilingNotRequired:
		return true
	}
	return false
}

// Why a filing or a challenge ended as it did.
const (
	ReasonExpired         = "expired"
	ReasonTooManyAttempts = "too_many_attempts"
	ReasonUndeliverable   = "undeliverable"
	ReasonCancelled       = "cancelled"
	ReasonFilingClosed    = "filing_closed" // of a challenge: another person's ended the filing
	ReasonSuperseded      = "superseded"    // a newer filing took its place
	ReasonWiped           = "wiped"         // of filing.not_resubmitted: what it was made of is no longer kept
	ReasonRefused         = "refused"       // of filing.not_resubmitted: a phone of it gets no codes any more
	ReasonAmended         = "amended"       // of a challenge: the phone or certificate of its person was changed
)

// Filing is one order at the filing platform.
type Filing struct {
	ID         string
	Owner      string // whose it is (see Everyone); references are unique within it
	Origin     string // who filed it: the token's name
	Reference  string // the client's own name for it, "" for none
	BodyMAC    []byte // keyed hash of the normalized request, to tell a repetition from a conflict
	Type       FilingType
	Changes    []Change
	State      FilingState
	Reason     string
	Note       string // why the client cancelled it, in its words
	Language   string
	Callback   string
	Supersedes string // the filing whose place it took, "" for none
	By         string // the filing that took its place, "" for none
	Province   string // where it is filed, "" for not given
	Entity     []byte // sealed; nil for not given

	ResubmitAfter time.Duration // after a failure it is submitted again by itself; 0 for never
	ResubmitDue   time.Time     // when; zero for not
	Resubmits     int           // how many of those before it were submitted again one after the other
	Resubmitted   bool          // it was made by submitting Supersedes again

	Warnings   []Warning // in the answer to whoever filed it; not stored
	Persons    []Person
	Challenges []Challenge // read by Service.Filing and Service.Filings; not stored with the filing
	Created    time.Time
	Updated    time.Time
	Ended      time.Time
}

// PersonState is where a person stands in a filing.
type PersonState string

// The states of a person. A person whose challenge failed or was voided is failed or stays waiting: the filing tells.
const (
	PersonWaiting     PersonState = "waiting"
	PersonVerified    PersonState = "verified"
	PersonFailed      PersonState = "failed"
	PersonNotRequired PersonState = "not_required"
)

// Person is someone in charge, in one role. Someone with two roles is two persons who share a challenge.
type Person struct {
	ID          string
	FilingID    string
	Index       int // place in the request
	Role        Role
	Site        string
	Kind        SiteKind
	Name        string // opened by Service.Filing; stored only as NameSealed
	NameSealed  []byte
	Mobile      string   // masked
	TailMACs    [][]byte // accepted certificate tails, at most two
	ChallengeID string
	State       PersonState
	Reason      string
	Amended     int // how often the phone or certificate was changed
	Verified    time.Time
}

// filingStep is what can happen to a filing.
type filingStep uint8

const (
	filingNothingToDo filingStep = iota // nobody must verify
	filingSent                          // its challenges were made and their SMS queued
	filingAllVerified
	filingFail
	filingCancel
)

// next is the filing machine.
func (s FilingState) next(e filingStep) (FilingState, bool) {
	switch s {
	case FilingReceived:
		switch e {
		case filingNothingToDo:
			return FilingNotRequired, true
		case filingSent:
			return FilingVerifying, true
		}
	case FilingVerifying:
		switch e {
		case filingAllVerified:
			return FilingPassed, true
		case filingFail:
			return FilingRejected, true
		case filingCancel:
			return FilingCancelled, true
		}
	}
	return s, false
}

// step moves the filing; a terminal filing never moves.
func (f Filing) step(e filingStep, reason string, now time.Time) (Filing, bool) {
	next, ok := f.State.next(e)
	if !ok {
		return f, false
	}
	f.State, f.Reason, f.Updated = next, reason, now
	if next.Terminal() {
		f.Ended = now
	}
	return f, true
}

// verified marks every person of a challenge; complete says that nobody is left to wait for.
func (f Filing) verified(challengeID string, now time.Time) (marked []Person, after Filing, complete bool) {
	after, complete = f, true
	after.Persons = append([]Person(nil), f.Persons...)
	for i := range after.Persons {
		p := &after.Persons[i]
		if p.ChallengeID == challengeID && p.State == PersonWaiting {
			p.State, p.Verified = PersonVerified, now
			marked = append(marked, *p)
		}
		if p.State == PersonWaiting || p.State == PersonFailed {
			complete = false
		}
	}
	return marked, after, complete
}
