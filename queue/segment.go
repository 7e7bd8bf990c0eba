package queue

import (
	"fmt"
	"time"

	"attestd/pdu"
)

// what can happen to a segment.
type what uint8

const (
	claimed   what = iota // a line takes it; the attempt is written down in the same transaction
	unfit                 // it cannot be sent at all: its text cannot be encoded
	shut                  // it cannot be sent now: what is sealed does not open
	ended                 // an attempt has an outcome, at once or late
	reported              // a status report for one of its attempts
	seen                  // the recipient has shown that the text arrived
	timed                 // its time has come
	withdrawn             // its sender takes it back, or its message has ended without it: no more sending
)

// happening is one thing that happened to a segment.
type happening struct {
	what      what
	attempt   int // which attempt it is about (ended, reported)
	outcome   Outcome
	alike     int // ended: how many attempts of the segment have ended with the outcome's code, this one too
	status    pdu.Status
	discharge time.Time
	lanes     Lanes // who claimed it
	why       string
}

// terms are what a segment's next state depends on besides itself.
type terms struct {
	now        time.Time
	deadline   time.Time
	repeatable bool
	policy     Policy
}

// next is the segment's state machine: the only place where a segment's state changes. It is pure.
func (s Segment) next(h happening, t terms) Segment {
	s = s.learn(h, t)
	if s.State.Terminal() {
		return s // invariant: late data only adds facts
	}
	switch h.what {
	case claimed:
		if s.State == Queued {
			s.State, s.Due, s.Reason = Submitting, time.Time{}, ""
			s.Attempts++
			s.Station, s.SIM, s.MR = h.lanes.Station, h.lanes.SIM, -1
		}
	case unfit:
		if s.State == Queued {
			return s.fail(Rejected, h.why, t)
		}
	case shut:
		if s.State == Queued {
			s.Due, s.Reason = t.now.Add(t.policy.MaxBackoff), h.why
		}
	case ended:
		return s.ended(h, t)
	case reported:
		return s.reported(h, t)
	case seen:
		if s.State == Unknown || s.Doubt != 0 {
			s.State, s.Reason = Delivered, h.why
			if s.Discharged.IsZero() {
				s.Discharged = t.now
			}
		}
	case timed:
		return s.timed(t)
	case withdrawn:
		switch {
		case s.State == Queued && s.Doubt == 0:
			s.State, s.Reason = Cancelled, h.why
		case s.State == Queued, s.State == Unknown:
			s.Repeated = true // the repetition is forfeited; what may be on the air stays unknown
			s.State, s.Due, s.Reason = Unknown, t.reportBy(), h.why
		}
	}
	return s
}

// learn adds the facts that hold in any state, terminal ones too.
func (s Segment) learn(h happening, t terms) Segment {
	switch {
	case h.what == ended && h.outcome.Kind == OutcomeAccepted:
		if s.Submitted.IsZero() {
			s.Submitted = t.now
		}
		if h.attempt == s.Attempts {
			s.MR = int(h.outcome.MR)
		}
	case h.what == reported:
		class := h.status.Class()
		if s.Submitted.IsZero() && class != pdu.Failed {
			s.Submitted = t.now // the network had it, whatever the modem told us
		}
		// A delivery is never forgotten for a later failure of a repetition, nor a final status for a pending one.
		known := s.Status >= 0 && pdu.Status(s.Status).Class() != pdu.Pending
		if class == pdu.Delivered || !known && (class == pdu.Pending || h.attempt == s.Attempts) {
			s.Status = int(h.status)
		}
		if class == pdu.Delivered && s.Discharged.IsZero() {
			s.Discharged = t.now
			if !h.discharge.IsZero() {
				s.Discharged = h.discharge
			}
		}
	}
	if h.attempt != 0 && h.attempt == s.Doubt && !(h.what == ended && h.outcome.Kind == OutcomeUnknown) {
		s.Doubt = 0 // that attempt is in doubt no longer
		if h.what == ended && h.outcome.Kind != OutcomeAccepted && h.attempt == s.Attempts {
			s.Repeated = false // it was not sent after all: what follows is no repetition
		}
	}
	return s
}

// ended applies the outcome of an attempt, which may come late and after a repetition was begun.
func (s Segment) ended(h happening, t terms) Segment {
	proven := !s.Submitted.IsZero() // by this outcome, or by what was learned of an earlier attempt
	latest := h.attempt == s.Attempts
	switch {
	case s.State == Submitted:
		return s
	case s.State == Submitting && !latest:
		return s // the attempt under way decides, when it ends
	case proven:
		return s.submitted(t)
	case !latest:
		return s
	}
	s.Reason = h.outcome.Detail
	if h.usedUp() {
		return s.fail(Rejected, fmt.Sprintf("the same answer %d times: %s", h.alike, h.outcome.Detail), t)
	}
	switch h.outcome.Kind {
	case OutcomeRefused:
		return s.fail(Rejected, orElse(h.outcome.Detail, "the network refused it"), t)
	case OutcomeTemporary:
		return s.again(h.outcome, t)
	case OutcomeSick, OutcomeNotSent:
		s.Faults++
		switch {
		case s.Faults <= t.policy.MaxFaults:
			s.State, s.Due = Queued, t.now // others may take it at once; the line is what rests
		case h.outcome.NoTry: // it waits for better days until its deadline, but lets others go first
			s.State, s.Due = Queued, t.now.Add(longestRest)
		default:
			return s.again(h.outcome, t)
		}
	case OutcomeUnknown, OutcomeAccepted: // accepted is proven, above
		if s.State == Submitting {
			s.State, s.Due = Unknown, t.window(s)
		}
	}
	return s
}

