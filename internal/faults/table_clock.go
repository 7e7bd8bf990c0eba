package faults

import (
	"fmt"
	"time"

	"attestd/internal/client"
	"attestd/internal/config"
	"attestd/modem/simulator"
)

// Jump sets the wall clock of this process ahead, or back. It is nil but in a build whose package time lets it (make faults-clock): a
// process has no wall clock of its own, and setting the machine's would strike everything on it. The rest of the gateway is the same,
// to the byte, and knows nothing of it.
var Jump func(by time.Duration)

// NeedsClock says how rows come to be run that need one.
const NeedsClock = "needs a build whose clock can be set: make faults-clock"

// clocks are faults of the gateway's own wall clock. The network's stays right.
var clocks = []Fault{
	{Name: "gateway-clock-forward", clock: true, radio: slowReports, house: brisk, Ends: []string{"delivered", "queued", "unknown"}, Modem: "is well: the clock of the gateway's machine jumps forward by 8 hours, while a message is in back-off, two are in doubt and others on their way; later it is set right",
		strike:  jumps(8 * time.Hour),
		Gateway: "moves what is timed by the jump: the back-off and the evidence windows last as long as they would have; the status report settles the doubt"},
	{Name: "gateway-clock-back", clock: true, radio: slowReports, house: brisk, Ends: []string{"delivered", "queued", "unknown"}, Modem: "the same, back by 8 hours",
		strike:  jumps(-8 * time.Hour),
		Gateway: "the same: nothing rests for 8 hours"},
	{Name: "gateway-clock-set", clock: true, Modem: "is well: the gateway starts in 1970, and the clock is set when it serves",
		house: before1971, strike: func(s *scene) error { return s.jump(right().Sub(time.Now().Round(0))) },
		Gateway: "the same: what it sent and received in 1970 is dated by the new clock"},
}

// slowReports leave a doubt open until after the jump.
func slowReports(c *simulator.Config) { c.ReportDelay = 4 * time.Second }

// brisk makes doubt soon, and its window soon over.
func brisk(c *config.Config) {
	c.Queue.EvidenceWindow = 20 * time.Second
	for i := range c.Modem {
		c.Modem[i].SubmitTimeout, c.Modem[i].LateResultWait = time.Second, time.Second
	}
}

// congested is how long a message rests after +CMS ERROR: 42.
const congested = 30 * time.Second

// jumps sets the clock while one message is in back-off and two are in doubt because their answers were lost: one that is on air, and
// would be there twice if its window closed early, and one that is not. Others follow; then the clock is set right again.
func jumps(by time.Duration) func(*scene) error {
	return func(s *scene) error {
		backedOff, err := s.send("99042", false)
		if err != nil {
			return err
		}
		first, err := s.await("the refusal", time.Time{}, to(backedOff))
		if err != nil {
			return err
		}
		for _, one := range []struct {
			suffix     string
			repeatable bool
		}{{"99611", true}, {"99610", false}} {
			m, err := s.send(one.suffix, one.repeatable)
			if err != nil {
				return err
			}
			if err := s.until(m, "unknown", "delivered"); err != nil {
				return err
			}
		}
		if err := s.inject("meanwhile"); err != nil {
			return err
		}
		if err := s.jump(by); err != nil {
			return err
		}
		again, err := s.await("the next try", first.At, to(backedOff))
		if err != nil {
			return err
		}
		if waited := again.At.Sub(first.At); waited < congested || waited > congested+Target {
			s.result.Broken = append(s.result.Broken, fmt.Sprintf("the message in back-off was tried again after %v, and not after %v", waited.Round(time.Millisecond), congested))
		}
		return s.jump(-by)
	}
}

func to(m *message) func(simulator.Entry) bool {
	return func(e simulator.Entry) bool { return e.Kind == simulator.KindSubmit && e.To == m.to }
}

// jump sets the clock between messages that are on their way and messages that follow.
func (s *scene) jump(by time.Duration) error {
	if err := s.sendAll(2, ""); err != nil {
		return err
	}
	if err := s.setClock(by); err != nil {
		return err
	}
	over := time.Now()
	s.over = append(s.over, over)
	if err := s.sendAll(4, ""); err != nil {
		return err
	}
	_, err := s.await("a submit", over, func(e simulator.Entry) bool { return e.Kind == simulator.KindSubmit && e.Accepted })
	return err
}

// setClock lets the gateway's clock jump, and not the network's, which lives in the same process.
func (s *scene) setClock(by time.Duration) error {
	Jump(by)
	return s.fault(simulator.Fault{Fault: "clock", Value: right().Sub(time.Now().Round(0)).String()})
}

// before1971 is a machine without a clock of its own.
func before1971(*config.Config) {
	Jump(time.Unix(60, 0).Sub(time.Now().Round(0)))
}

// began is when the process began, by a clock that nobody had set yet.
var began = time.Now()

// right is what a clock would show that was never set: from before the first jump, by the monotonic clock.
func right() time.Time { return began.Round(0).Add(time.Since(began)) }

// until waits until the API says that a message is in one of the states.
func (s *scene) until(m *message, states ...string) error {
	limit := began.Add(time.Since(began) + patience)
	for time.Until(limit) > 0 && s.ctx.Err() == nil {
		var now client.Message
		if err := s.api.Get(s.ctx, "/v1/messages/"+m.id, nil, &now); err != nil {
			return err
		}
		for _, one := range states {
			if now.State == one {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%q is in none of the states %v", m.text, states)
}
