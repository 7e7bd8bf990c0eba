package bench

import (
	"context"
	"fmt"
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

// sick measures what is left of three modems' throughput when a fourth one dies with work in its hands, and one recipient in ten is
// refused for good. The yardstick is three modems with nothing wrong; both runs have the same radio, which is what limits them.
func sick(ctx context.Context, b *bench) error {
	well, err := b.threeOf(ctx, 3, false)
	if err != nil {
		return err
	}
	ill, err := b.threeOf(ctx, 4, true)
	if err != nil {
		return err
	}
	b.just("submissions/s of three modems, a queue of 10,000, 25 ms of radio each", well, "1/s", "")
	b.just("the same beside a fourth that died, one recipient in ten refused", ill, "1/s", "")
	b.atLeast("throughput that the three kept", 100*ill/well, "%", 99, "")
	return nil
}

// threeOf is the rate at which the last three modems come to final results. With trouble, the first one answers nothing any more from
// the moment when every modem is busy.
func (b *bench) threeOf(ctx context.Context, modems int, trouble bool) (float64, error) {
	const onAir = 25 * time.Millisecond
	r, err := start(ctx, simulator.Config{Modems: modems, Radio: onAir, LinkedRadio: onAir}, func(cfg *config.Config) {
		for i := range cfg.Modem {
			cfg.Modem[i].SubmitTimeout, cfg.Modem[i].LateResultWait, cfg.Modem[i].CommandTimeout = 3*time.Second, 2*time.Second, 2*time.Second
		}
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	n := b.size(10_000)
	to := func(i int) string {
		if trouble && i%10 == 9 {
			return fmt.Sprintf("+86138%03d99001", i/10%1000) // +CMS ERROR: 1, unassigned number
		}
		return plain(i)
	}
	if err := postAll(ctx, r, n, to); err != nil {
		return 0, err
	}
	from := time.Now()
	if trouble {
		if err := r.Network.Fault(simulator.Fault{Fault: "hang", For: "1h"}); err != nil {
			return 0, err
		}
	}
	// What the dead modem holds is in doubt and stays so: all but that.
	if err := await(ctx, r, 10*time.Second, results(n-modems)); err != nil {
		b.o.Tell("sick: " + err.Error())
	}
	rate := 0.0
	for m := modems - 3; m < modems; m++ {
		count := 0
		var first, last int64
		for _, e := range r.Network.Ledger() {
			if e.Modem == m && e.Kind == simulator.KindResult && e.At.After(from) {
				if count++; count == 1 {
					first = e.US
				}
				last = e.US
			}
		}
		if count > 1 {
			rate += float64(count-1) / (float64(last-first) / 1e6)
		}
	}
	return rate, nil
}

// results counts final results, good or bad, each submit once.
func results(n int) func(simulator.Entry) bool {
	seen := map[int]bool{}
	return func(e simulator.Entry) bool {
		if e.Kind == simulator.KindResult {
			seen[e.Submit] = true
		}
		return len(seen) >= n
	}
}
