package bench

import (
	"testing"
)

// BenchmarkOneModem is the scenario "one" under go test's profilers.
func BenchmarkOneModem(b *testing.B) {
	for b.Loop() {
		figures, err := Run(b.Context(), Options{Only: []string{"one"}})
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range figures {
			if f.Unit == "1/s" || f.Unit == "ms" {
				b.Logf("%s: %.4g %s", f.Name, f.Value, f.Unit)
			}
		}
	}
}
