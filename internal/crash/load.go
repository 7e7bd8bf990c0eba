package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"attestd/modem/simulator"
)

// backlog is how many messages are kept waiting, so that every moment finds the gateway at work.
const backlog = 12

// unreported is how many status reports may be due before the load waits: a storm of kills holds them up, and thousands of them would
// come later than any evidence window.
const unreported = 60

func (r *run) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.texts)
}

// feed keeps the queue filled and texts coming in, until ctx ends. A request that failed is made again under the same
// idempotency key, as a platform would. Where nothing moves for a second it asks all the same: what is in doubt is proven by
// what follows it, and must not wait for itself.
func (r *run) feed(ctx context.Context) error {
	for i := 0; ctx.Err() == nil; i++ {
		full := func() bool {
			return int(r.onAir.Load())+backlog < r.asked() || !r.o.NoReports && r.onAir.Load()-r.reported.Load() > unreported
		}
		for began := time.Now(); full() && time.Since(began) < time.Second && ctx.Err() == nil; {
			pause(ctx, 5*time.Millisecond)
		}
		if err := r.ask(ctx, i); err != nil {
			return err
		}
		if i%5 == 0 {
			text := fmt.Sprintf("to us %06d", i)
			if i%20 == 0 { // in three parts
				text += fmt.Sprintf("%0400d", i)
			}
			if err := r.network.Inject(i%r.o.Modems, "+8613700000001", text); err != nil {
				return err
			}
			r.mu.Lock()
			r.inject = append(r.inject, text)
			r.mu.Unlock()
		}
	}
	return nil
}

func (r *run) ask(ctx context.Context, i int) error {
	text, repeatable := fmt.Sprintf("crash %06d", i), i%2 == 0
	r.mu.Lock()
	r.texts[text] = repeatable
	r.mu.Unlock()
	body, err := json.Marshal(map[string]any{
		"to": fmt.Sprintf("+86139%03d1%04d", i/10_000%1000, i%10_000), "text": text, "report": true, "repeatable": repeatable, "idempotency_key": text,
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		status, answer, err := r.call(ctx, http.MethodPost, "/v1/messages", body)
		switch {
		case err != nil || status >= 500: // it is being killed, or starts
			pause(ctx, 20*time.Millisecond)
		case status == http.StatusAccepted || status == http.StatusOK:
			return nil
		default:
			return fmt.Errorf("POST /v1/messages: %d %s", status, answer)
		}
	}
	r.mu.Lock()
	delete(r.texts, text) // nobody knows whether it was taken in: it is not counted
	r.mu.Unlock()
	return nil
}

func (r *run) call(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.listen+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// watchAir counts distinct texts on air.
func (r *run) watchAir() {
	entries, _ := r.network.Watch(1 << 16) // closed with the network
	go func() {
		seen := map[string]bool{}
		for e := range entries {
			switch {
			case e.Kind == simulator.KindSubmit && e.Accepted && !seen[e.Text]:
				seen[e.Text] = true
				r.onAir.Add(1)
			case e.Kind == simulator.KindReport && e.Accepted:
				r.reported.Add(1)
			}
		}
	}()
}

type message struct {
	State string `json:"state"`
	Key   string `json:"idempotency_key"`
}

// list reads a whole paged list.
func list[T any](ctx context.Context, r *run, path string) (all []T, err error) {
	for cursor := ""; ; {
		status, raw, err := r.call(ctx, http.MethodGet, path+"?limit=1000&cursor="+url.QueryEscape(cursor), nil)
		if err != nil || status != http.StatusOK {
			return nil, errors.Join(err, fmt.Errorf("GET %s: %d %.200s", path, status, raw))
		}
		var page struct {
			Items []T
			Next  string
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// describe says how things stand, for an error.
func (r *run) describe(ctx context.Context) string {
	status, raw, err := r.call(ctx, http.MethodGet, "/v1/status", nil)
	return fmt.Sprintf("%d asked for, %d on air; GET /v1/status: %d %s %v", r.asked(), r.onAir.Load(), status, raw, err)
}

// settle waits until no message is under way, or until nothing more can be hoped for.
func (r *run) settle(ctx context.Context) error {
	patience := time.Minute
	if r.o.NoReports {
		patience = 100 * time.Second // a repetition waits a minute for a late result
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var status struct{ Messages map[string]int }
	for {
		_, raw, err := r.call(bounded, http.MethodGet, "/v1/status", nil)
		if err == nil && json.Unmarshal(raw, &status) == nil {
			m := status.Messages
			if open := m["queued"] + m["submitting"] + m["unknown"]; len(m) > 0 && open == 0 && (r.o.NoReports || m["submitted"] == 0) {
				return nil
			}
		}
		if bounded.Err() != nil {
			return context.Cause(ctx) // what stays in doubt is counted
		}
		pause(bounded, 100*time.Millisecond)
	}
}

// count compares the ledger with what was asked for and with what the gateway says.
func (r *run) count(ctx context.Context) error {
	messages, err := list[message](ctx, r, "/v1/messages")
	if err != nil {
		return err
	}
	states, stateOf := map[string]int{}, map[string]string{}
	for _, m := range messages {
		states[m.State]++
		stateOf[m.Key] = m.State
	}
	r.result.Settled = states
	times := map[string]int{}
	for _, e := range r.network.Ledger() {
		if e.Kind == simulator.KindSubmit && e.Accepted {
			times[e.Text]++
		}
	}
	for text, repeatable := range r.texts {
		r.result.Sent++
		switch n := times[text]; {
		case n == 0 && (stateOf[text] == "unknown" || stateOf[text] == "unreported"):
			r.result.InDoubt++
		case n == 0:
			r.result.Lost++
		case n == 2 && repeatable && r.o.NoReports:
			r.result.OnAir++
			r.result.Repeated++
		case n > 1:
			r.result.OnAir++
			r.result.Doubled++
		default:
			r.result.OnAir++
		}
	}
	items, err := list[struct{ Text string }](ctx, r, "/v1/inbox")
	if err != nil {
		return err
	}
	came := map[string]int{}
	for _, it := range items {
		came[it.Text]++
	}
	for _, text := range r.inject {
		r.result.Received++
		switch came[text] {
		case 0:
			r.result.InboxLost++
		case 1:
		default:
			r.result.InboxDouble++
		}
	}
	slices.Sort(r.recoveries)
	if n := len(r.recoveries); n > 0 {
		r.result.RecoveryP50, r.result.RecoveryMax = r.recoveries[n/2], r.recoveries[n-1]
	}
	return nil
}
