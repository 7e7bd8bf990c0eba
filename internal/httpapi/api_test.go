package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/internal/proof"
	"attestd/queue"
	"attestd/verify"
)

func TestBadInputGetsAProblemThatNamesTheFieldAndSaysWhatToDo(t *testing.T) {
	h := New(new(world).services(), options())
	good := func(extra string) string { return `{"to":"+8613800138000","text":"hi"` + extra + `}` }
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		says                     string
	}{
		{"no JSON", "POST", "/v1/messages", `to=1`, nil, 400, "JSON"},
		{"truncated", "POST", "/v1/messages", `{"to":"+86138`, nil, 400, "JSON"},
		{"trailing", "POST", "/v1/messages", good("") + "{}", nil, 400, "JSON"},
		{"empty body", "POST", "/v1/messages", ``, nil, 400, "body is required"},
		{"null", "POST", "/v1/messages", `null`, nil, 400, "want an object"},
		{"a list", "POST", "/v1/messages", `[]`, nil, 400, "want an object"},
		{"empty object", "POST", "/v1/messages", `{}`, nil, 400, "to: is required"},
		{"wrong type", "POST", "/v1/messages", `{"to":13800138000,"text":"hi"}`, nil, 400, "to: want a text in quotes"},
		{"wrong types", "POST", "/v1/messages", `{"to":[],"text":{},"report":"yes","class":"0"}`, nil, 400, "report: want true or false"},
		{"unknown field", "POST", "/v1/messages", good(`,"prio":"high"`), nil, 400, "prio: is no field"},
		{"field in other case", "POST", "/v1/messages", `{"TO":"+8613800138000","text":"hi"}`, nil, 400, "to: is required"},
		{"unknown priority", "POST", "/v1/messages", good(`,"priority":"high"`), nil, 400, "priority: want one of"},
		{"class 1", "POST", "/v1/messages", good(`,"class":1`), nil, 400, "class:"},
		{"deadline no time", "POST", "/v1/messages", good(`,"deadline":"tomorrow"`), nil, 400, "deadline: want a time"},
		{"deadline past", "POST", "/v1/messages", good(`,"deadline":"2001-01-01T00:00:00Z"`), nil, 422, "deadline: has passed"},
		{"no number", "POST", "/v1/messages", `{"to":"call me","text":"hi"}`, nil, 422, "to: has a character"},
		{"number too long", "POST", "/v1/messages", `{"to":"+861380013800012345","text":"hi"}`, nil, 422, "to: "},
		{"text too long", "POST", "/v1/messages", `{"to":"+8613800138000","text":"` + strings.Repeat("汉", 20000) + `"}`, nil, 422, "text: needs more than 255 parts"},
		{"unknown modem", "POST", "/v1/messages", good(`,"modem":"m9"`), nil, 422, "modem: there is no modem"},
		{"huge", "POST", "/v1/messages", `{"to":"` + strings.Repeat("1", 300<<10) + `"}`, nil, 413, "too large"},
		{"deep nesting", "POST", "/v1/messages", strings.Repeat(`{"to":`, 20000) + "1" + strings.Repeat("}", 20000), nil, 400, ""},
		{"deep list", "POST", "/v1/messages", strings.Repeat(`[`, 100000), nil, 400, "JSON"},
		{"not UTF-8", "POST", "/v1/messages", "{\"to\":\"+8613800138000\",\"text\":\"\xff\"}", nil, 400, "UTF-8"},
		{"long field name", "POST", "/v1/messages", good(`,"` + strings.Repeat("x", 100000) + `":1`), nil, 400, "is no field"},
		{"other content type", "POST", "/v1/messages", good(""), []string{"Content-Type: text/plain"}, 415, "application/json"},
		{"a form", "POST", "/v1/messages", "to=1", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "application/json"},
		{"only HTML wanted back", "GET", "/v1/messages/none", "", []string{"Accept: text/html"}, 404, "message"},
		{"no token", "POST", "/v1/messages", good(""), []string{"Authorization: "}, 401, "attestd token create"},
		{"wrong token", "GET", "/v1/inbox", "", []string{"Authorization: Bearer att_bad"}, 401, "not known, or was revoked"},
		{"basic", "GET", "/v1/inbox", "", []string{"Authorization: Basic YTpi"}, 401, "Bearer"},
		{"limit 0", "GET", "/v1/messages?limit=0", "", nil, 400, "limit: want at least 1"},
		{"limit 1001", "GET", "/v1/inbox?limit=1001", "", nil, 400, "limit:"},
		{"limit no number", "GET", "/v1/filings?limit=ten", "", nil, 400, "limit:"},
		{"bad cursor", "GET", "/v1/messages?cursor=%00", "", nil, 400, "cursor:"},
		{"cursor of another list", "GET", "/v1/filings?cursor=" + cursor("messages", "x"), "", nil, 400, "cursor:"},
		{"unknown state", "GET", "/v1/messages?state=lost", "", nil, 400, "state: want one of"},
		{"unknown parameter", "GET", "/v1/messages?limitt=1", "", nil, 400, "limitt"},
		{"no such message", "GET", "/v1/messages/none", "", nil, 404, "there is none"},
		{"no such filing", "GET", "/v1/filings/none", "", nil, 404, ""},
		{"no such path", "GET", "/v1/nothing", "", nil, 404, "/openapi.json"},
		{"a guess at the health", "GET", "/health", "", nil, 404, "/healthz"},
		{"a guess at the status", "GET", "/status/", "", nil, 404, "/v1/status"},
		{"root", "GET", "/", "", nil, 404, "/openapi.json"},
		{"other version", "POST", "/v2/messages", good(""), nil, 404, "/v1/"},
		{"version without path", "GET", "/v3", "", nil, 404, "/v1/"},
		{"wrong method", "PUT", "/v1/messages", good(""), nil, 405, "GET, HEAD, POST"},
		{"made-up method", "BREW", "/v1/messages/x", "", nil, 405, "DELETE"},
		{"filing of no type", "POST", "/v1/filings", `{"type":"second","persons":[]}`, nil, 422, "type: must be one of"},
		{"filing without persons", "POST", "/v1/filings", `{"type":"first"}`, nil, 400, "persons: is required"},
		{"persons null", "POST", "/v1/filings", `{"type":"first","persons":null}`, nil, 400, "persons"},
		{"person of wrong shape", "POST", "/v1/filings", `{"type":"first","persons":[{"role":1}]}`, nil, 400, "persons[0].role: want a text"},
		{"unknown field of a person", "POST", "/v1/filings", `{"type":"first","persons":[{"role":"entity_head","phone":"1"}]}`, nil, 400, "persons[0].phone: is no field"},
		{"public, no JSON", "POST", "/v1/public/verify", `code=1`, nil, 400, "JSON"},
		{"public, large", "POST", "/v1/public/verify", `{"code":"` + strings.Repeat("1", 5000) + `"}`, nil, 413, "too large"},
		{"public, unknown field", "POST", "/v1/public/verify", `{"codes":"1"}`, nil, 400, "codes: is no field"},
		{"event id", "GET", "/v1/events?after=x", "", nil, 400, "after: want the id"},
		{"last event id", "GET", "/v1/events", "", []string{"Last-Event-ID: -1"}, 400, "Last-Event-ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := do(h, c.method, c.path, c.body, c.headers...)
			if g.status != c.status {
				t.Fatalf("status %d, want %d: %.300s", g.status, c.status, g.text)
			}
			p := g.problem(t)
			if !strings.Contains(p.Detail, c.says) {
				t.Errorf("detail %q does not say %q", p.Detail, c.says)
			}
			if len(g.text) > 4000 {
				t.Errorf("an answer of %d bytes", len(g.text))
			}
			for _, private := range []string{"13800138000", "138001380"} {
				if strings.Contains(g.text, private) {
					t.Errorf("the problem repeats a number: %s", g.text)
				}
			}
			if c.status == 401 && g.header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			if c.status == 405 && g.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestAMessageIsTakenReadListedAndCancelled(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	g := do(h, "POST", "/v1/messages", `{"to":"138 0013 8000","text":"héllo 世界 😀","priority":"urgent","class":0,"report":false,"idempotency_key":"k"}`)
	if g.status != 202 {
		t.Fatal(g)
	}
	var m Message
	g.decode(t, &m)
	if m.To != "+8613800138000" || m.Text != "héllo 世界 😀" || m.State != "queued" || m.Class == nil || *m.Class != 0 || m.Report || m.Priority != "urgent" {
		t.Errorf("%+v", m)
	}
	if d := w.messages[0].Draft; d.Origin != "platform" || d.Report || !d.Flash || d.IdempotencyKey != "k" {
		t.Errorf("%+v", d)
	}
	do(h, "GET", "/v1/messages/"+m.ID, "").decode(t, &m)
	if len(m.Parts) != 1 || m.Parts[0].MR != nil || len(m.Tries) != 1 || *m.Tries[0].MR != 7 {
		t.Errorf("%+v", m)
	}
	if g := do(h, "DELETE", "/v1/messages/"+m.ID, ""); g.status != 200 || !strings.Contains(g.text, `"cancelled"`) {
		t.Error(g)
	}
}

func TestTheTextOfACodeIsNotShownAndItsMessageIsCancelledOnlyWithItsFiling(t *testing.T) {
	w := &world{messages: []queue.Message{{ID: "c", State: queue.Queued, Draft: queue.Draft{Text: "code 048213", Origin: "challenge:1"}}}}
	h := New(w.services(), options())
	for _, path := range []string{"/v1/messages", "/v1/messages/c"} {
		if g := do(h, "GET", path, ""); g.status != 200 || strings.Contains(g.text, "048213") {
			t.Error(g)
		}
	}
	if g := do(h, "DELETE", "/v1/messages/c", ""); g.status != 409 || !strings.Contains(g.problem(t).Detail, "cancel the filing") {
		t.Error(g)
	}
}

func TestPagesOfAListGiveEverythingOnce(t *testing.T) {
	w := new(world)
	for i := range 25 {
		w.messages = append(w.messages, queue.Message{ID: fmt.Sprintf("m%03d", i), State: queue.Queued})
	}
	h := New(w.services(), options())
	var seen []string
	for next := ""; ; {
		var l List[Message]
		do(h, "GET", "/v1/messages?limit=7&cursor="+next, "").decode(t, &l)
		for _, m := range l.Items {
			seen = append(seen, m.ID)
		}
		if next = l.Next; next == "" {
			break
		}
	}
	if len(seen) != 25 || !slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Error(seen)
	}
	var empty map[string]any
	do(h, "GET", "/v1/messages?state=delivered", "").decode(t, &empty)
	if items, ok := empty["items"].([]any); !ok || len(items) != 0 || empty["next"] != "" {
		t.Errorf("an empty list is %v", empty)
	}
}

func TestAFilingIsCreatedOnceUnderItsReference(t *testing.T) {
	h := New(new(world).services(), options())
	body := `{"type":"first","reference":"r","language":"zh","persons":[{"role":"entity_head","name":"张三","mobile":"13800138000","certificate_tail":"31002X"}]}`
	first := do(h, "POST", "/v1/filings", body)
	if first.status != 201 || strings.Contains(first.text, "codemac") || strings.Contains(first.text, "31002X") {
		t.Fatal(first)
	}
	if again := do(h, "POST", "/v1/filings", body); again.status != 200 || again.text != first.text {
		t.Error(again)
	}
	if other := do(h, "POST", "/v1/filings", strings.Replace(body, "zh", "en", 1)); other.status != 409 || other.problem(t).Errors[0].Field != "reference" {
		t.Error(other)
	}
	if g := do(h, "POST", "/v1/filings/f0/cancel", `{"reason":"gone"}`); g.status != 200 || !strings.Contains(g.text, `"note":"gone"`) {
		t.Error(g)
	}
	if g := do(h, "POST", "/v1/filings/f0/cancel", ""); g.status != 200 {
		t.Error(g)
	}
}

func TestAFullStoreIs503WithRetryAfterAndTellsNoPath(t *testing.T) {
	w := &world{fail: errFull}
	h := New(w.services(), options())
	for _, path := range []string{"/v1/messages", "/v1/filings", "/v1/inbox", "/v1/status", "/v1/events"} {
		if g := do(h, "GET", path, ""); g.status != 503 || g.header.Get("Retry-After") != "3" || strings.Contains(g.text, "secret") {
			t.Errorf("%s: %v", path, g)
		} else {
			g.problem(t)
		}
	}
	w.fail = fmt.Errorf("broken: number +8613800138000")
	if g := do(h, "GET", "/v1/messages", ""); g.status != 500 || strings.Contains(g.text, "1380013") {
		t.Error(g)
	}
	if g := do(h, "POST", "/v1/public/verify", `{"code":"123456"}`); g.status != 200 || !strings.Contains(g.text, `"result":904`) {
		t.Error(g)
	}
}

func TestHealthIsForAnyoneAndReadinessSaysWhyNot(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		if g := do(h, "GET", path, "", "Authorization: "); g.status != 200 {
			t.Error(path, g)
		}
	}
	w.notReady = []Reason{{"store", "the database is busy"}}
	if g := do(h, "GET", "/readyz", ""); g.status != 503 || !strings.Contains(g.problem(t).Detail, "busy") {
		t.Error(g)
	}
	if g := do(h, "GET", "/healthz", ""); g.status != 200 {
		t.Error("not ready is not dead", g)
	}
}

