package queue

import (
	"testing"
	"time"
)

func TestOnlyReferencesThatFollowEachOtherProveThatAnAttemptWasNotSent(t *testing.T) {
	mr := func(n int) Attempt { return Attempt{MR: n, Result: ResultAccepted} }
	doubt := Attempt{MR: -1, Result: ResultUnknown}
	unsent := Attempt{MR: -1, Result: ResultNotSent}
	shared := Attempt{MR: 8, Result: ResultAccepted, Shared: true}
	proven := Attempt{MR: 8, Result: ResultAccepted, Shared: true, Reported: time.Now()}
	for name, c := range map[string]struct {
		before, after []Attempt // newest first, oldest first
		want          bool
	}{
		"no room between 7 and 8":                 {[]Attempt{mr(7), mr(6)}, []Attempt{mr(8)}, true},
		"room for one":                            {[]Attempt{mr(7), mr(6)}, []Attempt{mr(9)}, false},
		"two in doubt, no room":                   {[]Attempt{doubt, mr(7), mr(6)}, []Attempt{doubt, mr(8)}, true},
		"two in doubt, room for one":              {[]Attempt{doubt, mr(7), mr(6)}, []Attempt{mr(9)}, false},
		"one that was not sent used none":         {[]Attempt{unsent, mr(7), mr(6)}, []Attempt{unsent, mr(8)}, true},
		"the next may have the attempt's own":     {[]Attempt{mr(7), mr(6)}, []Attempt{shared}, false},
		"the next has it by its report":           {[]Attempt{mr(7), mr(6)}, []Attempt{proven}, true},
		"round the corner to 0":                   {[]Attempt{mr(255), mr(254)}, []Attempt{mr(0)}, false},
		"the corner lies before":                  {[]Attempt{mr(0), mr(255)}, []Attempt{mr(1)}, true},
		"nothing known after":                     {[]Attempt{mr(7), mr(6)}, nil, false},
		"nothing known before":                    {nil, []Attempt{mr(8)}, false},
		"a SIM never seen to count":               {[]Attempt{mr(7)}, []Attempt{mr(8)}, false},
		"a modem that gives the same every time":  {[]Attempt{mr(7), mr(7)}, []Attempt{mr(8)}, false},
		"a modem that jumps":                      {[]Attempt{mr(7), mr(90)}, []Attempt{mr(8)}, false},
		"one that failed between the two before":  {[]Attempt{mr(7), {MR: -1, Result: ResultTemporary}, mr(5)}, []Attempt{mr(8)}, true},
		"one in doubt before that did not use it": {[]Attempt{mr(7), doubt, mr(6)}, []Attempt{mr(8)}, true},
	} {
		if got := usedNone(c.before, c.after); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
