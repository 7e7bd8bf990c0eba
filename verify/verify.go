// Package verify is the rules of filing verification: who must verify, issuing a code, sending it again within the
// cap, checking it, expiring it, and what becomes of the filing. It knows no SQL, radio or HTTP: it declares what it
// needs of a transaction (Tx) and of a key ring (Vault).
//
// A filing has persons; persons who share a phone share a challenge; a challenge is one code, sent by SMS up to
// MaxSends times. Both machines are pure functions over rows (challenge.go, filing.go), one switch each; a Service
// method reads rows, asks the machines, and writes rows, the SMS and the events in one transaction. Everything that
// a cap depends on is in a row, so no interleaving, restart or crash can exceed one. Time is read inside the
// transaction, and a deadline is applied at the moment of a check: no timer is needed for correctness.
//
// docs/verification.md tells the rules to people, with the config key of each choice.
package verify

import (
	"context"
	"errors"
	"time"

	"attestd/internal/msisdn"
)

// Errors that callers tell apart. Bad input is an Invalid.
var (
	ErrNotFound          = errors.New("verify: no such filing or challenge")
	ErrReferenceConflict = errors.New("reference: a filing with this reference and another content exists; use a new reference, or send the same content to get that filing")
	ErrFilingClosed      = errors.New("the filing has ended and cannot be changed; file it again")
)

// Whoever asks for something names an owner, and gets only what is that owner's; what is another's is as little there as what
// does not exist. Everyone, which owns nothing, gets what is anybody's. "" gets nothing: who forgets to name an owner sees
// no row, and a row without an owner is only Everyone's.
const Everyone = "*"

func owns(asker, owner string) bool { return asker == Everyone || asker != "" && asker == owner }

// Vault hashes and seals. *seal.Keyring is one.
type Vault interface {
	// Seal encrypts plain for one context; Open reverses it for the same context only.
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	// MAC is a keyed hash under the current key; MACs is the same under every live key, the current one first.
	MAC(purpose string, parts ...[]byte) []byte
	MACs(purpose string, parts ...[]byte) [][]byte
}

// Store runs a function in one write transaction: all of it is committed, or none. Its reads, for those who look on, wait for no
// writer; filings come with their persons and challenges. Story lists the events of a filing and of the SMS that those name
// (MessageOf) or its challenges do, oldest first, at most limit after seq.
type Store interface {
	Update(ctx context.Context, fn func(Tx) error) error
	Filing(ctx context.Context, id string) (Filing, error)
	Filings(ctx context.Context, q FilingQuery) (page []Filing, next string, err error)
	Story(ctx context.Context, f Filing, after int64, limit int) ([]Recorded, error)
}

