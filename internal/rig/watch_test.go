package rig

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

func get(t *testing.T, r *Rig, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.Token)
	return do(t, req).body
}

func TestGuessingRaisesAnAlarmThatStatusMetricsAndARestartShow(t *testing.T) {
	r, err := Start(t.Context(), Options{Simulator: simulator.Config{Modems: 1}, Edit: func(cfg *config.Config) {
		cfg.Modem, cfg.Verify.Limits = nil, config.VerifyLimits{}
		cfg.Abuse.APIProof = "off"
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	for i := range 50 {
		a := ask(t, r, "/v1/public/verify", fmt.Sprintf(`{"code":"123456","mobile":"150%08d","certificate_tail":"31002X"}`, i))
		if !strings.Contains(a.body, `"result":4`) {
			t.Fatal(a.body)
		}
	}
	show := func() (status, metrics string) { return get(t, r, "/v1/status"), get(t, r, "/metrics") }
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) { // the watch looks again 10 s after its first look
		status, metrics := show()
		if strings.Contains(status, `"alarm":"wrong_checks"`) && strings.Contains(status, "codes are guessed") && strings.Contains(metrics, `attestd_alarms{alarm="wrong_checks"} 1`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(status)
		}
	}
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, metrics := show() // at once: it is in the database
	if !strings.Contains(status, `"alarm":"wrong_checks"`) || !strings.Contains(metrics, "attestd_checks_wrong_ratio 1\n") {
		t.Error(status)
	}
	if n := strings.Count(get(t, r, "/v1/status"), `"wrong":50`); n != 1 {
		t.Error(status)
	}
}

func TestMessagesAndCodesGoOnlyWhereTheConfigurationAllows(t *testing.T) {
	r, err := Start(t.Context(), Options{Simulator: simulator.Config{Modems: 1}, Edit: func(cfg *config.Config) {
		cfg.Modem, cfg.Abuse.Deny = nil, []string{"+86170"}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	for _, one := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/messages", `{"to":"13800138000","text":"x"}`, http.StatusAccepted, ""},
		{"/v1/messages", `{"to":"+447400123456","text":"x"}`, http.StatusUnprocessableEntity, `"field":"to","message":"is in a country that messages are not sent to: they go to +86, as verify.region says, since no SIM has been read yet; abuse.region names others"`},
		{"/v1/messages", `{"to":"17000000000","text":"x"}`, http.StatusUnprocessableEntity, `"field":"to","message":"begins as numbers do that nothing is sent to (abuse.deny)"`},
		{"/v1/filings", `{"type":"entity_cancellation","persons":[{"role":"entity_head","mobile":"+447400123456","certificate_tail":"31002X"}]}`,
			http.StatusUnprocessableEntity, `"field":"persons[0].mobile","message":"is in a country that codes are not sent to (verify.region)"`},
		{"/v1/filings", `{"type":"entity_cancellation","persons":[{"role":"entity_head","mobile":"17000000000","certificate_tail":"31002X"}]}`,
			http.StatusUnprocessableEntity, `"field":"persons[0].mobile","message":"begins as numbers do that nothing is sent to (abuse.deny)"`},
		{"/v1/challenges", `{"to":"17000000000"}`, http.StatusUnprocessableEntity, `"field":"to","message":"begins as numbers do that nothing is sent to (abuse.deny)"`},
	} {
		a := ask(t, r, one.path, one.body)
		if a.status != one.status || !strings.Contains(a.body, one.says) {
			t.Errorf("%s %s: %d %s", one.path, one.body, a.status, a.body)
		}
	}
}
