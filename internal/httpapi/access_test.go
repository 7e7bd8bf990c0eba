package httpapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/access"
)

// operation is what the document says of one.
type operation struct {
	OperationID string                `json:"operationId"`
	Summary     string                `json:"summary"`
	Description string                `json:"description"`
	Tags        []string              `json:"tags"`
	Security    []map[string][]string `json:"security"`
	Parameters  []struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]media `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string           `json:"description"`
		Content     map[string]media `json:"content"`
	} `json:"responses"`
}

type media struct {
	Schema  json.RawMessage `json:"schema"`
	Example json.RawMessage `json:"example"`
}

// scopes are those of which the operation needs one.
func (o operation) scopes() (all access.Scopes) {
	for _, one := range o.Security {
		for _, word := range one["token"] {
			all = append(all, access.Scope(word))
		}
	}
	return all
}

// optional says that no token is needed.
func (o operation) optional() bool {
	return slices.ContainsFunc(o.Security, func(one map[string][]string) bool { return len(one) == 0 })
}

// operations calls f with every operation of the document.
func operations(t *testing.T, h http.Handler, f func(method, path string, o operation)) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	do(h, "GET", "/openapi.json", "").decode(t, &doc)
	n := 0
	for path, methods := range doc.Paths {
		for method, o := range methods {
			f(strings.ToUpper(method), path, o)
			n++
		}
	}
	if n < 20 {
		t.Fatalf("the document has %d operations", n)
	}
}

// address is a path that a request can have.
func address(path string) string {
	path = strings.NewReplacer("{id}", "x", "{person}", "x", "{number}", "x").Replace(path)
	if path == "/v1/events" {
		path += "?after=none" // or it goes on for ever
	}
	return path
}

func TestEveryOperationNamesItsScopesAndATokenWithoutThemIsToldWhich(t *testing.T) {
	h := New(new(world).services(), camaraOptions())
	operations(t, h, func(method, path string, o operation) {
		scopes := o.scopes()
		if strings.HasPrefix(path, "/v1/public/") {
			// For everybody; a token spares the proof, and needs its scope all the same.
			if !slices.Equal(scopes, access.Scopes{access.Filings}) || !o.optional() {
				t.Errorf("%s %s: scopes %v, for everybody: %t", method, path, scopes, o.optional())
			}
			return
		}
		if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s access.Scope) bool { return !slices.Contains(access.All, s) }) {
			t.Errorf("%s %s has the scopes %q", method, path, scopes)
			return
		}
		// A search has its numbers in the body, not in an address that proxies log: it is a POST that only reads.
		if method != http.MethodGet && o.OperationID != "search-filings" && slices.Contains(scopes, access.Read) {
			t.Errorf("%s %s changes something, and read is enough", method, path)
		}
		if g := do(h, method, address(path), "", "Authorization: "); g.status != 401 || g.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s without a token: %v", method, path, g)
		}
		for _, one := range access.All {
			g := do(h, method, address(path), "", "Authorization: Bearer "+goodToken+"_"+string(one))
			if one == access.Admin || slices.Contains(scopes, one) {
				if g.status == 401 || g.status == 403 {
					t.Errorf("%s %s with %s: %v", method, path, one, g)
				}
				continue
			}
			if g.status != 403 || !strings.Contains(g.header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
				t.Errorf("%s %s with %s: %v", method, path, one, g)
				continue
			}
			if strings.HasPrefix(path, camaraBase) {
				if !strings.Contains(g.text, `"PERMISSION_DENIED"`) {
					t.Errorf("%s: %v", path, g)
				}
				continue
			}
			p := g.problem(t)
			for _, s := range scopes {
				if p.Type != typePrefix+"forbidden" || !strings.Contains(p.Detail, string(s)) {
					t.Errorf("%s %s with %s does not say %s: %v", method, path, one, s, p)
				}
			}
		}
	})
}

func TestATokenWithEveryScopeButThoseOfAnOperationIsRefusedByIt(t *testing.T) {
	h := New(new(world).services(), camaraOptions())
	operations(t, h, func(method, path string, o operation) {
		rest := slices.DeleteFunc(slices.Clone(access.All), func(s access.Scope) bool { return s == access.Admin || slices.Contains(o.scopes(), s) })
		with := "Authorization: Bearer " + goodToken + "_" + rest.String()
		g := do(h, method, address(path), "", with)
		if g.status != 403 || !strings.Contains(g.header.Get("WWW-Authenticate"), `scope="`+strings.ReplaceAll(o.scopes().String(), ",", " ")+`"`) {
			t.Errorf("%s %s with %s: %v", method, path, rest, g)
		}
		if again := do(h, method, strings.Replace(address(path), "/x", "/y", 1), "", with); sameBut(again.text) != sameBut(g.text) {
			t.Errorf("%s %s tells more of one id than of another: %s, %s", method, path, g.text, again.text)
		}
	})
}

// sameBut is a body without the id of its request.
func sameBut(body string) string {
	return regexp.MustCompile(`urn:attestd:request:[0-9a-f]+`).ReplaceAllString(body, "")
}

func camaraOptions() Options {
	o := options()
	o.Camara = Camara{Enabled: true, Life: time.Minute}
	return o
}

func TestScopesAreWhatTheyAreDocumentedToBe(t *testing.T) {
	want := map[string]string{
		"POST /v1/messages": "messages", "GET /v1/messages": "messages,read", "DELETE /v1/messages/{id}": "messages",
		"POST /v1/filings": "filings", "GET /v1/filings/{id}": "filings,read", "POST /v1/challenges/{id}/check": "filings",
		"GET /v1/inbox": "inbox,read", "GET /v1/events": "read", "GET /v1/status": "read", "GET /v1/audit": "admin",
		"GET /v1/webhooks/deliveries": "read", "POST /v1/webhooks/replay": "admin", "POST " + camaraBase + "/send-code": "filings",
	}
	operations(t, New(new(world).services(), camaraOptions()), func(method, path string, o operation) {
		key := method + " " + path
		if scopes, ok := want[key]; ok && scopes != o.scopes().String() {
			t.Errorf("%s needs %s", key, o.scopes())
		}
		delete(want, key)
	})
	if len(want) > 0 {
		t.Errorf("not in the document: %v", want)
	}
}

func TestATokenThatAsksTooOftenIsToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.Limits.RequestsPerSecond = 5
		h := New(new(world).services(), o)
		for range 10 { // a second's pause and this second
			if g := do(h, "GET", "/v1/modems", ""); g.status != 200 {
				t.Fatal(g)
			}
		}
		g := do(h, "GET", "/v1/modems", "")
		if g.status != 429 || g.header.Get("Retry-After") != "1" || !strings.Contains(g.problem(t).Detail, "http.requests_per_second") {
			t.Fatal(g)
		}
		if g := do(h, "GET", "/healthz", ""); g.status != 200 {
			t.Error("what needs no token has no share", g)
		}
		time.Sleep(200 * time.Millisecond)
		if g := do(h, "GET", "/v1/modems", ""); g.status != 200 {
			t.Error("refused after the wait", g)
		}
		h.SetLimits(Limits{})
		for range 50 {
			if g := do(h, "GET", "/v1/modems", ""); g.status != 200 {
				t.Fatal("0 is no limit", g)
			}
		}
	})
}

func TestAKeyThatWasRotatedForgivesNoCaller(t *testing.T) {
	live := []string{"old"}
	hash := func(purpose string, parts ...[]byte) (all [][]byte) {
		for _, key := range live {
			all = append(all, []byte(key+purpose+string(parts[0])))
		}
		return all
	}
	g := newGuard(Limits{ResendsPerIPPerHour: 3}, hash)
	from := proxies{}.client(&http.Request{RemoteAddr: "192.0.2.1:1"})
	var uses []access.Use
	take := func() bool {
		used, wait := g.resend(from)
		uses = append(uses, used.uses...)
		return wait == 0
	}
	if first, second := take(), take(); !first || !second {
		t.Fatal("refused early")
	}
	live = []string{"new", "old"}
	if !take() || take() {
		t.Error("what was used under the old key does not count")
	}
	g = newGuard(Limits{ResendsPerIPPerHour: 3}, hash) // a restart
	g.restore(uses, 0, 0)
	if take() {
		t.Error("what was used before the restart does not count")
	}
}
