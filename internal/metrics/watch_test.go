package metrics

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestConversionIsShownBySIMAndPrefixWithBoundedSeries(t *testing.T) {
	m := New(Sources{})
	w := Watched{BySIM: []Codes{{"89860000000000000001", 9, 8, 7}}, ChecksWrong: 0.25, Alarms: map[string]int{"wrong_checks": 1, "made-up": 5}}
	for i := range 300 {
		w.ByPrefix = append(w.ByPrefix, Codes{fmt.Sprintf("+%d", 100+i), 3, 2, 1})
	}
	m.Watch([]string{"wrong_checks", "sim_conversion"}, func() Watched { return w })
	text := scrape(t, m)
	for _, want := range []string{
		`attestd_sim_codes{sim="89860000000000000001",stage="verified"} 7`, `attestd_prefix_codes{prefix="+100",stage="sent"} 3`,
		`attestd_prefix_codes{prefix="other",stage="delivered"} 400`, `attestd_checks_wrong_ratio 0.25`,
		`attestd_alarms{alarm="wrong_checks"} 1`, `attestd_alarms{alarm="sim_conversion"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "attestd_prefix_codes{"); n != 3*(mostPrefixes+1) {
		t.Errorf("%d series of prefixes", n)
	}
	if strings.Contains(text, "made-up") {
		t.Error("a kind of alarm that nobody knows became a series")
	}
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "attestd_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, name := range []string{"sim_codes", "prefix_codes", "checks_wrong_ratio", "alarms"} {
		if !strings.Contains(string(manual), "`attestd_"+name+"`") {
			t.Errorf("docs/metrics.md says nothing of attestd_%s", name)
		}
	}
}
