package metrics

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestWebhookMetricsAreInTheManualAndLintClean(t *testing.T) {
	m := New(Sources{})
	var fail error
	w := m.Webhooks(func(context.Context) (WebhookCounts, error) {
		return WebhookCounts{ByState: map[string]int{"dead": 3, "made-up": 1}, Oldest: time.Now().Add(-time.Hour), Gone: 1, Down: 2}, fail
	})
	w.Attempt("retry", time.Second)
	text := scrape(t, m)
	for _, want := range []string{
		`commit="unknown"`, // nobody said

		`attestd_webhook_attempts_total{result="retry"} 1`, `attestd_webhook_attempts_total{result="dead"} 0`,
		`attestd_webhook_deliveries{state="dead"} 3`, `attestd_webhook_deliveries{state="waiting"} 0`,
		`attestd_webhook_oldest_age_seconds 36`, `attestd_webhook_endpoints_gone 1`, `attestd_webhook_endpoints_down 2`, `attestd_webhook_seconds_count 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "made-up") {
		t.Error("a state that nobody documented became a series")
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
		if strings.HasPrefix(p.Metric, "attestd_webhook") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "attestd_webhook") && !strings.Contains(string(manual), "`"+name+"`") {
			t.Errorf("docs/metrics.md says nothing of %s", name)
		}
	}
	fail = errors.New("the database is busy")
	if text := scrape(t, m); strings.Contains(text, "attestd_webhook_deliveries") || !strings.Contains(text, "attestd_webhook_attempts_total") {
		t.Errorf("a snapshot that failed:\n%s", text)
	}
}
