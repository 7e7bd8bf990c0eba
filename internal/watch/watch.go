// Package watch looks at what the gateway does as a whole and raises alarms: when too many checks of codes are wrong (somebody guesses),
// and when too few of the codes that go out through a SIM or to a prefix are ever entered (a SIM whose texts are dropped on their
// way, or somebody who has texts sent for the money in it: SMS pumping).
//
// What it judges is counted from rows, and so is what stands: a restart forgets nothing. Judging is a pure function.
package watch

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Rules say when to raise an alarm; each is a key of the [abuse] section.
type Rules struct {
	WrongWindow time.Duration // wrong_window
	WrongLeast  int           // wrong_least: of fewer checks nothing is said; 0 for no alarm
	WrongShare  float64       // wrong_share: more than that

	ConversionWindow time.Duration // conversion_window
	ConversionAfter  time.Duration // conversion_after: codes younger than that are left out, their persons need time
	ConversionLeast  int           // conversion_least: 0 for no alarm
	ConversionShare  float64       // conversion_share: less than that
}

// The kinds of alarms.
const (
	WrongChecks = "wrong_checks"
	WrongTails  = "wrong_tails" // a phone is past its allowance
	SIM         = "sim_conversion"
	Prefix      = "prefix_conversion"
)

// Kinds are all of them.
var Kinds = []string{WrongChecks, WrongTails, SIM, Prefix}

// Alarm is one that stands.
type Alarm struct {
	Kind    string
	Subject string // a SIM or a prefix; "" for the whole gateway
	Since   time.Time
}

// Checks are how many codes were checked, how many of these checks were wrong, and how many were asked for of a phone
// that was
// past its allowance of wrong tails, made or not.
type Checks struct{ All, Wrong, Past int }

// Conversion is what became of the codes that went out through a SIM to a prefix. A code counts as verified with the last
// SMS that brought it: where the first was dropped and the second arrived, the first SIM has no part in it.
type Conversion struct {
	SIM, Prefix               string
	Sent, Delivered, Verified int
}

// Finding is a reason to have an alarm, with its figures: Part of Whole.
type Finding struct {
	Kind, Subject string
	Part, Whole   int
}

// Judge says what there is to be alarmed about.
func Judge(r Rules, checks Checks, all []Conversion) (found []Finding) {
	if r.WrongLeast > 0 && checks.All >= r.WrongLeast && float64(checks.Wrong) > r.WrongShare*float64(checks.All) {
		found = append(found, Finding{WrongChecks, "", checks.Wrong, checks.All})
	}
	if r.WrongLeast > 0 && checks.Past > 0 {
		found = append(found, Finding{WrongTails, "", checks.Past, max(checks.All, checks.Past)})
	}
	for _, by := range []struct {
		kind string
		of   func(Conversion) string
	}{{SIM, func(c Conversion) string { return c.SIM }}, {Prefix, func(c Conversion) string { return c.Prefix }}} {
		for _, c := range Sum(all, by.of) {
			if r.ConversionLeast > 0 && c.Sent >= r.ConversionLeast && float64(c.Verified) < r.ConversionShare*float64(c.Sent) {
				found = append(found, Finding{by.kind, by.of(c), c.Verified, c.Sent})
			}
		}
	}
	return found
}

// Sum adds up what has the same name by of; the most sent first.
func Sum(all []Conversion, of func(Conversion) string) []Conversion {
	sums := map[string]Conversion{}
	for _, c := range all {
		s := sums[of(c)]
		s.SIM, s.Prefix = c.SIM, c.Prefix
		s.Sent, s.Delivered, s.Verified = s.Sent+c.Sent, s.Delivered+c.Delivered, s.Verified+c.Verified
		sums[of(c)] = s
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b Conversion) int {
		return cmp.Or(cmp.Compare(b.Sent, a.Sent), cmp.Compare(of(a), of(b)))
	})
}

// Store is where the counts and the standing alarms are. *store.Store is one.
type Store interface {
	// CheckCounts counts the checks since then.
	CheckCounts(ctx context.Context, since time.Time) (Checks, error)
	// Conversions counts the codes that were made from then to then and that a network took.
	Conversions(ctx context.Context, from, to time.Time) ([]Conversion, error)
	Alarms(ctx context.Context) ([]Alarm, error)
	// RaiseAlarm and ClearAlarm change what stands and tell of it by an event, in one transaction.
	RaiseAlarm(ctx context.Context, a Alarm, data any) error
	ClearAlarm(ctx context.Context, a Alarm) error
	// ForgetCounts drops what no window looks back to.
	ForgetCounts(ctx context.Context, before time.Time) error
}

