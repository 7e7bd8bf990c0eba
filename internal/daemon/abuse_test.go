package daemon_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"attestd/internal/access"
	"attestd/internal/daemon"
	"attestd/internal/seal"
	"attestd/internal/store"
)

func TestAReloadChangesWhereMessagesAndCodesMayGo(t *testing.T) {
	cfg := daemon.Bare(t)
	keys, _, err := seal.LoadOrCreate(cfg.Store.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: cfg.Store.URL, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.CreateToken(t.Context(), store.NewToken{Name: "platform", Scopes: access.All})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	d := daemon.Serving(t, cfg)
	post := func(path, body string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		a, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return a.StatusCode
	}
	message := func(to string) int { return post("/v1/messages", `{"to":"`+to+`","text":"x"}`) }
	code := func(to string) int { return post("/v1/challenges", `{"to":"`+to+`"}`) }
	want := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	want("a message abroad", message("+447400123457"), http.StatusUnprocessableEntity)
	want("a code to 170", code("17000000000"), http.StatusCreated)
	next := cfg
	next.Abuse.Region, next.Abuse.Deny, next.Abuse.PerCountryDaily = []string{"86", "44"}, []string{"+86170"}, 1
	if _, err := d.Reload(next); err != nil {
		t.Fatal(err)
	}
	want("a message abroad that is allowed", message("+447400123457"), http.StatusAccepted)
	want("the second of a day that has one", message("+447400123458"), http.StatusTooManyRequests)
	want("a message to 170, denied", message("17000000001"), http.StatusUnprocessableEntity)
	want("a code to 170, denied", code("17000000001"), http.StatusUnprocessableEntity)
	if _, err := d.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	want("a message abroad, as before", message("+447400123457"), http.StatusUnprocessableEntity)
}
