package gateway

import (
	"slices"
	"testing"

	"attestd/modem/simulator"
)

// Nothing that came in is deleted (AT+CMGD) or acknowledged (AT+CNMA) before it is stored, however it came: whenever that is
// tried, the modem or the network must still have it. Once it is stored, it is.
func TestWhatCannotBeStoredStaysInTheModemUntilItCan(t *testing.T) {
	forgotten := func(e simulator.Entry) bool {
		return e.Kind == simulator.KindDelete || (e.Kind == simulator.KindDeliver || e.Kind == simulator.KindReport) && e.Detail == "acknowledged"
	}
	for name, c := range map[string]struct {
		direct bool
		come   func(*testing.T, *house, *simulator.Network)
	}{
		"a text that lies in the modem": {false, text},
		"a text that is handed over":    {true, text},
		"a status report": {false, func(t *testing.T, h *house, _ *simulator.Network) {
			submit(t, wait(t, "line", h.lines), "+8613900000001", "hello")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, h, network := keep(t, simulator.Config{}, func(s *StationConfig) { s.Modem.DirectDelivery = c.direct })
			tries, early := 0, false
			h.mu.Lock()
			h.failing = 3
			h.trying = func() {
				tries++
				early = early || slices.ContainsFunc(network.Ledger(), forgotten)
			}
			h.mu.Unlock()
			entries, stop := network.Watch(1024)
			defer stop()
			c.come(t, h, network)
			wait(t, "store", h.stored)
			for !forgotten(wait(t, "deletion or acknowledgement", entries)) {
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if tries != 4 || early {
				t.Errorf("%d tries; let go before it was stored: %t", tries, early)
			}
		})
	}
}

func text(t *testing.T, h *house, network *simulator.Network) {
	wait(t, "line", h.lines)
	if err := network.Inject(0, "+8613900000001", "keep me"); err != nil {
		t.Fatal(err)
	}
}