func TestThePublicEndpointsAnswerInTheReadersLanguage(t *testing.T) {
	left := 4
	w := &world{answer: verify.Answer{Result: verify.ResultWrong, Message: verify.ResultWrong.Message(), TriesLeft: &left}}
	h := New(w.services(), options())
	body := `{"code":"123456","mobile":"13800138000","certificate_tail":"31002X","filing":"f"}`
	for accept, want := range map[string]string{
		"": verify.ResultWrong.Message().ZH, "en-GB,zh;q=0.5": verify.ResultWrong.Message().EN, "fr, zh-CN;q=0.9, en;q=0.8": verify.ResultWrong.Message().ZH, "de": verify.ResultWrong.Message().ZH,
	} {
		g := do(h, "POST", "/v1/public/verify", body, "Authorization: ", "Accept-Language: "+accept)
		var a Answer
		g.decode(t, &a)
		if g.status != 200 || a.Message != want || a.Result != 2 || a.OK || *a.TriesLeft != 4 || g.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %v", accept, g)
		}
	}
	if c := w.checks[0]; c != (verify.CheckRequest{Code: "123456", Mobile: "13800138000", Tail: "31002X", FilingID: "f", Via: "web", Work: proof.Any}) {
		t.Errorf("%+v", c)
	}
	h.SetDefaults("en", "852")
	if g := do(h, "POST", "/v1/public/verify", body); !strings.Contains(g.text, verify.ResultWrong.Message().EN) {
		t.Error("the language of before a reload", g)
	}
	if g := do(h, "POST", "/v1/messages", `{"to":"5123 4567","text":"x"}`); !strings.Contains(g.text, "+85251234567") {
		t.Error("the country of before a reload", g)
	}
	o := options()
	o.Public = false
	if g := do(New(w.services(), o), "POST", "/v1/public/verify", body); g.status != 404 || !strings.Contains(g.problem(t).Detail, "http.public") {
		t.Error(g)
	}
}

