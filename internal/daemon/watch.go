package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"attestd/internal/config"
	"attestd/internal/httpapi"
	"attestd/internal/metrics"
	"attestd/internal/watch"
)

func watchRules(c config.Config) watch.Rules {
	a := c.Abuse
	return watch.Rules{
		WrongWindow: a.WrongWindow, WrongLeast: a.WrongLeast, WrongShare: a.WrongShare,
		ConversionWindow: a.ConversionWindow, ConversionAfter: a.ConversionAfter, ConversionLeast: a.ConversionLeast, ConversionShare: a.ConversionShare,
	}
}

// buildWatch has the watch look once before anything is served: an alarm that stood goes on standing.
func (d *Daemon) buildWatch(ctx context.Context, cfg config.Config) error {
	if err := d.loadHomes(ctx); err != nil {
		return err
	}
	d.store.SetCountryCap(d.atHome(cfg), cfg.Abuse.PerCountryDaily)
	d.store.SetQuotas(d.quotas(cfg))
	d.watch = watch.New(d.store, watchRules(cfg), d.log)
	d.metrics.Watch(watch.Kinds, d.watched)
	_, err := d.watch.Sweep(ctx, d.started)
	return err
}

// watched is what the watch saw, as Prometheus sees it.
func (d *Daemon) watched() metrics.Watched {
	r := d.watch.Report()
	w := metrics.Watched{Alarms: map[string]int{}}
	if d.api != nil { // a scrape before there is anybody to brake
		w.Brake = d.api.Brake()
	}
	if r.Checks.All > 0 {
		w.ChecksWrong = float64(r.Checks.Wrong) / float64(r.Checks.All)
	}
	for _, a := range r.Alarms {
		w.Alarms[a.Kind]++
	}
	for _, c := range watch.Sum(r.Conversions, func(c watch.Conversion) string { return c.SIM }) {
		w.BySIM = append(w.BySIM, metrics.Codes{Name: c.SIM, Sent: c.Sent, Delivered: c.Delivered, Verified: c.Verified})
	}
	for _, c := range watch.Sum(r.Conversions, func(c watch.Conversion) string { return c.Prefix }) {
		w.ByPrefix = append(w.ByPrefix, metrics.Codes{Name: c.Prefix, Sent: c.Sent, Delivered: c.Delivered, Verified: c.Verified})
	}
	return w
}

// mostConversions bounds an answer.
const mostConversions = 200

// watchView is the same as the API shows it.
func (d *Daemon) watchView() *httpapi.Watched {
	r := d.watch.Report()
	w := &httpapi.Watched{At: r.At, Checks: r.Checks.All, Wrong: r.Checks.Wrong, Brake: d.api.Brake(), Window: r.Window.String(), Conversions: []httpapi.Conversion{}, Alarms: []httpapi.Alarm{}}
	all := slices.SortedFunc(slices.Values(r.Conversions), func(a, b watch.Conversion) int {
		return cmp.Or(cmp.Compare(b.Sent, a.Sent), cmp.Compare(a.SIM, b.SIM), cmp.Compare(a.Prefix, b.Prefix))
	})
	for _, c := range all[:min(len(all), mostConversions)] {
		w.Conversions = append(w.Conversions, httpapi.Conversion(c))
	}
	for _, a := range r.Alarms {
		view := httpapi.Alarm{Alarm: a.Kind, Subject: a.Subject, Since: a.Since}
		for _, f := range r.Findings {
			if f.Kind == a.Kind && f.Subject == a.Subject {
				view.Part, view.Whole = f.Part, f.Whole
			}
		}
		w.Alarms = append(w.Alarms, view)
	}
	return w
}

// problem is an alarm in words.
func problem(a httpapi.Alarm) string {
	count := ""
	if a.Whole > 0 {
		count = fmt.Sprintf(" (%d of %d)", a.Part, a.Whole)
	}
	switch a.Alarm {
	case watch.WrongChecks:
		return "alarm: codes are guessed, too many checks are wrong" + count
	case watch.WrongTails:
		return "alarm: the certificate of somebody's phone is guessed, more tails were wrong than a phone may have" + count
	case watch.SIM:
		return "alarm: too few codes that SIM " + a.Subject + " sent are entered" + count
	}
	return "alarm: too few codes that went to " + a.Subject + " are entered" + count
}