// Tx is what verify needs of a transaction. Reads of what is not there give ErrNotFound.
type Tx interface {
	// InsertFiling stores a filing with its persons. UpdateFiling changes State, Reason, Note, By, ResubmitDue, Updated and Ended; it and
	// UpdateChallenge never take a row out of a terminal state.
	InsertFiling(ctx context.Context, f Filing) error
	UpdateFiling(ctx context.Context, f Filing) error
	UpdatePerson(ctx context.Context, p Person) error
	Filing(ctx context.Context, id string) (Filing, error)
	FilingByReference(ctx context.Context, owner, reference string) (Filing, error)

	// EntitiesOfNumber are the sealed entities, by filing, of filings of an owner that had a challenge at a phone.
	EntitiesOfNumber(ctx context.Context, owner string, numberMACs [][]byte) (map[string][]byte, error)

	// InsertChallenge charges the challenge's origin for its first code, though that may go out later.
	InsertChallenge(ctx context.Context, c Challenge) error
	UpdateChallenge(ctx context.Context, c Challenge) error
	Challenge(ctx context.Context, id string) (Challenge, error)
	ChallengesOfFiling(ctx context.Context, filingID string) ([]Challenge, error)
	// ChallengesOfNumber lists the challenges of a phone (its hash under any live key) that have not ended, and, unless
	// since is zero, those that ended at or after it; oldest first.
	ChallengesOfNumber(ctx context.Context, numberMACs [][]byte, since time.Time) ([]Challenge, error)
	// DueChallenges lists at most limit challenges whose Due is at or before now; NextDueChallenge is the earliest Due of all.
	DueChallenges(ctx context.Context, now time.Time, limit int) ([]Challenge, error)
	NextDueChallenge(ctx context.Context) (time.Time, error)
	// DueFilings lists the ids of at most limit filings whose ResubmitDue is at or before now; NextDueFiling is the earliest of all.
	DueFilings(ctx context.Context, now time.Time, limit int) ([]string, error)
	NextDueFiling(ctx context.Context) (time.Time, error)

	// Idempotency keys of general challenges, by owner: a hash of the request, and the challenge that it made.
	ChallengeKey(ctx context.Context, owner, key string) (challengeID string, bodyMAC []byte, err error)
	InsertChallengeKey(ctx context.Context, owner, key string, bodyMAC []byte, challengeID string, at time.Time) error

	// Stored answers: what an identical submission gets instead of another try.
	StoredAnswer(ctx context.Context, key []byte) (a Answer, at, until time.Time, err error)
	StoreAnswer(ctx context.Context, key []byte, a Answer, at, until time.Time) error
	ForgetAnswers(ctx context.Context, until time.Time) (left bool, err error)

	// Every text sent to a phone is noted under its kind, for the limits of one phone over all its challenges, and so is
	// whatever else such a limit counts. SentSince lists when, oldest first.
	NoteSent(ctx context.Context, numberMAC []byte, kind string, at time.Time) error
	SentSince(ctx context.Context, numberMACs [][]byte, kind string, after time.Time) ([]time.Time, error)
	ForgetSent(ctx context.Context, before time.Time) error

	// NoteCheck counts a check of a code, for the alarm against guessing; it is told of no identical submission.
	NoteCheck(ctx context.Context, wrong bool, at time.Time) error
	// NotePast counts a check of a phone that is past its allowance of wrong tails, for the alarm against that.
	NotePast(ctx context.Context, at time.Time) error

	// Send queues an SMS in this transaction; CancelSMS cancels what is still queued for a challenge; Settle tells the
	// queue that the person has shown to have received the challenge's SMS.
	Send(ctx context.Context, o Outgoing) (messageID string, err error)
	CancelSMS(ctx context.Context, challengeID string) error
	Settle(ctx context.Context, challengeID string) error

	// Emit writes an event in this transaction. Only its owner is told of it.
	Emit(ctx context.Context, typ, subject, owner string, data any) error
}

// Outgoing is a text to be sent: a code, or the answer to a reply (then Answer is true, and what becomes of it is no
// concern of the challenge).
type Outgoing struct {
	ChallengeID string
	Owner       string // the challenge's
	Payer       string // whose quota of texts it is charged to: the challenge's origin; "" for nobody's
	To          msisdn.Number
	Text        string
	Deadline    time.Time
	Answer      bool
	First       bool // its challenge's first code, of which InsertChallenge charged a segment to the payer
	Owed        bool // its person was let in before: no limit of a destination or payer refuses it any more
	PID         byte // TP-PID
}

// SMS is what the queue knows of one of a challenge's messages.
type SMS struct {
	MessageID string
	State     string    // the queue's word for it
	Accepted  time.Time // when the network took it, if it has
	Delivered time.Time // when the phone got it, if a report said so
}

// The queue's words for a message that no modem has been given yet, for one that the phone has, and for one that came to
// nothing: refused for good, too late for any modem, or cancelled.
const (
	smsQueued    = "queued"
	smsDelivered = "delivered"
	smsRejected  = "rejected"
	smsExpired   = "expired"
	smsCancelled = "cancelled"
)

// nothing says whether the message ended without having been on the air.
func (s SMS) nothing() bool {
	return s.State == smsRejected || s.State == smsExpired || s.State == smsCancelled
}

// Service is the rules at work. It is safe for concurrent use.
type Service struct {
	store     Store
	vault     Vault
	policy    Policy
	templates Templates
	draw      func() string // a new code
}

// New checks the policy and that every template, filled in, is one SMS with exactly one code in it.
func New(store Store, vault Vault, policy Policy, templates Templates) (*Service, error) {
	templates = templates.withDefaults()
	if err := errors.Join(policy.check(), templates.check()); err != nil {
		return nil, err
	}
	return &Service{store: store, vault: vault, policy: policy, templates: templates, draw: newCode}, nil
}
