package queue_test

import (
	"time"

	"attestd/internal/store"

	"pgregory.net/rapid"
)

// jump sets the wall clock of this process ahead. It is nil but in a build whose clock can be set: TestInvariantsHoldWhenTheClockJumps
// in internal/faults makes one, and runs the tests of this package's invariants in it.
var jump func(by time.Duration)

// Jump sets the gateway's clock; the network's stays right.
func (w *world) Jump(t *rapid.T) {
	w.setClock(rapid.SampledFrom([]time.Duration{3 * time.Second, -3 * time.Second, -time.Second, 10 * time.Minute, -10 * time.Minute,
		8 * time.Hour, -8 * time.Hour, 24 * time.Hour}).Draw(t, "by"))
}

func (w *world) setClock(by time.Duration) {
	jump(by)
	w.ahead += by
	w.update(func(*store.Tx) error { return nil }) // whatever transaction comes first finds it
}

// withJumps adds it to what may happen, where it can.
func (w *world) withJumps(steps map[string]func(*rapid.T)) map[string]func(*rapid.T) {
	if jump != nil {
		steps["jump"] = w.Jump
	}
	return steps
}

// undoJumps is for the end of a case: the clock is that of all.
func (w *world) undoJumps() {
	if jump != nil {
		jump(-w.ahead)
	}
}

// atNetwork is what the network's clock shows.
func (w *world) atNetwork(now time.Time) time.Time { return now.Add(-w.ahead) }
