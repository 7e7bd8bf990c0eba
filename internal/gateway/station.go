package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"attestd/modem"
)

type station struct {
	*yard
	c    StationConfig
	o    Options
	log  *slog.Logger
	open func(context.Context, modem.Config) (*modem.Modem, error)
	wait time.Duration // for a network after opening, before it counts as searching

	after  <-chan struct{} // closed when the port is free; nil when it is
	stop   context.CancelFunc
	ended  chan struct{}
	status atomic.Pointer[Status]
	mu     sync.Mutex // guards the read-change-store of status, nothing else

	trials chan *trial // PINs that a person wants tried
	locked atomic.Bool // it waits for one
	trial  *trial      // taken and not yet tried; run's own, as what follows
	pin    string      // one that a trial has proved

	// The illness: run's own, but for proved.
	taken    []Rung      // since the modem was last well
	parkedAt time.Time   // zero: not parked
	told     string      // what the log has said last
	proved   atomic.Bool // a message was accepted: what was taken before is forgotten
	endTurn  func()      // gives up the turn to be reset; nil without one
}

func newStation(c StationConfig, o Options, y *yard) *station {
	s := &station{yard: y, c: c, o: o, log: o.Logger.With("modem", c.Name), open: o.Open, ended: make(chan struct{}), trials: make(chan *trial)}
	if s.c.Search <= 0 {
		s.c.Search = 3 * time.Minute
	}
	// The watcher waits for the network: a modem that has none must be watched, too.
	s.wait, s.c.Modem.Registration = c.Modem.Registration, 0
	s.c.Modem.Logger = s.log
	s.status.Store(&Status{Name: c.Name, Port: c.Modem.Port, State: Opening, Since: time.Now()})
	return s
}

// change edits the published status.
func (s *station) change(edit func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.status.Load()
	before := next.State
	edit(&next)
	if next.State != before {
		next.Since = time.Now()
	}
	s.status.Store(&next)
}

func (s *station) enter(state State, why string) {
	s.change(func(st *Status) { st.State, st.Error = state, why })
}

// start runs the station until ctx ends or stop is called; a second start does nothing.
func (s *station) start(ctx context.Context) {
	if s.stop != nil {
		return
	}
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		defer close(s.ended)
		if s.after != nil {
			<-s.after // it ends: its own submission is bounded
		}
		s.run(ctx)
	}()
}

// run opens the station again and again until ctx ends.
func (s *station) run(ctx context.Context) {
	for ctx.Err() == nil {
		before := s.find.view(s.c) // what changes from here on is news
		err := s.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		var decided *closed
		if !errors.As(err, &decided) {
			decided = &closed{s.climb(symptomOf(err), err), err}
			if decided.step.Rung == Reset {
				s.restartShut(ctx)
			}
		}
		s.locked.Store(symptomOf(decided.err) == Locked)
		s.pause(ctx, decided.step.Wait, before)
	}
	s.leaveTurn()
	s.enter(Closed, "")
}

// closed ends a session whose next rung is decided.
type closed struct {
	step Step
	err  error
}

func (c *closed) Error() string { return c.err.Error() }
func (c *closed) Unwrap() error { return c.err }

// pause waits, but not beyond the moment when other ports are there than before.
func (s *station) pause(ctx context.Context, wait time.Duration, before string) {
	due := time.NewTimer(wait)
	defer due.Stop()
	var trials chan *trial
	if s.locked.Load() {
		trials = s.trials
	}
	for {
		news := s.find.news()
		if s.find.view(s.c) != before {
			wait = 0
		}
		select {
		case <-time.After(min(wait, 20*time.Millisecond)): // names, rights and links of a new port come one by one
		case <-ctx.Done():
			return
		}
		if wait == 0 {
			return
		}
		select {
		case <-news:
		case <-due.C:
			return
		case s.trial = <-trials:
			return
		case <-ctx.Done():
			return
		}
	}
}

