package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/rig"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

func TestARestartForgivesNoCallerAtThePublicDoors(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) {
		c.Verify.Limits.ChecksPerIPPerMinute, c.Verify.Limits.ResendsPerIPPerHour = 6, 3
		c.Abuse.APIProof = "off"
	}})
	r.Token = "" // a person
	var a struct {
		Result int `json:"result"`
		Wait   int `json:"wait_seconds"`
	}
	check := func(i int) int {
		t.Helper()
		call(t, r, "POST", "/v1/public/verify", map[string]string{"code": "123456", "mobile": fmt.Sprintf("1380013%04d", i), "certificate_tail": "31002X"}, &a)
		return a.Result
	}
	resend := func() int {
		t.Helper()
		call(t, r, "POST", "/v1/public/resend", map[string]string{"mobile": "13800138000", "certificate_tail": "31002X"}, &a)
		return a.Result
	}
	restart := func() {
		t.Helper()
		if err := r.Halt(); err != nil {
			t.Fatal(err)
		}
		if err := r.Boot(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		if check(i) != 4 {
			t.Fatal(a)
		}
	}
	if first, second := resend(), resend(); first != 4 || second != 4 {
		t.Fatal(a)
	}
	restart()
	if check(4) != 4 || check(5) != 4 || check(6) != 902 || a.Wait < 1 || a.Wait > 60 {
		t.Errorf("checks after a restart: %+v", a)
	}
	if resend() != 4 || resend() != 902 || a.Wait < 3500 {
		t.Errorf("re-sends after a restart: %+v", a)
	}
	restart() // what was refused was charged to nobody, and what was granted still counts
	if check(7) != 902 || resend() != 902 {
		t.Errorf("after another: %+v", a)
	}
}

func TestTheAuditLogTellsWhoFiledAndCancelled(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	var f struct{ ID string }
	filing := map[string]any{"type": "access", "reference": "Mr Zhang", "persons": []map[string]string{
		{"role": "website_head", "name": "\u5f20\u4e09", "mobile": "13800138000", "certificate_tail": "31002X", "site": "example.cn"}}}
	if code := call(t, r, "POST", "/v1/filings", filing, &f); code != http.StatusCreated {
		t.Fatal(code)
	}
	if code := call(t, r, "POST", "/v1/filings/"+f.ID+"/cancel", map[string]string{"reason": "withdrawn"}, nil); code != http.StatusOK {
		t.Fatal(code)
	}
	type row struct{ By, Name, Action, Subject string }
	log := func(query string) (lines []string) {
		var l struct{ Items []row }
		if code := call(t, r, "GET", "/v1/audit"+query, nil, &l); code != http.StatusOK {
			t.Fatal(code)
		}
		for _, one := range l.Items {
			lines = append(lines, strings.Join([]string{one.By, one.Name, one.Action}, " "))
		}
		return lines
	}
	if got := strings.Join(log("?action=filing.*&subject="+f.ID), "; "); got != "token platform filing.cancelled; token platform filing.received" {
		t.Error(got)
	}
	if got := strings.Join(log("?by=token"), "; "); strings.Contains(got, "Zhang") {
		t.Error(got)
	}
}

func TestAReloadIsAuditedByKeysWithoutValues(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.Store = config.Store{URL: "sqlite://" + filepath.Join(dir, "a.db"), KeyFile: filepath.Join(dir, "a.key")}
	d, err := daemon.New(t.Context(), cfg, daemon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- d.Run(ctx) }()
	next := cfg
	next.HTTP.RequestsPerSecond, next.Page.Help = 7777, "ask Mr Zhang"
	_, err = d.Reload(next)
	stop()
	if err := errors.Join(err, <-served); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	items, _, err := s.AuditLog(t.Context(), store.AuditFilter{Action: "config.reloaded", Limit: 10})
	if err != nil || len(items) != 1 || items[0].By.Name != "SIGHUP" || string(items[0].Data) != `{"keys":["http.requests_per_second","page.help"]}` {
		t.Errorf("%+v, %v", items, err)
	}
}
