package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Row is the fault's line in docs/faults.md without what a run measures: name, modem, gateway, what may be repeated, target.
func (f Fault) Row() string {
	repeated := "0"
	if f.Repeats > 0 {
		repeated = fmt.Sprintf("<= %d, repeatable only", f.Repeats)
	}
	return fmt.Sprintf("| `%s` | %s | %s | 0 | %s | %s |", f.Name, f.Modem, f.Gateway, repeated, f.rests())
}

// rests names where messages that met the fault may be in the end.
func (f Fault) rests() string {
	if f.Ends == nil {
		return "delivered"
	}
	return strings.Join(f.Ends, ", ")
}

// Markdown is the table of docs/faults.md, with what a run measured; faults that were not run have no time.
func Markdown(results []Result) string {
	var b strings.Builder
	b.WriteString("| fault | what the modem does | what attestd does | lost | repeated | its messages rest | back to normal | target |\n|---|---|---|---|---|---|---|---|\n")
	back := map[string]string{}
	for _, r := range results {
		back[r.Fault] = Seconds(r.Back)
	}
	for _, f := range Table() {
		fmt.Fprintf(&b, "%s %s | %s |\n", f.Row(), back[f.Name], f.within())
	}
	return b.String()
}

// Seconds is a duration as the page shows it.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// Rested says where the struck messages of a run were in the end.
func (r Result) Rested() string {
	var all []string
	for _, state := range slices.Sorted(maps.Keys(r.Struck)) {
		all = append(all, fmt.Sprintf("%s %d", state, r.Struck[state]))
	}
	return strings.Join(all, ", ")
}
