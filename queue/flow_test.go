package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
	"attestd/queue"
)

func TestAMessageGoesOutAndItsReportClosesTheCircle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.dispatch()
		m0 := &radio{takes: 2 * time.Second}
		d.Attach(m0.line("m0"))
		m := r.enqueue(queue.Draft{Report: true, Deadline: time.Now().Add(10 * time.Hour)})
		synctest.Wait()
		r.expect(m.ID, queue.Submitting)
		if a := r.attempts(m.ID); len(a) != 1 || a[0].Result != queue.Open {
			t.Fatalf("the attempt is not written down while it is made: %+v", a)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		r.expect(m.ID, queue.Submitted)
		if !r.report("sim-m0", 1, m.To, 0) {
			t.Fatal("the report was not matched")
		}
		got := r.expect(m.ID, queue.Delivered)
		if got.Text != "" || !got.Wiped {
			t.Errorf("the text is still there after the end")
		}
		if want := []queue.State{queue.Queued, queue.Submitting, queue.Submitted, queue.Delivered}; !equal(r.told(m.ID), want) {
			t.Errorf("the observer was told %v, want %v", r.told(m.ID), want)
		}
		info, err := pdu.Decode(m0.sent().tpdus[0], pdu.MO)
		if err != nil || info.Submit.To.String() != m.To.E164() || !info.Submit.StatusReport {
			t.Fatalf("%+v, %v", info.Submit, err)
		}
		if vp := info.Submit.VP; vp > 10*time.Hour || vp < 9*time.Hour {
			t.Errorf("TP-VP is %v, want what is left of the deadline", vp)
		}
	})
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
