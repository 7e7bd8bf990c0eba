package faults

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets six gateways run at once on whatever machine: they wait most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestEveryFaultLosesNothingRepeatsNothingAndIsSoonOver(t *testing.T) {
	if testing.Short() {
		t.Skip("three minutes")
	}
	for _, f := range Table() {
		if f.clock {
			continue // clock_test.go
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			r, err := Try(t.Context(), f, Options{Log: logOf(t)})
			if err != nil {
				t.Fatal(err)
			}
			for _, what := range r.Broken {
				t.Error(what)
			}
			t.Logf("back after %v of %v; on air %d of %d, struck %v, %d texts; took %v", r.Back.Round(time.Millisecond), r.Within, r.OnAir, r.Sent, r.Struck, r.Received, r.Took.Round(time.Millisecond))
		})
	}
}

func TestThePageSaysWhatTheTableSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			rows++
		}
	}
	if rows != len(Table()) {
		t.Errorf("the page has %d rows, the table %d", rows, len(Table()))
	}
	if rows < 30 {
		t.Errorf("%d faults; at least 30 were promised", rows)
	}
	seen := map[string]bool{}
	for _, f := range Table() {
		if seen[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
		if !strings.Contains(string(text), "\n"+f.Row()+" ") {
			t.Errorf("docs/faults.md has no row that begins with\n%s\nMake the table anew: attestd faults --markdown", f.Row())
		}
	}
}

// logOf is the gateway's log without its requests, which are ours.
func logOf(t *testing.T) func(string, []byte) {
	return func(_ string, line []byte) {
		if !bytes.Contains(line, []byte("msg=request")) {
			_, _ = t.Output().Write(line)
		}
	}
}