// climb takes down the next rung against a symptom: counted, logged, shown.
func (s *station) climb(symptom Symptom, why error) Step {
	if s.proved.Swap(false) || !s.parkedAt.IsZero() && time.Since(s.parkedAt) > s.o.Pace.Parked {
		s.forget()
	}
	step := s.o.Pace.next(symptom, s.taken)
	for step.Rung == Reset && s.c.NoReset {
		s.taken = append(s.taken, Reset)
		step = s.o.Pace.next(symptom, s.taken)
	}
	again := step.Rung == Park && slices.Contains(s.taken, Park)
	if !again {
		s.taken = append(s.taken, step.Rung)
		s.change(func(st *Status) {
			next := maps.Clone(st.Recoveries)
			if next == nil {
				next = map[Rung]int64{}
			}
			next[step.Rung]++
			st.Recoveries = next
		})
	}
	state := Recovering
	if step.Rung == Park {
		state = Parked
		if s.parkedAt.IsZero() {
			s.parkedAt = time.Now()
		}
	}
	if !errors.Is(why, errWrongModem) {
		s.enter(state, why.Error())
	}
	level := slog.LevelWarn
	if told := string(step.Rung) + why.Error(); told != s.told {
		s.told = told
	} else { // the same again is no news
		level = slog.LevelDebug
	}
	s.log.Log(context.Background(), level, "modem is out of service", "symptom", symptom, "error", why, "rung", step.Rung, "wait", step.Wait)
	return step
}

// forget begins the ladder anew.
func (s *station) forget() { s.taken, s.parkedAt, s.told = nil, time.Time{}, "" }

var errWrongModem = errors.New("another modem than configured")

// serve is one session, from finding the port to its end.
func (s *station) serve(ctx context.Context) error {
	if s.status.Load().Opened == 0 && len(s.taken) == 0 {
		s.enter(Opening, "")
	}
	trial := s.trial
	s.trial = nil
	path, release, err := s.find.acquire(ctx, s.c)
	if err != nil {
		trial.end(err)
		return err
	}
	defer release()
	c := s.c.Modem
	c.Port = path
	trial.apply(&c, s.pin)
	var run atomic.Pointer[session]
	c.Heard = func(tpdu []byte) {
		if one := run.Load(); one != nil {
			one.heard(tpdu)
		}
	}
	m, err := s.open(ctx, c)
	trial.end(err)
	if err != nil {
		s.find.learn(s.c, path, modem.Identity{}, err)
		return err
	}
	defer func() { _ = m.Close() }()
	s.leaveTurn()
	s.locked.Store(false)
	if trial != nil {
		s.pin = trial.pin
		s.forget()
	}
	id := m.Identity()
	s.find.learn(s.c, path, id, nil)
	if err := s.expected(id, path); err != nil {
		s.enter(WrongModem, err.Error())
		return err
	}
	s.change(func(st *Status) { st.Identity, st.Port = id, path; st.Opened++ })
	s.log.Info("modem is open", "port", path, "model", id.Manufacturer+" "+id.Model, "imei", id.IMEI, "sim", SIM(id))
	run.Store(newSession(s, m))
	err = run.Load().run(ctx)
	if ctx.Err() == nil {
		s.change(func(st *Status) { st.Lost++ })
	}
	return err
}

func (s *station) expected(id modem.Identity, port string) error {
	if s.c.IMEI != "" && !sameModule(s.c.IMEI, id.IMEI) {
		return fmt.Errorf("%w: the module on %s says IMEI %s, the configuration wants %s: plug in the right one or change modem.imei", errWrongModem, port, id.IMEI, s.c.IMEI)
	}
	if s.c.SIM != "" && s.c.SIM != id.ICCID {
		return fmt.Errorf("%w: the card in %s says ICCID %s, the configuration wants %s: put in the right one or change modem.sim", errWrongModem, port, id.ICCID, s.c.SIM)
	}
	return nil
}

// takeTurn waits until no other modem is switched off and on. unless ends the wait without a turn.
func (s *station) takeTurn(ctx context.Context, unless func() bool) bool {
	s.leaveTurn()
	look := time.NewTicker(2 * time.Second)
	defer look.Stop()
	for {
		select {
		case s.turn <- struct{}{}:
			var once sync.Once
			give := func() { once.Do(func() { <-s.turn }) }
			limit := time.AfterFunc(s.o.Pace.Boot, give) // one that never comes back must not keep the others waiting
			s.endTurn = func() { limit.Stop(); give() }
			return true
		case <-look.C:
			if unless() {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
}

func (s *station) leaveTurn() {
	if s.endTurn != nil {
		s.endTurn()
		s.endTurn = nil
	}
}
