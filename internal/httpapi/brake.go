package httpapi

import (
	"math/bits"
	"time"
)

// brake slows checks down for the whole site while somebody guesses: while within BrakeWindow more entries were wrong
// than right,
// by BrakeStep and more. Somebody with many addresses and a list of many filings stays within every other limit, so
// each
// doubling of that excess is a level, which holds for an hour: it halves the share of every caller and network, and a
// proof takes twice the hashes. A
// right code is charged to nobody, so an honest person notices that the proof takes longer, and that after a wrong
// entry the
// next one must wait.
type brake struct {
	began   time.Time // minutes are counted from then, by the monotonic clock
	minutes [minutes]struct {
		at           int64 // the minute that is counted here
		right, wrong int
		level        int // the highest that was reached in it
	}
}

const (
	minutes   = 60 // the longest BrakeWindow that is told apart, and how long a level holds
	mostBrake = 5
)

func newBrake() brake { return brake{began: time.Now()} }

func (b *brake) minute(now time.Time) int64 { return int64(now.Sub(b.began)/time.Minute) + minutes }

func (b *brake) add(now time.Time, right, wrong int, l Limits) {
	at := b.minute(now)
	m := &b.minutes[at%minutes]
	if m.at != at {
		m.at, m.right, m.wrong, m.level = at, 0, 0, 0
	}
	m.right, m.wrong = m.right+right, m.wrong+wrong
	m.level = max(m.level, b.level(now, l))
}

// level is from 0, not pulled, to mostBrake.
func (b *brake) level(now time.Time, l Limits) int {
	if l.BrakeStep <= 0 {
		return 0
	}
	at, excess, held := b.minute(now), 0, 0
	since := at - int64(min(l.BrakeWindow, minutes*time.Minute)/time.Minute)
	for _, m := range b.minutes {
		if m.at > since {
			excess += m.wrong - m.right
		}
		if m.at > at-minutes {
			held = max(held, m.level)
		}
	}
	if excess < l.BrakeStep {
		return held
	}
	return max(held, min(bits.Len(uint(excess/l.BrakeStep)), mostBrake))
}
