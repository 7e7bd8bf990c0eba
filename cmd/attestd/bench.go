package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"attestd/internal/bench"
)

type benchCmd struct {
	Scenario []string `arg:"" optional:"" help:"What to measure; nothing means all."`
	Size     float64  `default:"1" help:"Scales the number of messages."`
	JSON     bool     `help:"Print the figures as JSON."`
}

func (c *benchCmd) Help() string {
	var b strings.Builder
	b.WriteString("Measures the whole gateway on simulated modems: durable database, API, ptys. Nothing leaves this machine.\n\nScenarios:\n")
	for _, s := range bench.Scenarios() {
		fmt.Fprintf(&b, "  %-7s %s\n", s.Name, s.About)
	}
	return b.String()
}

func (c *benchCmd) Run(a *app) error {
	figures, err := bench.Run(a.ctx, bench.Options{Only: c.Scenario, Size: c.Size, Tell: func(s string) { fmt.Fprintln(a.stderr, s) }})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"cpus": runtime.NumCPU(), "go": runtime.Version(), "figures": figures})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "\nfigure\tvalue\t\ttarget\tbest peer\n")
	missed := 0
	for _, f := range figures {
		mark := ""
		if f.Missed {
			mark = "MISSED"
			missed++
		}
		fmt.Fprintf(w, "%s\t%.4g\t%s\t%s\t%s\t%s\n", f.Name, f.Value, f.Unit, f.Target, f.Peer, mark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d targets were missed", missed)
	}
	return nil
}
