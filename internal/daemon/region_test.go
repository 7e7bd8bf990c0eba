package daemon_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// answer is a problem document, or a message.
type answer struct {
	ID, To, State, Detail string
	Region                struct {
		Countries []string
		From      string
	}
}

// ask posts, and reads the answer whatever it is.
func ask(t *testing.T, r *rig.Rig, path string, body map[string]any, a *answer) int {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	*a = answer{}
	if err := errors.Join(json.NewDecoder(resp.Body).Decode(a), resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if (resp.Header.Get("Retry-After") != "") != (resp.StatusCode == http.StatusServiceUnavailable) {
		t.Errorf("%d with Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	return resp.StatusCode
}

func TestTheFirstMessageOfSomebodyAbroadIsTakenAndTheAnswerSaysWhereMessagesGoAndWhy(t *testing.T) {
	british := rig.Options{Simulator: simulator.Config{Modems: 1, Home: "23415"}}
	r := start(t, british)
	o := &outside{Rig: r, t: t}
	o.ready(1)
	var a answer
	if status := ask(t, r, "/v1/messages", map[string]any{"to": "07400 123456", "text": "hello"}, &a); status != 202 || a.To != "+447400123456" {
		t.Errorf("the first message: %d %+v", status, a)
	}
	if status := ask(t, r, "/v1/messages", map[string]any{"to": "13800138000", "text": "hello"}, &a); status != 422 {
		t.Errorf("a number of another country, without its code: %d %+v", status, a)
	}
	if status := ask(t, r, "/v1/messages", map[string]any{"to": "+8613800138000", "text": "hello"}, &a); status != 422 || !strings.Contains(a.Detail, "they go to +44, where the SIMs are at home") {
		t.Errorf("a number abroad: %d %+v", status, a)
	}
	if call(t, r, "GET", "/v1/status", nil, &a); len(a.Region.Countries) != 1 || a.Region.Countries[0] != "44" || a.Region.From != "sims" {
		t.Errorf("%+v", a)
	}
	if status := ask(t, r, "/v1/challenges", map[string]any{"to": "+447400123456"}, &a); status != 422 || !strings.Contains(a.Detail, "verify.region") {
		t.Errorf("codes stay where verify.region says: %d %+v", status, a)
	}

	// It is known at once after a restart, before the SIM has been read again.
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	r.Config.Modem[0].Port = r.Dir + "/unplugged"
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := ask(t, r, "/v1/messages", map[string]any{"to": "07400 123456", "text": "hello"}, &a); status != 202 {
		t.Errorf("after a restart without the modem: %d %+v", status, a)
	}
}

func TestBeforeASIMHasBeenReadANumberAbroadIsToBeTriedAgainAndOneAtHomeIsTaken(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) { c.Modem[0].Port += "-unplugged" }})
	var a answer
	if status := ask(t, r, "/v1/messages", map[string]any{"to": "+447400123456", "text": "hello"}, &a); status != 503 || !strings.Contains(a.Detail, "no SIM has been read yet") {
		t.Errorf("%d %+v", status, a)
	}
	if status := ask(t, r, "/v1/messages", map[string]any{"to": "13800138000", "text": "hello"}, &a); status != 202 {
		t.Errorf("%d %+v", status, a)
	}
}

func TestAShortCodeIsWrittenToWhereItIsAllowedAndItsAnswerIsTaken(t *testing.T) {
	o := newOutside(t, func(c *config.Config) {
		c.Abuse.ShortCodes = []string{"10086"}
		c.Inbound = []config.InboundRule{{Name: "carrier", Action: "forward", Sender: "10086"}}
	})
	var a answer
	if status := ask(t, o.Rig, "/v1/messages", map[string]any{"to": "10010", "text": "CXYE"}, &a); status != 422 || !strings.Contains(a.Detail, "abuse.short_codes") {
		t.Errorf("one that is not allowed: %d %+v", status, a)
	}
	if status := ask(t, o.Rig, "/v1/messages", map[string]any{"to": "10086", "text": "CXYE"}, &a); status != 202 || a.To != "10086" {
		t.Fatalf("%d %+v", status, a)
	}
	id := a.ID
	var to string
	until(t, o.Rig, "the text to 10086", func(l []simulator.Entry) bool {
		for _, e := range l {
			if e.Text == "CXYE" {
				to = e.To
			}
		}
		return to != ""
	})
	if to != "10086" { // as it stands, TS 23.040 9.1.2.5: neither a + nor 86
		t.Errorf("sent to %q", to)
	}
	o.settled(id, "delivered")
	for _, from := range []string{"10086", "8610086", "+8610086"} { // some networks put 86 before it
		if got := o.text(from, "余额 12.30 元"); got.Rule != "carrier" {
			t.Errorf("an answer from %s: %+v", from, got)
		}
	}
}

func TestAFixedLineIsRefusedByMessagesAndNamed(t *testing.T) {
	o := newOutside(t, nil)
	var a answer
	for _, to := range []string{"010-12345678", "+862112345678", "400-123-4567"} {
		if status := ask(t, o.Rig, "/v1/messages", map[string]any{"to": to, "text": "hello"}, &a); status != 422 || !strings.Contains(a.Detail, "fixed line") {
			t.Errorf("%s: %d %+v", to, status, a)
		}
	}
	if status := ask(t, o.Rig, "/v1/messages", map[string]any{"to": "+86013800138001", "text": "hello"}, &a); status != 202 || a.To != "+8613800138001" {
		t.Errorf("a trunk zero behind the country code: %d %+v", status, a)
	}
	if status := ask(t, o.Rig, "/v1/messages", map[string]any{"to": "13800138001", "text": " \u200b"}, &a); status != 422 || !strings.Contains(a.Detail, "text: is empty") {
		t.Errorf("an empty text: %d %+v", status, a)
	}
}
