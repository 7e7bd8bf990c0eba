package queue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/store"
	"attestd/pdu"
	"attestd/queue"
)

// silent answers nothing to the submits numbered, and accepts the others.
func silent(numbers ...int) func(int, *pdu.SubmitInfo) queue.Outcome {
	return func(n int, _ *pdu.SubmitInfo) queue.Outcome {
		for _, one := range numbers {
			if n == one {
				return queue.Outcome{Kind: queue.OutcomeUnknown, Detail: "no final result"}
			}
		}
		return queue.Outcome{Kind: queue.OutcomeAccepted}
	}
}

// doubtful sets up a message whose first submit has no known outcome.
func doubtful(t *testing.T, d queue.Draft, answer func(int, *pdu.SubmitInfo) queue.Outcome, change ...func(*queue.Policy)) (*rig, *radio, queue.Message) {
	t.Helper()
	r := newRig(t, change...)
	run := r.dispatch()
	m0 := &radio{takes: 2 * time.Second, answer: answer}
	run.Attach(m0.line("m0"))
	d.Report = true
	m := r.enqueue(d)
	time.Sleep(5 * time.Second)
	synctest.Wait()
	r.expect(m.ID, queue.Unknown)
	return r, m0, m
}

func TestInvariantAnUnknownMessageIsRepeatedOnceAfterAnEmptyWindowIfItsSenderAllowsIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, m0, m := doubtful(t, queue.Draft{Repeatable: true}, silent(0, 1, 2, 3))
		time.Sleep(r.p.EvidenceWindow - 10*time.Second)
		synctest.Wait()
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times before the window closed", n)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := m0.count(); n != 2 {
			t.Fatalf("sent %d times, want once more after an empty window", n)
		}
		r.expect(m.ID, queue.Unknown)
		time.Sleep(23 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Unknown)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Unreported)
		if n := m0.count(); n != 2 {
			t.Fatalf("sent %d times in all, want 2", n)
		}
	})
}

func TestInvariantAnUnknownMessageThatIsNotRepeatableIsNeverRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, m0, m := doubtful(t, queue.Draft{}, silent(0))
		time.Sleep(20 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Unknown) // evidence can still come: the network keeps it until the deadline
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Unreported)
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times", n)
		}
		late := queue.Report{SIM: "sim-m0", MR: 1, Recipient: m.To.E164(), SCTS: r.attempts(m.ID)[0].Started, Received: time.Now()}
		if matched, err := r.q.Report(t.Context(), late); err != nil || !matched {
			t.Fatal(matched, err)
		}
		got := r.expect(m.ID, queue.Unreported)
		if got.Delivered.IsZero() {
			t.Error("the late proof of delivery was not kept")
		}
	})
}

func TestHoldNeverRepeatsAndRepeatDoesNotWaitForEvidence(t *testing.T) {
	for mode, want := range map[queue.OnUnknown]int{queue.Hold: 1, queue.Repeat: 2, queue.Wait: 1} {
		t.Run(string(mode), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, m0, _ := doubtful(t, queue.Draft{Repeatable: true}, silent(0), func(p *queue.Policy) { p.OnUnknown = mode })
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if n := m0.count(); n != want {
					t.Errorf("sent %d times after two minutes, want %d", n, want)
				}
			})
		})
	}
}

func TestAReportThatFitsSettlesTheUnknownAndNothingIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, m0, m := doubtful(t, queue.Draft{Repeatable: true}, silent(0))
		if !r.report("sim-m0", 1, m.To, 0) {
			t.Fatal("not matched")
		}
		r.expect(m.ID, queue.Delivered)
		if a := r.attempts(m.ID); len(a) != 1 || a[0].Result != queue.ResultAccepted || a[0].MR != 1 {
			t.Errorf("the attempt does not say what the evidence proved: %+v", a)
		}
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
}

func TestAPendingReportProvesThatTheNetworkHasItAndIsNotFinal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, m0, m := doubtful(t, queue.Draft{Repeatable: true}, silent(0))
		r.report("sim-m0", 1, m.To, 0x20)
		r.expect(m.ID, queue.Submitted)
		time.Sleep(time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Submitted)
		r.report("sim-m0", 1, m.To, 0x46)
		r.expect(m.ID, queue.Undelivered)
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
}

func TestALateResultSettlesTheUnknownEitherWay(t *testing.T) {
	for _, c := range []struct {
		late queue.Outcome
		want queue.State
	}{
		{queue.Outcome{Kind: queue.OutcomeAccepted, MR: 1}, queue.Submitted},
		{queue.Outcome{Kind: queue.OutcomeRefused}, queue.Rejected},
		{queue.Outcome{Kind: queue.OutcomeTemporary, RetryAfter: time.Hour}, queue.Queued},
		{queue.Outcome{Kind: queue.OutcomeUnknown}, queue.Unknown},
	} {
		t.Run(c.late.Kind.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _, m := doubtful(t, queue.Draft{Repeatable: true}, silent(0))
				id := r.attempts(m.ID)[0].ID
				if err := r.q.LateResult(t.Context(), id, c.late); err != nil {
					t.Fatal(err)
				}
				r.expect(m.ID, c.want)
				// What is known is not overwritten.
				if err := r.q.LateResult(t.Context(), id, queue.Outcome{Kind: queue.OutcomeUnknown}); err != nil {
					t.Fatal(err)
				}
				r.expect(m.ID, c.want)
			})
		})
	}
}

