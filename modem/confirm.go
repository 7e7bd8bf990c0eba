package modem

import (
	"context"
	"sync/atomic"
	"time"

	"attestd/modem/at"
)

// What is handed over under AT+CSMS=1 is ours when AT+CNMA has said so (TS 27.005 3.4.4). The network takes it back after 12 to 20 s
// (TR2M, TS 24.011 10); the modem then sets <mt> and <ds> to 0 and drops what comes until AT+CNMI is given again.

const (
	confirmSoon = 6 * time.Second // how long a submit may go on in silence when something is to be confirmed
	confirmLate = 3 * time.Second // from when on it goes before the next submit
	confirmWait = 2 * time.Second // how long that submit waits for it: it must be stored first
)

// confirmation is what is to be confirmed. One at a time: the modem hands nothing more over before, and the next one often before AT+CNMA's OK
// has found its way to who asked.
type confirmation struct {
	since atomic.Pointer[time.Time] // when it was handed over; nil: nothing is due
	said  chan struct{}             // one has been confirmed
}

func (c *confirmation) heard() {
	now := time.Now()
	c.since.Store(&now)
}

// confirmed: what was due at that time is so no more.
func (c *confirmation) confirmed(due *time.Time) {
	c.since.CompareAndSwap(due, nil)
	select {
	case c.said <- struct{}{}:
	default:
	}
}

// before lets a confirmation that has waited for long go before a submit.
func (c *confirmation) before(ctx context.Context) {
	since := c.since.Load()
	if since == nil || time.Since(*since) < confirmLate {
		return
	}
	limit := time.NewTimer(confirmWait)
	defer limit.Stop()
	for c.since.Load() == since {
		select {
		case <-c.said:
		case <-ctx.Done():
			return
		case <-limit.C: // nobody will: what was handed over could not be stored, or was none
			c.since.CompareAndSwap(since, nil)
			return
		}
	}
}

// confirm is AT+CNMA (TS 27.005 4.7 in PDU mode). It goes before what waits, for the network does not wait long; 340 says that nothing was due.
func (m *Modem) confirm(ctx context.Context) error {
	var err error
	due := m.due.since.Load()
	for _, line := range []string{"AT+CNMA", "AT+CNMA=1"} {
		_, err = m.conn.Do(ctx, at.Command{Line: line, Urgent: true, Timeout: m.c.CommandTimeout})
		if err == nil {
			m.due.confirmed(due)
			return nil
		}
		if code(err) == 340 { // too late: the network repeats it, and the modem has set <mt> and <ds> to 0 (TS 27.005 3.4.1)
			m.due.confirmed(due)
			return m.tellAgain(ctx)
		}
		if lost(err) {
			return err
		}
	}
	return err
}
