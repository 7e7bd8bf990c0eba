package at

import (
	"errors"
	"time"
)

const (
	maxProbes  = 6                // bare ATs of one resynchronisation
	maxNoise   = 2 * time.Second  // how long silence is hoped for
	emptyGrace = 10 * time.Second // the same, for what a payload's OK without information text leaves open
	shortGrace = time.Second      // how long the late result of a command without a payload is waited for
)

// settling says how a conversation that broke is taken up again.
type settling struct {
	grace  time.Duration // silence in which the late result may come
	escape bool          // a prompt may be open: ESC leaves it (TS 27.005 3.5.1)
}

func (c *Conn) grace(x *exchange) time.Duration {
	switch {
	case x.cleared && x.hurried:
		return 0 // it was waited for when the modem had answered
	case x.paid && !x.cleared && !x.hurried:
		return c.o.LateResultWait
	}
	return shortGrace
}

// settle re-establishes the conversation: the grace, silence, and two bare ATs in a row that are answered exactly once each. One
// is not enough: the first answer may be the late result of what came before, and the AT's own the one after it.
func (c *Conn) settle(s settling) error {
	if c.unsure = true; c.owed != nil && s.grace > 0 {
		if err := c.awaitLate(s.grace); err != nil {
			return err
		}
	}
	for probe, clean := 0, 0; probe < maxProbes; probe++ {
		if s.escape {
			if _, err := c.send([]byte{0x1b}, "<ESC>"); err != nil {
				return err
			}
		}
		if err := c.silence(); err != nil {
			return err
		}
		answers, _, err := c.probe("AT", c.o.ProbeTimeout, nil)
		if err != nil {
			return err
		}
		if clean++; answers != 1 {
			clean = 0
		}
		if clean == 2 {
			c.unsure, c.owed = false, nil
			c.tell(Event{At: time.Now(), Kind: Settled})
			return nil
		}
		s.escape = s.escape && answers == 0
	}
	return ErrNotAnswering
}

// awaitLate listens for the late result of the owed command, and says nothing.
func (c *Conn) awaitLate(grace time.Duration) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	for c.owed != nil {
		switch t := c.wait(waiting{timer: timer.C}); t.kind {
		case tokenLine:
			c.hear(c.owed, t.line)
		case tokenTimer:
			return nil
		case tokenEnd:
			return c.ended()
		}
	}
	return nil
}

// silence waits until nothing has come for Options.Quiet, within reason.
func (c *Conn) silence() error {
	limit := time.Now().Add(maxNoise)
	timer := time.NewTimer(c.o.Quiet)
	defer timer.Stop()
	for {
		switch t := c.wait(waiting{timer: timer.C}); t.kind {
		case tokenLine:
			c.hear(c.owed, t.line)
			timer.Reset(min(c.o.Quiet, max(0, time.Until(limit))))
		case tokenTimer:
			return nil
		case tokenEnd:
			return c.ended()
		}
	}
}

// probe writes a line that asks nothing, and counts the final results that come in answer and are not the owed command's.
func (c *Conn) probe(line string, limit time.Duration, cancel <-chan struct{}) (answers int, last final, err error) {
	c.last, c.lastShown = line, line
	if c.owed != nil {
		c.owed.cleared = true
	}
	if c.quote != nil { // silence has ended it
		c.endQuote()
	}
	if _, err := c.send([]byte(line+"\r"), line); err != nil {
		return 0, final{}, err
	}
	mine := &exchange{cmd: Command{Line: line}}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		switch t := c.wait(waiting{timer: timer.C, cancel: cancel}); t.kind {
		case tokenLine:
			x := c.owed
			if x == nil {
				x = mine
			}
			fin, ended := c.hear(x, t.line)
			switch {
			case !ended:
			case errors.Is(fin.err, ErrRestarted):
				return 0, fin, nil
			case x != mine && c.owed == nil: // it was the owed command's
			default:
				answers, last = answers+1, fin
				timer.Reset(c.o.Quiet)
			}
		case tokenTimer, tokenCancel:
			return answers, last, nil
		case tokenEnd:
			return 0, final{}, c.ended()
		}
	}
}

// credit gives a late final result to the command that is owed one, if it can be no other's.
func (c *Conn) credit(fin final) {
	x := c.owed
	if !x.owns(fin.err) {
		return
	}
	if x.cmd.Tag != "" {
		c.tell(Event{At: time.Now(), Late: &Late{Tag: x.cmd.Tag, Result: x.result(), Err: fin.err}})
	}
	c.owed = nil
}

// wake leaves an open prompt and asks AT until it is answered. A Ctrl-Z would send what the prompt holds; ESC drops it.
func (c *Conn) wake(r *request) error {
	c.heard, c.owed, c.unsure, c.verbose = heard{}, nil, true, false
	if _, err := c.send([]byte("\x1b\r"), "<ESC>"); err != nil {
		return err
	}
	if err := c.silence(); err != nil {
		return err
	}
	limit := time.Now().Add(orDefault(r.cmd.Timeout))
	for n, refusals := 0, 0; ; n++ {
		line, patience := "AT", c.o.ProbeTimeout
		if n < 3 {
			patience = min(patience, time.Second)
		}
		if n%3 == 2 { // a modem that was left in ATQ1 says nothing to AT
			line = "ATQ0V1E0"
		}
		answers, fin, err := c.probe(line, patience, r.ctx.Done())
		if err != nil {
			return err
		}
		if answers == 1 && fin.err != nil && !errors.Is(fin.err, ErrRestarted) {
			refusals++ // some answer ERROR to a bare AT, and are well
		}
		if answers == 1 && fin.err == nil || refusals == 2 {
			c.unsure = false
			return nil
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(limit) {
			return c.verdict()
		}
		if err := c.silence(); err != nil {
			return err
		}
	}
}

func (c *Conn) verdict() error {
	if c.heard.bytes > 0 {
		return ErrGarbage
	}
	return ErrNotAnswering
}
