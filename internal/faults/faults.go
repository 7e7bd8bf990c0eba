// Package faults is the fault matrix: what can befall a modem, its line, its SIM and its network, each run end to end on a
// whole gateway with messages before, during and after it. For each it counts what was lost without a word, what went out
// more than once, and how long the gateway took to be back to normal.
//
// The simulator's ledger is the truth about what went on air; the API's states are what the gateway says of it. The table
// (table.go and its neighbours) is data; docs/faults.md is held equal to it by a test.
package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

// Fault is one row of the matrix.
type Fault struct {
	Name    string
	Modem   string        // what the modem, the SIM or the network does
	Gateway string        // what attestd does
	Within  time.Duration // back to normal; 0 means Target
	Repeats int           // how many messages may go out once more, as their sender allowed; 0 nearly everywhere
	Ends    []string      // the states in which the struck messages may rest; nil means delivered
	Parts   string        // the states in which their parts must rest; "" means any

	// Deaf: the modem drops status reports that come before the handshake is done; who waits for one may rest at submitted.
	Deaf bool

	clock  bool // it needs a clock that can be set: table_clock.go
	radio  func(*simulator.Config)
	house  func(*config.Config)
	strike func(*scene) error // lets it happen, and returns when it is over
}

// Target is how soon after a fault's end the next message must be accepted; a modem that restarts has twice as long.
const (
	Target       = 30 * time.Second
	RebootTarget = 60 * time.Second
)

func (f Fault) within() time.Duration {
	if f.Within == 0 {
		return Target
	}
	return f.Within
}

// Table is the whole matrix.
func Table() []Fault {
	return slices.Concat(answers, ports, lines, drifts, refusals, cards, reports, parts, clocks)
}

// Result is what one run of a fault came to.
type Result struct {
	Fault    string         `json:"fault"`
	Sent     int            `json:"sent"`     // messages asked for; of a long one each part counts
	OnAir    int            `json:"on_air"`   // of them, went on air
	Lost     int            `json:"lost"`     // said to be sent, and never were
	Repeated int            `json:"repeated"` // went on air more than once, as their sender had allowed
	Doubled  int            `json:"doubled"`  // the same, and nobody had allowed it
	Struck   map[string]int `json:"struck"`   // where the messages that met the fault rest
	Received int            `json:"received"` // texts that were sent to us
	Missing  int            `json:"missing"`  // of them, not in the inbox
	Twice    int            `json:"twice"`    // of them, in the inbox more than once
	Back     time.Duration  `json:"back_ns"`  // from the fault's end to the next accepted submit
	Within   time.Duration  `json:"within_ns"`
	Took     time.Duration  `json:"took_ns"`
	Broken   []string       `json:"broken,omitempty"` // what does not hold
}

// Options say what to run, and how.
type Options struct {
	Only     []string                        // names; empty means all
	Parallel int                             // at a time; 0 means 2
	Tell     func(string)                    // progress; may be nil
	Log      func(fault string, line []byte) // the gateways' logs; may be nil
	Ledger   func(string, []simulator.Entry) // each run's ledger at its end; may be nil
}

// Run runs faults and returns their results in the table's order.
func Run(ctx context.Context, o Options) ([]Result, error) {
	var todo, left []Fault
	for _, f := range Table() {
		switch {
		case len(o.Only) > 0 && !slices.Contains(o.Only, f.Name):
		case f.clock && Jump == nil:
			left = append(left, f)
		default:
			todo = append(todo, f)
		}
	}
	for _, f := range left {
		if slices.Contains(o.Only, f.Name) {
			return nil, fmt.Errorf("the fault %q %s", f.Name, NeedsClock)
		}
	}
	if len(left) > 0 && o.Tell != nil {
		o.Tell(fmt.Sprintf("%d more, from %s to %s, are not run: each %s", len(left), left[0].Name, left[len(left)-1].Name, NeedsClock))
	}
	for _, name := range o.Only {
		if !slices.ContainsFunc(todo, func(f Fault) bool { return f.Name == name }) {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
	}
	results, errs := make([]Result, len(todo)), make([]error, len(todo))
	places := make(chan struct{}, max(1, cmp.Or(o.Parallel, 2)))
	var all sync.WaitGroup
	for i, f := range todo {
		if f.clock { // the clock is that of all gateways here
			all.Wait()
		}
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			results[i], errs[i] = Try(ctx, f, o)
			if o.Tell != nil {
				o.Tell(fmt.Sprintf("%s: back after %v", f.Name, results[i].Back.Round(time.Millisecond)))
			}
		})
	}
	all.Wait()
	return results, errors.Join(errs...)
}
