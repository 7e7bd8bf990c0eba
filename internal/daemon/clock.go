package daemon

import "time"

// clockJumped tells that the machine's clock was set; the store has moved the times on record already. It is called in a transaction.
// A jump found before anything is counted is one between an earlier run and this one.
func (d *Daemon) clockJumped(by time.Duration) {
	switch m := d.metrics; {
	case m != nil:
		m.ClockJumped(by)
		d.log.Warn("the clock of this machine was set: the times on record follow it", "by", by.Round(time.Millisecond))
	default:
		d.log.Warn("the clock of this machine is behind what an earlier run wrote: the times on record follow it", "by", by.Round(time.Millisecond))
	}
}
