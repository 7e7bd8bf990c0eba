package gateway

import (
	"sync"

	"attestd/modem"
	"attestd/queue"
)

// How many submissions may fail in a row, for reasons that are not the message's, before the modem is taken for sick. Others stop
// after three as well; fewer would punish a congested cell. One that was just treated has less credit, and one that is parked
// is tried with a single message.
const (
	sickAfter    = 3
	relapseAfter = 2
)

// breaker counts failures in a row. What may be the fault of a recipient counts once for that recipient, so that no number, however
// often it is tried, makes a modem look sick.
type breaker struct {
	mu         sync.Mutex // submissions count, the watcher closes
	recipients map[string]bool
	own        int // failures that can only be the modem's
	limit      int
}

// close gives the modem its credit after a rung.
func (b *breaker) close(parked bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	if b.limit = relapseAfter; parked {
		b.limit = 1
	}
}

func (b *breaker) clear() { b.recipients, b.own = nil, 0 }

// count says whether the outcome of a submission opens the breaker.
func (b *breaker) count(o queue.Outcome, err error, tpdu []byte) (sick bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case o.Kind == queue.OutcomeAccepted:
		b.limit = sickAfter
		b.clear()
		return false
	case o.Kind == queue.OutcomeRefused: // the network spoke, of this message
		b.clear()
		return false
	case o.Kind == queue.OutcomeNotSent, o.Kind == queue.OutcomeSick && modem.Classify(err).Kind == modem.Sick:
		b.own++
	default:
		if b.recipients == nil {
			b.recipients = map[string]bool{}
		}
		b.recipients[recipient(tpdu)] = true
	}
	limit := b.limit
	if limit == 0 {
		limit = sickAfter
	}
	return b.own+len(b.recipients) >= limit
}

// recipient is the TP-DA of an SMS-SUBMIT as it stands there (TS 23.040 9.2.2.2): it is compared, not read.
func recipient(tpdu []byte) string {
	if len(tpdu) < 4 {
		return ""
	}
	return string(tpdu[2:min(len(tpdu), 4+(int(tpdu[2])+1)/2)])
}
