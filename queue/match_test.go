package queue

import (
	"testing"
	"time"

	"attestd/internal/msisdn"
)

func TestReportsAreRankedByWhatFitsThem(t *testing.T) {
	to, err := msisdn.Parse("13800138000", "86")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	attempt := func(result Result, mr int) candidate {
		return candidate{
			Attempt: Attempt{Result: result, MR: mr, Started: start, Ended: start.Add(3 * time.Minute), Status: -1},
			message: Message{Draft: Draft{To: to}}, place: place{from: -1, to: -1},
		}
	}
	report := Report{MR: 7, Recipient: "+8613800138000", SCTS: start.Add(2 * time.Second), Received: start.Add(time.Minute)}
	with := func(change func(c *candidate, r *Report)) (candidate, Report) {
		c, r := attempt(ResultAccepted, 7), report
		change(&c, &r)
		return c, r
	}
	unknown := func(from, steps, to, ahead int) func(*candidate) {
		return func(c *candidate) {
			c.Result, c.MR = ResultUnknown, -1
			c.place = place{from: from, steps: steps, to: to, ahead: ahead}
		}
	}
	for name, c := range map[string]struct {
		change func(*candidate, *Report)
		want   int
	}{
		"reference, recipient and time":       {func(*candidate, *Report) {}, named},
		"a national recipient":                {func(_ *candidate, r *Report) { r.Recipient = "13800138000" }, named},
		"no time stamp":                       {func(_ *candidate, r *Report) { r.SCTS = time.Time{} }, named},
		"a clock eight hours off":             {func(_ *candidate, r *Report) { r.SCTS = start.Add(8 * time.Hour) }, off},
		"another reference":                   {func(_ *candidate, r *Report) { r.MR = 8 }, noFit},
		"a ported number":                     {func(_ *candidate, r *Report) { r.Recipient = "+8613911112222" }, stranger},
		"a ported number, no time":            {func(_ *candidate, r *Report) { r.Recipient, r.SCTS = "+8613911112222", time.Time{} }, noFit},
		"a broken recipient":                  {func(_ *candidate, r *Report) { r.Recipient = "#1*" }, noFit},
		"came before the attempt":             {func(_ *candidate, r *Report) { r.Received = start.Add(-time.Hour) }, noFit},
		"again about the same":                {func(c *candidate, r *Report) { c.Status, c.SCTS = 0, r.SCTS }, again},
		"after a final one":                   {func(c *candidate, r *Report) { c.Status = 0 }, repeated},
		"after a final one, long after":       {func(c *candidate, r *Report) { c.Status, r.SCTS = 0, start.Add(time.Hour) }, noFit},
		"after a pending one":                 {func(c *candidate, r *Report) { c.Status = 0x20 }, named},
		"in doubt, the next reference":        {func(c *candidate, r *Report) { unknown(6, 1, -1, 0)(c) }, within},
		"in doubt, between two":               {func(c *candidate, r *Report) { unknown(6, 1, 8, 1)(c) }, within},
		"in doubt, round the corner":          {func(c *candidate, r *Report) { unknown(255, 8, -1, 0)(c) }, within},
		"in doubt, nothing known":             {func(c *candidate, r *Report) { unknown(-1, 0, -1, 0)(c) }, within},
		"in doubt, a slow centre":             {func(c *candidate, r *Report) { unknown(6, 1, -1, 0)(c); r.SCTS = start.Add(8 * time.Minute) }, about},
		"in doubt, no clock":                  {func(c *candidate, r *Report) { unknown(6, 1, -1, 0)(c); r.SCTS = time.Time{} }, guessed},
		"in doubt, count begun anew":          {func(c *candidate, r *Report) { unknown(200, 1, -1, 0)(c) }, lost},
		"in doubt, wrong count, no clock":     {func(c *candidate, r *Report) { unknown(200, 1, -1, 0)(c); r.SCTS = time.Time{} }, noFit},
		"in doubt, no room between the two":   {func(c *candidate, r *Report) { unknown(7, 1, 8, 1)(c); r.SCTS = time.Time{} }, noFit},
		"in doubt, another recipient":         {func(c *candidate, r *Report) { unknown(6, 1, -1, 0)(c); r.Recipient = "+8613911112222" }, noFit},
		"in doubt, nothing known, other time": {func(c *candidate, r *Report) { unknown(-1, 0, -1, 0)(c); r.SCTS = start.Add(-time.Hour) }, noFit},
	} {
		a, r := with(c.change)
		if got, _ := a.rank(r); got != c.want {
			t.Errorf("%s: rank %d, want %d", name, got, c.want)
		}
	}
}
