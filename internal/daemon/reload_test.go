package daemon_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"attestd/internal/daemon"
)

func TestAReloadAnswersInTheLanguageThatIsTheDefaultNow(t *testing.T) {
	cfg := daemon.Bare(t)
	cfg.Abuse.APIProof = "off"
	d := daemon.Serving(t, cfg)
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
