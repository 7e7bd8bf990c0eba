package gateway

import (
	"context"
	"errors"
	"time"

	"attestd/internal/inbox"
	"attestd/modem"
	"attestd/pdu"
	"attestd/queue"
)

// events carries inward what the modem says unasked, in its order, until the session ends. What it cannot store it
// keeps trying to store: the modem still has it, and nothing is acknowledged before.
func (s *session) events(ctx context.Context) {
	for e := range s.m.Events() {
		switch e.Kind {
		case modem.Received:
			s.received(ctx, e)
		case modem.LateResult:
			if e.Tag == "" {
				s.insist(ctx, "stray result", func() error {
					return s.o.Inward.StrayResult(ctx, s.c.Name, s.m.Identity().IMEI, s.sim, e.MR)
				})
				continue
			}
			s.doubt.Store(nil)
			poke(s.settled)
			s.insist(ctx, "late result", func() error {
				return s.o.Inward.LateResult(ctx, e.Tag, outcome(e.MR, e.Err))
			})
		case modem.RegistrationChanged:
			s.change(func(st *Status) { st.Registration = e.Registration })
			poke(s.look)
		case modem.Restarted:
			// Its settings are gone (PDU mode, CNMI): only the whole handshake makes it a modem of ours again.
			s.end(&fault{Restarted, errors.New("the modem restarted")})
		case modem.SIMChanged:
			s.end(&fault{Gone, errors.New("the SIM was taken out, put in, or asks for its PIN")})
		case modem.Deaf:
			s.change(func(st *Status) { st.Deafened++ })
			poke(s.full) // what came meanwhile lies in its stores
		case modem.Ring:
			s.rings(ctx)
		case modem.SIMFull:
			s.log.Warn("message store is full: draining it")
			poke(s.full)
		}
	}
}

// ringPause is after how long without RING the next one is another call: it comes every five seconds or so.
const ringPause = 15 * time.Second

// rings counts a call at its first RING, and hangs up. That is done beside the events: a submission may be under way,
// and what the
// modem says meanwhile must not wait behind it.
func (s *session) rings(ctx context.Context) {
	now := time.Now()
	call := now.Sub(s.rang) > ringPause
	if s.rang = now; call {
		s.change(func(st *Status) { st.Calls++ })
		s.log.Info("somebody calls", "hang_up", s.c.HangUp)
	}
	if !s.c.HangUp || !s.hanging.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.hanging.Store(false)
		bounded, cancel := context.WithTimeout(ctx, s.patience())
		defer cancel()
		if _, err := s.m.Command(bounded, "AT+CHUP"); err != nil { // TS 27.007 6.5
			_, err = s.m.Command(bounded, "ATH") // V.250 6.3.6
			if err != nil && ctx.Err() == nil {
				s.log.Warn("the call could not be ended", "error", err)
			}
		}
	}()
}

// received stores a TPDU, then lets the modem forget it.
func (s *session) received(ctx context.Context, e modem.Event) {
	at := e.At
	if at.IsZero() {
		at = time.Now()
	}
	var report bool
	if !s.insist(ctx, "received message", func() (err error) { report, err = s.store(ctx, e, at); return err }) {
		return
	}
	s.change(func(st *Status) {
		st.LastReceived = at
		if report {
			st.Reports++
		} else {
			st.Received++
		}
	})
	if e.Misread {
		s.log.Warn("a received message could not be read whole: the inbox has it as it came, and the modem keeps it, if it can")
	}
	if err := s.m.Acknowledge(ctx, e); err != nil && !errors.Is(err, context.Canceled) {
		// It comes again, and is known by its content then: nothing is lost or doubled.
		s.log.Warn("a stored message could not be acknowledged", "error", err)
	}
}

// store keeps a TPDU, and says whether it was a status report.
func (s *session) store(ctx context.Context, e modem.Event, at time.Time) (report bool, err error) {
	decoded, err := pdu.Decode(e.TPDU, pdu.MT)
	if err == nil && !e.Misread && decoded.Report != nil {
		r := decoded.Report
		return true, s.o.Inward.Report(ctx, queue.Report{
			Station: s.c.Name, SIM: s.sim, MR: r.MR, Recipient: r.Recipient.String(), Status: r.Status,
			SCTS: r.SCTS, Discharge: r.Discharge, Received: at, Raw: e.TPDU,
		})
	}
	// An undecodable TPDU goes the same way: the inbox keeps its octets.
	return false, s.o.Inward.Text(ctx, inbox.Received{Station: s.c.Name, SIM: s.sim, TPDU: e.TPDU, SMSC: e.SMSC, At: at, Misread: e.Misread})
}

// insist tries until it succeeds or ctx ends, at most every few seconds.
func (s *session) insist(ctx context.Context, what string, try func() error) bool {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.log.Error("cannot be stored yet, the modem keeps it", "what", what, "error", err, "retry_in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}
