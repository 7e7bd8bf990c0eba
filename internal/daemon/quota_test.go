package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// lines is a log that tests read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

func scrape(t *testing.T, r *rig.Rig) string {
	t.Helper()
	a, err := http.Get(r.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestATokenPastItsQuotaIsRefusedWhateverItAsksForUntilAReloadGivesMore(t *testing.T) {
	log := &lines{}
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}, Logger: slog.New(slog.NewTextHandler(log, nil)), Edit: func(c *config.Config) {
		c.Modem[0].Enabled = false
		c.Abuse.TextsPerTokenHourly, c.Abuse.TextsPerPhoneDaily = 2, 1
	}})
	token, one := tokenOf(t, r, store.NewToken{Name: "shop"}), 1
	own := tokenOf(t, r, store.NewToken{Name: "own", Quota: store.TokenQuota{Hour: &one}})
	post := func(token, path, body string, want int) string {
		t.Helper()
		q, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+token)
		q.Header.Set("Content-Type", "application/json")
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		text, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s %v", path, a.StatusCode, want, text, err)
		}
		if (want == http.StatusTooManyRequests) != (a.Header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", path, a.Header.Get("Retry-After"))
		}
		return string(text)
	}
	message := func(n int) string {
		return fmt.Sprintf(`{"to":"1380013800%d","text":"x","idempotency_key":"k%d"}`, n, n)
	}
	filing := `{"type":"entity_cancellation","reference":"r%d","persons":[{"role":"entity_head","mobile":"13800138001","certificate_tail":"31002X"}]}`
	const many = http.StatusTooManyRequests
	post(token, "/v1/messages", message(1), http.StatusAccepted)
	post(r.Token, "/v1/messages", message(1), many) // the phone's
	post(token, "/v1/filings", fmt.Sprintf(filing, 1), http.StatusCreated)
	post(token, "/v1/messages", message(1), http.StatusAccepted) // again: nothing is sent
	post(token, "/v1/filings", fmt.Sprintf(filing, 1), http.StatusOK)
	var p struct{ Type, Detail string }
	if err := json.Unmarshal([]byte(post(token, "/v1/messages", message(2), many)), &p); err != nil || p.Type != "urn:attestd:problem:quota" ||
		!strings.Contains(p.Detail, "2 of its 2 texts") {
		t.Errorf("%+v, %v", p, err)
	}
	post(token, "/v1/filings", fmt.Sprintf(filing, 2), many)
	post(token, "/v1/challenges", `{"to":"13800138003"}`, many)
	if text := post(token, "/one-time-password-sms/v1/send-code", `{"phoneNumber":"+8613800138003","message":"{{code}}"}`, many); !strings.Contains(text, "TOO_MANY_REQUESTS") {
		t.Error(text)
	}
	post(own, "/v1/messages", message(4), http.StatusAccepted)
	post(own, "/v1/messages", message(5), many)
	scraped := scrape(t, r)
	for _, want := range []string{`attestd_quota_refusals_total{limit="token_hour"} 5`, `attestd_quota_refusals_total{limit="phone_day"} 1`} {
		if !strings.Contains(scraped, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if n := log.count("a quota is used up"); n != 3 || log.count("token=shop limit=") != 1 {
		t.Errorf("%d lines in the log, want one of each of 3 tokens", n)
	}
	next := r.Config
	next.Abuse.TextsPerTokenHourly = 3
	if _, err := r.Reload(next); err != nil {
		t.Fatal(err)
	}
	post(token, "/v1/messages", message(6), http.StatusAccepted)
	post(token, "/v1/messages", message(7), many)
}
