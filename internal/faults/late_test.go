package faults

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

// TestALateReferenceIsNeverCreditedToAnotherMessage sends under load while every fourth submit's +CMGS comes late: within the
// time that it is waited for, just after it, and long after, into another submit. Whatever reference the API then
// names for a message must be the one that the network gave to that very message.
func TestALateReferenceIsNeverCreditedToAnotherMessage(t *testing.T) {
	for _, c := range []struct{ after, radio, ask time.Duration }{
		{after: 1300 * time.Millisecond, radio: 20 * time.Millisecond},
		{after: 2300 * time.Millisecond, radio: 20 * time.Millisecond},
		// Given up for good, and said while another submit is under way.
		{after: 2600 * time.Millisecond, radio: 700 * time.Millisecond},
		{after: 3000 * time.Millisecond, radio: 700 * time.Millisecond},
		{after: 4000 * time.Millisecond, radio: 700 * time.Millisecond},
		// Answered when asked whether it still sends, which it does.
		{after: 4 * time.Second, radio: 700 * time.Millisecond, ask: 300 * time.Millisecond},
		{after: 6300 * time.Millisecond, radio: 700 * time.Millisecond, ask: 300 * time.Millisecond},
		{after: 8 * time.Second, radio: 700 * time.Millisecond, ask: 300 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%v late, %v on air, asked after %v", c.after, c.radio, c.ask), func(t *testing.T) {
			t.Parallel()
			s := newScene(t.Context(), Fault{
				Name: "late", radio: func(sim *simulator.Config) { sim.Late, sim.Radio = c.after, c.radio },
				house: func(cfg *config.Config) {
					if cfg.Modem[0].AskAfter = c.ask; c.ask == 0 {
						hasty(cfg)
					}
				},
			})
			r, err := s.start(Options{Log: logOf(t)})
			if r != nil {
				defer func() {
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}()
			}
			if err != nil {
				t.Fatal(err)
			}
			n := 24
			if c.ask > 0 {
				n = 16 // each that is late takes six seconds
			}
			for i := range n {
				suffix := ""
				switch {
				case i%4 == 1:
					suffix = "99613" // overdue
				case i%8 == 4:
					suffix = "99610" // no result ever, and not on air: its neighbour's late result is not its own
				}
				if _, err := s.send(suffix, i%2 == 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.rest("after the load"); err != nil {
				t.Error(err)
			}
			given := map[string]map[int]bool{} // text to the references that the network gave it
			for _, e := range s.network.Ledger() {
				if e.Kind == simulator.KindSubmit && e.Accepted {
					if given[e.Text] == nil {
						given[e.Text] = map[int]bool{}
					}
					given[e.Text][*e.MR] = true
				}
			}
			for _, m := range s.sent {
				var now struct {
					State string              `json:"state"`
					Parts []struct{ MR *int } `json:"parts"`
					Tries []struct{ MR *int } `json:"tries"`
				}
				if err := s.api.Do(t.Context(), http.MethodGet, "/v1/messages/"+m.id, nil, &now); err != nil {
					t.Fatal(err)
				}
				if len(now.Tries) == 0 {
					t.Fatalf("%s has no try", m.text)
				}
				for _, named := range append(now.Parts, now.Tries...) {
					if named.MR != nil && !given[m.text][*named.MR] {
						t.Errorf("%s (%s): it is said to have reference %d, the network gave it %s", m.text, m.to, *named.MR, fmt.Sprint(given[m.text]))
					}
				}
				if n := len(given[m.text]); n > 1 || n == 0 && now.State != "unknown" && now.State != "queued" && now.State != "submitting" {
					t.Errorf("%s is %s and went out %d times", m.text, now.State, n)
				}
			}
		})
	}
}
