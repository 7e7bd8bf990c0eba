package proof

import (
	"strconv"
	"testing"
	"time"
)

func TestAProofIsNeverGoodTwiceEvenWhenWhatWasSpentIsForgotten(t *testing.T) {
	p := New()
	now := time.Now()
	first := p.Issue(now)
	if v, _ := p.Admit(first, "", "", nil, Terms{}, now); v != Admitted {
		t.Fatal(v)
	}
	for range mostSpent {
		if v, _ := p.Admit(p.Issue(now.Add(time.Second)), "", "", nil, Terms{}, now.Add(time.Second)); v != Admitted {
			t.Fatal(v)
		}
	}
	if len(p.spent) > mostSpent {
		t.Errorf("%d are kept", len(p.spent))
	}
	if v, _ := p.Admit(first, "", "", nil, Terms{}, now.Add(2*time.Second)); v != Stale {
		t.Error("a spent pass was taken again")
	}
}

func TestWorkIsWhatTheHashShowsAndAnIdenticalSubmissionHasShownIt(t *testing.T) {
	p, now := New(), time.Now()
	pass := p.Issue(now)
	number, work := "", 0
	for n := 0; work < 12; n++ {
		number = strconv.Itoa(n)
		work = Work(pass, number)
	}
	if v, _ := p.Admit(pass, number, "", []string{"a"}, Terms{Bits: work + 1}, now); v != Unproven {
		t.Error("too little work: ", v)
	}
	for range 2 {
		if v, shown := p.Admit(pass, number, "", []string{"a"}, Terms{Bits: work, Repeat: time.Second}, now); v != Admitted || shown != work {
			t.Errorf("%v, %d shown", v, shown)
		}
	}
	if v, _ := p.Admit(pass, number, "", []string{"b"}, Terms{Bits: work, Repeat: time.Second}, now); v != Stale {
		t.Error("another submission with the same proof: ", v)
	}
	for _, bad := range []string{"", "12345678901", "x"} {
		if Work(pass, bad) >= 12 {
			t.Errorf("%q shows work", bad)
		}
	}
	if v, _ := p.Admit("x", "", "", nil, Terms{}, now); v != Stale {
		t.Error("no pass of ours: ", v)
	}
}
