package daemon_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"attestd/internal/daemon"
)

func TestAReloadShowsThePageAsTheOperatorWantsItNow(t *testing.T) {
	cfg := daemon.Bare(t)
	cfg.Page.Name, cfg.Page.LogoFile = "旧名称", filepath.Join(t.TempDir(), "logo.svg")
	draw := func(text string) {
		t.Helper()
		if err := os.WriteFile(cfg.Page.LogoFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	draw("<svg/>")
	d := daemon.Serving(t, cfg)
	page := func() string {
		t.Helper()
		a, err := http.Get("http://" + d.Addr() + "/")
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
	before := page()
	if !strings.Contains(before, "旧名称") || !strings.Contains(before, "data-work") {
		t.Fatal(before)
	}

	next := cfg
	next.Page.Name, next.Page.Help, next.Page.Proof, next.Verify.MaxWrong = "新名称", "客服：400-000-0000", "off", 4
	draw("<svg viewBox='0 0 1 1'/>")
	changed, err := d.Reload(next)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changed {
		if c.Restart {
			t.Errorf("%s wants a restart", c.Key)
		}
	}
	after := page()
	if len(changed) != 4 || !strings.Contains(after, "新名称") || !strings.Contains(after, "客服") || strings.Contains(after, "data-work") || !strings.Contains(after, "填错4次") {
		t.Error(changed, after)
	}
	logo := func(text string) string { return text[strings.Index(text, `<img src="`):][:40] }
	if logo(before) == logo(after) {
		t.Error("the logo was not read again")
	}

	bad := next
	bad.Page.Name, bad.Page.LogoFile = "不该出现", filepath.Join(t.TempDir(), "none.svg")
	if _, err := d.Reload(bad); err == nil || !strings.Contains(err.Error(), "page.logo_file") || strings.Contains(page(), "不该出现") {
		t.Error("a reload that fails changed something, or its error does not name the key: ", err)
	}
}