// Report is what was last seen.
type Report struct {
	At          time.Time
	Window      time.Duration // of the conversions
	Checks      Checks
	Conversions []Conversion
	Alarms      []Alarm
	Findings    []Finding // the figures of alarms whose reason holds still
	counted     time.Time // when Conversions were: that reads a day of messages, and hours pass before it tells anything new
}

// How often it looks, and how long an alarm stands at least: one that comes and goes by the minute tells nobody anything.
const (
	every  = 10 * time.Second
	atRest = time.Minute
	stands = 10 * time.Minute
)

// Watch looks, and remembers only what it saw last.
type Watch struct {
	store Store
	rules atomic.Pointer[Rules]
	log   *slog.Logger
	last  atomic.Pointer[Report]
}

// New makes one.
func New(s Store, r Rules, log *slog.Logger) *Watch {
	w := &Watch{store: s, log: log}
	w.SetRules(r)
	w.last.Store(&Report{})
	return w
}

// SetRules changes the rules (SIGHUP).
func (w *Watch) SetRules(r Rules) { w.rules.Store(&r) }

// Report is what was last seen.
func (w *Watch) Report() Report { return *w.last.Load() }

// Sweep looks if it is time to, and says when it will be again.
func (w *Watch) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	if since := now.Sub(w.last.Load().At); since >= 0 && since < every {
		return now.Add(every - since), nil
	}
	if err := w.Look(ctx, now); err != nil {
		return time.Time{}, err
	}
	return now.Add(atRest), nil
}

// Look counts, judges, raises and clears.
func (w *Watch) Look(ctx context.Context, now time.Time) (err error) {
	r := *w.rules.Load()
	report := Report{At: now, Window: r.ConversionWindow}
	if report.Checks, err = w.store.CheckCounts(ctx, now.Add(-r.WrongWindow)); err != nil {
		return fmt.Errorf("counting checks: %w", err)
	}
	last := w.last.Load()
	report.Conversions, report.counted = last.Conversions, last.counted
	if since := now.Sub(last.counted); since < 0 || since >= atRest || last.Window != report.Window {
		if report.Conversions, err = w.store.Conversions(ctx, now.Add(-r.ConversionWindow), now.Add(-r.ConversionAfter)); err != nil {
			return fmt.Errorf("counting conversions: %w", err)
		}
		report.counted = now
	}
	standing, err := w.store.Alarms(ctx)
	if err != nil {
		return err
	}
	report.Findings = Judge(r, report.Checks, report.Conversions)
	if report.Alarms, err = w.settle(ctx, standing, report.Findings, now); err != nil {
		return err
	}
	w.last.Store(&report)
	return w.store.ForgetCounts(ctx, now.Add(-max(r.WrongWindow, 24*time.Hour)))
}

// told is the payload of alarm.raised.
type told struct {
	Alarm   string `json:"alarm"`
	Subject string `json:"subject,omitempty"`
	Part    int    `json:"part"`
	Whole   int    `json:"whole"`
}

// settle raises what was found and does not stand, and clears what stands and was not found.
func (w *Watch) settle(ctx context.Context, standing []Alarm, found []Finding, now time.Time) (alarms []Alarm, err error) {
	for _, f := range found {
		a := Alarm{f.Kind, f.Subject, now}
		i := slices.IndexFunc(standing, a.is)
		if i >= 0 {
			alarms, standing = append(alarms, standing[i]), slices.Delete(standing, i, i+1)
			continue
		}
		if err := w.store.RaiseAlarm(ctx, a, told{f.Kind, f.Subject, f.Part, f.Whole}); err != nil {
			return nil, err
		}
		w.log.Warn("alarm", "alarm", f.Kind, "subject", f.Subject, "part", f.Part, "whole", f.Whole, "see", "docs/operating.md")
		alarms = append(alarms, a)
	}
	for _, a := range standing {
		if age := now.Sub(a.Since); age >= 0 && age < stands {
			alarms = append(alarms, a)
			continue
		}
		if err := w.store.ClearAlarm(ctx, a); err != nil {
			return nil, err
		}
		w.log.Info("alarm is over", "alarm", a.Kind, "subject", a.Subject, "since", a.Since)
	}
	return alarms, nil
}

func (a Alarm) is(b Alarm) bool { return a.Kind == b.Kind && a.Subject == b.Subject }
