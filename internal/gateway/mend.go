package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"attestd/modem"
)

// mend climbs the ladder while that can be done in the open session. nil: a rung was taken that may have helped, and the modem is
// to be watched again. Its line is withdrawn, and no submission is under way.
func (s *session) mend(ctx context.Context, sick error) error {
	s.readyAt = time.Time{}
	for {
		f := s.diagnose(sick)
		if f.symptom == Gone || f.symptom == Locked || f.symptom == Shut || f.symptom == Cardless {
			return f
		}
		if !s.outOfDoubt(ctx, f.symptom) {
			return context.Cause(ctx)
		}
		select {
		case <-s.ended: // whatever it was, it is seen to now
		default:
		}
		step := s.climb(f.symptom, f)
		switch step.Rung {
		case Reopen:
			return &closed{step, f}
		case Reset:
			s.reset(ctx, f)
			return &closed{Step{Reset, 0}, f}
		case Park:
			if f.symptom != Barren && f.symptom != Unregistered && f.symptom != Denied {
				return &closed{step, f}
			}
			s.rest(f.symptom, step)
			return nil
		}
		sick = s.take(ctx, step.Rung)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if sick == nil {
			s.rest(f.symptom, step)
			return nil
		}
	}
}

// diagnose adds to what the watcher saw whether the port is still there.
func (s *session) diagnose(err error) *fault {
	select {
	case <-s.m.Done():
		return &fault{Gone, fmt.Errorf("the session ended: %w", errors.Join(s.m.Err()))}
	default:
	}
	var f *fault
	switch {
	case errors.As(err, &f) && f.symptom != Barren:
		return f
	case s.m.Stale(): // whatever else it looks like
		return &fault{Restarted, errors.New("the modem restarted")}
	case f != nil:
		return f
	}
	for _, e := range []error{modem.ErrPINRequired, modem.ErrPINRefused, modem.ErrPUKRequired, modem.ErrNoSIM, modem.ErrSIMFailure} {
		if errors.Is(err, e) {
			return &fault{symptomOf(err), err}
		}
	}
	return &fault{Silent, err}
}

