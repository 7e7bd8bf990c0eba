package at

import (
	"errors"
	"time"
)

// finishing is the wait for the final result of what was written.
type finishing struct {
	c         *Conn
	x         *exchange
	reply     chan answer // nil when the caller has its answer
	timer     *time.Timer
	until     time.Time // when the wait ends, unless it lingers or waits for another result
	askAt     time.Time // when the modem is asked whether it still sends; zero: never
	lingering bool
	broken    bool // the conversation must be re-established when the wait is over
}

// finish waits for the final result of what was written.
func (c *Conn) finish(r *request, x *exchange) {
	limit := orDefault(r.cmd.Timeout)
	f := finishing{c: c, x: x, reply: r.reply, timer: time.NewTimer(limit), until: time.Now().Add(limit)}
	defer f.timer.Stop()
	cancel := r.ctx.Done()
	if x.paid {
		cancel = nil
		if r.cmd.AskAfter > 0 {
			f.askAt = time.Now().Add(r.cmd.AskAfter)
			f.arm()
		}
	}
	for {
		t := c.wait(waiting{timer: f.timer.C, cancel: cancel, hurry: c.hurries})
		switch t.kind {
		case tokenLine:
			fin, ended := c.hear(x, t.line)
			if ended && f.final(fin) {
				return
			}
			if !ended && !f.lingering && r.cmd.Linger > 0 && len(x.lines) > 0 {
				f.lingering = true
				f.timer.Reset(r.cmd.Linger)
			}
		case tokenTimer:
			if f.asks() {
				if err := f.ask(); err != nil {
					f.answer(x.without(err))
					return
				}
				break
			}
			if f.timeout() {
				return
			}
		case tokenHurry:
			if t.hurry.ask {
				f.askWithin(t.hurry.within)
			} else if !f.lingering && x.earlier == nil && t.hurry.tag == x.cmd.Tag && t.hurry.within < time.Until(f.until) {
				f.hurry(t.hurry.within)
			}
		case tokenCancel: // the caller goes; its final result is waited for all the same
			f.answer(answer{x.result(), r.ctx.Err()})
			cancel = nil
		case tokenEnd:
			f.answer(x.without(c.ended()))
			return
		}
	}
}

func (f *finishing) answer(a answer) {
	if f.reply != nil {
		f.reply <- a
		f.reply = nil
	}
}

// final takes a final result, and reports whether the wait is over.
func (f *finishing) final(fin final) bool {
	c, x := f.c, f.x
	switch {
	case errors.Is(fin.err, ErrRestarted):
		f.answer(x.without(fin.err))
		c.settle(settling{})
		return true
	case f.answersAsk(fin):
		return false
	case x.doubts(fin.err):
		f.another(fin)
		return false
	case x.earlier != nil && fin.err == nil && len(x.lines) == 0 && x.cmd.Prefix != "": // the OK that the earlier result had lacked
		return false
	}
	f.answer(answer{x.result(), fin.err})
	switch {
	case x.paid && fin.err == nil && len(x.lines) == 0 && x.cmd.Prefix != "":
		// An OK that may be somebody else's: the real result may still come, and must not meet the next command.
		c.owed = x
		c.settle(settling{grace: min(emptyGrace, c.o.LateResultWait)})
	case f.broken:
		c.settle(settling{})
	}
	return true
}

// timeout ends the wait, unless what came by then may be an earlier command's.
func (f *finishing) timeout() bool {
	c, x := f.c, f.x
	if f.lingering && x.doubts(nil) {
		f.broken = true // its OK is missing
		f.another(final{})
		return false
	}
	if first := x.earlier; first != nil && len(x.lines) == 0 && x.asked { // no other came
		x.earlier = nil
		alone := first.Result
		alone.Alone = true
		f.answer(answer{alone, first.Err})
		if f.broken {
			c.settle(settling{})
		}
		return true
	}
	why := ErrTimeout
	if x.cleared && x.hurried {
		why = ErrResultLost
	}
	gave := x.without(why)
	f.answer(gave)
	s := settling{grace: c.grace(x)}
	if gave.err != nil {
		c.owed = x
	}
	c.settle(s)
	return true
}

// another sets a final result aside, and waits whether it was the only one.
func (f *finishing) another(fin final) {
	f.x.asked = true
	f.x.setAside(fin)
	f.lingering = false
	wait := f.c.o.LateResultWait
	if own := f.x.cmd.DoubtWait; own > 0 {
		wait = min(wait, own)
	}
	f.timer.Reset(wait)
}

// doubts reports whether a final result may be an earlier command's. One is set aside at most.
func (x *exchange) doubts(err error) bool {
	return x.paid && x.cmd.Doubt != nil && x.earlier == nil && x.cmd.Doubt(x.lines, err)
}

// setAside keeps a final result that is, or may be, an earlier command's.
func (x *exchange) setAside(fin final) {
	x.earlier = &Late{Result: Result{Lines: x.lines, Paid: x.paid}, Err: fin.err}
	x.lines = nil
}

// without is the answer when no final result was read: well, if the command may linger and has its information line.
func (x *exchange) without(err error) answer {
	a := answer{result: x.result(), err: err}
	a.result.Unresolved = x.asked && len(x.lines) == 0
	if x.cmd.Linger > 0 && len(x.lines) > 0 {
		a.result.Missing, a.err = true, nil
	}
	return a
}
