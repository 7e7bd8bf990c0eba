package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Recorded is an event as the store has it.
type Recorded struct {
	Seq     int64
	At      time.Time
	Type    string
	Subject string
	Data    json.RawMessage
}

// Moment is one thing that happened to a filing, to one of its persons or challenges, or to an SMS with one of its codes. It
// carries what events carry: no code, tail, name or whole number.
type Moment struct {
	Seq        int64
	At         time.Time
	Type       string // the event's: filing.received, challenge.open, message.delivered, check.refused, ...
	Challenge  string
	Person     string
	Message    string // the SMS
	Role       Role
	State      string
	Reason     string
	Mobile     string // masked
	Via        string // through which door a check came
	Modem      string
	Sends      int
	Wrong      int
	Changed    []string
	Supersedes string // of a filing: which one's place it took
	By         string // and which one took its place
}

// Timeline tells what happened to an owner's filing, oldest first: at most limit moments after seq. next continues it,
// 0 at its end.
// It goes back as far as events are kept.
func (s *Service) Timeline(ctx context.Context, owner, id string, after int64, limit int) (all []Moment, next int64, err error) {
	if limit <= 0 || limit > 1000 {
		return nil, 0, Invalid{{"limit", "must be from 1 to 1000"}}
	}
	f, err := s.filingOf(ctx, owner, id)
	if err != nil {
		return nil, 0, err
	}
	events, err := s.store.Story(ctx, f, after, limit+1)
	if err != nil {
		return nil, 0, fmt.Errorf("timeline: %w", err)
	}
	if len(events) > limit {
		events = events[:limit]
		next = events[limit-1].Seq
	}
	for _, e := range events {
		m, err := f.moment(e)
		if err != nil {
			return nil, 0, fmt.Errorf("timeline: event %d: %w", e.Seq, err)
		}
		all = append(all, m)
	}
	return all, next, nil
}

// MessageOf is the SMS that an event of a filing says to have queued, "" for none. Stores need it to find what became of it.
func MessageOf(e Recorded) string {
	var d struct {
		Message string `json:"message"`
	}
	if strings.HasPrefix(e.Type, "challenge.") {
		_ = json.Unmarshal(e.Data, &d) // an event that cannot be read fails in moment
	}
	return d.Message
}

// moment reads an event of a filing, or of an SMS of its.
func (f Filing) moment(e Recorded) (Moment, error) {
	var d struct {
		happened
		Modem  string `json:"modem"`
		Origin string `json:"origin"`
	}
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return Moment{}, err
	}
	m := Moment{
		Seq: e.Seq, At: e.At, Type: e.Type, Challenge: d.Challenge, Person: d.Person, Message: d.Message, Role: Role(d.Role), State: d.State,
		Reason: d.Reason, Mobile: d.Mobile, Via: d.Via, Modem: d.Modem, Sends: d.Sends, Wrong: d.Wrong, Changed: d.Changed,
		Supersedes: d.Supersedes, By: d.SupersededBy,
	}
	if strings.HasPrefix(e.Type, "message.") {
		m.Message = e.Subject
		m.Challenge = strings.TrimPrefix(d.Origin, "challenge:")
		for _, c := range f.Challenges {
			if c.ID == m.Challenge {
				m.Mobile = c.Mobile
			}
		}
	}
	return m, nil
}
