package queue

import (
	"context"
	"log/slog"
)

// Limit is a token bucket: PerMinute tokens a minute, at most Burst saved up. Zero PerMinute is no limit.
type Limit struct {
	PerMinute float64
	Burst     int
}

// Line is a modem that can send, as the gateway lends it to the dispatcher.
type Line struct {
	Station, IMEI string
	SIM           string // ICCID; "" where it cannot be read: the station stands for it
	Limit         Limit
	// Submit hands one TPDU over and waits for how it ends. It is called from one goroutine a line, and it always returns.
	Submit func(ctx context.Context, attemptID string, tpdu []byte) Outcome
}

// Dispatcher hands work to lines.
type Dispatcher struct{}

// NewDispatcher makes a dispatcher; wake has an element whenever there may be new work. log may be nil.
func NewDispatcher(q *Queue, wake <-chan struct{}, log *slog.Logger) *Dispatcher { return nil }

// Run hands out work until ctx ends; then it takes no more, and returns when every submit under way has its outcome
// written down.
func (d *Dispatcher) Run(ctx context.Context) error { return nil }

// Attach lends a line to the dispatcher. detach takes it back: no new work goes to it; with wait it returns when the
// submit under way has its outcome written down.
func (d *Dispatcher) Attach(l Line) (detach func(wait bool)) { return nil }
