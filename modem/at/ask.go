package at

import (
	"errors"
	"time"
)

const (
	askEvery = 10 * time.Second // between two bare ATs that ask whether a payload's command is still under way
	askGrace = 5 * time.Second  // how long its final result may come after one was answered
)

// ask writes a bare AT while a payload's final result is awaited. A modem takes no command while another is under way, and only a
// command that says so is broken off by what is written meanwhile (V.250 5.6.1), which +CMGS (TS 27.005 3.5.1) does not: one that is
// still sending says nothing. One that answers has ended the command, and its final result is lost.
func (f *finishing) ask() error {
	c := f.c
	f.x.cleared, f.broken = true, true
	f.askAt = time.Now().Add(askEvery)
	c.last, c.lastShown = "AT", "AT"
	_, err := c.send([]byte("AT\r"), "AT")
	f.arm()
	return err
}

// asks reports whether the time that has come is the one to ask.
func (f *finishing) asks() bool {
	return !f.askAt.IsZero() && !f.lingering && !f.x.hurried && !f.x.asked && f.askAt.Before(f.until)
}

// askWithin has the modem asked sooner, if it is asked at all.
func (f *finishing) askWithin(d time.Duration) {
	if by := time.Now().Add(d); f.asks() && by.Before(f.askAt) {
		f.askAt = by
		f.arm()
	}
}

// arm sets the timer to what comes next: the end of the wait, or the time to ask.
func (f *finishing) arm() {
	next := f.until
	if f.asks() {
		next = f.askAt
	}
	f.timer.Reset(time.Until(next))
}

// answersAsk takes a final result that may be a bare AT's. The command's own, with its reference, may come just after it: some modems
// answer while they send.
func (f *finishing) answersAsk(fin final) bool {
	if f.x.owns(fin.err) {
		return false
	}
	var busy CMSError
	var alsoBusy CMEError
	if !f.x.hurried && !errors.As(fin.err, &busy) && !errors.As(fin.err, &alsoBusy) {
		f.hurry(askGrace)
	}
	return true
}

// hurry waits no longer than that.
func (f *finishing) hurry(within time.Duration) {
	if within < time.Until(f.until) {
		f.until = time.Now().Add(within)
	}
	f.x.hurried = true
	f.arm()
}

// owns reports whether a final result is this command's and no other's. Once a bare AT was written, a plain OK or ERROR may be that one's answer, and
// so may an error of the ME itself, as "busy"; what follows the command's own information text can't be, nor what the network
// says of a message: +CMS ERROR below 300 (TS 27.005 3.2.5), no network (331), network timeout (332).
func (x *exchange) owns(err error) bool {
	var cms CMSError
	if !x.cleared || len(x.lines) > 0 {
		return true
	}
	return errors.As(err, &cms) && cms.Code >= 0 && (cms.Code < 300 || cms.Code == 331 || cms.Code == 332)
}
