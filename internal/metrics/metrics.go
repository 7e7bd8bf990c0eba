// Package metrics is the gateway as Prometheus sees it: one registry of its own, counters that the rest of the program
// feeds through plain methods, and collectors that ask for a snapshot when they are scraped.
//
// No metric carries a phone number, an id, a text or a code; the only labels that a config chooses are modem names.
// docs/metrics.md explains each; a golden test holds names, types and help texts.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Sources are asked at each scrape. Any of them may be nil: its metrics are then left out. An error leaves them out of
// that scrape, counts in attestd_scrape_errors_total and is logged.
type Sources struct {
	Version string // as told by attestd version
	Commit  string

	Queue   func(context.Context) (Queue, error)
	Filings func(context.Context) (map[string]int, error) // by state
	Modems  func() []Modem
	Logger  *slog.Logger // nil: slog.Default()
}

// Queue is a snapshot of the outbox.
type Queue struct {
	Messages map[string]int // by state (queue.State); a state that is left out is shown as 0
	Depth    map[string]int // messages that wait to be sent, by priority: bulk, normal, urgent
	Oldest   time.Time      // when the longest-waiting message that is due was accepted; zero: none waits
}

// Modem is a snapshot of one station.
type Modem struct {
	Name         string
	Up           bool             // the port is open and the modem answered its last check
	Registered   bool             // on the home network or roaming
	SignalDBm    int              // 0: not known, the sample is left out
	Deaf         bool             // it does not tell of what it receives
	Deafened     int64            // times that it was found not to
	StorageUsed  int              // texts on the SIM or in the modem
	StorageTotal int              // 0: not known, both samples are left out
	Calls        int64            // calls that came in
	Recoveries   map[string]int64 // rungs of the recovery ladder taken, all rungs named
}

// Metrics is the registry and what feeds it. Its methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	attempts      *prometheus.CounterVec
	submit        *prometheus.HistogramVec
	inbound       prometheus.Counter
	reports       *prometheus.CounterVec
	verifications *prometheus.CounterVec
	delivered     prometheus.Histogram
	requests      *prometheus.CounterVec
	latency       *prometheus.HistogramVec
	events        prometheus.Gauge
	clock         *prometheus.CounterVec
	quota         *prometheus.CounterVec
}

// The known values of labels, so that each series exists (as 0) from the first scrape: a rate over a counter that
// appears with its first event misses that event.
var (
	messageStates  = []string{"queued", "submitting", "submitted", "delivered", "undelivered", "unreported", "unknown", "rejected", "expired", "cancelled"}
	filingStates   = []string{"received", "verifying", "passed", "rejected", "cancelled", "not_required"}
	priorities     = []string{"bulk", "normal", "urgent"}
	attemptResults = []string{"accepted", "refused", "temporary", "sick", "unknown", "notsent"}
	quotas         = []string{"token_hour", "token_day", "phone_hour", "phone_day"}
	reportClasses  = []string{"delivered", "pending", "failed", "unmatched"}
	verifyResults  = []int{0, 2, 3, 4, 20, 21, 31, 100, 101, 102, 901, 902, 903, 904}
)

