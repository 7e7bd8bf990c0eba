package daemon_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"attestd/internal/config"
	"attestd/internal/daemon"
)

func TestAReloadAnswersInTheLanguageThatIsTheDefaultNow(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Environment, cfg.HTTP.Listen = config.Test, "127.0.0.1:0"
	cfg.Store = config.Store{URL: "sqlite://" + filepath.Join(dir, "attestd.db"), KeyFile: filepath.Join(dir, "attestd.key")}
	d, err := daemon.New(t.Context(), cfg, daemon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- d.Run(ctx) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ask := func() string {
		t.Helper()
		a, err := http.Post("http://"+d.Addr()+"/v1/public/resend", "application/json", strings.NewReader(`{"mobile": "98765432", "certificate_tail": "31002X"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if a := ask(); !strings.Contains(a, `"result":0`) || strings.Contains(a, "incomplete or malformed") {
		t.Errorf("a number of no mainland mobile: %s", a)
	}
	next := cfg
	next.Verify.DefaultLanguage, next.Verify.Region = "en", []string{"852", "86"}
	if _, err := d.Reload(next); err != nil {
		t.Fatal(err)
	}
	if a := ask(); !strings.Contains(a, `"result":4`) || !strings.Contains(a, "There is no such record") {
		t.Errorf("a mobile of the first region: %s", a)
	}
}
