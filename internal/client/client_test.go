package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestErrorsSayWhatToDoAtTheTerminal(t *testing.T) {
	problem := func(status int, detail string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status":%d,"title":"t","detail":%q}`, status, detail)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		token   string
		says    string
	}{
		"a problem":          {problem(422, "to: is no number"), "t", "to: is no number"},
		"no token":           {problem(401, "send the header"), "", "attestd token create"},
		"a wrong token":      {problem(401, "the token is not known"), "t", "the token is not known"},
		"another server":     {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "nope", 404) }, "t", "is it an attestd gateway?"},
		"another server's 2": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "t", "is no JSON: is it an attestd gateway?"},
		"a broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "{")
		}, "t", "broke off"},
	} {
		s := httptest.NewServer(c.handler)
		client, err := New(s.URL, c.token)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		if err := client.Get(t.Context(), "/v1/status", nil, &out); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		s.Close()
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	client, _ := New(gone.URL, "t")
	if err := client.Do(t.Context(), "GET", "/", nil, nil); err == nil || !strings.Contains(err.Error(), "is attestd serve running?") {
		t.Error(err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	client, _ = New(strings.Replace(plain.URL, "http:", "https:", 1), "t")
	if err := client.Do(t.Context(), "GET", "/", nil, nil); err == nil || !strings.Contains(err.Error(), "write http://") {
		t.Error(err)
	}
	for _, bad := range []string{"", "127.0.0.1:8480", "ftp://x", "http://", "::"} {
		if _, err := New(bad, ""); err == nil || !strings.Contains(err.Error(), "--url") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := client.Do(canceled(t), "GET", "/", nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestABrokenStreamIsTakenUpAfterTheLastEventThatWasSeen(t *testing.T) {
	connections := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections++
		from := map[string]int{"": 1, "2": 3}[r.Header.Get("Last-Event-ID")]
		fmt.Fprint(w, ": hello\n\n")
		for seq := from; seq < from+2; seq++ {
			fmt.Fprintf(w, "id: %d\nevent: x\ndata: {\"seq\":%d,\"type\":\"x\"}\n\n", seq, seq)
		}
		fmt.Fprint(w, "id: 99\nda") // broken off in mid-event: it was not seen
	}))
	defer s.Close()
	c, err := New(s.URL, "t")
	if err != nil {
		t.Fatal(err)
	}
	var seen []int64
	stood := 0
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = c.Follow(ctx, "m", func() error { stood++; return nil }, func(e Event) error {
		if seen = append(seen, e.Seq); e.Seq == 4 {
			return ErrStop
		}
		return nil
	})
	if err != nil || fmt.Sprint(seen) != "[1 2 3 4]" || stood != 2 || connections != 2 {
		t.Errorf("%v, %v, stood %d", err, seen, stood)
	}
}

func TestAStreamThatNeverStoodIsAnErrorAtOnce(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, _ := New(s.URL, "t")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.Follow(ctx, "", nil, nil); err == nil || !strings.Contains(err.Error(), "is attestd serve running?") {
		t.Error(err)
	}
}

func TestATokenComesFromItsFileBeforeTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" att_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if token, err := Token(file, "att_env"); token != "att_x" || err != nil {
		t.Error(token, err)
	}
	if token, err := Token("", "att_env"); token != "att_env" || err != nil {
		t.Error(token, err)
	}
	for _, bad := range []string{"two tokens", ""} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Token(file, "x"); err == nil {
			t.Errorf("%q is a token", bad)
		}
	}
}