func TestALateResultThatComesBeforeItsOwnTimeOutIsNotUndone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		id := make(chan string, 1)
		run.Attach(queue.Line{Station: "m0", SIM: "sim-m0", Submit: func(_ context.Context, s queue.Submission) queue.Outcome {
			attempt := s.AttemptID
			id <- attempt
			time.Sleep(time.Minute)
			return queue.Outcome{Kind: queue.OutcomeUnknown}
		}})
		m := r.enqueue(queue.Draft{Repeatable: true})
		if err := r.q.LateResult(t.Context(), <-id, queue.Outcome{Kind: queue.OutcomeAccepted, MR: 7}); err != nil {
			t.Fatal(err)
		}
		r.expect(m.ID, queue.Submitted)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := r.expect(m.ID, queue.Submitted); got.Parts[0].MR != 7 {
			t.Errorf("the reference is %d", got.Parts[0].MR)
		}
	})
}

func TestTheRecipientsOwnCheckSettlesTheUnknown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, m0, m := doubtful(t, queue.Draft{Repeatable: true, Origin: "challenge:1"}, silent(0))
		err := r.store.Update(t.Context(), func(tx *store.Tx) error {
			return queue.EvidenceOf(t.Context(), tx, r.p, "challenge:1", time.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		r.expect(m.ID, queue.Delivered)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
}

func TestWithdrawingAnUnknownMessageForfeitsItsRepetitionButRoundsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, m0, m := doubtful(t, queue.Draft{Repeatable: true, Origin: "challenge:1"}, silent(0))
		if _, err := r.q.Cancel(t.Context(), queue.Everyone, m.ID); err != queue.ErrNotCancellable {
			t.Fatalf("cancelling what may be on the air: %v", err)
		}
		err := r.store.Update(t.Context(), func(tx *store.Tx) error {
			return queue.CancelOf(t.Context(), tx, r.p, "challenge:1", time.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		r.expect(m.ID, queue.Unknown)
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
}

func TestAReportOfTheFirstAttemptStopsTheRepetitionThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		run := r.dispatch()
		m0 := &radio{takes: 2 * time.Second, answer: silent(0)}
		line := m0.line("m0")
		line.Limit = queue.Limit{PerMinute: 0.1, Burst: 1} // one in ten minutes: the repetition has to wait for a token
		run.Attach(line)
		m := r.enqueue(queue.Draft{Repeatable: true, Report: true})
		time.Sleep(7 * time.Minute)
		synctest.Wait()
		if got := r.message(m.ID); got.State != queue.Queued || got.Parts[0].Doubt != 1 {
			t.Fatalf("the repetition does not wait: %s", got.State)
		}
		r.report("sim-m0", 1, m.To, 0)
		r.expect(m.ID, queue.Delivered)
		time.Sleep(time.Hour)
		if n := m0.count(); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
}

func TestARestartCallsWhatWasUnderWayUnknownAndKeepsTheRest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		m1 := r.enqueue(queue.Draft{Priority: queue.Urgent, Repeatable: true, Report: true})
		m2 := r.enqueue(queue.Draft{Text: "the second"})
		line := queue.Line{Station: "m0", SIM: "sim-m0"}
		// Claimed and committed, and then the process is gone.
		if err := r.store.Update(t.Context(), func(tx *store.Tx) error {
			_, found, err := r.q.ClaimFor(t.Context(), tx, line, time.Now())
			if !found {
				t.Fatal("nothing to claim")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r.expect(m1.ID, queue.Submitting)
		r.restart()
		r.expect(m1.ID, queue.Unknown)
		r.expect(m2.ID, queue.Queued)
		run := r.dispatch()
		m0 := &radio{mr: 41, takes: time.Second}
		run.Attach(m0.line("m0"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r.expect(m2.ID, queue.Submitted)
		r.expect(m1.ID, queue.Unknown) // not queued again: it may be on the air
		if m0.sent().texts[0] != "the second" {
			t.Errorf("sent %q", m0.sent().texts[0])
		}
		time.Sleep(r.p.EvidenceWindow)
		synctest.Wait()
		r.expect(m1.ID, queue.Submitted)
	})
}

func TestAStrayResultSettlesTheOnlyAttemptThatCanHaveItAndNoneOfTwo(t *testing.T) {
	for _, doubtful := range []int{1, 2} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			run := r.dispatch()
			mr := byte(7)
			answers := make(chan queue.Outcome, 8)
			run.Attach(queue.Line{Station: "m0", IMEI: "1", SIM: "sim-m0", Submit: func(context.Context, queue.Submission) queue.Outcome {
				return <-answers
			}})
			known := r.enqueue(queue.Draft{})
			answers <- queue.Outcome{Kind: queue.OutcomeAccepted, MR: mr}
			synctest.Wait()
			if got := r.message(known.ID); got.State != queue.Submitted {
				t.Fatal(got.State)
			}
			var in []queue.Message
			for range doubtful {
				in = append(in, r.enqueue(queue.Draft{}))
				answers <- queue.Outcome{Kind: queue.OutcomeUnknown, Unanswered: true}
				synctest.Wait()
			}
			if err := r.q.StrayResult(t.Context(), "m0", "1", "sim-m0", mr+1); err != nil {
				t.Fatal(err)
			}
			want := queue.Submitted
			if doubtful > 1 {
				want = queue.Unknown
			}
			for _, m := range in {
				if got := r.message(m.ID); got.State != want {
					t.Errorf("%d in doubt: %s, want %s", doubtful, got.State, want)
				}
			}
		})
	}
}
