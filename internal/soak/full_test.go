package soak

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

func TestOnAFullDiskNothingIsTakenInOrSentTwiceAndItGoesOnByItself(t *testing.T) {
	onASmallDisk(t, goesOnWhenThereIsSpaceAgain)
}

func goesOnWhenThereIsSpaceAgain(t *testing.T, small string) {
	t.Setenv("TMPDIR", small)
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 2, Radio: 30 * time.Millisecond}, Edit: func(c *config.Config) {
		for i := range c.Modem {
			c.Modem[i].RatePerMinute = 0
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	taken := map[string]bool{}
	send := func(i int) (status int, retry string) {
		text := fmt.Sprintf("full %06d", i)
		body := fmt.Sprintf(`{"to":"+86139%07d1","text":%q,"report":true,"idempotency_key":%q}`, i, text, text)
		req, _ := http.NewRequestWithContext(context.Background(), "POST", r.URL+"/v1/messages", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+r.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode < 300 {
			taken[text] = true
		}
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	next := 0
	for ; next < 40; next++ {
		if status, _ := send(next); status != http.StatusAccepted {
			t.Fatal(status)
		}
	}
	ballast := filepath.Join(small, "ballast")
	fill(t, ballast)
	refused := 0
	for tries := 0; tries < 400 && refused < 10; tries++ { // the log has room for a while where it begins anew
		switch status, retry := send(next); {
		case status == http.StatusServiceUnavailable:
			refused++
			if retry == "" {
				t.Error("503 without Retry-After")
			}
		case status != http.StatusAccepted:
			t.Fatalf("answered with %d", status)
		default:
			next++
			fill(t, ballast)
		}
	}
	if refused < 10 {
		t.Fatal("the disk was never full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for status, _ := send(next); status != http.StatusAccepted; status, _ = send(next) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("20 s after there was space again: %d", status)
		}
		time.Sleep(50 * time.Millisecond) // no event says that a disk has space
	}
	t.Logf("refused %d, taken in again after %s", refused, time.Since(began))
	onAir := func() map[string]int {
		times := map[string]int{}
		for _, e := range r.Network.Ledger() {
			if e.Kind == simulator.KindSubmit && e.Accepted {
				times[e.Text]++
			}
		}
		return times
	}
	entries, stop := r.Network.Watch(1 << 14)
	defer stop()
	for patience := time.After(40 * time.Second); len(onAir()) < len(taken); {
		select {
		case <-entries:
		case <-patience:
			t.Fatalf("%d of %d on air", len(onAir()), len(taken))
		}
	}
	for text, n := range onAir() {
		if n != 1 || !taken[text] {
			t.Errorf("%s: on air %d times, taken in %t", text, n, taken[text])
		}
	}
}
