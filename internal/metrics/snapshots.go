package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout bounds what a scrape may cost the database.
const scrapeTimeout = 5 * time.Second

// snapshots is the collector that asks the sources.
type snapshots struct {
	sources Sources
	errors  prometheus.Counter

	messages, depth, oldest, unknown, filings         *prometheus.Desc
	up, registered, signal, storageUsed, storageTotal *prometheus.Desc
	calls, recoveries, deaf, deafened                 *prometheus.Desc
}

func newSnapshots(s Sources) *snapshots {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("attestd_"+name, help, labels, nil)
	}
	return &snapshots{
		sources: s,
		errors: prometheus.NewCounter(prometheus.CounterOpts{Name: "attestd_scrape_errors_total",
			Help: "Snapshots that failed while being scraped; the log says why."}),
		messages:     desc("messages", "Messages in the database, by state.", "state"),
		depth:        desc("queue_depth", "Messages that wait to be sent, by priority.", "priority"),
		oldest:       desc("queue_oldest_age_seconds", "How long the longest-waiting message that is due has waited; 0 when none waits."),
		unknown:      desc("messages_unknown", "Messages whose fate is in doubt: handed to a modem, no final result read, not settled yet."),
		filings:      desc("filings", "Filings in the database, by state.", "state"),
		up:           desc("modem_up", "1 when the port is open and the modem answers.", "modem"),
		registered:   desc("modem_registered", "1 when the modem is registered, at home or roaming.", "modem"),
		signal:       desc("modem_signal_dbm", "Received signal strength in dBm; absent when not known.", "modem"),
		storageUsed:  desc("modem_storage_used", "Texts in the message storage of the SIM or modem.", "modem"),
		storageTotal: desc("modem_storage_capacity", "Texts that the message storage holds.", "modem"),
		deaf:         desc("modem_deaf", "1 while the modem does not tell of what it receives: texts are found by listing its stores.", "modem"),
		deafened:     desc("modem_deafened_total", "Times that the modem was found not to tell of what it receives.", "modem"),
		calls:        desc("modem_calls_total", "Calls that came in on a modem.", "modem"),
		recoveries:   desc("modem_recoveries_total", "Steps of the recovery ladder taken for a sick modem, by step; park: none helped.", "modem", "rung"),
	}
}

// Describe implements prometheus.Collector.
func (s *snapshots) Describe(ch chan<- *prometheus.Desc) {
	s.errors.Describe(ch)
	for _, d := range []*prometheus.Desc{s.messages, s.depth, s.oldest, s.unknown, s.filings,
		s.up, s.registered, s.signal, s.storageUsed, s.storageTotal, s.calls, s.recoveries, s.deaf, s.deafened} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *snapshots) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if s.sources.Queue != nil {
		if q, err := s.sources.Queue(ctx); err != nil {
			s.failed("queue", err)
		} else {
			s.queue(ch, q)
		}
	}
	if s.sources.Filings != nil {
		if byState, err := s.sources.Filings(ctx); err != nil {
			s.failed("filings", err)
		} else {
			each(ch, s.filings, filingStates, byState)
		}
	}
	if s.sources.Modems != nil {
		for _, m := range s.sources.Modems() {
			s.modem(ch, m)
		}
	}
	s.errors.Collect(ch)
}

func (s *snapshots) failed(source string, err error) {
	s.errors.Inc()
	s.sources.Logger.Warn("metrics: snapshot failed", "source", source, "error", err)
}

func (s *snapshots) queue(ch chan<- prometheus.Metric, q Queue) {
	each(ch, s.messages, messageStates, q.Messages)
	each(ch, s.depth, priorities, q.Depth)
	var age float64
	if !q.Oldest.IsZero() {
		age = max(0, time.Since(q.Oldest).Seconds())
	}
	ch <- gauge(s.oldest, age)
	ch <- gauge(s.unknown, float64(q.Messages["unknown"]))
}

func (s *snapshots) modem(ch chan<- prometheus.Metric, m Modem) {
	ch <- gauge(s.up, truth(m.Up), m.Name)
	ch <- gauge(s.registered, truth(m.Registered), m.Name)
	if m.SignalDBm != 0 {
		ch <- gauge(s.signal, float64(m.SignalDBm), m.Name)
	}
	if m.StorageTotal > 0 {
		ch <- gauge(s.storageUsed, float64(m.StorageUsed), m.Name)
		ch <- gauge(s.storageTotal, float64(m.StorageTotal), m.Name)
	}
	ch <- gauge(s.deaf, truth(m.Deaf), m.Name)
	ch <- prometheus.MustNewConstMetric(s.deafened, prometheus.CounterValue, float64(m.Deafened), m.Name)
	ch <- prometheus.MustNewConstMetric(s.calls, prometheus.CounterValue, float64(m.Calls), m.Name)
	for rung, n := range m.Recoveries {
		ch <- prometheus.MustNewConstMetric(s.recoveries, prometheus.CounterValue, float64(n), m.Name, rung)
	}
}

// each emits the known values of a label, 0 for those that the snapshot left out, and nothing else: a value that this
// file does not know would be a new series nobody documented.
func each(ch chan<- prometheus.Metric, desc *prometheus.Desc, known []string, counts map[string]int) {
	for _, k := range known {
		ch <- gauge(desc, float64(counts[k]), k)
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
