package soak

import (
	"context"
	"fmt"
	"slices"
	"time"

	"attestd/modem/simulator"
)

// mild are faults that a modem comes back from without a person. Not among them: a PIN that nobody told the gateway, a
// port that comes back under a name that is not in the configuration, and references that jump (a SIM's never do).
var mild = []string{
	"unplug", "restart", "hang", "stall", "garbage", "line", "baud", "no-echo", "network-lost", "denied", "roaming", "no-signal",
	"sim-removed", "sim-full", "ussd", "report", "flood", "text-profile", "deaf", "lossy", "card-busy",
}

// harm does something to some modem every other second.
func (s *soak) harm(ctx context.Context) {
	known := simulator.Faults()
	for ; ctx.Err() == nil; s.pause(ctx, 2*time.Second) {
		f := simulator.Fault{Modem: s.roll(s.o.Modems), Fault: mild[s.roll(len(mild))]}
		if !slices.ContainsFunc(known, func(k simulator.FaultKind) bool { return k.Name == f.Fault }) {
			continue
		}
		switch f.Fault {
		case "line":
			f.Value, f.Count = "RING", 3
		case "flood":
			f.Count = 5
		case "report":
			f.Count = 2
		case "garbage", "ussd", "sim-full", "no-echo", "restart", "text-profile", "deaf":
		default:
			f.For = fmt.Sprintf("%dms", 200+s.roll(4000))
		}
		if err := s.rig.Network.Fault(f); err != nil {
			s.o.Tell(f.Fault + ": " + err.Error())
			continue
		}
		s.mu.Lock()
		s.result.Faults[f.Fault]++
		s.mu.Unlock()
	}
}
