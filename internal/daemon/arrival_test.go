package daemon_test

import (
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// arrivals are how many codes /metrics says to have arrived, and how many of them within five minutes.
func arrivals(t *testing.T, r *rig.Rig) (all, intime string) {
	t.Helper()
	resp, err := http.Get(r.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	one := func(name string) string {
		if m := regexp.MustCompile(`(?m)^attestd_code_delivered_seconds_` + name + ` (\S+)$`).FindSubmatch(text); m != nil {
			return string(m[1])
		}
		return "missing"
	}
	return one("count"), one(`bucket{le="300"}`)
}

func TestEachCodeThatArrivesIsMeasuredOnceFromItsIntakeOverARestart(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1, ReportDelay: 50 * time.Millisecond}})
	person := func(mobile, tail string) map[string]any {
		return map[string]any{"role": "website_head", "site": mobile + ".cn", "mobile": mobile, "certificate_tail": tail}
	}
	// 99707: the report comes twice. 99701: not obtainable. 99705: no report ever comes.
	filing := map[string]any{"type": "additional_website", "persons": []any{
		person("13800001001", "100001"), person("13800099707", "100002"), person("13800099701", "100003"), person("13800099705", "100004"),
	}}
	if code := call(t, r, "POST", "/v1/filings", filing, nil); code != http.StatusCreated {
		t.Fatal(code)
	}
	if code := call(t, r, "POST", "/v1/messages", map[string]any{"to": "+8613900000011", "text": "no code"}, nil); code != http.StatusAccepted {
		t.Fatal(code)
	}
	until(t, r, "the reports", func(l []simulator.Entry) bool { return reports(l) == 5 })
	settled(t, r, "2", "2")
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled(t, r, "0", "0") // counters begin with the process; what was measured is not measured again
	one := map[string]any{"type": "additional_website", "persons": []any{person("13800001002", "100001")}}
	if code := call(t, r, "POST", "/v1/filings", one, nil); code != http.StatusCreated {
		t.Fatal(code)
	}
	until(t, r, "the report after the restart", func(l []simulator.Entry) bool { return reports(l) == 6 })
	settled(t, r, "1", "1")
}

func reports(ledger []simulator.Entry) (n int) {
	for _, e := range ledger {
		if e.Kind == simulator.KindReport {
			n++
		}
	}
	return n
}

// settled waits for what was measured: the gateway reads a report after the ledger has it.
func settled(t *testing.T, r *rig.Rig, all, intime string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // a state, not an event
		a, b := arrivals(t, r)
		if a == all && b == intime {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s arrived, %s in time; want %s and %s", a, b, all, intime)
		}
	}
}
