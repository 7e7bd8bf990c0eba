package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"attestd/modem"
	"attestd/queue"
)

// submit is the queue's way to put a TPDU on air. A modem that fails again and again for reasons that are not the
// message's ends its session.
func (s *session) submit(ctx context.Context, attemptID string, tpdu []byte) queue.Outcome {
	mr, err := s.m.Submit(ctx, attemptID, tpdu)
	o := outcome(mr, err)
	s.count(o)
	if s.isSick(o) {
		s.end(fmt.Errorf("the modem accepts nothing: %s", o.Detail))
	}
	return o
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

// isSick keeps count of failures in a row. A refusal of one message says nothing about the modem.
func (s *session) isSick(o queue.Outcome) bool {
	switch o.Kind {
	case queue.OutcomeAccepted, queue.OutcomeRefused:
		s.strikes.Store(0)
		return false
	case queue.OutcomeSick:
		return true
	}
	return s.strikes.Add(1) >= sickAfter
}

// outcome says in the queue's words how a submission ended.
func outcome(mr byte, err error) queue.Outcome {
	switch {
	case err == nil:
		return queue.Outcome{Kind: queue.OutcomeAccepted, MR: mr}
	case errors.Is(err, modem.ErrOutcomeUnknown):
		return queue.Outcome{Kind: queue.OutcomeUnknown, Detail: err.Error()}
	case errors.Is(err, modem.ErrNotSent):
		return queue.Outcome{Kind: queue.OutcomeNotSent, Detail: err.Error()}
	}
	class := modem.Classify(err)
	o := queue.Outcome{Code: max(class.Code, 0), RetryAfter: class.RetryAfter, Detail: err.Error()}
	switch class.Kind {
	case modem.Accepted: // CMS 197: the SMSC has it already; its reference is lost
		o.Kind = queue.OutcomeUnknown
	case modem.Permanent:
		o.Kind = queue.OutcomeRefused
	case modem.Doubt:
		o.Kind = queue.OutcomeUnknown
	case modem.Sick, modem.Account, modem.Misconfigured:
		o.Kind = queue.OutcomeSick
	default:
		o.Kind = queue.OutcomeTemporary
	}
	return o
}
