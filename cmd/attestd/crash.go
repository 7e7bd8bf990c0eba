package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"attestd/internal/crash"
)

type crashCmd struct {
	Kills     int    `default:"100" help:"How often to kill the gateway."`
	Modems    int    `default:"2" help:"How many simulated modems it has."`
	NoReports bool   `help:"A network without status reports."`
	OnUnknown string `default:"wait" enum:"wait,repeat,hold" help:"queue.on_unknown of the gateway: wait, repeat or hold."`
	Seed      uint64 `default:"1" help:"Of the random moments."`
	Log       bool   `help:"Show the gateway's own log on standard error."`
	JSON      bool   `help:"Print the result as JSON."`
}

func (c *crashCmd) Help() string {
	return "Runs this binary as a gateway on simulated modems under load, kills it with SIGKILL at chosen moments, starts it again, and compares\n" +
		"what went on air with what was asked for. Exit 0 only if nothing was lost, nothing went out twice and nothing stays in doubt.\n\nMoments: " + strings.Join(crash.Moments(), ", ")
}

func (c *crashCmd) Run(a *app) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := crash.Options{
		Binary: self, Kills: c.Kills, Modems: c.Modems, NoReports: c.NoReports, OnUnknown: c.OnUnknown, Seed: c.Seed,
		Tell: func(s string) { fmt.Fprintln(a.stderr, s) },
	}
	if c.Log {
		o.Log = func(line string) { fmt.Fprintln(a.stderr, line) }
	}
	r, err := crash.Run(a.ctx, o)
	if err != nil {
		return err
	}
	return a.conclude(c.JSON, r, func() error { return c.table(a, r) }, r.Clean(), "something was lost, went out twice or stays in doubt: see the result")
}

func (c *crashCmd) table(a *app, r crash.Result) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	kills := 0
	for _, n := range r.Kills {
		kills += n
	}
	fmt.Fprintf(w, "kills\t%d\t", kills)
	for _, m := range crash.Moments() {
		fmt.Fprintf(w, "%s %d  ", m, r.Kills[m])
	}
	fmt.Fprintf(w, "\nmessages asked for\t%d\n  on air\t%d\n  lost\t%d\n  left in doubt\t%d\n  sent twice\t%d\n  repeated as allowed\t%d\n", r.Sent, r.OnAir, r.Lost, r.InDoubt, r.Doubled, r.Repeated)
	for _, state := range slices.Sorted(maps.Keys(r.Settled)) {
		fmt.Fprintf(w, "  ended %s\t%d\n", state, r.Settled[state])
	}
	fmt.Fprintf(w, "texts received\t%d\n  lost\t%d\n  stored twice\t%d\n", r.Received, r.InboxLost, r.InboxDouble)
	fmt.Fprintf(w, "from the kill to the next AT+CMGS\tp50 %s, at most %s\n", r.RecoveryP50.Round(time.Millisecond), r.RecoveryMax.Round(time.Millisecond))
	fmt.Fprintf(w, "took\t%s\n", r.Took.Round(time.Second))
	return w.Flush()
}
