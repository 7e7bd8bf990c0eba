package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"attestd/internal/soak"
)

type soakCmd struct {
	Minutes float64 `default:"20" help:"How long."`
	Modems  int     `default:"8" help:"How many simulated modems."`
	Rate    float64 `default:"10" help:"Messages a second."`
	Seed    uint64  `default:"1" help:"Of the random faults."`
	Log     bool    `help:"Show the gateway's own log on standard error."`
	JSON    bool    `help:"Print the result as JSON."`
}

func (c *soakCmd) Help() string {
	return "Runs a gateway in this process, with messages, filings, received texts, API reads and random faults of every modem, and compares goroutines,\n" +
		"descriptors and heap at the end with those after the first minute, and what went on air with what was asked for. Exit 0 only if nothing was\n" +
		"lost, nothing went out twice and nothing has grown by more than a tenth. Build with -race to have it watched for data races as well."
}

func (c *soakCmd) Run(a *app) error {
	began := time.Now()
	o := soak.Options{
		Length: time.Duration(c.Minutes * float64(time.Minute)), Modems: c.Modems, Rate: c.Rate, Seed: c.Seed,
		Tell: func(s string) { fmt.Fprintf(a.stderr, "%s %s\n", time.Since(began).Round(time.Second), s) },
	}
	o.First = min(time.Minute, o.Length/2)
	if c.Log {
		o.Logger = slog.New(slog.NewTextHandler(a.stderr, nil))
	}
	r, err := soak.Run(a.ctx, o)
	if err != nil {
		return err
	}
	return a.conclude(c.JSON, r, func() error { return c.table(a, r) }, r.Clean(), "something was lost, went out twice, was refused or has grown")
}

// conclude prints what came of a trial, and fails when it was not clean.
func (a *app) conclude(asJSON bool, result any, table func() error, clean bool, otherwise string) error {
	var err error
	if asJSON {
		err = json.NewEncoder(a.stdout).Encode(result)
	} else {
		err = table()
	}
	if err == nil && !clean {
		err = errors.New(otherwise)
	}
	return err
}

func (c *soakCmd) table(a *app, r soak.Result) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "at rest\tafter %s\tafter %s\n", r.First.After.Round(time.Second), r.Last.After.Round(time.Second))
	fmt.Fprintf(w, "  goroutines\t%d\t%d\n  descriptors\t%d\t%d\n", r.First.Goroutines, r.Last.Goroutines, r.First.Descriptors, r.Last.Descriptors)
	fmt.Fprintf(w, "  heap, MiB\t%.1f\t%.1f\n", float64(r.First.Heap)/(1<<20), float64(r.Last.Heap)/(1<<20))
	if grown := r.Grown(); len(grown) > 0 {
		fmt.Fprintf(w, "  GROWN\t%s\n", strings.Join(grown, ", "))
	}
	fmt.Fprintf(w, "messages asked for\t%d\n  on air\t%d\n  given up, and said so\t%d\n  lost\t%d\n  sent twice\t%d\n  repeated as allowed\t%d\n", r.Sent, r.OnAir, r.GivenUp, r.Lost, r.Doubled, r.Repeated)
	for _, state := range slices.Sorted(maps.Keys(r.States)) {
		fmt.Fprintf(w, "  ended %s (codes and answers too)\t%d\n", state, r.States[state])
	}
	fmt.Fprintf(w, "texts received\t%d\n  lost\t%d\n  stored twice\t%d\n", r.Received, r.InboxLost, r.InboxDouble)
	fmt.Fprintf(w, "filings\t%d\n  passed\t%d\n  passed twice\t%d\n", r.Filings, r.Passed, r.PassedTwice)
	fmt.Fprintf(w, "reads\t%d\nrequests refused\t%d\n", r.Reads, r.Refused)
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(w, "fault %s\t%d\n", name, r.Faults[name])
	}
	return w.Flush()
}