// outOfDoubt waits until no late result can come any more: whatever is done to the modem before would destroy it.
func (s *session) outOfDoubt(ctx context.Context, symptom Symptom) bool {
	for symptom != Restarted { // then it was lost with the restart
		doubt := s.doubt.Load()
		if doubt == nil {
			break
		}
		left := time.Until(*doubt) // by the monotonic clock: the other may be set meanwhile
		if left <= 0 {
			break
		}
		select {
		case <-time.After(left):
		case <-s.settled:
		case <-s.m.Done():
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// rest gives the modem the time to show whether the rung helped.
func (s *session) rest(symptom Symptom, step Step) {
	switch symptom {
	case Unregistered:
		s.searching, s.search = time.Now(), step.Wait
		if step.Rung == Park {
			s.search = s.o.Pace.Parked
		}
		return
	case Denied: // whatever was done, the next time is as far off
		s.denied = time.Now()
		return
	}
	s.breaker.close(step.Rung == Park)
	s.offerAt = time.Now().Add(step.Wait)
}

// take takes a rung that leaves the session open.
func (s *session) take(ctx context.Context, r Rung) error {
	bounded, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	switch r {
	case Resync:
		return s.m.Resync(bounded)
	case Reinit:
		return s.reinit(bounded)
	case Operator: // TS 27.007 7.3; a network that refuses is no fault of the modem
		_, err := s.m.Command(bounded, "AT+COPS=0")
		return s.unlessAnswered(err)
	case Radio:
		return s.radio(ctx)
	}
	return nil
}

func (s *session) reinit(ctx context.Context) error {
	if err := s.m.Reinit(ctx); err != nil {
		return err
	}
	id := s.m.Identity()
	if err := s.station.expected(id, s.status.Load().Port); err != nil {
		return &fault{Shut, err}
	}
	if SIM(id) != s.sim { // references, limits and reports are the card's: another card is another line
		return &fault{Gone, errors.New("another card is in the modem")}
	}
	s.change(func(st *Status) { st.Identity = id })
	return nil
}

// unlessAnswered: an error that the modem itself gave shows that it is there, which is all that is asked here.
func (s *session) unlessAnswered(err error) error {
	if err == nil || strings.Contains(err.Error(), "ERROR") {
		return nil
	}
	return err
}

// radio switches the radio off and on (TS 27.007 8.2), and waits for the network while it has the turn.
func (s *session) radio(ctx context.Context) error {
	if !s.takeTurn(ctx, s.isWell) {
		return ctx.Err()
	}
	defer s.leaveTurn()
	bounded, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	_, err := s.m.Command(bounded, "AT+CFUN=4")
	for range 3 { // never leave it off
		if _, err = s.m.Command(bounded, "AT+CFUN=1"); err == nil {
			break
		}
	}
	if err = s.unlessAnswered(err); err != nil {
		return err
	}
	for limit := time.Now().Add(6 * s.o.Pace.Rest); time.Now().Before(limit); {
		reg, err := s.m.Registration(bounded)
		if err != nil || reg.Ready() {
			return err
		}
		select {
		case <-time.After(min(time.Second, s.o.Pace.Rest)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// isWell says that a harsh rung is no longer needed: while it was waited for, the network came back.
func (s *session) isWell() bool {
	bounded, cancel := context.WithTimeout(context.Background(), s.patience())
	defer cancel()
	reg, err := s.m.Registration(bounded)
	return err != nil || reg.Ready() && s.searching != (time.Time{})
}

// reset restarts the modem in its vendor's way. The turn is kept until it has been opened again.
func (s *session) reset(ctx context.Context, f *fault) {
	unless := func() bool { return false }
	if f.symptom == Unregistered {
		unless = s.isWell
	}
	if !s.takeTurn(ctx, unless) {
		return
	}
	s.restart(ctx, s.m)
	select { // let it go down before its port is opened again
	case <-s.m.Done():
	case <-s.ended: // its banner
	case <-time.After(s.o.Pace.Rest):
	case <-ctx.Done():
	}
}

// restart tells the modem to restart.
func (s *station) restart(ctx context.Context, m commander) {
	for _, line := range resetCommands(m.Identity().Manufacturer) {
		bounded, cancel := context.WithTimeout(ctx, s.patience())
		_, err := m.Command(bounded, line)
		cancel()
		if err == nil {
			return
		}
		s.log.Debug("the modem refuses to restart", "command", line, "error", err)
	}
}

// commander is what a restart needs of a modem.
type commander interface {
	Identity() modem.Identity
	Command(ctx context.Context, line string) ([]string, error)
}

// restartShut restarts a modem that could not be opened although it answers: one that does not find its card, say. The
// turn is
// kept until it has been opened again.
func (s *station) restartShut(ctx context.Context) {
	path, release, err := s.find.acquire(ctx, s.c)
	if err != nil {
		return // its port is gone: that is news enough
	}
	defer release()
	if !s.takeTurn(ctx, func() bool { return false }) {
		return
	}
	c := s.c.Modem
	c.Port = path
	if err := s.o.Restart(ctx, c, func(m commander) { s.restart(ctx, m) }); err != nil {
		s.log.Debug("the modem could not be told to restart", "error", err)
	}
}

// resetCommands restart a module, its vendor's own command first. Never among them: AT+QPOWD, AT+CPOWD, AT^SMSO, which switch off
// and may need a hand to switch on, and AT+QRST, which forgets the calibration.
func resetCommands(manufacturer string) []string {
	maker := strings.ToLower(manufacturer)
	for name, command := range map[string]string{"huawei": "AT^RESET", "simcom": "AT+CRESET", "telit": "AT#REBOOT", "sierra": "AT!RESET"} {
		if strings.Contains(maker, name) {
			return []string{command, "AT+CFUN=1,1"}
		}
	}
	return []string{"AT+CFUN=1,1"} // TS 27.007 8.2
}
