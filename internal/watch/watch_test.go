package watch

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var rules = Rules{
	WrongWindow: 15 * time.Minute, WrongLeast: 50, WrongShare: 0.5,
	ConversionWindow: 24 * time.Hour, ConversionAfter: 30 * time.Minute, ConversionLeast: 30, ConversionShare: 0.2,
}

func TestMoreThanHalfOfAtLeastFiftyChecksWrongIsAnAlarm(t *testing.T) {
	for _, one := range []struct {
		all, wrong int
		alarm      bool
	}{{49, 49, false}, {50, 25, false}, {50, 26, true}, {1000, 500, false}, {1000, 501, true}, {0, 0, false}} {
		found := Judge(rules, Checks{All: one.all, Wrong: one.wrong}, nil)
		if (len(found) == 1) != one.alarm {
			t.Errorf("%d of %d: %v", one.wrong, one.all, found)
		}
	}
	off := rules
	off.WrongLeast = 0
	if found := Judge(off, Checks{All: 1000, Wrong: 1000, Past: 9}, nil); found != nil {
		t.Error(found)
	}
}

func TestASIMOrAPrefixWhoseCodesAreNotEnteredIsAnAlarm(t *testing.T) {
	all := []Conversion{
		{"sim1", "+86138", 40, 38, 30}, {"sim1", "+86170", 29, 29, 0},
		{"sim2", "+86138", 20, 0, 1}, {"sim2", "+86139", 12, 0, 0},
	}
	found := Judge(rules, Checks{}, all)
	if len(found) != 1 || found[0] != (Finding{SIM, "sim2", 1, 32}) {
		t.Errorf("%v", found)
	}
	all[1].Sent = 30
	found = Judge(rules, Checks{}, all)
	if !slices.Contains(found, Finding{Prefix, "+86170", 0, 30}) || len(found) != 2 {
		t.Errorf("%v", found)
	}
	off := rules
	off.ConversionLeast = 0
	if found := Judge(off, Checks{}, all); found != nil {
		t.Error(found)
	}
}

// book is a store in memory.
type book struct {
	checks Checks
	all    []Conversion
	alarms []Alarm
	told   []string
	looks  int
	counts int
}

func (b *book) CheckCounts(context.Context, time.Time) (Checks, error) {
	b.looks++
	return b.checks, nil
}
func (b *book) Conversions(context.Context, time.Time, time.Time) ([]Conversion, error) {
	b.counts++
	return b.all, nil
}
func (b *book) Alarms(context.Context) ([]Alarm, error) { return slices.Clone(b.alarms), nil }
func (b *book) RaiseAlarm(_ context.Context, a Alarm, _ any) error {
	b.alarms, b.told = append(b.alarms, a), append(b.told, "raised "+a.Kind)
	return nil
}
func (b *book) ClearAlarm(_ context.Context, a Alarm) error {
	b.alarms, b.told = slices.DeleteFunc(b.alarms, a.is), append(b.told, "cleared "+a.Kind)
	return nil
}
func (b *book) ForgetCounts(context.Context, time.Time) error { return nil }

func TestAnAlarmIsToldOnceStandsAWhileAndSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{checks: Checks{All: 60, Wrong: 59}}
		look := func(w *Watch) {
			t.Helper()
			if err := w.Look(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		w := New(b, rules, slog.New(slog.DiscardHandler))
		look(w)
		time.Sleep(time.Minute)
		look(w)
		w = New(b, rules, slog.New(slog.DiscardHandler)) // the gateway was restarted
		look(w)
		if got := strings.Join(b.told, ", "); got != "raised wrong_checks" {
			t.Fatal(got)
		}
		b.checks = Checks{All: 60, Wrong: 3}
		look(w)
		if len(b.alarms) != 1 || len(w.Report().Alarms) != 1 {
			t.Fatal("an alarm of a minute ago is over already")
		}
		time.Sleep(stands)
		look(w)
		if got := strings.Join(b.told, ", "); got != "raised wrong_checks, cleared wrong_checks" || len(w.Report().Alarms) != 0 {
			t.Fatal(got)
		}
	})
}

func TestItLooksNoOftenerThanItMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		w := New(b, rules, slog.New(slog.DiscardHandler))
		for range 60 { // a change every second
			if _, err := w.Sweep(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if b.looks != 6 || b.counts != 1 {
			t.Errorf("%d looks in a minute, %d at all messages of a day", b.looks, b.counts)
		}
		next, err := w.Sweep(t.Context(), time.Now().Add(-time.Hour)) // the clock was set back
		if err != nil || b.looks != 7 || next.Before(time.Now().Add(-time.Hour)) {
			t.Error(b.looks, next, err)
		}
	})
}

func TestAPhonePastItsAllowanceOfWrongTailsIsAnAlarm(t *testing.T) {
	found := Judge(rules, Checks{All: 8, Wrong: 8, Past: 1}, nil)
	if len(found) != 1 || found[0].Kind != WrongTails || found[0].Subject != "" || found[0].Part != 1 || found[0].Whole != 8 {
		t.Error(found)
	}
}
