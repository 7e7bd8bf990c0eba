package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"attestd/internal/faults"
)

type faultsCmd struct {
	Name     []string `arg:"" optional:"" help:"Which faults to run; nothing means all."`
	Parallel int      `default:"2" help:"How many gateways run at once."`
	JSON     bool     `help:"Print the results as JSON." xor:"form"`
	Markdown bool     `help:"Print the table of docs/faults.md." xor:"form"`
	Log      bool     `help:"Show the gateways' own logs on standard error."`
}

func (c *faultsCmd) Help() string {
	var b strings.Builder
	b.WriteString("Runs each fault against a whole gateway on a simulated modem, with messages before, during and after it, and compares what went on\n" +
		"air with what the API says. Exit 0 only if nothing was lost or sent twice and every fault was over in time.\n\nFaults:\n")
	for _, f := range faults.Table() {
		fmt.Fprintf(&b, "  %-24s %s\n", f.Name, f.Modem)
	}
	return b.String()
}

func (c *faultsCmd) Run(a *app) error {
	o := faults.Options{Only: c.Name, Parallel: c.Parallel, Tell: func(s string) { fmt.Fprintln(a.stderr, s) }}
	if c.Log {
		o.Log = func(fault string, line []byte) { fmt.Fprintf(a.stderr, "%s: %s", fault, line) }
	}
	results, err := faults.Run(a.ctx, o)
	if err != nil {
		return err
	}
	broken := 0
	for _, r := range results {
		broken += min(1, len(r.Broken))
	}
	switch {
	case c.JSON:
		err = json.NewEncoder(a.stdout).Encode(map[string]any{"cpus": runtime.NumCPU(), "go": runtime.Version(), "faults": results})
	case c.Markdown:
		_, err = fmt.Fprint(a.stdout, faults.Markdown(results))
	default:
		err = c.table(a, results)
	}
	if err == nil && broken > 0 {
		err = fmt.Errorf("%d faults broke a promise", broken)
	}
	return err
}

func (c *faultsCmd) table(a *app, results []faults.Result) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "fault\tlost\trepeated\tsent twice\ttexts lost\tback to normal\ttarget\tits messages rest\n")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%d of %d\t%d\t%d\t%d of %d\t%s\t%s\t%s\n", r.Fault, r.Lost, r.Sent, r.Repeated, r.Doubled, r.Missing, r.Received, faults.Seconds(r.Back), r.Within, r.Rested())
		for _, what := range r.Broken {
			fmt.Fprintf(w, "  BROKEN\t%s\n", what)
		}
	}
	return w.Flush()
}
