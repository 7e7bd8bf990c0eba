package faults

import (
	"path/filepath"
	"strings"
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

// When a fault that strikes a submit is over.
type moment func(s *scene, struck simulator.Entry) (time.Time, error)

// atOnce: it is over as soon as it has happened; the modem is well.
func atOnce(_ *scene, struck simulator.Entry) (time.Time, error) { return struck.At, nil }

// answered: when the final result is on the wire.
func answered(s *scene, struck simulator.Entry) (time.Time, error) {
	e, err := s.await("the final result", struck.At, func(e simulator.Entry) bool {
		return e.Kind == simulator.KindResult && e.Submit == struck.Submit
	})
	return e.At, err
}

// plugged: when the port is there again.
func plugged(s *scene, struck simulator.Entry) (time.Time, error) {
	e, err := s.await("the port", struck.At, func(e simulator.Entry) bool {
		return e.Kind == simulator.KindPort && strings.HasPrefix(e.Detail, "offered")
	})
	return e.At, err
}

// started: when the modem has started again.
func started(s *scene, struck simulator.Entry) (time.Time, error) {
	return s.modemSays("up", struck.At)
}

// talking: when the modem answers again.
func talking(s *scene, struck simulator.Entry) (time.Time, error) {
	return s.modemSays("answers again", struck.At)
}

func (s *scene) modemSays(what string, after time.Time) (time.Time, error) {
	e, err := s.await(what, after, func(e simulator.Entry) bool { return e.Kind == simulator.KindModem && e.Detail == what })
	return e.At, err
}

// fated strikes two messages, one of them repeatable, by their numbers, while others follow.
func fated(suffix string, over moment) func(*scene) error {
	return func(s *scene) error {
		for _, repeatable := range []bool{false, true} {
			if _, err := s.send(suffix, repeatable); err != nil {
				return err
			}
		}
		if err := s.meanwhile(); err != nil {
			return err
		}
		for _, m := range s.sent {
			if !m.struck {
				continue
			}
			if err := s.meets(over, func(e simulator.Entry) bool { return e.To == m.to }); err != nil {
				return err
			}
		}
		return nil
	}
}

// fatedAlone strikes one message by its number; others follow.
func fatedAlone(suffix string, over moment) func(*scene) error {
	return func(s *scene) error {
		m, err := s.send(suffix, false)
		if err != nil {
			return err
		}
		if err := s.meets(over, func(e simulator.Entry) bool { return e.To == m.to }); err != nil {
			return err
		}
		return s.meanwhile()
	}
}

// meets waits until a submit that fits has met its fate, and until that is over.
func (s *scene) meets(over moment, fits func(simulator.Entry) bool) error {
	e, err := s.await("the fault", time.Time{}, func(e simulator.Entry) bool {
		return e.Kind == simulator.KindSubmit && fits(e)
	})
	if err != nil {
		return err
	}
	end, err := over(s, e)
	s.over = append(s.over, end)
	return err
}

// next strikes the next submit, whoever its recipient is.
func next(fate string, over moment) func(*scene) error {
	return func(s *scene) error {
		if err := s.fault(simulator.Fault{Fault: "fate", Value: fate}); err != nil {
			return err
		}
		if _, err := s.send("struck", true); err != nil {
			return err
		}
		if err := s.meanwhile(); err != nil {
			return err
		}
		return s.meets(over, func(e simulator.Entry) bool { return e.Fate == fate })
	}
}

// meanwhile is what goes on while a fault lasts: a text comes in, messages wait.
func (s *scene) meanwhile() error {
	if err := s.inject("meanwhile"); err != nil {
		return err
	}
	return s.sendAll(4, "")
}

// lasting strikes the modem itself, for a while.
func lasting(name string, d time.Duration) func(*scene) error {
	return func(s *scene) error {
		if err := s.fault(simulator.Fault{Fault: name, For: d.String()}); err != nil {
			return err
		}
		end := time.Now().Add(d)
		if err := s.meanwhile(); err != nil {
			return err
		}
		time.Sleep(time.Until(end))
		s.over = append(s.over, end)
		return nil
	}
}

// sudden strikes the modem itself, and is over at once.
func sudden(f simulator.Fault) func(*scene) error {
	return func(s *scene) error {
		if err := s.fault(f); err != nil {
			return err
		}
		s.over = append(s.over, time.Now())
		return s.meanwhile()
	}
}

// restarted strikes the modem itself, and is over when it has started again.
func restarted(f simulator.Fault) func(*scene) error {
	return func(s *scene) error {
		began := time.Now()
		if err := s.fault(f); err != nil {
			return err
		}
		if err := s.meanwhile(); err != nil {
			return err
		}
		end, err := s.modemSays("up", began)
		s.over = append(s.over, end)
		return err
	}
}

// replugged strikes the modem itself, and is over when its port is there again.
func replugged(f simulator.Fault) func(*scene) error {
	return func(s *scene) error {
		began := time.Now()
		if err := s.fault(f); err != nil {
			return err
		}
		if err := s.meanwhile(); err != nil {
			return err
		}
		end, err := plugged(s, simulator.Entry{At: began})
		s.over = append(s.over, end)
		return err
	}
}

// inTurn lets faults strike one after the other.
func inTurn(strikes ...func(*scene) error) func(*scene) error {
	return func(s *scene) error {
		for _, strike := range strikes {
			if err := strike(s); err != nil {
				return err
			}
		}
		return nil
	}
}

// quietly does something that is no fault by itself.
func quietly(f simulator.Fault) func(*scene) error {
	return func(s *scene) error { return s.fault(f) }
}

// late is how late late results come.
func late(d time.Duration) func(*simulator.Config) {
	return func(c *simulator.Config) { c.Late = d }
}

// dialect is the maker of the modem.
func dialect(profile string) func(*simulator.Config) {
	return func(c *simulator.Config) { c.Profile = profile }
}

// hasty waits for a final result so shortly that one may come late.
func hasty(c *config.Config) {
	for i := range c.Modem {
		c.Modem[i].SubmitTimeout, c.Modem[i].LateResultWait = time.Second, time.Second
	}
}

// wantsPIN is a card with a PIN that the configuration knows.
func wantsPIN(c *config.Config) { c.Modem[0].PIN = "1234" }

// byPattern has the modem looked for on every tty of its folder.
func byPattern(c *config.Config) {
	c.Modem[0].Port = filepath.Join(filepath.Dir(c.Modem[0].Port), "modem*[0-9]")
}
