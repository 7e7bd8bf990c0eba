package queue

import (
	"context"
	"slices"
	"time"
)

func (q *Queue) terms(m Message, now time.Time) terms {
	return terms{now: now, deadline: m.Deadline, repeatable: m.Repeatable, policy: q.Policy()}
}

// apply lets something happen to one part of a message (to every part when seq is 0), brings the message up to date,
// writes what changed and tells who watches. It is the only way in which stored states change.
func (q *Queue) apply(ctx context.Context, tx Tx, m Message, seq int, h happening, now time.Time) (Message, error) {
	was, before := m.State, slices.Clone(m.Parts)
	m.Parts = slices.Clone(m.Parts)
	t := q.terms(m, now)
	for i := range m.Parts {
		if seq == 0 || m.Parts[i].Seq == seq {
			m.Parts[i] = m.Parts[i].next(h, t)
		}
	}
	if h.what == claimed {
		m.Station, m.SIM = h.lanes.Station, h.lanes.SIM
	}
	m = m.fold(now)
	if m.State.Terminal() { // what is left of it is not sent: no handset could join it
		for i := range m.Parts {
			m.Parts[i] = m.Parts[i].next(happening{what: withdrawn, why: "the message had ended"}, t)
		}
	}
	m = m.lanes()
	for i, p := range m.Parts {
		if p == before[i] {
			continue
		}
		if p.State == Queued || p.State == Unknown || p.State == Submitted && !now.Before(m.Deadline) {
			tx.Wake() // there is work, or a time to keep
		}
		if err := tx.SaveSegment(ctx, p); err != nil {
			return m, err
		}
	}
	wipe := m.State.Terminal() && q.Policy().KeepTexts == 0 && !m.Wiped
	if wipe {
		m.Text, m.Wiped = "", true
	}
	if err := tx.SaveMessage(ctx, m, wipe); err != nil {
		return m, err
	}
	if m.State == was {
		return m, nil
	}
	return m, q.changed(ctx, tx, m, was)
}

// eventData is what the world is told of a message: neither its text nor its whole number.
type eventData struct {
	State    State  `json:"state"`
	From     State  `json:"from,omitempty"`
	Reason   string `json:"reason,omitempty"`
	To       string `json:"to"`
	Modem    string `json:"modem,omitempty"`
	Origin   string `json:"origin,omitempty"`
	Segments int    `json:"segments"`
	Attempts int    `json:"attempts"`
}

// changed announces a new state of a message.
func (q *Queue) changed(ctx context.Context, tx Tx, m Message, was State) error {
	if m.State != Submitting { // it lasts seconds; who wants to know reads the attempts
		err := tx.Emit(ctx, "message."+string(m.State), m.ID, m.Owner, eventData{
			State: m.State, From: was, Reason: m.Reason, To: m.To.String(), Modem: m.Station,
			Origin: m.Origin, Segments: m.Segments, Attempts: m.Attempts,
		})
		if err != nil {
			return err
		}
	}
	if q.observe == nil {
		return nil
	}
	return q.observe(ctx, tx, m)
}
