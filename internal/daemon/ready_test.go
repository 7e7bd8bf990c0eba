package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// raw is an answer with what a load balancer and a platform look at.
type raw struct {
	status int
	retry  string
	body   string
}

func request(t *testing.T, r *rig.Rig, method, path, body string) (a raw, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "/v1/") { // to the public ones, too: no proof of work is asked then
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return raw{resp.StatusCode, resp.Header.Get("Retry-After"), b.String()}, err
}

// readiness gives the status of /readyz and the codes of its reasons.
func readiness(t *testing.T, r *rig.Rig) (status int, codes string) {
	t.Helper()
	a, err := request(t, r, "GET", "/readyz", "")
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Ready   *bool
		Reasons []struct{ Code, Detail string }
	}
	if err := json.Unmarshal([]byte(a.body), &told); err != nil || told.Ready == nil || *told.Ready != (a.status == 200) || a.status != 200 && a.retry == "" {
		t.Fatalf("%+v: %v", a, err)
	}
	for _, one := range told.Reasons {
		if one.Detail == "" || strings.Contains(one.Detail, r.Dir) {
			t.Errorf("%+v", one)
		}
		codes += one.Code + " "
	}
	return a.status, strings.TrimSpace(codes)
}

// becomes waits until /readyz is of a mind.
func becomes(t *testing.T, r *rig.Rig, want string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		status, codes := readiness(t, r)
		if codes == want {
			if (status == 200) != (want == "") {
				t.Errorf("%d with %q", status, codes)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("readiness is %d %q, want %q", status, codes, want)
		}
	}
}

const aMessage = `{"to": "+8613900139000", "text": "hello"}`

func TestReadinessNamesWhatKeepsACodeFromBeingSentAndAGoneModemsSignalIsNotShown(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	becomes(t, r, "")
	if err := r.Network.Modem(0).Unplug(); err != nil {
		t.Fatal(err)
	}
	becomes(t, r, "no_modem_ready")
	var status struct {
		Ready   bool
		Reasons []struct{ Code string }
	}
	if call(t, r, "GET", "/v1/status", nil, &status); status.Ready || len(status.Reasons) != 1 {
		t.Errorf("%+v", status)
	}
	var list struct{ Items []map[string]any }
	call(t, r, "GET", "/v1/modems", nil, &list)
	m := list.Items[0]
	if m["signal_dbm"] != nil || m["registration"] != nil || m["last_seen"] == nil {
		t.Errorf("%v", m)
	}
	if a, err := request(t, r, "POST", "/v1/messages", aMessage); err != nil || a.status != http.StatusAccepted {
		t.Errorf("a message waits for a modem: %+v, %v", a, err)
	}
}

func TestAGatewayWithoutAModemIsNotReady(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) { c.Modem[0].Enabled = false }})
	if status, codes := readiness(t, r); status != 503 || codes != "no_modem" {
		t.Error(status, codes)
	}
}

func TestADatabaseThatAnotherProcessHoldsMakesTheGatewayNotReadyAndNothingIsTaken(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	becomes(t, r, "")
	other, err := store.Open(t.Context(), store.Options{URL: r.Config.Store.URL, KeyFile: r.Config.Store.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- other.Update(context.Background(), func(*store.Tx) error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	becomes(t, r, "store")
	began := time.Now()
	for range 50 { // however many ask, one trial is under way
		readiness(t, r)
		if time.Since(began) > 3*time.Second {
			break
		}
	}
	if a, err := request(t, r, "POST", "/v1/messages", aMessage); err != nil || a.status != http.StatusServiceUnavailable || a.retry == "" {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := request(t, r, "GET", "/v1/messages", ""); err != nil || a.status != http.StatusOK {
		t.Errorf("reads go on: %+v, %v", a, err)
	}
	close(free)
	if err := <-done; err != nil {
		t.Error(err)
	}
	becomes(t, r, "")
	_ = other.Close()
}

func TestAStoppingGatewayAnswersToTheEndReadsChecksAnd503ToTheRest(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1, Radio: 4 * time.Second}})
	person := `"name": "王五", "mobile": "13800138000", "certificate": "11010519491231002X"}`
	filing := `{"type": "first", "persons": [{"role": "entity_head", ` + person + `, {"role": "website_head", ` + person + `]}`
	if a, err := request(t, r, "POST", "/v1/filings", filing); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%+v, %v", a, err)
	}
	code := ""
	until(t, r, "the code", func(l []simulator.Entry) bool {
		for text := range texts(l) {
			code = regexp.MustCompile(`\d{6}`).FindString(text)
		}
		return code != ""
	})
	var sent struct{ ID string }
	if status := call(t, r, "POST", "/v1/messages", map[string]string{"to": "+8613900139000", "text": "slow"}, &sent); status != http.StatusAccepted {
		t.Fatal(status)
	}
	for state := ""; state != "submitting"; {
		var m struct{ State string }
		call(t, r, "GET", "/v1/messages/"+sent.ID, nil, &m)
		state = m.State
	}
	halted := make(chan error, 1)
	go func() { halted <- r.Halt() }()
	for { // until it has begun to stop
		if _, codes := readiness(t, r); strings.Contains(codes, "stopping") {
			break
		}
	}
	for path, want := range map[string]int{
		"GET /healthz": 503, "GET /readyz": 503, "GET /v1/messages": 200, "GET /v1/status": 200, "GET /metrics": 200, "GET /verify": 200,
		"POST /v1/messages": 503, "POST /v1/filings": 503, "POST /v1/challenges": 503, "DELETE /v1/messages/" + sent.ID: 503, "POST /v1/optouts": 503,
	} {
		method, path, _ := strings.Cut(path, " ")
		a, err := request(t, r, method, path, map[bool]string{true: aMessage}[method == "POST"])
		if err != nil || a.status != want {
			t.Errorf("%s %s: %+v, %v", method, path, a, err)
		}
		if seconds, _ := strconv.Atoi(a.retry); a.status == 503 && seconds == 0 {
			t.Errorf("%s %s: no Retry-After", method, path)
		}
	}
	entered := `{"code": "` + code + `", "mobile": "13800138000", "certificate_tail": "31002X"}`
	if a, err := request(t, r, "POST", "/v1/public/resend", strings.Replace(entered, `"code": "`+code+`", `, "", 1)); err != nil || !strings.Contains(a.body, `"result":904`) {
		t.Errorf("a re-send: %+v, %v", a, err)
	}
	if a, err := request(t, r, "POST", "/v1/public/verify", entered); err != nil || !strings.Contains(a.body, `"result":3,`) {
		t.Errorf("a check: %+v, %v", a, err)
	}
	select {
	case err := <-halted:
		t.Fatal("it ended before the modem was done: ", err)
	default:
	}
	if err := <-halted; err != nil {
		t.Fatal(err)
	}
	if _, err := request(t, r, "GET", "/healthz", ""); err == nil {
		t.Error("it still answers")
	}
	if all := texts(r.Network.Ledger()); all["slow"] != 1 {
		t.Error(all)
	}
}
