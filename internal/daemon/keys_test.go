package daemon_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/rig"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

func TestAReloadTakesARotatedKeyAndTheGatewayMovesEverythingByItself(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) { c.Modem[0].Enabled = false }})
	call(t, r, "POST", "/v1/messages", map[string]any{"to": "13800138000", "text": "waits"}, nil)
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	d := daemon.Serving(t, r.Config)
	r.URL = "http://" + d.Addr()
	if _, err := seal.Rotate(r.Config.Store.KeyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reload(r.Config); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(r.Config.Store.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: r.Config.Store.URL, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if n, err := s.NotedGeneration(t.Context()); err != nil || n != 2 {
		t.Errorf("generation %d is noted, %v", n, err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		uses, err := s.KeyUses(t.Context())
		for _, u := range uses {
			if u.Generation == 1 {
				left += u.Values
			}
		}
		if err == nil && left == 0 && len(uses) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still under the older key: %+v, %v", uses, err)
		}
	}
	var list struct{ Items []struct{ To, Text string } }
	if code := call(t, r, "GET", "/v1/messages", nil, &list); code != http.StatusOK || len(list.Items) != 1 || list.Items[0].To != "+8613800138000" {
		t.Errorf("%d %+v", code, list)
	}
	// Another key file, or one that has lost the key that seals now, is not taken.
	if err := os.WriteFile(r.Config.Store.KeyFile, []byte("2:"+strings.Repeat("A", 43)+"=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reload(r.Config); err == nil || !strings.Contains(err.Error(), "lacks generation 1 of the key") {
		t.Errorf("a foreign key file: %v", err)
	}
}