func TestLogsHaveARouteAndNoIDNumberBodyOrToken(t *testing.T) {
	var log bytes.Buffer
	o := options()
	o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := &world{messages: []queue.Message{{ID: "id-of-a-message", State: queue.Queued}}}
	h := New(w.services(), o)
	do(h, "GET", "/v1/messages/id-of-a-message", "")
	do(h, "POST", "/v1/messages", `{"to":"+8613800138000","text":"a private text"}`)
	do(h, "POST", "/v1/public/verify", `{"code":"123456","mobile":"13800138000"}`)
	do(h, "GET", "/v1/events?after=13800138000x", "")
	do(h, "GET", "/13800138000", "")
	for _, private := range []string{"id-of-a-message", "13800138000", "private", "123456", goodToken} {
		if strings.Contains(log.String(), private) {
			t.Errorf("the log has %q:\n%s", private, &log)
		}
	}
	for _, want := range []string{`"route":"/v1/messages/{id}"`, `"token":"platform"`, `"status":202`, `"route":"(none)"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &log)
		}
	}
}

func TestAPanicIsA500AndTheNextRequestIsServed(t *testing.T) {
	s := new(world).services()
	s.Modems = func() []Modem { panic("secret value") }
	h := New(s, options())
	if g := do(h, "GET", "/v1/modems", ""); g.status != 500 || strings.Contains(g.text, "secret") {
		t.Error(g)
	} else {
		g.problem(t)
	}
	if g := do(h, "GET", "/v1/inbox", ""); g.status != 200 {
		t.Error(g)
	}
}

func TestTheOpenAPIDocumentDescribesEveryPathWithItsErrorsAndExamples(t *testing.T) {
	h := New(new(world).services(), options())
	g := do(h, "GET", "/openapi.json", "")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                     `json:"operationId"`
			Summary     string                     `json:"summary"`
			Responses   map[string]json.RawMessage `json:"responses"`
			Security    []map[string][]string      `json:"security"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	g.decode(t, &doc)
	if doc.OpenAPI != "3.1.0" {
		t.Error(doc.OpenAPI)
	}
	for _, want := range []string{"POST /v1/messages 202", "GET /v1/messages 200", "GET /v1/messages/{id} 404", "DELETE /v1/messages/{id} 409",
		"POST /v1/filings 201", "POST /v1/filings 200", "GET /v1/filings 200", "GET /v1/filings/{id} 404", "POST /v1/filings/{id}/cancel 409",
		"POST /v1/public/verify 200", "POST /v1/public/resend 200", "GET /v1/inbox 200", "GET /v1/modems 200", "GET /v1/status 503", "GET /v1/events 200",
		"POST /v1/messages 400", "POST /v1/messages 401", "POST /v1/messages 409", "POST /v1/messages 413", "POST /v1/messages 415", "POST /v1/messages 422", "POST /v1/messages 503"} {
		var method, path, status string
		_, _ = fmt.Sscan(want, &method, &path, &status)
		op, ok := doc.Paths[path][strings.ToLower(method)]
		if _, has := op.Responses[status]; !ok || !has {
			t.Errorf("the document lacks %s", want)
		}
		if open := strings.Contains(path, "/public/"); open != (len(op.Security) > 0 && len(op.Security[0]) == 0) {
			t.Errorf("%s: security %v", want, op.Security)
		}
		if op.Summary == "" {
			t.Errorf("%s has no summary", want)
		}
	}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			if _, has := op.Responses["422"]; has == (method != "post" || strings.Contains(path, "/public/")) {
				t.Errorf("%s %s: 422 documented: %v", method, path, has)
			}
		}
	}
	for _, schema := range []string{"Problem", "Message", "MessageRequest", "FilingRequest", "Answer", "InboxItem", "EventView"} {
		if !bytes.Contains(doc.Components.Schemas[schema], []byte(`"examples"`)) {
			t.Errorf("schema %s is missing or without examples: %.200s", schema, doc.Components.Schemas[schema])
		}
	}
}

