package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
	"attestd/queue"
)

// oneByOne sends messages to one recipient, each ten seconds long; those numbered in lost stay in doubt, and never went out.
func oneByOne(t *testing.T, n int, lost, silent []int) (r *rig, all []queue.Message, report func(mr byte) bool) {
	r = newRig(t)
	began := time.Now()
	run := r.dispatch()
	m0 := &radio{takes: 10 * time.Second}
	m0.answer = func(n int, _ *pdu.SubmitInfo) queue.Outcome {
		for _, one := range lost {
			if n == one {
				m0.mr--
				return queue.Outcome{Kind: queue.OutcomeUnknown, Detail: "no final result"}
			}
		}
		for _, one := range silent {
			if n == one {
				return queue.Outcome{Kind: queue.OutcomeUnknown, Detail: "no final result"}
			}
		}
		return queue.Outcome{Kind: queue.OutcomeAccepted}
	}
	run.Attach(m0.line("m0"))
	to := number(t, 7)
	for range n {
		all = append(all, r.enqueue(queue.Draft{To: to, Report: true}))
	}
	return r, all, func(mr byte) bool {
		// Stamped when the third had just begun: it may be the second's as well, by clocks that are a little apart.
		matched, err := r.q.Report(t.Context(), queue.Report{SIM: "sim-m0", MR: mr, Recipient: to.E164(), SCTS: began.Add(21 * time.Second), Received: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return matched
	}
}

func TestAReportOfTheOneUnderWayIsNotCreditedToTheOneInDoubtBeforeIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, all, report := oneByOne(t, 3, []int{1}, nil)
		time.Sleep(23 * time.Second) // the first is out, the second in doubt, the third on air
		synctest.Wait()
		r.expect(all[0].ID, queue.Submitted)
		r.expect(all[1].ID, queue.Unknown)
		if report(2) {
			t.Error("it was credited before the one under way had its result")
		}
		r.expect(all[1].ID, queue.Unknown)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r.expect(all[2].ID, queue.Delivered)
		if m := r.message(all[1].ID); m.State == queue.Delivered || m.State == queue.Submitted {
			t.Errorf("the one that never went out is %s", m.State)
		}
	})
}

func TestOfTwoInDoubtTheReportsTellWhenBothHaveCome(t *testing.T) {
	for name, order := range map[string][]byte{"in order": {2, 3}, "the later first": {3, 2}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, all, report := oneByOne(t, 3, nil, []int{1, 2})
				time.Sleep(31 * time.Second)
				synctest.Wait()
				if report(order[0]) {
					t.Error("one report was credited to one of two")
				}
				r.expect(all[1].ID, queue.Unknown)
				r.expect(all[2].ID, queue.Unknown)
				report(order[1])
				r.expect(all[1].ID, queue.Delivered)
				r.expect(all[2].ID, queue.Delivered)
			})
		})
	}
}

func TestOfTwoInDoubtOneReportTellsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, all, report := oneByOne(t, 3, []int{1}, []int{2})
		time.Sleep(31 * time.Second)
		synctest.Wait()
		report(2) // the third's: the second was never sent
		r.expect(all[1].ID, queue.Unknown)
		r.expect(all[2].ID, queue.Unknown)
	})
}
