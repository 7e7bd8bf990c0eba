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

// session is one open modem: what its goroutines tell each other.
type session struct {
	*station
	m      *modem.Modem
	sim    string
	opened time.Time

	breaker breaker
	doubt   atomic.Pointer[time.Time] // until when a late result may come; nil for not at all
	settled chan struct{}             // it came
	flight  atomic.Pointer[flight]
	ended   chan error    // what is wrong with the modem; the first reason counts
	look    chan struct{} // registration may have changed
	full    chan struct{} // the message store is full

	rang    time.Time   // the last RING; the events' own
	hanging atomic.Bool // a call is being ended

	// The watcher's.
	offerAt   time.Time     // the breaker is open until then
	searching time.Time     // since when it has no network; zero when it has one
	denied    time.Time     // since when the network refuses it, or when a rung was taken against that; zero when it does not
	search    time.Duration // how long that may last
	readyAt   time.Time     // since when it is well
	listed    time.Time     // when its stores were last listed
}

func newSession(s *station, m *modem.Modem) *session {
	return &session{
		station: s, m: m, sim: SIM(m.Identity()), opened: time.Now(),
		ended: make(chan error, 1), look: make(chan struct{}, 1), full: make(chan struct{}, 1), settled: make(chan struct{}, 1),
		search: s.c.Search,
	}
}

// end tells the watcher that the modem is sick.
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
	err := s.keep(ctx)
	_ = s.m.Close() // ends the events
	grace := time.AfterFunc(5*time.Second, stop)
	events.Wait()
	grace.Stop()
	return err
}

// keep watches the modem, and mends it in its open session as long as that may help.
func (s *session) keep(ctx context.Context) error {
	if len(s.taken) > 0 {
		s.breaker.close(false)
	}
	for {
		sick := s.watch(ctx)
		if ctx.Err() != nil {
			return sick
		}
		if err := s.mend(ctx, sick); err != nil {
			return err
		}
	}
}

// watch offers the line while the modem is registered, looks after its health, and returns what is wrong with it.
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
		switch rest := time.Until(s.offerAt); {
		case !ready:
			line.withdraw(false)
			again = min(again, 2*time.Second) // not every modem announces that it was registered
			if err := s.searchedLong(); err != nil {
				return err
			}
		case rest > 0:
			again = min(again, rest)
		default:
			line.make(ctx)
			s.isWellForLong()
		}
		if err := s.idle(ctx, again, drain.C); err != nil {
			return err
		}
		if s.status.Load().Deaf == "" || time.Since(s.listed) < s.o.Pace.Health {
			continue
		}
		if err := s.drain(ctx); err != nil { // what it does not tell is looked for as often as it is asked how it is
			return err
		}
	}
}

// deniedPatience is how many times the limit of a search a refusal by the network is left in peace (an hour by
// default). A module
// that has taken one refusal for good, as some do, is then switched off and on.
const deniedPatience = 20

// searchedLong says that a modem without a network is sick. One that the network refuses is left in peace for long.
func (s *session) searchedLong() error {
	reg := s.status.Load().Registration.Status
	s.readyAt = time.Time{}
	refused := reg == modem.RegDenied || reg == modem.RegEmergency
	switch {
	case !refused:
		s.denied = time.Time{}
	case s.denied.IsZero():
		s.denied = time.Now()
	case time.Since(s.denied) >= deniedPatience*s.c.Search:
		return &fault{Denied, fmt.Errorf("the network has refused this SIM for %s (%s): is it barred, expired, or the module's IMEI blocked?", time.Since(s.denied).Round(time.Second), reg)}
	}
	switch {
	case refused:
		s.searching = time.Time{}
	case s.searching.IsZero():
		s.searching = time.Now()
	case time.Since(s.searching) >= s.search:
		return &fault{Unregistered, fmt.Errorf("no network has registered it for %s (%s): check the antenna, the coverage and the SIM", s.search.Round(time.Second), reg)}
	}
	return nil
}

// isWellForLong forgets an illness that did not come back for a minute.
func (s *session) isWellForLong() {
	s.searching, s.denied, s.search = time.Time{}, time.Time{}, s.c.Search
	if s.readyAt.IsZero() {
		s.readyAt = time.Now()
	}
	if len(s.taken) > 0 && s.parkedAt.IsZero() && time.Since(s.readyAt) > 3*s.o.Pace.ReopenMax {
		s.forget()
	}
}

// idle waits until health is due; it returns what is wrong with the modem, if so.
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
	if s.m.Stale() {
		return false, errors.New("the modem restarted")
	}
	if err := s.m.Listen(bounded); err != nil {
		return false, fmt.Errorf("the modem has lost its settings, or does not answer: %w", err)
	}
	sig, err := s.m.Signal(bounded)
	if err != nil {
		s.log.Debug("no signal report", "error", err)
	}
	deaf := s.m.Deaf()
	s.change(func(st *Status) { st.Registration, st.Signal, st.Deaf, st.Seen = reg, sig, deaf, time.Now() })
	s.weigh(bounded)
	switch state, why := unready(reg); {
	case reg.Ready():
	case state == Searching && time.Since(s.opened) < s.station.wait:
		s.enter(Opening, "waits for a network")
	default:
		s.enter(state, why)
	}
	return reg.Ready(), nil
}

// nearlyFull is the share of a memory from which on its filling up is told: a full one takes nothing in (TS 23.040 9.2.3.22 sends
// the network away).
const nearlyFull = 0.8

// weigh publishes how full the memory is that receives texts.
func (s *session) weigh(ctx context.Context) {
	used, room, err := s.m.Usage(ctx)
	if err != nil || room <= 0 {
		return // one that does not say, or is busy, is asked again
	}
	full := func(used int) bool { return float64(used) >= nearlyFull*float64(room) }
	if before := s.status.Load().Stored; full(used) && !full(before) {
		s.log.Warn("the memory for received texts is nearly full: are there texts that cannot be read or deleted?", "used", used, "room", room)
	}
	s.change(func(st *Status) { st.Stored, st.Room = used, room })
}

func unready(r modem.Registration) (State, string) {
	if r.Status == modem.RegDenied {
		return Refused, "the network refuses this SIM (registration denied): is it barred, expired, or the module's IMEI blocked?"
	}
	return Searching, "not registered with a network (" + r.String() + "): check the antenna, the coverage and the SIM"
}

// patience is how long a command may wait behind a submission that uses up its whole time.
func (s *station) patience() time.Duration {
	submit, command := s.c.Modem.SubmitTimeout, s.c.Modem.CommandTimeout
	if submit <= 0 {
		submit = 180 * time.Second
	}
	if command <= 0 {
		command = 10 * time.Second
	}
	return submit + s.lateWait() + 6*command
}

func (s *station) lateWait() time.Duration {
	if s.c.Modem.LateResultWait <= 0 {
		return 30 * time.Second
	}
	return s.c.Modem.LateResultWait
}

func (s *session) drain(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	s.listed = time.Now()
	n, err := s.m.Drain(bounded)
	if err != nil {
		return fmt.Errorf("stored messages cannot be listed: %w", err)
	}
	if n > 0 {
		s.log.Info("stored messages found", "count", n)
	}
	return nil
}
