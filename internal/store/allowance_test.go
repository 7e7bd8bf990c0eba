package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"attestd/verify"
)

func TestOfManyWrongTailsAtOnceNoMoreAreJudgedThanThePhoneMayHaveAndNothingMakesItForgotten(t *testing.T) {
	r := newRig(t, nil)
	f := r.file(onePerson())
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[verify.Result]int{}
	for i := range 60 {
		all.Go(func() {
			result := r.check("123456", phoneA, fmt.Sprintf("0000%02d", i))
			mu.Lock()
			defer mu.Unlock()
			got[result]++
		})
	}
	all.Wait()
	if want := r.policy.WrongTails; got[verify.ResultNoRecord] != want || got[verify.ResultWait] != 60-want {
		t.Errorf("%v", got)
	}
	if state := r.filing(f.ID).State; state != verify.FilingVerifying {
		t.Error(state)
	}
	for i := range 200 { // others come, and the gateway is restarted
		r.check("123456", fmt.Sprintf("150%08d", i), "31002X")
	}
	if err := r.s.ForgetCounts(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.s.ForgetUses(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	r.restart(true)
	if result := r.check("123456", phoneA, "000099"); result != verify.ResultWait {
		t.Errorf("after others and a restart: %d", result)
	}
	var past int
	if err := r.s.readRow(t.Context(), `SELECT coalesce(sum(past), 0) FROM check_counts`).Scan(&past); err != nil || past == 0 {
		t.Errorf("nothing is counted for the alarm: %d, %v", past, err)
	}
}
