package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
	"attestd/queue"
)

func TestAReportThatOvertakesItsResultIsKeptAndMatchedWhenTheResultComes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: 5 * time.Second, mr: 254}
		run.Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{Report: true})
		time.Sleep(4 * time.Second)
		if r.report("sim-m0", 255, m.To, 0) {
			t.Fatal("matched to something else")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.expect(m.ID, queue.Delivered)
	})
}

func TestAReportThatNothingFitsIsDroppedInItsTimeAndSaid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.dispatch()
		if r.report("sim-m0", 9, number(t, 1), 0) {
			t.Fatal("matched")
		}
		time.Sleep(r.p.HoldReports + time.Second)
		synctest.Wait()
		events, err := r.store.Events(t.Context(), 0, "", 10)
		if err != nil || len(events) != 1 || events[0].Type != "report.unmatched" {
			t.Fatalf("%+v, %v", events, err)
		}
	})
}

func TestReferencesComeRoundAndTheNewestOpenMessageGetsTheReport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: time.Second}
		run.Attach(m0.line("m0"))
		to := number(t, 7)
		var all []queue.Message
		for range 300 {
			all = append(all, r.enqueue(queue.Draft{To: to, Report: true}))
		}
		time.Sleep(301 * time.Second)
		synctest.Wait()
		// References 1 to 44 were used twice, by messages 0 to 43 and 256 to 299, to the same number.
		r.report("sim-m0", 44, to, 0)
		r.expect(all[43].ID, queue.Submitted)
		r.expect(all[299].ID, queue.Delivered)
		// The older one's report has the older time stamp.
		older := r.message(all[42].ID).Parts[0].Submitted
		if _, err := r.q.Report(t.Context(), queue.Report{SIM: "sim-m0", MR: 43, Recipient: to.E164(), SCTS: older.Truncate(time.Second), Received: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if first, second := r.message(all[42].ID).State, r.message(all[298].ID).State; first != queue.Delivered || second != queue.Submitted {
			t.Errorf("the older time stamp went to the newer message: %s, %s", first, second)
		}
	})
}

func TestARepeatedReportOnlyAddsFactsAndStealsNoOtherMessagesDoubt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: 2 * time.Second, answer: silent(1)}
		run.Attach(m0.line("m0"))
		to := number(t, 7)
		first := r.enqueue(queue.Draft{To: to, Report: true})
		time.Sleep(time.Minute)
		second := r.enqueue(queue.Draft{To: to, Report: true})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r.expect(second.ID, queue.Unknown)
		report := queue.Report{SIM: "sim-m0", MR: 1, Recipient: to.National(), SCTS: r.message(first.ID).Accepted.Truncate(time.Second), Received: time.Now()}
		for range 3 {
			if matched, err := r.q.Report(t.Context(), report); err != nil || !matched {
				t.Fatal(matched, err)
			}
		}
		r.expect(first.ID, queue.Delivered)
		r.expect(second.ID, queue.Unknown)
	})
}

func TestABrokenReportIsMatchedToNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _, m := doubtful(t, queue.Draft{Report: true}, silent(0))
		for _, recipient := range []string{"", "#12*", "+", "10086", "8613800000001"} {
			matched, err := r.q.Report(t.Context(), queue.Report{SIM: "sim-m0", MR: 1, Recipient: recipient, Received: time.Now()})
			if matched || err != nil {
				t.Errorf("recipient %q: %v, %v", recipient, matched, err)
			}
		}
		for _, sim := range []string{"", "sim-m1"} {
			matched, err := r.q.Report(t.Context(), queue.Report{SIM: sim, Station: "m1", MR: 1, Recipient: m.To.E164(), Received: time.Now()})
			if matched || err != nil {
				t.Errorf("SIM %q: %v, %v", sim, matched, err)
			}
		}
		r.expect(m.ID, queue.Unknown)
	})
}

func TestAReferenceIsInferredFromItsNeighbours(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: 2 * time.Second, mr: 252, answer: silent(1, 2)}
		run.Attach(m0.line("m0"))
		to := number(t, 7)
		var all []queue.Message
		for range 4 { // 253 accepted, 254 and 255 in doubt, 0 accepted
			all = append(all, r.enqueue(queue.Draft{To: to, Report: true}))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		report := func(mr byte) bool { // by a service centre whose clock says nothing
			matched, err := r.q.Report(t.Context(), queue.Report{SIM: "sim-m0", MR: mr, Recipient: to.E164(), Received: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			return matched
		}
		if report(17) {
			t.Error("a reference that cannot be either's was matched")
		}
		report(255)
		r.expect(all[1].ID, queue.Unknown)
		r.expect(all[2].ID, queue.Delivered)
		report(254)
		r.expect(all[1].ID, queue.Delivered)
		r.expect(all[0].ID, queue.Submitted)
		r.expect(all[3].ID, queue.Submitted)
	})
}

func TestALongMessageEndsAsItsWorstPartAndGoesThroughOneSIM(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		radios := map[string]*radio{}
		for _, name := range []string{"m0", "m1", "m2"} {
			radios[name] = &radio{takes: 2 * time.Second}
			run.Attach(radios[name].line(name))
		}
		long := ""
		for len(long) < 450 {
			long += "a long text, "
		}
		m := r.enqueue(queue.Draft{Text: long, Report: true})
		if m.Segments != 3 {
			t.Fatalf("%d segments", m.Segments)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		got := r.expect(m.ID, queue.Submitted)
		var used *radio
		for name, one := range radios {
			if n := one.count(); n != 0 && n != 3 {
				t.Fatalf("%s sent %d parts: a handset joins only parts from one number", name, n)
			} else if n == 3 {
				used = one
			}
		}
		var parts []pdu.Deliver
		for _, tpdu := range used.sent().tpdus {
			p, err := pdu.Decode(tpdu, pdu.MO)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, pdu.Deliver{Content: p.Submit.Content})
		}
		if pdu.JoinText(parts) != long {
			t.Error("the parts do not join to the text")
		}
		sim := got.Parts[0].SIM
		r.report(sim, 1, m.To, 0)
		r.report(sim, 3, m.To, 0)
		r.expect(m.ID, queue.Submitted)
		r.report(sim, 2, m.To, 0x46)
		r.expect(m.ID, queue.Undelivered)
	})
}

func TestTheRestOfALongMessageIsNotSentWhenOnePartIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: time.Second, answer: func(n int, _ *pdu.SubmitInfo) queue.Outcome {
			if n == 1 {
				return queue.Outcome{Kind: queue.OutcomeRefused, Code: 1, Detail: "unassigned number"}
			}
			return queue.Outcome{Kind: queue.OutcomeAccepted}
		}}
		run.Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{Text: longText(400), Report: true})
		time.Sleep(time.Minute)
		synctest.Wait()
		got := r.expect(m.ID, queue.Rejected)
		if m0.count() != 2 || got.Reason != "part 2 of 3: unassigned number; parts that went out: 1" {
			t.Errorf("%d parts were sent, reason %q", m0.count(), got.Reason)
		}
	})
}

func longText(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a' + byte(i%26)
	}
	return string(text)
}

func TestASubmittedMessageWithoutReportIsUnreportedAnHourAfterItsDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{}
		run.Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{Report: true, Deadline: time.Now().Add(2 * time.Hour)})
		time.Sleep(3*time.Hour - time.Second)
		synctest.Wait()
		r.expect(m.ID, queue.Submitted)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.expect(m.ID, queue.Unreported)
	})
}
