package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Codes are how many codes went out and what became of them.
type Codes struct {
	Name                      string // a SIM, or a prefix
	Sent, Delivered, Verified int
}

// Watched is a snapshot of what is watched: counts over the window of the configuration, most sent first, and the alarms that stand, by kind.
type Watched struct {
	BySIM, ByPrefix []Codes
	Brake           int     // how hard checks are slowed down for the whole site
	ChecksWrong     float64 // share of the checks in the window; 0 when there were none
	Alarms          map[string]int
}

// mostPrefixes bounds the series: what is beyond is added up under "other". There are some hundreds of prefixes in the world.
const mostPrefixes = 100

type watched struct {
	source                                    func() Watched
	kinds                                     []string
	sims, prefixes, checksWrong, alarm, brake *prometheus.Desc
}

// Watch registers what the conversion watch and the alarms show; kinds are all kinds of alarms.
func (m *Metrics) Watch(kinds []string, source func() Watched) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("attestd_"+name, help, labels, nil)
	}
	m.registry.MustRegister(&watched{
		source: source, kinds: kinds,
		sims:        desc("sim_codes", "Codes that a network took from a SIM in abuse.conversion_window, and how many were delivered and entered.", "sim", "stage"),
		prefixes:    desc("prefix_codes", "Codes that a network took for a prefix in abuse.conversion_window, and how many were delivered and entered.", "prefix", "stage"),
		checksWrong: desc("checks_wrong_ratio", "Share of the checks of codes in abuse.wrong_window that were wrong."),
		brake:       desc("check_brake_level", "How hard checks of codes are slowed down for the whole site, from 0 to 5."),
		alarm:       desc("alarms", "Alarms that stand, by kind.", "alarm"),
	})
}

// Describe implements prometheus.Collector.
func (w *watched) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.sims, w.prefixes, w.checksWrong, w.alarm, w.brake} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watched) Collect(ch chan<- prometheus.Metric) {
	s := w.source()
	stages(ch, w.sims, s.BySIM)
	stages(ch, w.prefixes, bounded(s.ByPrefix))
	ch <- gauge(w.checksWrong, s.ChecksWrong)
	ch <- gauge(w.brake, float64(s.Brake))
	each(ch, w.alarm, w.kinds, s.Alarms)
}

func stages(ch chan<- prometheus.Metric, d *prometheus.Desc, all []Codes) {
	for _, c := range all {
		ch <- gauge(d, float64(c.Sent), c.Name, "sent")
		ch <- gauge(d, float64(c.Delivered), c.Name, "delivered")
		ch <- gauge(d, float64(c.Verified), c.Name, "verified")
	}
}

func bounded(all []Codes) []Codes {
	if len(all) <= mostPrefixes {
		return all
	}
	other := Codes{Name: "other"}
	for _, c := range all[mostPrefixes:] {
		other.Sent, other.Delivered, other.Verified = other.Sent+c.Sent, other.Delivered+c.Delivered, other.Verified+c.Verified
	}
	return append(all[:mostPrefixes:mostPrefixes], other)
}