func TestWhatTheAPIServesAndTheDocumentSaysIsTheSame(t *testing.T) {
	// The fields of each example request are fields that the API takes.
	h := New(new(world).services(), options())
	if g := do(h, "POST", "/v1/messages", `{"to":"+8613800138000","text":"Hello","priority":"normal","deadline":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+
		`","report":true,"repeatable":true,"modem":"m0","idempotency_key":"order-4711-1"}`); g.status != http.StatusAccepted {
		t.Error(g)
	}
}

func TestEveryReferenceInTheDocumentLeadsSomewhere(t *testing.T) {
	text := do(New(new(world).services(), options()), "GET", "/openapi.json", "").text
	var doc struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	refs := regexp.MustCompile(`"\$ref": "#/components/schemas/([^"]+)"`).FindAllStringSubmatch(text, -1)
	if len(refs) < 20 {
		t.Errorf("only %d references", len(refs))
	}
	for _, ref := range refs {
		if _, ok := doc.Components.Schemas[ref[1]]; !ok {
			t.Errorf("%s leads nowhere", ref[0])
		}
	}
}

func TestTheManualListsEveryProblem(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	for status, kind := range kinds {
		if row := fmt.Sprintf("| %d | `%s` |", status, kind.name); !strings.Contains(string(manual), row) {
			t.Errorf("docs/api.md lacks %s", row)
		}
	}
}
