package queue

import (
	"fmt"
	"slices"
	"time"
)

// worse orders what one part can do to the whole, worst first. A message is as good as its worst part; while
// nothing is lost, it is as far as its slowest.
var worse = []State{Rejected, Undelivered, Expired, Cancelled, Unknown, Submitting, Queued, Submitted, Unreported, Delivered}

// stateOf folds the states of the parts into that of the message.
func stateOf(parts []Segment) (State, string) {
	var has [16]bool // by place in worse
	for _, p := range parts {
		for i, s := range worse {
			if p.State == s {
				has[i] = true
			}
		}
	}
	for i, s := range worse {
		if !has[i] {
			continue
		}
		if s == Queued && (has[7] || has[8] || has[9]) {
			return Submitting, "" // some parts are out, the others wait for a line
		}
		return s, reasonOf(parts, s)
	}
	return Queued, ""
}

// reasonOf says why, and of a long message also which part it was and how much of it is out: a handset may show that much.
func reasonOf(parts []Segment, s State) string {
	i := slices.IndexFunc(parts, func(p Segment) bool { return p.State == s && p.Reason != "" })
	if i < 0 {
		return ""
	}
	if len(parts) == 1 {
		return parts[i].Reason
	}
	why := fmt.Sprintf("part %d of %d: %s", parts[i].Seq, len(parts), parts[i].Reason)
	out := 0
	for _, p := range parts {
		if !p.Submitted.IsZero() {
			out++
		}
	}
	if s.Terminal() && out > 0 {
		why += fmt.Sprintf("; parts that went out: %d", out)
	}
	return why
}

// fold brings the message up to date with its parts. A terminal state stays; facts are added to it.
func (m Message) fold(now time.Time) Message {
	m.Updated = now
	m.Attempts = 0
	var last time.Time
	all := true
	for _, p := range m.Parts {
		m.Attempts += p.Attempts
		if !p.Submitted.IsZero() && (m.Accepted.IsZero() || p.Submitted.Before(m.Accepted)) {
			m.Accepted = p.Submitted
		}
		all = all && !p.Discharged.IsZero()
		if p.Discharged.After(last) {
			last = p.Discharged
		}
	}
	if all {
		m.Delivered = last
	}
	if m.State.Terminal() {
		return m
	}
	m.State, m.Reason = stateOf(m.Parts)
	if m.State.Terminal() {
		m.Ended = now
	}
	return m
}

// lanes says who may take the parts that still wait. The parts of one message go through one SIM: a handset joins parts
// only if they come from one number (TS 23.040 9.2.3.24.1). Until the first is out, any line will do.
func (m Message) lanes() Message {
	if m.Segments < 2 {
		return m
	}
	lane := m.lane()
	for _, p := range m.Parts {
		if p.SIM != "" && (p.State != Queued || p.Doubt != 0) && !(p.State == Cancelled || p.State == Rejected) {
			lane = simLane(p.SIM)
			break
		}
	}
	for i := range m.Parts {
		if m.Parts[i].State == Queued {
			m.Parts[i].Lane = lane
		}
	}
	return m
}

// lane is who may take the message as its sender wants it.
func (m Message) lane() string {
	if m.Modem == "" {
		return ""
	}
	return stationLane(m.Modem)
}
