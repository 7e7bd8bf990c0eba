package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Webhooks counts deliveries of events to other programs. It is webhook.Meter.
type Webhooks struct {
	attempts *prometheus.CounterVec
	took     prometheus.Histogram
}

// WebhookCounts is a snapshot of what is to be delivered.
type WebhookCounts struct {
	ByState map[string]int // webhook.State
	Oldest  time.Time      // when the longest-waiting was made; zero: none waits
	Gone    int            // configured endpoints that want no more
	Down    int            // endpoints that fail one call after the other
}

var (
	webhookResults = []string{"delivered", "retry", "dead", "gone"}
	webhookStates  = []string{"waiting", "behind", "delivered", "dead"}
)

// Webhooks registers the metrics of webhooks; source is asked at each scrape.
func (m *Metrics) Webhooks(source func(context.Context) (WebhookCounts, error)) *Webhooks {
	w := &Webhooks{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_webhook_attempts_total",
			Help: "Calls to webhook endpoints that have ended, by result; retry means that it failed and is tried again."}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "attestd_webhook_seconds",
			Help:    "Time that an endpoint took to answer, or to fail.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}),
	}
	preset(w.attempts, webhookResults)
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("attestd_webhook_"+name, help, labels, nil)
	}
	m.registry.MustRegister(w.attempts, w.took, &webhookSnapshot{
		source:     source,
		deliveries: desc("deliveries", "Deliveries in the database, by state; dead ones wait for a replay.", "state"),
		oldest:     desc("oldest_age_seconds", "How long the longest-waiting delivery has waited; 0 when none waits."),
		gone:       desc("endpoints_gone", "Configured endpoints that answered 410 Gone and are not called."),
		down:       desc("endpoints_down", "Endpoints that failed one call after the other: one delivery at a time is tried."),
	})
	return w
}

// Attempt counts a call; result is delivered, retry, dead or gone.
func (w *Webhooks) Attempt(result string, took time.Duration) {
	w.attempts.WithLabelValues(result).Inc()
	w.took.Observe(took.Seconds())
}

type webhookSnapshot struct {
	source                         func(context.Context) (WebhookCounts, error)
	deliveries, oldest, gone, down *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *webhookSnapshot) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.deliveries
	ch <- s.oldest
	ch <- s.gone
	ch <- s.down
}

// Collect implements prometheus.Collector. What cannot be read is left out of the scrape.
func (s *webhookSnapshot) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	counts, err := s.source(ctx)
	if err != nil {
		return
	}
	each(ch, s.deliveries, webhookStates, counts.ByState)
	var age float64
	if !counts.Oldest.IsZero() {
		age = max(0, time.Since(counts.Oldest).Seconds())
	}
	ch <- gauge(s.oldest, age)
	ch <- gauge(s.gone, float64(counts.Gone))
	ch <- gauge(s.down, float64(counts.Down))
}
