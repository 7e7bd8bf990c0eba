// Package crash kills the real gateway again and again, at the moments at which it hurts, and compares what went on air
// with what was asked for. It is the proof behind "nothing lost, nothing sent twice", for anyone to run.
//
// The simulated network lives in this process and outlives the gateway, which is the real binary as a child process. The
// network's ledger is the truth: a message that went on air twice is doubled, one that never did is lost.
package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"attestd/modem/simulator"
)

// Options say how much to break.
type Options struct {
	Binary    string // the gateway: a path to attestd
	Kills     int    // 0 means 100
	Modems    int    // 0 means 2
	NoReports bool   // a network without status reports: on_unknown decides
	OnUnknown string // "" means wait
	Seed      uint64
	Tell      func(string)
	Log       func(line string) // the gateway's own log; may be nil

	radio time.Duration         // a message's time on air; 0 means 20 ms
	point func(simulator.Point) // told of every point of the network; may be nil
}

// Result is what came of it.
type Result struct {
	Kills       map[string]int `json:"kills"`        // by moment
	Sent        int            `json:"sent"`         // messages asked for
	OnAir       int            `json:"on_air"`       // of them, went on air at least once
	Lost        int            `json:"lost"`         // never went on air, and nobody is told
	InDoubt     int            `json:"in_doubt"`     // never went on air, and are shown as unknown or unreported
	Doubled     int            `json:"doubled"`      // went on air more than once without having been declared repeatable
	Repeated    int            `json:"repeated"`     // went on air twice, as their sender had allowed
	Settled     map[string]int `json:"settled"`      // messages by final state
	Received    int            `json:"received"`     // texts that came in
	InboxLost   int            `json:"inbox_lost"`   // of them, not in the inbox
	InboxDouble int            `json:"inbox_double"` // of them, in the inbox twice
	RecoveryP50 time.Duration  `json:"recovery_p50_ns"`
	RecoveryMax time.Duration  `json:"recovery_max_ns"` // from the kill to the next AT+CMGS
	Took        time.Duration  `json:"took_ns"`
}

// Clean says that nothing was lost, nothing doubled, and no doubt is left.
func (r Result) Clean() bool {
	return r.Lost == 0 && r.InDoubt == 0 && r.Doubled == 0 && r.InboxLost == 0 && r.InboxDouble == 0
}

// moments are where the gateway is killed: the simulator's points, and any time at all.
var moments = []string{
	simulator.PointCommand, simulator.PointCtrlZ, simulator.PointAir, simulator.PointResult,
	simulator.PointReport, simulator.PointIncoming, simulator.PointStored, simulator.PointRead, simulator.PointGone, "any time",
}

// calm is how long the gateway is left alone after each round of moments: the network repeats what was not acknowledged.
const calm = 2 * time.Second

// Moments lists them, for help texts.
func Moments() []string { return slices.Clone(moments) }

// Run kills the gateway o.Kills times under load, lets it finish, and counts.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Kills == 0 {
		o.Kills = 100
	}
	if o.Modems == 0 {
		o.Modems = 2
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	r := newRun(o)
	began := time.Now()
	err := r.setUp(ctx)
	if err == nil {
		err = r.play(ctx)
	}
	err = errors.Join(err, r.tearDown())
	r.result.Took = time.Since(began)
	return r.result, err
}

func newRun(o Options) *run {
	return &run{o: o, dice: rand.New(rand.NewPCG(o.Seed, 1)), result: Result{Kills: map[string]int{}, Settled: map[string]int{}}}
}

// play is the run itself: load from one goroutine, kills from this one.
func (r *run) play(ctx context.Context) error {
	load, stop := context.WithCancel(ctx)
	defer stop()
	fed := make(chan error, 1)
	go func() { fed <- r.feed(load) }()
	// A SIM's count of references is evidence only once it has been seen to count.
	if err := r.warmUp(ctx); err != nil {
		stop()
		return errors.Join(err, <-fed)
	}
	moments := Moments()
	if r.o.NoReports {
		moments = slices.DeleteFunc(moments, func(m string) bool { return m == simulator.PointReport })
	}
	for i := range r.o.Kills {
		moment := moments[i%len(moments)]
		if err := r.killAt(ctx, moment); err != nil {
			stop()
			<-fed
			return fmt.Errorf("kill %d (%s): %w", i+1, moment, err)
		}
		r.result.Kills[moment]++
		if i%len(moments) == len(moments)-1 {
			pause(ctx, calm) // or the reports of one storm queue up behind those of the last
		}
		if (i+1)%25 == 0 {
			r.o.Tell(fmt.Sprintf("%d of %d kills, %d messages asked for", i+1, r.o.Kills, r.asked()))
		}
	}
	stop()
	if err := <-fed; err != nil && ctx.Err() == nil {
		return err
	}
	r.o.Tell("no more kills: waiting until every message has ended")
	if err := r.settle(ctx); err != nil {
		return err
	}
	return r.count(ctx)
}