// usedUp says whether an error that may come only so often has come that often.
func (h happening) usedUp() bool {
	failed := h.outcome.Kind == OutcomeTemporary || h.outcome.Kind == OutcomeSick
	return failed && h.outcome.MaxTries > 0 && h.alike >= h.outcome.MaxTries
}

// again counts a temporary error and waits, or gives up.
func (s Segment) again(o Outcome, t terms) Segment {
	if s.Tries++; s.Tries >= t.policy.MaxAttempts {
		return s.fail(Rejected, "attempts used up: "+orElse(o.Detail, "temporary errors"), t)
	}
	s.State, s.Due = Queued, t.now.Add(t.policy.wait(s.Tries, o.RetryAfter))
	return s
}

// wait is how long a segment rests after its nth temporary error. least is what the error itself asks for: the first
// time
// that is enough, and after that the policy's backoff counts too, so that an error which asks for seconds does not use
// up
// all attempts within them.
func (p Policy) wait(n int, least time.Duration) time.Duration {
	if least > 0 {
		n--
	}
	if n < 1 {
		return least
	}
	return max(least, min(p.Backoff<<min(n-1, 20), max(p.MaxBackoff, p.Backoff)))
}

// reported applies a status report, which is also proof that the network took that attempt.
func (s Segment) reported(h happening, t terms) Segment {
	switch h.status.Class() {
	case pdu.Delivered:
		s.State, s.Reason = Delivered, ""
	case pdu.Pending: // TS 23.040 9.2.3.15: the service centre still tries; not final
		if s.State == Unknown || s.State == Queued {
			return s.submitted(t)
		}
	case pdu.Failed:
		if h.attempt == s.Attempts {
			return s.fail(Undelivered, h.why, t)
		}
	}
	return s
}

func (s Segment) timed(t terms) Segment {
	switch s.State {
	case Queued:
		if !t.now.Before(t.deadline) {
			return s.fail(Expired, "its deadline came first", t)
		}
	case Submitted:
		if !t.now.Before(s.Due) {
			s.State, s.Reason = Unreported, "no status report came in time"
		}
	case Unknown:
		switch {
		case t.now.Before(s.Due):
		case t.mayRepeat(s):
			s.State, s.Due, s.Repeated, s.Doubt = Queued, t.now, true, s.Attempts
			s.Reason = "repeated: no proof came that it was sent"
		case t.now.Before(t.deadline.Add(t.policy.ReportWindow)):
			s.Due = t.deadline.Add(t.policy.ReportWindow)
		default:
			s.State, s.Reason = Unreported, "its outcome stayed unknown"
		}
	case Submitting, Delivered, Undelivered, Unreported, Rejected, Expired, Cancelled:
	}
	return s
}

// submitted is the state of a segment that the network took.
func (s Segment) submitted(t terms) Segment {
	s.State, s.Due, s.Reason = Submitted, t.reportBy(), ""
	return s
}

// fail ends the segment, unless an earlier attempt of it may still turn out to have arrived: unknown is never rounded
// to failure.
func (s Segment) fail(state State, why string, t terms) Segment {
	if s.Doubt != 0 || !s.Submitted.IsZero() && state != Undelivered {
		s.State, s.Due, s.Reason = Unknown, t.reportBy(), "the repetition failed: "+why
		return s
	}
	s.State, s.Reason = state, why
	return s
}

// reportBy is until when a status report may come: the network gives up at the deadline, and then says so.
func (t terms) reportBy() time.Time {
	from := t.deadline
	if t.now.After(from) {
		from = t.now // a late start: reports still lie in the SIM
	}
	return from.Add(t.policy.ReportWindow)
}

// mayRepeat says whether the segment may be sent once more without knowing what became of the last attempt.
func (t terms) mayRepeat(s Segment) bool {
	return t.repeatable && !s.Repeated && t.policy.OnUnknown != Hold && t.now.Before(t.deadline)
}

// window is until when an unknown segment waits for evidence before it is looked at again. A report can settle the
// doubt for as long as one may come; only a segment that may be repeated has reason to wait less.
func (t terms) window(s Segment) time.Time {
	wait := t.policy.EvidenceWindow
	if t.policy.OnUnknown == Repeat {
		wait = t.policy.RepeatAfter
	}
	if end := t.now.Add(wait); t.mayRepeat(s) && end.Before(t.deadline) {
		return end
	}
	return t.reportBy()
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
