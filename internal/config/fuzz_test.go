package config

import (
	"strings"
	"testing"
)

// FuzzLoad: no text makes Parse panic; what it takes can be compared and warned about; what it refuses is told in whole
// lines that are not endless.
func FuzzLoad(f *testing.F) {
	f.Add(Example)
	f.Add(uncommented())
	f.Add("[[modem]]\nname = \"m0\"\nport = \"/dev/ttyUSB0\"\n")
	f.Add("[http]\nmax_body = \"99999999999999999999MiB\"\nlisten = [1]\n")
	f.Add("[modems]\nrate_per_minute = nan\nburst = 9223372036854775807\nsubmit_timeout = \"-2562047h\"")
	f.Add("modem = [{name = 'a'}, {name = 'a'}]\n\"\\u0000\" = 1\n")
	f.Add("[verify.templates]\nzh = 1\n[verify]\nregion = [\"86\", 1]")
	f.Add("[verify.limits]\nsms_gap = 1979-05-27T07:32:00Z\n[log]\nlevel = 7\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if len(line) > 2000 {
					t.Fatalf("a line of %d bytes", len(line))
				}
				if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\r\x00\x1b") {
					t.Fatalf("a control character in %q", line)
				}
			}
			return
		}
		if changes := Diff(c, c); len(changes) > 0 {
			t.Fatalf("it differs from itself: %v", changes)
		}
		Diff(Default(), c)
		c.Warnings()
	})
}