// New makes the registry and registers everything.
func New(s Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_attempts_total",
			Help: "Submissions of one segment to a modem that have ended, by modem and result; unknown means that no final result was read."}, []string{"modem", "result"}),
		submit: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "attestd_submit_seconds",
			Help:    "Time from handing a segment to a modem until the final result of AT+CMGS.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180}}, []string{"modem"}),
		inbound: prometheus.NewCounter(prometheus.CounterOpts{Name: "attestd_inbound_messages_total",
			Help: "Texts received and stored, long ones counted once."}),
		reports: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_status_reports_total",
			Help: "Status reports received, by class (TS 23.040 9.2.3.15); unmatched means that no attempt fits."}, []string{"class"}),
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_verification_results_total",
			Help: "Answers given to persons, by result code, over HTTP and SMS."}, []string{"code"}),
		delivered: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "attestd_code_delivered_seconds",
			Help:    "Time from the intake of a code's challenge until its first SMS was delivered, as the report says; the objective is 300.",
			Buckets: []float64{5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400}}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_http_requests_total",
			Help: "HTTP requests answered, by route, method and status code."}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "attestd_http_request_seconds",
			Help:    "Time to answer an HTTP request, event streams left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}}, []string{"route"}),
		events: prometheus.NewGauge(prometheus.GaugeOpts{Name: "attestd_event_streams",
			Help: "Clients that follow /v1/events now."}),
		clock: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_clock_jumps_total",
			Help: "Times that the machine's clock was set by 2 s or more, and the times on record followed, by direction."}, []string{"direction"}),
		quota: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attestd_quota_refusals_total",
			Help: "Requests that were refused since they needed more texts than are left of a quota, by the quota."}, []string{"limit"}),
	}
	preset(m.reports, reportClasses)
	preset(m.quota, quotas)
	preset(m.clock, []string{"forward", "back"})
	for _, code := range verifyResults {
		m.verifications.WithLabelValues(strconv.Itoa(code))
	}
	if s.Logger == nil {
		s.Logger = slog.Default()
	}
	m.registry.MustRegister(m.attempts, m.submit, m.inbound, m.reports, m.verifications, m.delivered, m.requests, m.latency, m.events, m.clock, m.quota,
		buildInfo(s), newSnapshots(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func preset(vec *prometheus.CounterVec, values []string) {
	for _, v := range values {
		vec.WithLabelValues(v)
	}
}

func buildInfo(s Sources) prometheus.Collector {
	if s.Commit == "" { // a label without a value is no label
		s.Commit = "unknown"
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "attestd_build_info", Help: "1, with what the program was built from.",
		ConstLabels: prometheus.Labels{"version": s.Version, "commit": s.Commit, "go": runtime.Version()}})
	g.Set(1)
	return g
}

// Sends makes the series of a modem that sends from now on.
func (m *Metrics) Sends(modem string) {
	for _, result := range attemptResults {
		m.attempts.WithLabelValues(modem, result)
	}
	m.submit.WithLabelValues(modem)
}

// Attempt counts an ended attempt of a modem, and how long it took for AT+CMGS, whatever the result, which is the word of queue's
// outcome: accepted, refused, temporary, sick, unknown, notsent.
func (m *Metrics) Attempt(modem, result string, took time.Duration) {
	m.attempts.WithLabelValues(modem, result).Inc()
	m.submit.WithLabelValues(modem).Observe(took.Seconds())
}

// Inbound counts a text that was received and stored.
func (m *Metrics) Inbound() { m.inbound.Inc() }

// Report counts a status report; class is pdu.StatusClass's word (delivered, pending, failed), or "unmatched".
func (m *Metrics) Report(class string) { m.reports.WithLabelValues(class).Inc() }

// ClockJumped counts that the machine's clock was set.
func (m *Metrics) ClockJumped(by time.Duration) {
	direction := "forward"
	if by < 0 {
		direction = "back"
	}
	m.clock.WithLabelValues(direction).Inc()
}

// QuotaRefused counts a request that a quota of texts refused.
func (m *Metrics) QuotaRefused(quota string) { m.quota.WithLabelValues(quota).Inc() }

// Verification counts an answer given to a person.
func (m *Metrics) Verification(code int) { m.verifications.WithLabelValues(strconv.Itoa(code)).Inc() }

// Delivered takes how long a code took to arrive, from its intake.
func (m *Metrics) Delivered(took time.Duration) { m.delivered.Observe(took.Seconds()) }

// Request counts an answered request. route is the pattern ("/v1/messages/{id}"), never the path: a path holds ids.
func (m *Metrics) Request(route, method string, status int, d time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if d > 0 {
		m.latency.WithLabelValues(route).Observe(d.Seconds())
	}
}

// Streams adds n (1 or -1) to the number of clients that follow events.
func (m *Metrics) Streams(n int) { m.events.Add(float64(n)) }

// Unopened counts what is sealed and could not be opened, from a source that counts it.
func (m *Metrics) Unopened(source func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "attestd_unopened_values_total",
		Help: "Times that something sealed in the database could not be opened: a key is missing in the key file, or a row is damaged."},
		func() float64 { return float64(source()) }))
}

// Registry is for those who gather without HTTP: the demo, tests.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler serves /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, ErrorHandling: promhttp.ContinueOnError})
}
