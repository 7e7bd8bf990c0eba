package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"attestd/verify"
)

const twoInOne = `{"type":"first","reference":"r","persons":[{"role":"entity_head","mobile":"13800138000","certificate_tail":"31002X"}]}`

func TestAPersonIsAmendedAndEveryRefusalSaysWhatToDo(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	do(h, "POST", "/v1/filings", twoInOne)
	g := do(h, "POST", "/v1/filings/f0/persons/p0/amend", `{"mobile":"13700137000"}`)
	if g.status != http.StatusOK || !strings.Contains(g.text, `"amended":0`) {
		t.Fatal(g)
	}
	for _, one := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/v1/filings/f0/persons/p0/amend", `{}`, 422, "mobile: is missing"},
		{"/v1/filings/f0/persons/p0/amend", `{"number":"1"}`, 400, "number: is no field"},
		{"/v1/filings/f0/persons/p1/amend", `{"mobile":"13700137000"}`, 409, "has verified already"},
		{"/v1/filings/f0/persons/p2/amend", `{"mobile":"13700137000"}`, 409, "verify.max_amendments"},
		{"/v1/filings/f0/persons/p4/amend", `{"mobile":"13700137000"}`, 409, "file a change first"},
		{"/v1/filings/f0/persons/p3/amend", `{"mobile":"13700137000"}`, 404, "no such person"},
		{"/v1/filings/f9/persons/p0/amend", `{"mobile":"13700137000"}`, 404, "no such filing"},
	} {
		g := do(h, "POST", one.path, one.body)
		if p := g.problem(t); g.status != one.status || !strings.Contains(p.Detail, one.says) || strings.Contains(g.text, "13700137000") {
			t.Errorf("%s %s: %s, want %d %q", one.path, one.body, g.text, one.status, one.says)
		}
	}
	if g := do(h, "POST", "/v1/filings/f0/persons/p0/amend", `{"mobile":"13700137000"}`, "Authorization: Bearer "+goodToken+"_read"); g.status != http.StatusForbidden {
		t.Errorf("a token that may only read: %d", g.status)
	}
}

func TestASearchTakesTheNumberInItsBodyAndTheListRefusesOneInItsAddress(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	do(h, "POST", "/v1/filings", twoInOne)
	body := `{"mobile":"138 0013 8000","state":"verifying","type":"first","reference":"r","created_after":"2027-01-31T08:00:00+08:00","created_before":"2027-02-01T08:00:00+08:00","limit":7}`
	for _, token := range []string{goodToken, goodToken + "_read", goodToken + "_filings"} {
		if g := do(h, "POST", "/v1/filings/search", body, "Authorization: Bearer "+token); g.status != http.StatusOK || !strings.Contains(g.text, `"f0"`) {
			t.Errorf("%s: %+v", token, g)
		}
	}
	at := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	if q := w.asked; q.Mobile != "138 0013 8000" || q.State != verify.FilingVerifying || q.Type != "first" || q.Reference != "r" || !q.From.Equal(at) || !q.To.Equal(at.AddDate(0, 0, 1)) || q.Limit != 7 {
		t.Errorf("asked for %+v", q)
	}
	if do(h, "POST", "/v1/filings/search", `{}`); w.asked.Limit != 100 {
		t.Errorf("the limit unless given is %d", w.asked.Limit)
	}
	for path, want := range map[string]int{
		"/v1/filings?created_after=2027-01-31T00:00:00Z&created_before=2027-02-01T00:00:00Z&type=first": http.StatusOK,
		"/v1/filings?mobile=13800138000":     http.StatusBadRequest,
		"/v1/filings?created_after=tomorrow": http.StatusBadRequest,
	} {
		if g := do(h, "GET", path, ""); g.status != want || strings.Contains(g.text, "13800138000") {
			t.Errorf("%s: %+v", path, g)
		}
	}
	do(h, "GET", "/v1/filings?created_after=2027-01-31T00:00:00Z&type=first", "")
	if q := w.asked; !q.From.Equal(at) || !q.To.IsZero() || q.Type != "first" {
		t.Errorf("asked for %+v", q)
	}
	if g := do(h, "POST", "/v1/filings/search", `{"cursor":"nonsense"}`); g.status != http.StatusBadRequest {
		t.Error(g)
	}
}

func TestATimelineIsReadPageByPageOldestFirst(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	do(h, "POST", "/v1/filings", twoInOne)
	seen, cursor := int64(0), ""
	for pages := 0; ; pages++ {
		g := do(h, "GET", "/v1/filings/f0/timeline?limit=2"+cursor, "")
		var page Timeline
		g.decode(t, &page)
		if g.status != http.StatusOK || pages > 3 {
			t.Fatal(g)
		}
		for _, e := range page.Items {
			if seen++; e.Seq != seen || e.Type != "challenge.open" || e.Mobile != "138****8000" {
				t.Errorf("%+v", e)
			}
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if seen != 5 {
		t.Errorf("%d entries", seen)
	}
	if g := do(h, "GET", "/v1/filings/f1/timeline", ""); g.status != http.StatusNotFound {
		t.Error(g)
	}
	if g := do(h, "GET", "/v1/filings/f1/timeline?limit=2"+cursor, ""); g.status != http.StatusBadRequest {
		t.Errorf("the cursor of another filing: %+v", g)
	}
}

func TestAFilingThatCannotSupersedeSaysWhyAndAnotherDayIs429(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	for want, err := range map[int]error{
		http.StatusConflict:            verify.ErrNotSupersedable,
		http.StatusTooManyRequests:     verify.TooManyFilings{Field: "persons[0].mobile", Wait: 90 * time.Minute},
		http.StatusUnprocessableEntity: verify.Invalid{{Field: "supersedes", Message: "is no filing that is known here"}},
	} {
		w.fail = err
		g := do(h, "POST", "/v1/filings", strings.Replace(twoInOne, `"type"`, `"supersedes":"f7","type"`, 1))
		if p := g.problem(t); g.status != want || len(p.Errors) != 1 || p.Errors[0].Field != "supersedes" && p.Errors[0].Field != "persons[0].mobile" {
			t.Errorf("%v: %s", err, g.text)
		}
		if want == http.StatusTooManyRequests && g.header.Get("Retry-After") != "5400" {
			t.Errorf("Retry-After %q", g.header.Get("Retry-After"))
		}
	}
}
