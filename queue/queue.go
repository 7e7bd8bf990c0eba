// Package queue sends messages: durably, paced, and each once.
//
// A message is cut into segments; a segment is handed to a modem in an attempt; an attempt has an outcome. The attempt
// is committed before it is made, so that after any crash the database knows what may be on the air. What nobody
// can tell is a state of its own, Unknown: evidence settles it (a status report that fits, a late result, the recipient's
// own successful check), and only when none came in time may a message whose sender declared it repeatable go once more.
//
// The state machine is pure: Segment.next in segment.go is the only place where a segment's state changes, and a
// message's state is a fold over its segments (fold.go). Around it stand three movers, each a short transaction: the
// dispatcher (dispatch.go) hands work to lines, Report and LateResult bring what the network says, and Sweep does what
// time does. Nothing polls.
package queue

import (
	"context"
	"sync/atomic"
	"time"
)

// Policy is how the queue decides.
type Policy struct {
	DefaultDeadline time.Duration // for drafts without one
	MaxAttempts     int           // temporary errors before a segment is rejected
	MaxFaults       int           // attempts spoiled by sick modems before they count as temporary errors
	Backoff         time.Duration // after the first temporary error; doubles with each
	MaxBackoff      time.Duration
	// EvidenceWindow is how long a repeatable message whose outcome nobody knows waits for proof before it is repeated.
	EvidenceWindow time.Duration
	// ReportWindow is how long after its deadline a status report may still come. The network gives up at the deadline.
	ReportWindow time.Duration
	HoldReports  time.Duration // how long a report that nothing fits is kept for the outcome that it may have overtaken
	OnUnknown    OnUnknown
	RepeatAfter  time.Duration // with OnUnknown "repeat": how long a late result is waited for
	KeepTexts    time.Duration // after the end of a message; 0 wipes them with the end, negative keeps them
	KeepNumbers  time.Duration // after the end of a message; negative keeps them
}

// OnUnknown is what to do with a message whose outcome nobody knows.
type OnUnknown string

// The choices. None of them repeats a message that its sender did not declare repeatable, or repeats it twice.
const (
	Wait   OnUnknown = "wait"   // for evidence, then repeat
	Repeat OnUnknown = "repeat" // as soon as a late result is no longer likely: for networks without status reports
	Hold   OnUnknown = "hold"   // never repeat: wait for evidence, then show it as unreported
)

// DefaultPolicy is what the configuration's defaults amount to.
func DefaultPolicy() Policy {
	return Policy{
		DefaultDeadline: 24 * time.Hour,
		MaxAttempts:     5,
		MaxFaults:       20,
		Backoff:         30 * time.Second,
		MaxBackoff:      30 * time.Minute,
		EvidenceWindow:  5 * time.Minute,
		ReportWindow:    time.Hour,
		HoldReports:     15 * time.Minute,
		OnUnknown:       Wait,
		RepeatAfter:     time.Minute,
		KeepTexts:       0,
		KeepNumbers:     30 * 24 * time.Hour,
	}
}

// Observer is told of every change of a message's state, in the transaction of the change.
type Observer func(ctx context.Context, tx Tx, m Message) error

// Queue is the door to all of it.
type Queue struct {
	store   Store
	rules   atomic.Pointer[Policy]
	observe Observer
	barrier Barrier // nil lets everything pass
	began   time.Time
}

// New makes a queue over a store. observe may be nil.
func New(s Store, p Policy, observe func(ctx context.Context, tx Tx, m Message) error) *Queue {
	q := with(p)
	q.store, q.observe, q.began = s, observe, time.Now()
	return q
}

// with makes a queue for what happens in a transaction of the caller's.
func with(p Policy) *Queue {
	q := &Queue{}
	q.Follow(p)
	return q
}

// Follow has the queue decide by another policy from now on.
func (q *Queue) Follow(p Policy) { q.rules.Store(&p) }

// Policy is what the queue decides by now.
func (q *Queue) Policy() Policy { return *q.rules.Load() }
