package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

func TestDeadLettersAreListedShownAndReplayedFromTheCommandLine(t *testing.T) {
	var up atomic.Bool
	taken := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusGone)
			return
		}
		taken <- r.Header.Get("webhook-id")
	}))
	defer server.Close()
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) {
		c.Webhooks.AllowHTTP, c.Webhooks.AllowPrivate = true, []string{"127.0.0.0/8"}
		c.Webhook = []config.Webhook{{Name: "crm", URL: server.URL + "/x?token=hidden", Events: []string{"message.*"}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	t.Setenv("ATTESTD_URL", r.URL)
	t.Setenv("ATTESTD_TOKEN", r.Token)
	must(t, "send", "--to", "13800138000", "--text", "hello", "--wait", "--timeout", "30s")
	var list string
	for range 200 { // the endpoint says that it wants no more: what follows is dead, too
		if list = must(t, "webhooks", "list", "--state", "dead"); strings.Contains(list, "message.delivered") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	id := regexp.MustCompile(`(?m)^([0-9a-f-]{36}) +dead +message\.queued .*410`).FindStringSubmatch(list)
	if id == nil || strings.Contains(list, "hidden") {
		t.Fatalf("the list:\n%s", list)
	}
	if one := must(t, "webhooks", "show", id[1]); !strings.Contains(one, "webhook-id") || !strings.Contains(one, "crm") {
		t.Errorf("one:\n%s", one)
	}
	if all := must(t, "webhooks", "endpoints"); !regexp.MustCompile(`crm +gone since .* message\.\* `).MatchString(all) || strings.Contains(all, "hidden") {
		t.Errorf("endpoints:\n%s", all)
	}
	up.Store(true)
	if out := must(t, "webhooks", "replay", id[1]); !strings.Contains(out, "waiting") {
		t.Errorf("replayed:\n%s", out)
	}
	<-taken
	if out := must(t, "webhooks", "replay", "--dead", "--endpoint", "crm"); !regexp.MustCompile(`^[1-9]\d* dead deliveries begin anew`).MatchString(out) {
		t.Errorf("replayed all:\n%s", out)
	}
	<-taken
	if all := must(t, "webhooks", "endpoints"); !regexp.MustCompile(`crm +on `).MatchString(all) {
		t.Errorf("endpoints:\n%s", all)
	}
	if _, errs, code := say("", "webhooks", "replay"); code != 1 || !strings.Contains(errs, "--dead") {
		t.Error(code, errs)
	}
	if _, errs, code := say("", "webhooks", "show", "nothing"); code != 1 || !strings.Contains(errs, "no such delivery") {
		t.Error(code, errs)
	}
}

func TestTheWebhookSecretIsPrintedRotatedAndRetired(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte("[store]\nurl = \"sqlite:a.db\"\n[[webhook]]\nname = \"crm\"\nurl = \"https://crm.example/\"\nsecret_file = \"crm.secret\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := must(t, "webhooks", "secret", "--config", file)
	if !regexp.MustCompile(`^whsec_\S+\n$`).MatchString(first) || must(t, "webhooks", "secret", "--config", file) != first {
		t.Errorf("printed %q", first)
	}
	if both := must(t, "webhooks", "secret", "--config", file, "--rotate"); !strings.HasSuffix(both, "\n"+first) {
		t.Error("the one in use does not sign any more")
	}
	if last := must(t, "webhooks", "secret", "--config", file, "--retire"); strings.Contains(last, first) || strings.Count(last, "\n") != 1 {
		t.Error("the old one still signs")
	}
	if crm := must(t, "webhooks", "secret", "--config", file, "--endpoint", "crm"); crm == first {
		t.Error("an endpoint with its own secret has that of all")
	}
	if _, errs, code := say("", "webhooks", "secret", "--config", file, "--endpoint", "nobody"); code != 1 || !strings.Contains(errs, "--endpoint") {
		t.Error(code, errs)
	}
}
