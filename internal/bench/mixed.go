package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// mixed measures what is left of a modem's throughput while as many clients as can hand in messages, each waiting for
// its answer
// before it asks again: what is taken in must not keep what was taken in before from being sent.
func mixed(ctx context.Context, b *bench) error {
	const each = 10 * time.Second
	r, err := start(ctx, simulator.Config{Modems: 1}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	r.Network.Modem(0).SetRegistration(2)
	time.Sleep(100 * time.Millisecond)
	n := b.size(8000)
	if err := postAll(ctx, r, n, plain); err != nil {
		return err
	}
	r.Network.Modem(0).SetRegistration(1)
	if err := await(ctx, r, 10*time.Second, distinct(simulator.KindResult, 20)); err != nil {
		return err
	}
	sent := func() (count int) {
		for _, e := range r.Network.Ledger() {
			if e.Kind == simulator.KindResult {
				count++
			}
		}
		return count
	}
	before, from := sent(), time.Now()
	time.Sleep(each)
	alone := float64(sent()-before) / time.Since(from).Seconds()

	posting, stop := context.WithTimeout(ctx, each)
	defer stop()
	before, from = sent(), time.Now()
	taken, err := flood(posting, r, n)
	if err != nil {
		return err
	}
	took := time.Since(from).Seconds()
	under := float64(sent()-before) / took
	b.just("messages/s of a modem while nobody hands any in", alone, "1/s", "")
	b.just(fmt.Sprintf("the same while %d clients hand in all they can", apiConnections), under, "1/s", "")
	b.just("messages/s that these handed in meanwhile", float64(taken)/took, "1/s", "")
	b.atLeast("throughput that the modem kept", 100*under/alone, "%", 50, "")
	return nil
}

// flood hands in messages until ctx ends, and says how many were taken.
func flood(ctx context.Context, r *rig.Rig, first int) (int64, error) {
	var next, taken atomic.Int64
	errs := make([]error, apiConnections)
	var clients sync.WaitGroup
	for c := range apiConnections {
		clients.Go(func() {
			for ctx.Err() == nil {
				i := first + int(next.Add(1))
				if err := post(ctx, r, plain(i), textOf(i)); err == nil {
					taken.Add(1)
				} else if ctx.Err() == nil {
					errs[c] = err
					return
				}
			}
		})
	}
	clients.Wait()
	return taken.Load(), errors.Join(errs...)
}
