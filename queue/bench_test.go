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
	d.Attach(queue.Line{Station: "m0", SIM: "s0", Submit: func(context.Context, string, []byte) queue.Outcome {
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
