package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// start makes a gateway on simulated modems for one test.
func start(t *testing.T, o rig.Options) *rig.Rig {
	t.Helper()
	edit := o.Edit
	o.Edit = func(c *config.Config) {
		for i := range c.Modem {
			c.Modem[i].RatePerMinute = 0
		}
		if edit != nil {
			edit(c)
		}
	}
	r, err := rig.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// call makes a request with the rig's token and decodes the answer into v (nil: thrown away).
func call(t *testing.T, r *rig.Rig, method, path string, body, v any) int {
	t.Helper()
	status, text := said(t, r, method, path, body)
	if v != nil && status < 300 {
		if err := json.Unmarshal(text, v); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	} else if status >= 300 {
		t.Logf("%s %s: %d %s", method, path, status, text)
	}
	return status
}

// said is the answer to a request as it came.
func said(t *testing.T, r *rig.Rig, method, path string, body any) (status int, text []byte) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text
}

// until waits for an entry of the ledger.
func until(t *testing.T, r *rig.Rig, what string, enough func([]simulator.Entry) bool) {
	t.Helper()
	entries, stop := r.Network.Watch(1 << 14)
	defer stop()
	patience := time.After(30 * time.Second)
	for !enough(r.Network.Ledger()) {
		select {
		case <-entries:
		case <-patience:
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// texts counts how often each text went on air.
func texts(ledger []simulator.Entry) map[string]int {
	all := map[string]int{}
	for _, e := range ledger {
		if e.Kind == simulator.KindSubmit && e.Accepted {
			all[e.Text]++
		}
	}
	return all
}

func TestARestartLosesNothingAndSendsNothingTwice(t *testing.T) {
	const n = 120
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 2, Radio: 15 * time.Millisecond}})
	for i := range n {
		if code := call(t, r, "POST", "/v1/messages", map[string]any{"to": fmt.Sprintf("+8613900%05d1", i), "text": fmt.Sprintf("restart %04d", i)}, nil); code != http.StatusAccepted {
			t.Fatal(code)
		}
	}
	until(t, r, "a third is sent", func(l []simulator.Entry) bool { return len(texts(l)) > n/3 })
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	before := len(texts(r.Network.Ledger()))
	if before == n {
		t.Fatal("everything was sent before the restart: the test shows nothing")
	}
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, r, "all are sent", func(l []simulator.Entry) bool { return len(texts(l)) == n })
	for text, times := range texts(r.Network.Ledger()) {
		if times != 1 {
			t.Errorf("%q went on air %d times", text, times)
		}
	}
}

func TestAnUnpluggedModemComesBackAndItsWorkIsDone(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1, Radio: 10 * time.Millisecond}})
	send := func(i int) {
		if code := call(t, r, "POST", "/v1/messages", map[string]any{"to": fmt.Sprintf("+8613900%05d1", i), "text": fmt.Sprintf("unplug %d", i)}, nil); code != http.StatusAccepted {
			t.Fatal(code)
		}
	}
	send(1)
	until(t, r, "the first", func(l []simulator.Entry) bool { return len(texts(l)) == 1 })
	if err := r.Network.Modem(0).Unplug(); err != nil {
		t.Fatal(err)
	}
	send(2)
	if _, err := r.Network.Modem(0).Replug(false); err != nil {
		t.Fatal(err)
	}
	until(t, r, "the second", func(l []simulator.Entry) bool { return len(texts(l)) == 2 })
}

func TestInboundTextsAreStoredOnceAndShown(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	long := strings.Repeat("长短信。", 60)
	for deadline := time.Now().Add(20 * time.Second); ready(t, r) == 0; time.Sleep(10 * time.Millisecond) { // readiness is a state, not an event
		if time.Now().After(deadline) {
			t.Fatal("no modem is ready")
		}
	}
	for from, text := range map[string]string{"+8613900000001": "hello", "12381": "您的验证码 123456", "+8613900000002": long} {
		if err := r.Network.Inject(0, from, text); err != nil {
			t.Fatal(err)
		}
	}
	until(t, r, "all deleted from the modem", func(l []simulator.Entry) bool {
		n := 0
		for _, e := range l {
			if e.Kind == simulator.KindDelete {
				n++
			}
		}
		return n >= 6
	})
	var list struct {
		Items []struct{ From, Text, Modem string }
	}
	if call(t, r, "GET", "/v1/inbox", nil, &list); len(list.Items) != 3 {
		t.Fatalf("%d items", len(list.Items))
	}
	found := map[string]string{}
	for _, it := range list.Items {
		found[it.From] = it.Text
	}
	if found["+8613900000002"] != long || found["12381"] != "您的验证码 123456" || found["+8613900000001"] != "hello" {
		t.Errorf("%q", found)
	}
}

// ready counts modems that can send.
func ready(t *testing.T, r *rig.Rig) (n int) {
	t.Helper()
	var list struct{ Items []struct{ State string } }
	call(t, r, "GET", "/v1/modems", nil, &list)
	for _, m := range list.Items {
		if m.State == "ready" {
			n++
		}
	}
	return n
}

// shared is a log that several goroutines write.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func digits(text string) string {
	run := ""
	for _, r := range text {
		if r >= '0' && r <= '9' {
			if run += string(r); len(run) == 6 {
				return run
			}
		} else {
			run = ""
		}
	}
	return ""
}

func TestASecondGatewayOnTheSameDatabaseOrAddressIsRefusedClearly(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	cfg := r.Config
	if err := tryNew(t, cfg); err == nil || !strings.Contains(err.Error(), "another attestd uses this database") {
		t.Errorf("same database: %v", err)
	}
	cfg.Store.URL = "sqlite://" + filepath.Join(t.TempDir(), "other.db")
	cfg.HTTP.Listen = strings.TrimPrefix(r.URL, "http://")
	if err := tryNew(t, cfg); err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("same address: %v", err)
	}
}

// tryNew starts a gateway that must not start.
func tryNew(t *testing.T, cfg config.Config) error {
	t.Helper()
	d, err := daemon.New(t.Context(), cfg, daemon.Options{})
	if err == nil {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = d.Run(ctx)
	}
	return err
}
