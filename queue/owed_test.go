package queue

import (
	"strings"
	"testing"
	"time"
)

func TestALateReferenceIsKnownByWhereItStandsInTheSIMsCount(t *testing.T) {
	now := time.Now()
	known := func(mr int) Attempt {
		return Attempt{MR: mr, Result: ResultAccepted, IMEI: "1", Started: now, Ended: now.Add(time.Second)}
	}
	doubt := func(id string) Attempt {
		return Attempt{ID: id, MR: -1, Result: ResultUnknown, Unanswered: true, IMEI: "1", Started: now, Ended: now}
	}
	reported := doubt("r")
	reported.Result, reported.MR = ResultAccepted, 8
	answered := doubt("x") // by an error that proves nothing
	answered.Unanswered = false
	refused := Attempt{MR: -1, Result: ResultRefused, IMEI: "1", Started: now, Ended: now}
	unsent := Attempt{MR: -1, Result: ResultNotSent, IMEI: "1", Started: now, Ended: now}
	long := doubt("x")
	long.Ended = now.Add(-owedFor)
	elsewhere := doubt("x")
	elsewhere.IMEI = "2"
	for name, c := range map[string]struct {
		before  []Attempt // newest first
		mr      int
		want    string // ids, one letter each
		certain bool
	}{
		"nothing in doubt":                              {[]Attempt{known(7), known(6)}, 8, "", false},
		"the next but one is the submit's own":          {[]Attempt{doubt("x"), known(7)}, 9, "", false},
		"the next may be the one in doubt":              {[]Attempt{doubt("x"), known(7)}, 8, "x", false},
		"either of two in doubt":                        {[]Attempt{doubt("y"), doubt("x"), known(7)}, 8, "xy", false},
		"either of two in one gap":                      {[]Attempt{known(9), doubt("y"), doubt("x"), known(7)}, 8, "yx", true},
		"the second of two in doubt":                    {[]Attempt{doubt("y"), doubt("x"), known(7)}, 9, "y", false},
		"past two in doubt":                             {[]Attempt{doubt("y"), doubt("x"), known(7)}, 10, "", false},
		"a refused one may have used one":               {[]Attempt{doubt("x"), refused, known(7)}, 9, "x", false},
		"what was not sent used none":                   {[]Attempt{doubt("x"), unsent, known(7)}, 9, "", false},
		"round the corner":                              {[]Attempt{doubt("x"), known(255)}, 0, "x", false},
		"a refusal may be the one in doubt's":           {[]Attempt{doubt("x"), known(7)}, -1, "x", false},
		"a refusal is its own after a known one":        {[]Attempt{known(9), doubt("x"), known(7)}, -1, "", false},
		"no reference is known":                         {[]Attempt{doubt("x")}, 8, "x", false},
		"the gap that one in doubt left":                {[]Attempt{known(9), doubt("x"), known(7)}, 8, "x", true},
		"known by its report, and yet unanswered":       {[]Attempt{reported, known(7)}, 8, "r", true},
		"the next after one known by its report":        {[]Attempt{reported, known(7)}, 9, "", false},
		"in doubt, but answered":                        {[]Attempt{answered, known(7)}, 8, "", false},
		"after the gap":                                 {[]Attempt{known(9), doubt("x"), known(7)}, 10, "", false},
		"no gap was left":                               {[]Attempt{known(8), doubt("x"), known(7)}, 9, "", false},
		"given up too long ago":                         {[]Attempt{long, known(7)}, 8, "", false},
		"the SIM was in another modem":                  {[]Attempt{elsewhere, known(7)}, 8, "", false},
		"a modem that always says 0 has no say in gaps": {[]Attempt{known(0), doubt("x"), known(0)}, 0, "", false},
	} {
		o := owedBy(c.before, Attempt{IMEI: "1", Started: now.Add(time.Second)}, now)
		if got, certain := o.Owners(c.mr); strings.Join(got, "") != c.want || certain != c.certain {
			t.Errorf("%s: %q, certain %v", name, got, certain)
		}
	}
}

func TestASecondResultIsWaitedForAFewTimesAsLongAsSubmitsLast(t *testing.T) {
	now := time.Now()
	a := Attempt{MR: 7, Result: ResultAccepted, Started: now, Ended: now.Add(3 * time.Second)}
	if got := owedBy([]Attempt{{MR: -1, Result: ResultUnknown}, a}, Attempt{Started: now}, now).Patience(); got != 12500*time.Millisecond {
		t.Errorf("%v", got)
	}
	waited := a // for a second result, itself
	waited.Ended = now.Add(30 * time.Second)
	for _, before := range [][]Attempt{{waited, a}, {a, waited}} {
		if got := owedBy(before, Attempt{Started: now}, now).Patience(); got != 12500*time.Millisecond {
			t.Errorf("after one that waited: %v", got)
		}
	}
}

func TestTheNewerOfTwoReferencesIsTheOneFurtherFromTheLastKnown(t *testing.T) {
	after := func(mr int) Owed { return owedBy([]Attempt{{MR: mr, Result: ResultAccepted}}, Attempt{}, time.Time{}) }
	if o := after(7); !o.Newer(9, 8) || o.Newer(8, 9) || o.Newer(8, 8) {
		t.Error("after 7, 9 is newer than 8")
	}
	if o := after(254); !o.Newer(0, 255) || o.Newer(255, 0) {
		t.Error("after 254, 0 is newer than 255") // TS 23.040 9.2.3.6
	}
	if o := owedBy(nil, Attempt{}, time.Time{}); o.Newer(9, 8) || o.Newer(8, 9) {
		t.Error("without a known reference nobody can tell")
	}
}

func TestAReferenceIsContestedOnlyByWhatThisProcessGaveUp(t *testing.T) {
	now := time.Now()
	before := []Attempt{
		{ID: "x", MR: -1, Result: ResultUnknown, Unanswered: true, Started: now, Ended: now},
		{MR: 7, Result: ResultAccepted, Started: now, Ended: now},
	}
	for began, want := range map[time.Time]bool{now: true, now.Add(time.Second): false} {
		o := owedBy(before, Attempt{Started: now.Add(time.Minute)}, began)
		if owners, _ := o.Owners(8); len(owners) != 1 || o.Contested(8) != want || o.Contested(9) {
			t.Errorf("%v: owners %v, contested %v", began.Sub(now), owners, o.Contested(8))
		}
	}
}
