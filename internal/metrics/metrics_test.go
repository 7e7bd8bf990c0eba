package metrics

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

var update = flag.Bool("update", false, "write the golden files anew")

func full() Sources {
	return Sources{
		Version: "1.2.3", Commit: "abc",
		Queue: func(context.Context) (Queue, error) {
			return Queue{Messages: map[string]int{"queued": 3, "unknown": 2, "made-up": 9}, Depth: map[string]int{"urgent": 1, "bulk": 2}}, nil
		},
		Filings: func(context.Context) (map[string]int, error) { return map[string]int{"passed": 5}, nil },
		Modems: func() []Modem {
			return []Modem{{Name: "m0", Up: true, Registered: true, SignalDBm: -71, StorageUsed: 2, StorageTotal: 50, Recoveries: map[string]int64{"reopen": 3, "reset": 0}}, {Name: "m1"}}
		},
	}
}

func fed() *Metrics {
	m := New(full())
	m.Sends("m0")
	m.Attempt("m0", "accepted", 2500*time.Millisecond)
	m.Inbound()
	m.Report("delivered")
	m.Verification(31)
	m.Delivered(300 * time.Second)
	m.Request("/v1/messages/{id}", "GET", 200, 3*time.Millisecond)
	m.Request("/v1/events", "GET", 200, 0)
	m.Streams(1)
	return m
}

// scrape is what /metrics answers, without what differs from run to run.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	var kept strings.Builder
	for s := bufio.NewScanner(w.Body); s.Scan(); {
		line := s.Text()
		if strings.Contains(line, "attestd_") {
			kept.WriteString(regexp.MustCompile(`go="[^"]*"`).ReplaceAllString(line, `go="GO"`) + "\n")
		}
	}
	return kept.String()
}

func TestMetricsAreThoseOfTheGoldenFile(t *testing.T) {
	got, golden := scrape(t, fed()), filepath.Join("testdata", "metrics.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("metrics changed; dashboards and docs/metrics.md hang on them. After a change that is meant: go test ./internal/metrics -update\n%s", got)
	}
}

func TestEveryMetricIsInTheManualAndLintsClean(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := fed()
	problems, err := testutil.GatherAndLint(m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "attestd_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "attestd_") && !strings.Contains(string(manual), "`"+name+"`") {
			t.Errorf("docs/metrics.md says nothing of %s", name)
		}
	}
	for _, process := range []string{"process_open_fds", "go_goroutines"} {
		if n, err := testutil.GatherAndCount(m.Registry(), process); err != nil || n == 0 {
			t.Errorf("%s is missing", process)
		}
	}
}

func TestASourceThatFailsIsCountedAndTheRestIsServed(t *testing.T) {
	s := full()
	s.Queue = func(context.Context) (Queue, error) { return Queue{}, errors.New("the database is busy") }
	s.Logger = slog.New(slog.DiscardHandler)
	text := scrape(t, New(s))
	if strings.Contains(text, "attestd_queue_depth{") || !strings.Contains(text, "attestd_scrape_errors_total 1") || !strings.Contains(text, `attestd_filings{state="passed"} 5`) {
		t.Error(text)
	}
}

func TestTheAgeOfTheOldestIsThatOfNow(t *testing.T) {
	s := full()
	s.Queue = func(context.Context) (Queue, error) { return Queue{Oldest: time.Now().Add(-time.Hour)}, nil }
	if text := scrape(t, New(s)); !regexp.MustCompile(`attestd_queue_oldest_age_seconds 36\d\d`).MatchString(text) {
		t.Error(text)
	}
}

func TestWithoutSourcesTheCountersAreServed(t *testing.T) {
	if text := scrape(t, New(Sources{})); !strings.Contains(text, "attestd_status_reports_total") || strings.Contains(text, "attestd_modem_up{") {
		t.Error(text)
	}
}
