package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"attestd/modem"
)

type station struct {
	c    StationConfig
	o    Options
	log  *slog.Logger
	open func(context.Context, modem.Config) (*modem.Modem, error)

	after  <-chan struct{} // closed when the port is free; nil when it is
	stop   context.CancelFunc
	ended  chan struct{}
	status atomic.Pointer[Status]
	mu     sync.Mutex // guards the read-change-store of status, nothing else
}

func newStation(c StationConfig, o Options) *station {
	s := &station{c: c, o: o, log: o.Logger.With("modem", c.Name), open: o.Open, ended: make(chan struct{})}
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
	pause, told := s.o.Pace.ReopenMin, ""
	for ctx.Err() == nil {
		began := time.Now()
		err := s.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > s.o.Pace.ReopenMax {
			pause = s.o.Pace.ReopenMin // it had been well for a while
		}
		wait := pause
		pause = min(2*pause, s.o.Pace.ReopenMax)
		if !mendable(err) {
			wait = s.o.Pace.Parked
			s.enter(Parked, err.Error())
		} else if !errors.Is(err, errWrongModem) {
			s.enter(Recovering, err.Error())
		}
		level := slog.LevelWarn
		if err.Error() == told { // the same again is no news
			level = slog.LevelDebug
		}
		told = err.Error()
		s.log.Log(ctx, level, "modem is out of service", "error", err, "retry_in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	s.enter(Closed, "")
}

var errWrongModem = errors.New("another modem than configured")

// serve is one session, from opening the port to its end.
func (s *station) serve(ctx context.Context) error {
	if s.status.Load().Opened == 0 {
		s.enter(Opening, "")
	}
	m, err := s.open(ctx, s.c.Modem)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	id := m.Identity()
	if err := s.expected(id); err != nil {
		s.enter(WrongModem, err.Error())
		return err
	}
	s.change(func(st *Status) { st.Identity = id; st.Opened++ })
	s.log.Info("modem is open", "model", id.Manufacturer+" "+id.Model, "imei", id.IMEI, "sim", SIM(id))
	err = newSession(s, m).run(ctx)
	if ctx.Err() == nil {
		s.change(func(st *Status) { st.Lost++ })
	}
	return err
}

func (s *station) expected(id modem.Identity) error {
	if s.c.IMEI != "" && s.c.IMEI != id.IMEI {
		return fmt.Errorf("%w: the module on %s says IMEI %s, the configuration wants %s: plug in the right one or change modem.imei", errWrongModem, s.c.Modem.Port, id.IMEI, s.c.IMEI)
	}
	if s.c.SIM != "" && s.c.SIM != id.ICCID {
		return fmt.Errorf("%w: the card in %s says ICCID %s, the configuration wants %s: put in the right one or change modem.sim", errWrongModem, s.c.Modem.Port, id.ICCID, s.c.SIM)
	}
	return nil
}
