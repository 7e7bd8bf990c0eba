package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"attestd/modem"
	"attestd/pdu"
	"attestd/queue"
)

// submit is the queue's way to put a TPDU on air. A modem that fails again and again for reasons that are not the
// message's is sick.
func (s *session) submit(ctx context.Context, sub queue.Submission) queue.Outcome {
	var owing modem.Owing
	if !sub.Owed.None() {
		owing = modem.Owing{Owners: sub.Owed.Owners, Newer: sub.Owed.Newer, Patience: sub.Owed.Patience()}
	}
	s.flight.Store(newFlight(sub))
	got, err := s.m.SubmitOwing(ctx, sub.AttemptID, sub.TPDU, owing)
	s.flight.Store(nil)
	o := outcome(got.MR, err)
	o.Shared = got.Shared && sub.Owed.Contested(int(got.MR))
	s.count(o)
	switch o.Kind {
	case queue.OutcomeAccepted:
		s.proved.Store(true)
	case queue.OutcomeUnknown:
		if err != nil && errors.Is(err, modem.ErrOutcomeUnknown) {
			until := time.Now().Add(s.lateWait())
			s.doubt.Store(&until)
		}
		poke(s.look) // is it still there?
	}
	if modem.MemoryFull(err) {
		poke(s.full) // drained, there is room again
	}
	if s.breaker.count(o, err, sub.TPDU) {
		s.end(&fault{Barren, fmt.Errorf("the modem accepts nothing: %s", o.Detail)})
	}
	return o
}

// flight is the submission under way.
type flight struct {
	attempt, to string
	began       time.Time
}

func newFlight(sub queue.Submission) *flight {
	p, err := pdu.Decode(sub.TPDU, pdu.MO)
	if err != nil || p.Submit == nil {
		return nil
	}
	return &flight{sub.AttemptID, p.Submit.To.String(), time.Now()}
}

// clocksApart is how far the service centre's clock may be behind ours in a report that is taken for that of the submission under way.
const clocksApart = 5 * time.Second

// heard tells the modem that the submission under way has reached the network, if this is its status report: some modems lose the
// final result, and the whole submit_timeout would be waited for in vain. A mistake costs nothing but the wait: the queue judges by itself.
func (s *session) heard(tpdu []byte) {
	f := s.flight.Load()
	if f == nil {
		return
	}
	p, err := pdu.Decode(tpdu, pdu.MT)
	if r := p.Report; err == nil && r != nil && pdu.SameRecipient(f.to, r.Recipient.String()) && r.SCTS.After(f.began.Add(-clocksApart)) {
		s.m.Known(f.attempt)
	}
}

func (s *session) count(o queue.Outcome) {
	s.change(func(st *Status) {
		if o.Kind == queue.OutcomeAccepted {
			st.Submitted++
			st.LastSubmit = time.Now()
		} else if o.Kind != queue.OutcomeNotSent {
			st.Failed++
		}
	})
}

// outcome says in the queue's words how a submission ended.
func outcome(mr byte, err error) queue.Outcome {
	switch {
	case err == nil:
		return queue.Outcome{Kind: queue.OutcomeAccepted, MR: mr}
	case errors.Is(err, modem.ErrOutcomeUnknown):
		return queue.Outcome{Kind: queue.OutcomeUnknown, Unanswered: true, Detail: err.Error()}
	}
	class := modem.Classify(err)
	o := judged(class)
	o.Detail = class.Describe(err)
	if errors.Is(err, modem.ErrNotSent) {
		o.Kind, o.Code, o.RetryAfter = queue.OutcomeNotSent, 0, 0
	}
	return o
}

// judged is what a class of errors means to the queue. What counts no try of the message's is the terminal's own
// trouble:
// the modem rests, and the message may go by another at once.
func judged(class modem.Class) queue.Outcome {
	o := queue.Outcome{Code: max(class.Code, 0), RetryAfter: class.RetryAfter, NoTry: class.NoTry, MaxTries: class.MaxTries}
	switch class.Kind {
	case modem.Accepted: // CMS 197: the SMSC has it already; its reference is lost
		o.Kind = queue.OutcomeUnknown
	case modem.Permanent:
		o.Kind = queue.OutcomeRefused
	case modem.Doubt:
		o.Kind = queue.OutcomeUnknown
	case modem.Sick, modem.Account, modem.Misconfigured:
		o.Kind = queue.OutcomeSick
	case modem.Temporary:
		if o.Kind = queue.OutcomeTemporary; class.NoTry {
			o.Kind = queue.OutcomeSick
		}
	}
	return o
}
