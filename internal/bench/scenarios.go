package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"attestd/internal/client"
	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// await watches the ledger until enough says so, or nothing has happened for patience.
func await(ctx context.Context, r *rig.Rig, patience time.Duration, enough func(simulator.Entry) bool) error {
	entries, stop := r.Network.Watch(1 << 16)
	defer stop()
	for _, e := range r.Network.Ledger() { // what came before the watch
		if enough(e) {
			return nil
		}
	}
	quiet := time.NewTimer(patience)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-quiet.C:
			return fmt.Errorf("nothing happened for %s", patience)
		case e := <-entries:
			quiet.Reset(patience)
			if enough(e) {
				return nil
			}
		}
	}
}

// distinct counts submits that went on air, each Submit number once.
func distinct(kind string, n int) func(simulator.Entry) bool {
	seen := map[int]bool{}
	return func(e simulator.Entry) bool {
		if e.Kind == kind && (kind != simulator.KindSubmit || e.Accepted) {
			seen[e.Submit] = true
		}
		return len(seen) >= n
	}
}

// wall is when something happened by the clock on the wall: an entry knows both clocks.
func wall(e simulator.Entry, us int64) time.Time {
	return e.At.Add(-time.Duration(e.US-us) * time.Microsecond)
}

func idle(ctx context.Context, b *bench) error {
	r, err := start(ctx, simulator.Config{Modems: 1}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	n := b.size(300)
	began := map[string]time.Time{}
	entries, stop := r.Network.Watch(1 << 16)
	defer stop()
	var took []float64
	for i := range n {
		began[textOf(i)] = time.Now()
		if err := post(ctx, r, plain(i), textOf(i)); err != nil {
			return err
		}
		for done := false; !done; {
			select {
			case e := <-entries:
				if e.Kind == simulator.KindSubmit {
					took = append(took, float64(wall(e, e.Command).Sub(began[e.Text]).Microseconds())/1000)
				}
				done = e.Kind == simulator.KindReport // the gateway is idle again
			case <-time.After(10 * time.Second):
				return errors.New("no AT+CMGS within 10 s")
			}
		}
	}
	slices.Sort(took)
	b.atMost("submission to AT+CMGS, idle, p50", percentile(took, .5), "ms", 5, "414")
	b.just("submission to AT+CMGS, idle, p95", percentile(took, .95), "ms", "992")
	return nil
}

// backlog lets modems without a network wait for n messages, then lets them go.
func (b *bench) backlog(ctx context.Context, name string, modems, n int) error {
	n = b.size(n)
	r, err := start(ctx, simulator.Config{Modems: modems}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for i := range modems {
		r.Network.Modem(i).SetRegistration(2)
	}
	time.Sleep(100 * time.Millisecond) // let the stations notice, so that the backlog builds up unsent
	began := time.Now()
	if err := postAll(ctx, r, n, plain); err != nil {
		return err
	}
	posted := time.Since(began)
	used := cpu()
	for i := range modems {
		r.Network.Modem(i).SetRegistration(1)
	}
	if err := await(ctx, r, 20*time.Second, distinct(simulator.KindResult, n)); err != nil {
		return err
	}
	used = cpu() - used
	first, last, gaps := timeline(r.Network.Ledger())
	rate := float64(n-1) / (float64(last-first) / 1e6)
	if modems == 1 {
		b.atLeast("messages/s, one zero-latency modem, durable", rate, "1/s", 200, "2.9")
		b.atMost("idle gap with work waiting, p50", percentile(gaps, .5), "ms", 3, "343")
		b.just("idle gap with work waiting, p95", percentile(gaps, .95), "ms", "")
		b.just("messages accepted over HTTP, durable", float64(n)/posted.Seconds(), "1/s", "")
		b.just("CPU seconds per 1000 messages (simulator included)", used.Seconds()/float64(n)*1000, "s", "0.95")
	} else {
		b.just(fmt.Sprintf("messages/s, %d zero-latency modems, durable", modems), rate, "1/s", "11.6")
	}
	b.just("peak RSS, "+name+" (simulator included)", peakRSS(), "MiB", "")
	return nil
}

// timeline gives the first AT+CMGS and the last final result in microseconds, and the gaps between a final result and the
// next AT+CMGS of the same modem in milliseconds, sorted.
func timeline(ledger []simulator.Entry) (first, last int64, gaps []float64) {
	results, commands := map[int][]int64{}, map[int][]int64{}
	for _, e := range ledger {
		switch e.Kind {
		case simulator.KindSubmit:
			commands[e.Modem] = append(commands[e.Modem], e.Command)
			if first == 0 || e.Command < first {
				first = e.Command
			}
		case simulator.KindResult:
			results[e.Modem] = append(results[e.Modem], e.US)
			last = max(last, e.US)
		}
	}
	for m, at := range commands {
		for i := 1; i < len(at) && i <= len(results[m]); i++ {
			gaps = append(gaps, float64(at[i]-results[m][i-1])/1000)
		}
	}
	slices.Sort(gaps)
	return first, last, gaps
}

func radio(ctx context.Context, b *bench) error {
	const onAir = 2500 * time.Millisecond
	r, err := start(ctx, simulator.Config{Modems: 1, Radio: onAir, LinkedRadio: onAir}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	n := b.size(20)
	if err := postAll(ctx, r, n, plain); err != nil {
		return err
	}
	if err := await(ctx, r, time.Minute, distinct(simulator.KindResult, n)); err != nil {
		return err
	}
	var busy, from, to int64
	for _, e := range r.Network.Ledger() {
		if e.Kind == simulator.KindSubmit && e.Air > 0 {
			busy += e.Air - e.CtrlZ
			if from == 0 {
				from = e.CtrlZ
			}
			to = max(to, e.Air)
		}
	}
	b.atLeast("radio busy at 2.5 s a message", 100*float64(busy)/float64(to-from), "%", 99, "88.1")
	return nil
}

// permitting are the fates that still let a message arrive, by the last digits of the recipient.
func permitting() []string {
	var suffixes []string
	for _, f := range simulator.Fates() {
		if f.Delivers && !strings.ContainsFunc(f.Suffix, unicode.IsLetter) { // letters stand for any digits
			suffixes = append(suffixes, f.Suffix)
		}
	}
	return suffixes
}

func faults(ctx context.Context, b *bench) error {
	r, err := start(ctx, simulator.Config{Modems: 4}, func(cfg *config.Config) {
		for i := range cfg.Modem {
			cfg.Modem[i].SubmitTimeout = 2 * time.Second
			cfg.Modem[i].LateResultWait = 3 * time.Second
		}
		cfg.Queue.Backoff = 200 * time.Millisecond
	})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	n, suffixes := b.size(1000), permitting()
	to := func(i int) string {
		if i%20 == 7 && len(suffixes) > 0 {
			s := suffixes[i/20%len(suffixes)]
			return fmt.Sprintf("+86138%s%s", fmt.Sprintf("%08d", i)[len(s):], s)
		}
		return plain(i)
	}
	began := time.Now()
	if err := postAll(ctx, r, n, to); err != nil {
		return err
	}
	if err := await(ctx, r, 60*time.Second, distinctTexts(n)); err != nil {
		b.o.Tell("faults: " + err.Error() + "; the traffic goes on")
		b.explain(ctx, r)
		// What is in doubt, and the last that its SIM sent, is proven by what follows it. A gateway at work always has more.
		if err := postAll(ctx, r, 4*4, func(i int) string { return plain(n + i) }); err != nil {
			return err
		}
		if err := await(ctx, r, 60*time.Second, distinctTexts(n)); err != nil {
			b.o.Tell("faults: " + err.Error())
		}
	}
	took := time.Since(began)
	time.Sleep(2 * time.Second) // a second copy of the last ones would come now
	onAir := map[string]int{}
	for _, e := range r.Network.Ledger() {
		if e.Kind == simulator.KindSubmit && e.Accepted {
			onAir[e.Text]++
		}
	}
	if len(onAir) < n {
		b.explain(ctx, r)
	}
	var twice int
	for _, times := range onAir {
		twice += times - 1
	}
	b.atMost(fmt.Sprintf("lost of %d, 5%% with faults, four modems", n), float64(n-len(onAir)), "messages", 0, "")
	b.atMost(fmt.Sprintf("sent twice of %d, 5%% with faults, four modems", n), float64(twice), "messages", 0, "3 to 5 of 40 under kill")
	b.just("time for them", took.Seconds(), "s", "")
	return nil
}

// explain tells what the gateway says of the messages that it has not brought on air.
func (b *bench) explain(ctx context.Context, r *rig.Rig) {
	c, err := client.New(r.URL, r.Token)
	if err != nil {
		b.o.Tell(err.Error())
		return
	}
	for _, state := range []string{"queued", "submitting", "unknown", "unreported", "rejected", "expired"} {
		var list client.List[client.Message]
		if err := c.Get(ctx, "/v1/messages", url.Values{"state": {state}, "limit": {"20"}}, &list); err != nil {
			b.o.Tell(err.Error())
			continue
		}
		for _, m := range list.Items {
			var whole map[string]any
			_ = c.Get(ctx, "/v1/messages/"+m.ID, nil, &whole)
			text, _ := json.MarshalIndent(whole, "  ", " ")
			b.o.Tell("  " + string(text))
		}
	}
}

func distinctTexts(n int) func(simulator.Entry) bool {
	seen := map[string]bool{}
	return func(e simulator.Entry) bool {
		if e.Kind == simulator.KindSubmit && e.Accepted {
			seen[e.Text] = true
		}
		return len(seen) >= n
	}
}
