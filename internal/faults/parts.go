package faults

import (
	"fmt"
	"slices"
	"strings"

	"attestd/internal/client"
	"attestd/modem/simulator"
)

// part is one SMS-SUBMIT's worth of a message; a short message is one part.
type part struct{ State string }

// status is what the API says of a message, and of each of its parts.
type status struct {
	client.Message
	Parts []part
}

// spot is one part of the message to one recipient; no two messages of a run have the same.
type spot struct {
	to   string
	part int
}

// countParts compares what went on air with what the API says, part by part: of a long message each must go on air, once.
func (s *scene) countParts() {
	r := &s.result
	times, texts := map[spot]int{}, map[spot]string{}
	for _, e := range s.network.Ledger() {
		if e.Kind == simulator.KindSubmit && e.Accepted {
			at := spot{e.To, max(1, e.Part)}
			times[at]++
			texts[at] = e.Text
			if !slices.ContainsFunc(s.sent, func(m *message) bool { return m.to == e.To }) {
				r.Broken = append(r.Broken, fmt.Sprintf("a text went out to %q, whom nobody meant", e.To))
			}
		}
	}
	sent := []string{"submitted", "delivered"}
	for _, m := range s.sent {
		var heard strings.Builder
		missing := false
		for i, p := range m.parts {
			at := spot{m.to, i + 1}
			n := times[at]
			heard.WriteString(texts[at])
			missing = missing || n == 0
			r.Sent++
			r.OnAir += min(n, 1)
			switch {
			case n == 0 && (slices.Contains(sent, m.state) || slices.Contains(sent, p.State)):
				r.Lost++
			case n > 0 && slices.Contains([]string{"queued", "rejected", "expired", "cancelled"}, p.State):
				r.Broken = append(r.Broken, fmt.Sprintf("part %d of %q went out, and is said to be %s", i+1, m.short(), p.State))
			case n > 1 && m.repeatable && n == 2:
				r.Repeated++
			case n > 1:
				r.Doubled++
			}
		}
		if !missing && heard.String() != m.text {
			r.Broken = append(r.Broken, fmt.Sprintf("%q went out as another text", m.short()))
		}
		if m.struck {
			r.Struck[m.state]++
			if got := m.rest(); s.Parts != "" && got != s.Parts {
				r.Broken = append(r.Broken, fmt.Sprintf("the parts of %q are %s, not %s", m.short(), got, s.Parts))
			}
		}
	}
}

// rest says where its parts are.
func (m *message) rest() string {
	var all []string
	for _, p := range m.parts {
		all = append(all, p.State)
	}
	return strings.Join(all, ", ")
}

// short is its text up to the first full stop, which no two messages have in common.
func (m *message) short() string {
	head, _, _ := strings.Cut(m.text, ".")
	return head
}
