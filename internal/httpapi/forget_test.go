package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"attestd/internal/msisdn"
)

func TestForgettingIsForAdminsAndTellsWhatStandsInItsWay(t *testing.T) {
	w := &world{}
	s := w.services()
	var asked msisdn.Number
	s.Forget = func(_ context.Context, n msisdn.Number, force, dry bool) (Forgotten, error) {
		asked = n
		if !force && !dry {
			return Forgotten{}, StillOpen{UnderWay: UnderWay{Filings: []string{"f1"}, Messages: []string{"m1"}}}
		}
		return Forgotten{DryRun: dry, Rows: map[string]int{"messages": 2}, Cancelled: UnderWay{Filings: []string{"f1"}, Challenges: []string{}, Messages: []string{"m1"}}}, nil
	}
	base, _ := serve(t, New(s, Options{}))
	post := func(token, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/forget", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var answer json.RawMessage
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return resp.StatusCode, string(answer)
	}
	for _, c := range []struct {
		token, body string
		status      int
		tells       string
	}{
		{goodToken + "_filings", `{"number":"13800138000","force":true}`, http.StatusForbidden, "admin"},
		{goodToken, `{"number":"13800138000"}`, http.StatusConflict, "filing f1, message m1"},
		{goodToken, `{"number":"what"}`, http.StatusUnprocessableEntity, `"field":"number"`},
		{goodToken, `{"number":"138 0013 8000","force":true}`, http.StatusOK, `"messages":2`},
		{goodToken, `{"number":"13800138000","dry_run":true}`, http.StatusOK, `"dry_run":true`},
	} {
		status, text := post(c.token, c.body)
		if status != c.status || !strings.Contains(text, c.tells) || strings.Contains(text, "13800138000") {
			t.Errorf("%s: %d %s", c.body, status, text)
		}
	}
	if asked.E164() != "+8613800138000" {
		t.Error("another number was forgotten")
	}
}
