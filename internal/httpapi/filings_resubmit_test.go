package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestAFilingIsSubmittedAgainAndEveryRefusalSaysWhatToDo(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	do(h, "POST", "/v1/filings", twoInOne)
	for _, one := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/filings/f0/resubmit", "", 201, `"id":"f0"`},
		{"/v1/filings/f0/resubmit", `{}`, 201, `"id":"f0"`},
		{"/v1/filings/f0/resubmit", `{"reference":"again"}`, 200, `"id":"f0"`},
		{"/v1/filings/f0/resubmit", `{"reference":"open"}`, 409, "only a filing that was rejected"},
		{"/v1/filings/f0/resubmit", `{"reference":"wiped"}`, 409, "file it again whole"},
		{"/v1/filings/f0/resubmit", `{"reference":"limit"}`, 429, "resubmits_per_phone_per_day"},
		{"/v1/filings/f0/resubmit", `{"mobile":"1"}`, 400, "mobile: is no field"},
		{"/v1/filings/f9/resubmit", "", 404, "no such filing"},
	} {
		g := do(h, "POST", one.path, one.body)
		if g.status != one.status || !strings.Contains(g.text, one.says) {
			t.Errorf("%s %s: %d %s", one.path, one.body, g.status, g.text)
		}
	}
	if g := do(h, "POST", "/v1/filings/f0/resubmit", "", "Authorization: Bearer "+goodToken+"_read"); g.status != http.StatusForbidden {
		t.Errorf("a token that may only read: %d", g.status)
	}
}

func TestAFilingTakesItsProvinceEntityAndWhenToSubmitItAgain(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	body := strings.Replace(twoInOne, `{"type"`, `{"province":"zhejiang","entity":"Example","resubmit_after":3600,"type"`, 1)
	g := do(h, "POST", "/v1/filings", body)
	if g.status != http.StatusCreated || !strings.Contains(g.text, `"access_status":1`) || strings.Contains(g.text, "Example") {
		t.Error(g.text)
	}
	if g := do(h, "POST", "/v1/filings", strings.Replace(body, "3600", "700000", 1)); g.status != 400 || !strings.Contains(g.text, "resubmit_after") {
		t.Error(g.text)
	}
}
