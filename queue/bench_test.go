package queue_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"attestd/internal/store"
	"attestd/queue"
)

// fill enqueues n messages, many to a commit.
func fill(b testing.TB, r *rig, n int, d queue.Draft) {
	b.Helper()
	d.Deadline = time.Now().Add(24 * time.Hour)
	for done := 0; done < n; {
		err := r.store.Update(context.Background(), func(tx *store.Tx) error {
			for i := 0; i < 2000 && done < n; i++ {
				d.To = number(b, done)
				if _, err := queue.Enqueue(context.Background(), tx, r.p, d, time.Now()); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDispatchOneLine sends through one modem that answers at once: what is left is the durable queue.
func BenchmarkDispatchOneLine(b *testing.B) {
	r := newRig(b)
	fill(b, r, b.N, queue.Draft{Text: "your code is 123456", Priority: queue.Urgent, Report: true})
	d := r.dispatch()
	done := make(chan struct{})
	var n atomic.Int64
	b.ResetTimer()
	d.Attach(queue.Line{Station: "m0", SIM: "s0", Submit: func(context.Context, queue.Submission) queue.Outcome {
		i := n.Add(1)
		if i == int64(b.N) {
			close(done)
		}
		return queue.Outcome{Kind: queue.OutcomeAccepted, MR: byte(i)}
	}})
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	d.stop()
}

// BenchmarkClaim measures what the waiting rows cost each message that goes out.
func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{0, 10_000, 200_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			r := newRig(b)
			fill(b, r, waiting, queue.Draft{Text: "hello", Priority: queue.Bulk})
			fill(b, r, b.N, queue.Draft{Text: "your code is 123456", Priority: queue.Urgent})
			lanes := queue.Lanes{Station: "m0", SIM: "s0"}
			b.ResetTimer()
			for b.Loop() {
				err := r.store.Update(context.Background(), func(tx *store.Tx) error {
					_, _, found, err := tx.Head(context.Background(), lanes, time.Now())
					if !found && waiting > 0 {
						b.Fatal("found nothing")
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClaimPastWhatIsNotDue has urgent rows that wait for their time at the head of the line.
func BenchmarkClaimPastWhatIsNotDue(b *testing.B) {
	r := newRig(b)
	fill(b, r, 100_000, queue.Draft{Text: "later", Priority: queue.Urgent})
	lanes := queue.Lanes{Station: "m0", SIM: "s0"}
	earlier := time.Now().Add(-time.Hour) // as seen then, nothing is due
	for b.Loop() {
		err := r.store.Update(context.Background(), func(tx *store.Tx) error {
			if _, _, found, err := tx.Head(context.Background(), lanes, earlier); err != nil || found {
				b.Fatal(found, err)
			}
			_, err := tx.NextDue(context.Background(), lanes, earlier)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMessageCounts is what a scrape costs.
func BenchmarkMessageCounts(b *testing.B) {
	r := newRig(b)
	fill(b, r, 200_000, queue.Draft{Text: "later"})
	for b.Loop() {
		if _, err := r.store.MessageCounts(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReport is what a status report costs, its commit included.
func BenchmarkReport(b *testing.B) {
	r := newRig(b)
	fill(b, r, b.N, queue.Draft{Text: "your code is 123456", Report: true})
	d := r.dispatch()
	done := make(chan struct{})
	var n atomic.Int64
	d.Attach(queue.Line{Station: "m0", SIM: "s0", Submit: func(context.Context, queue.Submission) queue.Outcome {
		i := n.Add(1)
		if i == int64(b.N) {
			close(done)
		}
		return queue.Outcome{Kind: queue.OutcomeAccepted, MR: byte(i)}
	}})
	<-done
	d.stop()
	b.ResetTimer()
	for i := range b.N {
		now := time.Now()
		if matched, err := r.q.Report(context.Background(), queue.Report{SIM: "s0", MR: byte(i + 1), Recipient: number(b, i).E164(), SCTS: now, Received: now}); err != nil || !matched {
			b.Fatal(matched, err)
		}
	}
}
