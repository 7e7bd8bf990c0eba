package gateway

import (
	"context"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"
)

func TestNoRungIsTakenBeforeTheLateResultCameOrCanComeNoMore(t *testing.T) {
	network, err := simulator.New(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	port, err := network.Modem(0).Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := modem.Open(t.Context(), modem.Config{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Close()
		_ = network.Close()
	})
	const wait = 200 * time.Millisecond
	for name, c := range map[string]struct {
		symptom Symptom
		doubt   time.Duration // 0 is none
		came    bool          // its late result
		stop    bool          // the gateway stops
		waits   bool
	}{
		"it waits":                               {symptom: Silent, doubt: wait, waits: true},
		"also when it accepts nothing":           {symptom: Barren, doubt: wait, waits: true},
		"nothing is in doubt":                    {symptom: Silent},
		"the result came":                        {symptom: Silent, doubt: time.Hour, came: true},
		"a restart has destroyed it":             {symptom: Restarted, doubt: time.Hour},
		"the gateway stops, and nothing is done": {symptom: Silent, doubt: time.Hour, stop: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(&station{}, m)
			if c.doubt > 0 {
				until := time.Now().Add(c.doubt)
				s.doubt.Store(&until)
			}
			if c.came {
				time.AfterFunc(wait/8, func() { s.doubt.Store(nil); poke(s.settled) })
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.stop {
				cancel()
			}
			began := time.Now()
			if may := s.outOfDoubt(ctx, c.symptom); may == c.stop {
				t.Errorf("may a rung be taken: %t", may)
			}
			if took := time.Since(began); took >= wait != c.waits || took > time.Minute {
				t.Errorf("it waited %v", took)
			}
		})
	}
}
