package daemon_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// TestReloadsUnderLoadLoseNothing is for the race detector above all: filings, messages, texts that come in and
// webhooks go on while
// one configuration after the other is taken over.
func TestReloadsUnderLoadLoseNothing(t *testing.T) {
	var calls atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer endpoint.Close()
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 2, ReportDelay: time.Millisecond}, Edit: func(c *config.Config) {
		c.Webhooks.AllowHTTP, c.Webhooks.AllowPrivate = true, []string{"127.0.0.1"}
		c.Webhook = []config.Webhook{{Name: "all", URL: endpoint.URL}}
		c.HTTP.Public = true
	}})
	stop := make(chan struct{})
	var load sync.WaitGroup
	var sent, filed atomic.Int64
	again := func(do func(i int)) {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					do(i)
				}
			}
		})
	}
	again(func(i int) {
		if status := call(t, r, http.MethodPost, "/v1/messages", map[string]any{"to": fmt.Sprintf("1380013%04d", i), "text": "hello", "priority": "normal"}, nil); status == http.StatusAccepted {
			sent.Add(1)
		}
	})
	for who := range 6 {
		again(func(i int) {
			status := call(t, r, http.MethodPost, "/v1/filings", map[string]any{"type": "first", "reference": fmt.Sprintf("order-%d-%d", who, i), "persons": []map[string]any{
				{"role": "entity_head", "name": "王芳", "mobile": fmt.Sprintf("137%d234%04d", who, i), "certificate_tail": "02531X"},
				{"role": "website_head", "name": "李强", "mobile": fmt.Sprintf("159%d234%04d", who, i), "certificate_tail": "R(0)12", "site": "example.cn"},
			}}, nil)
			if status == http.StatusCreated || status == http.StatusOK {
				filed.Add(1)
			}
			call(t, r, http.MethodPost, "/v1/public/verify", map[string]any{"mobile": fmt.Sprintf("137%d234%04d", who, i), "certificate_tail": "02531X", "code": "000000"}, nil)
		})
	}
	again(func(i int) {
		_ = r.Network.Inject(0, fmt.Sprintf("+861380013%04d", i), "hello")
		time.Sleep(20 * time.Millisecond) // a modem's memory is small
	})
	for i := range 40 {
		next := r.Config
		next.Queue.MaxAttempts, next.Queue.DefaultDeadline = 3+i%3, time.Duration(1+i%5)*time.Hour
		next.Verify.Site, next.Verify.MaxSends, next.Verify.Replies = fmt.Sprintf("site %d", i), 2+i%2, i%2 == 0
		next.Page.Name, next.Log.Level = fmt.Sprintf("page %d", i), []slog.Level{slog.LevelInfo, slog.LevelDebug}[i%2]
		next.Abuse.PerCountryDaily, next.HTTP.RequestsPerSecond = 100+i, 0
		next.Webhooks.Concurrency = 1 + i%4
		if i%8 == 3 {
			next.Modem = next.Modem[:1] // and the other comes back
		}
		if _, err := r.Reload(next); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Millisecond) // under load, not back to back
	}
	close(stop)
	load.Wait()
	if sent.Load() == 0 || filed.Load() == 0 || calls.Load() == 0 {
		t.Errorf("no load: %d messages, %d filings, %d calls", sent.Load(), filed.Load(), calls.Load())
	}
	t.Logf("%d messages, %d filings, %d calls", sent.Load(), filed.Load(), calls.Load())
}
