package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"attestd/modem"
	"attestd/queue"
)

// sickAfter is how many submissions may fail in a row, for reasons that are not the message's, before the modem is
// taken for sick and opened anew. Others stop after three as well; fewer would punish a congested cell.
const sickAfter = 3

// session is one open modem: what its goroutines tell each other.
type session struct {
	*station
	m   *modem.Modem
	sim string

	strikes atomic.Int64  // failures in a row that are not the message's
	ended   chan error    // why the session must end; the first reason counts
	look    chan struct{} // registration may have changed
	full    chan struct{} // the message store is full
}

func newSession(s *station, m *modem.Modem) *session {
	return &session{
		station: s, m: m, sim: SIM(m.Identity()),
		ended: make(chan error, 1), look: make(chan struct{}, 1), full: make(chan struct{}, 1),
	}
}

// end asks the watcher to end the session.
func (s *session) end(why error) {
	select {
	case s.ended <- why:
	default:
	}
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// run returns why the session ended. Events outlive ctx: what arrives while the last submission comes to its end is
// stored and acknowledged too.
func (s *session) run(ctx context.Context) error {
	inward, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var events sync.WaitGroup
	events.Go(func() { s.events(inward) })
	err := s.watch(ctx)
	_ = s.m.Close() // ends the events
	grace := time.AfterFunc(5*time.Second, stop)
	events.Wait()
	grace.Stop()
	return err
}

// watch offers the line while the modem is registered, looks after its health, and returns why the session must end.
// Before it returns, the submission under way has come to its own end.
func (s *session) watch(ctx context.Context) error {
	line := &offer{s: s}
	defer line.withdraw(true)
	if err := s.drain(ctx); err != nil {
		return err
	}
	drain := time.NewTicker(s.o.Pace.Drain)
	defer drain.Stop()
	for {
		ready, err := s.checkHealth(ctx)
		if err != nil {
			return err
		}
		again := s.o.Pace.Health
		if ready {
			line.make(ctx)
		} else {
			line.withdraw(false)
			again = min(again, 2*time.Second) // not every modem announces that it was registered
		}
		if err := s.idle(ctx, again, drain.C); err != nil {
			return err
		}
	}
}

// idle waits until health is due; it returns why the session must end, if so.
func (s *session) idle(ctx context.Context, health time.Duration, drain <-chan time.Time) error {
	due := time.NewTimer(health)
	defer due.Stop()
	for {
		select {
		case <-due.C:
			return nil
		case <-s.look:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.m.Done():
			return fmt.Errorf("the session ended: %w", errors.Join(s.m.Err()))
		case err := <-s.ended:
			return err
		case <-drain:
		case <-s.full:
		}
		if err := s.drain(ctx); err != nil {
			return err
		}
	}
}

// offer is the line that the queue has of this session, or none. Only the watcher touches it.
type offer struct {
	s      *session
	detach func(wait bool)
}

func (o *offer) make(ctx context.Context) {
	if o.detach != nil {
		return
	}
	s := o.s
	if s.c.HoldLink {
		_ = s.m.HoldLink(ctx, true) // a modem that refuses is none the worse
	}
	o.detach = s.o.Lines.Attach(queue.Line{Station: s.c.Name, IMEI: s.m.Identity().IMEI, SIM: s.sim, Limit: s.c.Limit, Submit: s.submit})
	s.enter(Ready, "")
	s.log.Info("modem is ready")
}

func (o *offer) withdraw(wait bool) {
	if o.detach != nil {
		o.detach(wait)
		o.detach = nil
	}
}

// checkHealth asks for registration and signal, and publishes them.
func (s *session) checkHealth(ctx context.Context) (ready bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	reg, err := s.m.Registration(bounded)
	if err != nil {
		return false, fmt.Errorf("the modem does not answer: %w", err)
	}
	sig, err := s.m.Signal(bounded)
	if err != nil {
		s.log.Debug("no signal report", "error", err)
	}
	s.change(func(st *Status) { st.Registration, st.Signal = reg, sig })
	if !reg.Ready() {
		s.enter(unready(reg))
	}
	return reg.Ready(), nil
}

func unready(r modem.Registration) (State, string) {
	if r.Status == modem.RegDenied {
		return Refused, "the network refuses this SIM (registration denied): is it barred, expired, or the module's IMEI blocked?"
	}
	return Searching, "not registered with a network (" + r.String() + "): check the antenna, the coverage and the SIM"
}

// patience is how long a command may wait behind a submission that uses up its whole time.
func (s *session) patience() time.Duration {
	submit, command := s.c.Modem.SubmitTimeout, s.c.Modem.CommandTimeout
	if submit <= 0 {
		submit = 180 * time.Second
	}
	if command <= 0 {
		command = 10 * time.Second
	}
	return submit + s.c.Modem.LateResultWait + 6*command
}

func (s *session) drain(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	n, err := s.m.Drain(bounded)
	if err != nil {
		return fmt.Errorf("stored messages cannot be listed: %w", err)
	}
	if n > 0 {
		s.log.Info("stored messages found", "count", n)
	}
	return nil
}
