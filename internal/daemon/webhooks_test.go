package daemon_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/rig"
	"attestd/internal/webhook"
	"attestd/modem/simulator"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type called struct {
	header http.Header
	body   string
	typ    string
}

func TestAFilingsWholeStoryReachesItsCallbackAcrossARestartAndTellsNoSecret(t *testing.T) {
	calls := make(chan called, 1000)
	var down atomic.Bool
	down.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		var p struct{ Type string }
		_ = json.Unmarshal(body, &p)
		calls <- called{r.Header.Clone(), string(body), p.Type}
	}))
	defer server.Close()
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1, ReportDelay: 20 * time.Millisecond}, Edit: func(c *config.Config) {
		c.Webhooks.AllowHTTP, c.Webhooks.AllowPrivate = true, []string{"127.0.0.0/8"}
	}})
	filing := map[string]any{"type": "first", "reference": "order-4711", "callback": server.URL + "/attestd", "persons": []any{
		map[string]any{"role": "entity_head", "mobile": "13800138000", "certificate_tail": "31002X"},
		map[string]any{"role": "website_head", "mobile": "13900139000", "certificate_tail": "41003X", "site": "example.cn"},
	}}
	var f struct{ ID string }
	if code := call(t, r, "POST", "/v1/filings", filing, &f); code != http.StatusCreated {
		t.Fatal(code)
	}
	until(t, r, "the codes are sent", func(l []simulator.Entry) bool { return len(texts(l)) == 2 })
	first := <-calls
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	down.Store(false)
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code := call(t, r, "POST", "/v1/filings/"+f.ID+"/cancel", map[string]any{"reason": "code 048213 of 13800138000"}, nil); code != http.StatusOK {
		t.Fatal(code)
	}
	secrets, err := webhook.LoadSecrets(daemon.WebhookSecretFile(r.Config))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := standardwebhooks.NewWebhook(secrets.Texts()[0])
	if err != nil {
		t.Fatal(err)
	}
	var types, codes []string
	for text := range texts(r.Network.Ledger()) {
		codes = append(codes, strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })[0])
	}
	for patience := time.After(30 * time.Second); !slices.Contains(types, "filing.cancelled"); {
		select {
		case c := <-calls:
			if err := verifier.Verify([]byte(c.body), c.header); err != nil {
				t.Errorf("%s: %v", c.typ, err)
			}
			for _, secret := range append(codes, "13800138000", "13900139000", "31002X", "41003X") {
				if len(secret) >= 6 && strings.Contains(strings.ReplaceAll(c.body, f.ID, ""), secret) {
					t.Errorf("%s tells %s: %s", c.typ, secret, c.body)
				}
			}
			if !strings.Contains(c.body, `"reference":"order-4711"`) {
				t.Errorf("which filing is it? %s", c.body)
			}
			types = append(types, c.typ)
			if len(types) == 1 && c.header.Get("webhook-id") != first.header.Get("webhook-id") {
				t.Errorf("after the restart %s came first, before it was %s", c.typ, first.typ)
			}
		case <-patience:
			t.Fatalf("no filing.cancelled in 30 s: %v", types)
		}
	}
	if !slices.Contains(types, "filing.verifying") || !slices.Contains(types, "challenge.open") || types[0] != "filing.received" {
		t.Errorf("the story was %v", types)
	}
}

func TestACallbackThatMayNotBeCalledIsRefusedWithItsField(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	for _, url := range []string{"http://platform.example/", "https://127.0.0.1/", "https://10.0.0.1/", "https://localhost/", "https://169.254.169.254/"} {
		body := strings.NewReader(`{"type":"first","callback":"` + url + `","persons":[{"role":"entity_head","mobile":"13800138000","certificate_tail":"31002X"},
			{"role":"website_head","mobile":"13900139000","certificate_tail":"41003X","site":"example.cn"}]}`)
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.URL+"/v1/filings", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+r.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(text), `"field":"callback"`) {
			t.Errorf("%s: %d %s", url, resp.StatusCode, text)
		}
	}
}
