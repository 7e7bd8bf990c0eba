package gateway

import (
	"testing"

	"attestd/modem/simulator"
	"attestd/queue"
)

func TestAModemThatHasBecomeDeafIsFoundSoSaidSoAndHeardAgain(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{Commands: true}, brisk, nil)
	wait(t, "line", h.lines)
	eventually(t, f, func(Status) bool { return said(network)["AT+CNMI?"] > 0 })
	strike(t, network, simulator.Fault{Fault: "deaf"})
	if err := network.Inject(0, "+8613700000001", "unheard"); err != nil {
		t.Fatal(err)
	}
	wait(t, "the text that was not announced", h.stored)
	if s := eventually(t, f, func(s Status) bool { return s.Deaf == "" }); s.Deafened != 1 || s.State != Ready {
		t.Errorf("found deaf %d times, %s", s.Deafened, s.State)
	}
	if err := network.Inject(0, "+8613700000001", "heard"); err != nil {
		t.Fatal(err)
	}
	wait(t, "the text after it", h.stored)
}

func TestAModemInTextModeIsFoundWhileItIsIdleAndSendsNothingBeforeItIsMended(t *testing.T) {
	f, h, network := fleetOf(t, simulator.Config{}, brisk, nil)
	line := wait(t, "line", h.lines)
	strike(t, network, simulator.Fault{Fault: "text-profile"})
	if o := submit(t, line, "+8613900000001", "before it was found"); o.Kind == queue.OutcomeAccepted { // its health is asked for meanwhile
		for _, e := range network.Ledger() {
			if e.Kind == simulator.KindSubmit && e.To != "+8613900000001" {
				t.Errorf("a text went out to %q", e.To)
			}
		}
	}
	wait(t, "line taken back", h.gone)
	line = wait(t, "line again", h.lines)
	if o := submit(t, line, "+8613900000001", "after"); o.Kind != queue.OutcomeAccepted {
		t.Errorf("%+v", o)
	}
	if s := eventually(t, f, func(s Status) bool { return s.State == Ready }); s.Recoveries[Reinit] != 1 {
		t.Errorf("%v", s.Recoveries)
	}
}
