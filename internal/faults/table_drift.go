package faults

import (
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

// drifts are modems that are no longer as they were set up, and lines that lose what is said.
var drifts = []Fault{
	{Name: "text-mode-outward", Modem: "restarts unseen with a stored profile: text mode, no echo; messages wait", strike: sudden(simulator.Fault{Fault: "text-profile"}),
		Gateway: "asks for the mode before each submission: nothing is handed over in text mode; the whole handshake again"},
	{Name: "text-mode-inward", Modem: "the same, and a text is announced", strike: inward("text-profile"),
		Gateway: "knows the head of text mode: deletes nothing, initialises it again, and reads the text as a PDU"},
	{Name: "lossy-line", Modem: "loses characters of every second PDU that it gives, for 8 s", strike: lasting("lossy", 8*time.Second),
		Gateway: "compares what came with the length announced: reads again, refuses with AT+CNMA=2, and deletes or acknowledges what was read whole"},
	{Name: "lossy-line-direct", Modem: "the same, while it hands texts over (`direct_delivery`)", strike: lasting("lossy", 8*time.Second), house: direct,
		Gateway: "refuses what did not come whole with AT+CNMA=2: the network gives it again"},
	{Name: "lossy-line-listed", Modem: "the same, while 40 old texts are listed", strike: lossyList,
		Gateway: "the same, by itself for each text of the list; a slot is read before it is deleted"},
	{Name: "card-busy", Modem: "restarts; its card is READY, and busy (+CME ERROR: 14) for 10 s more", strike: busyCard(10 * time.Second), Within: RebootTarget,
		Gateway: "asks again until card, store and indications are there; only then the session begins"},
	{Name: "deaf", Modem: "its AT+CNMI becomes 0,0,0,0,0 by itself", Deaf: true, strike: inward("deaf"), Within: 40 * time.Second,
		Gateway: "asks for it with each look at its health (30 s), says it, sets it again and lists the stores"},
	{Name: "ussd-quote-mid-send", Modem: "a +CUSD with a quote in its text, between prompt and result", strike: fated("99909", atOnce),
		Gateway: "the text is over with its line"},
}

// inward strikes the modem itself while nothing is sent; a text comes in after it.
func inward(fault string) func(*scene) error {
	return func(s *scene) error {
		if err := s.fault(simulator.Fault{Fault: fault}); err != nil {
			return err
		}
		s.over = append(s.over, time.Now())
		if err := s.inject("meanwhile"); err != nil {
			return err
		}
		return s.rest("the text that came meanwhile")
	}
}

// direct has texts handed over.
func direct(c *config.Config) {
	for i := range c.Modem {
		c.Modem[i].DirectDelivery = true
	}
}

// lossyList has full stores listed over a line that loses characters.
func lossyList(s *scene) error {
	if err := s.fault(simulator.Fault{Fault: "lossy", For: "8s"}); err != nil {
		return err
	}
	end := time.Now().Add(8 * time.Second)
	if err := sudden(simulator.Fault{Fault: "sim-full"})(s); err != nil {
		return err
	}
	time.Sleep(time.Until(end))
	s.over = append(s.over, end)
	return nil
}

// busyCard restarts the modem with a card that is busy for a while, and is over when it is not.
func busyCard(d time.Duration) func(*scene) error {
	return func(s *scene) error {
		began := time.Now()
		if err := s.fault(simulator.Fault{Fault: "card-busy", For: d.String()}); err != nil {
			return err
		}
		if err := s.meanwhile(); err != nil {
			return err
		}
		end, err := s.modemSays("card is read", began)
		s.over = append(s.over, end)
		return err
	}
}
