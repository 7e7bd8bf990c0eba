package faults

import (
	"time"

	"attestd/modem/simulator"
)

var (
	restart = simulator.Fault{Fault: "restart"}
	forget  = simulator.Fault{Fault: "forget"}
)

// lines are faults of the serial line, and what else is said on it.
var lines = []Fault{
	{Name: "echo-lost", Modem: "stops echoing", strike: fated("99904", atOnce),
		Gateway: "does not need the echo"},
	{Name: "garbage", Modem: "bursts of garbage, with and without ends of line", strike: inTurn(sudden(simulator.Fault{Fault: "garbage"}), quietly(simulator.Fault{Fault: "garbage"})),
		Gateway: "drops it"},
	{Name: "urc-mid-send", Modem: "unsolicited lines between prompt and result, and between +CMGS and OK", strike: fated("99901", atOnce),
		Gateway: "tells them from answers"},
	{Name: "urc-everywhere", Modem: "an unsolicited line before every line of every answer and before every prompt, also during the handshake",
		strike:  inTurn(quietly(simulator.Fault{Fault: "chatty", For: "4s"}), quietly(restart), lasting("roaming", 4*time.Second)),
		Gateway: "tells them from answers", Within: RebootTarget},
	{Name: "inbound-mid-send", Modem: "announces a received text between prompt and result", strike: fated("99902", atOnce),
		Gateway: "fetches it after the result; stored, then deleted from the modem"},
	{Name: "no-carrier", Modem: "RING and NO CARRIER between prompt and result", strike: fated("99905", atOnce),
		Gateway: "does not take somebody else's call for its result"},
	{Name: "ussd-mid-send", Modem: "a +CUSD of two lines, the second of which is OK, between prompt and result", strike: fated("99906", atOnce),
		Gateway: "reads a quoted text to its end"},
	{Name: "ussd", Modem: "an unasked +CUSD while idle", strike: sudden(simulator.Fault{Fault: "ussd"}),
		Gateway: "logs it"},
	{Name: "nul-bytes", Modem: "NUL bytes around the result", strike: fated("99907", atOnce),
		Gateway: "drops them"},
	{Name: "single-bytes", Modem: "writes everything one byte a write", strike: lasting("single-bytes", 2*time.Second),
		Gateway: "does not care where a read ends"},
	{Name: "reads-nothing", Modem: "reads nothing for 3 s after a result", strike: fated("99908", answered), radio: late(1500 * time.Millisecond),
		Gateway: "no prompt: nothing was handed over; resynchronises, sends it again"},
	{Name: "hang", Modem: "is deaf and dumb for 4 s while idle", strike: lasting("hang", 4*time.Second),
		Gateway: "the same"},
	{Name: "blocked-write", Modem: "the line takes nothing in for 3 s: the write blocks", strike: lasting("block", 3*time.Second),
		Gateway: "goes on reading while it writes; waits up to 10 s"},
	{Name: "blocked-write-long", Modem: "the same for 14 s", strike: lasting("block", 14*time.Second),
		Gateway: "gives the port up after 10 s and opens it anew"},
	{Name: "baud", Modem: "the line runs at another speed for 4 s: everything is garbled both ways", strike: lasting("baud", 4*time.Second),
		Gateway: "no prompt: nothing was handed over; asks AT until it is answered"},
}

// cards are faults of the SIM and of the network.
var cards = []Fault{
	{Name: "sim-removed", Modem: "the SIM is gone for 3 s", strike: lasting("sim-removed", 3*time.Second),
		Gateway: "ends the session, looks again until there is a card"},
	{Name: "pin-again", Modem: "the SIM asks for its PIN again", strike: sudden(simulator.Fault{Fault: "pin"}), house: wantsPIN,
		radio:   func(c *simulator.Config) { c.PIN = "1234" },
		Gateway: "ends the session; the handshake enters the configured PIN, unless this card has refused it before"},
	{Name: "sim-full", Modem: "every store is full of old messages: the network cannot deliver", strike: sudden(simulator.Fault{Fault: "sim-full"}),
		Gateway: "drains it: stores all, deletes what is stored"},
	{Name: "network-lost", Modem: "loses the network for 3 s (searching)", strike: lasting("network-lost", 3*time.Second),
		Gateway: "offers no line meanwhile; nothing counts as a try"},
	{Name: "denied", Modem: "the network refuses registration for 3 s", strike: lasting("denied", 3*time.Second),
		Gateway: "the same, and says that the SIM may be barred"},
	{Name: "roaming", Modem: "roams for 2 s", strike: lasting("roaming", 2*time.Second),
		Gateway: "goes on, and shows it"},
	{Name: "csq-99", Modem: "+CSQ: 99,99 for 2 s", strike: lasting("no-signal", 2*time.Second),
		Gateway: "an unknown signal is no fault: goes on"},
	{Name: "inbound-flood", Modem: "60 texts come in at once", strike: flood(60),
		Gateway: "each is stored before it is acknowledged; sending goes on in between"},
}

// flood is many texts at once.
func flood(n int) func(*scene) error {
	return func(s *scene) error {
		for i := range n {
			if err := s.inject("flood " + string(rune('A'+i/10)) + string(rune('0'+i%10))); err != nil {
				return err
			}
		}
		s.over = append(s.over, time.Now())
		return s.meanwhile()
	}
}
