package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Every answer that a test of this package gets is compared with the document: its status must be in it, its content
// type,
// and its body must be as the schema says. What does not conform fails the run, whatever the test itself looks at.

var conform struct {
	sync.Mutex
	documents  map[string]*contract
	violations map[string]bool
	answers    int
}

func TestMain(m *testing.M) {
	code := m.Run()
	conform.Lock()
	defer conform.Unlock()
	for _, v := range slices.Sorted(maps.Keys(conform.violations)) {
		fmt.Println("not as the document says:", v)
		code = 1
	}
	os.Exit(code)
}

// contract is a document, ready to compare answers with.
type contract struct {
	doc   map[string]any
	base  string
	paths []documented
	c     *jsonschema.Compiler
	done  map[string]*jsonschema.Schema
}

type documented struct {
	path    string
	pattern *regexp.Regexp
}

func newContract(text []byte) (*contract, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	k := &contract{doc: doc.(map[string]any), base: "file:///openapi.json", c: jsonschema.NewCompiler(), done: map[string]*jsonschema.Schema{}}
	k.c.DefaultDraft(jsonschema.Draft2020) // OpenAPI 3.1 4.8.24
	k.c.AssertFormat()
	if err := k.c.AddResource(k.base, doc); err != nil {
		return nil, err
	}
	for path := range k.doc["paths"].(map[string]any) {
		pattern := "^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$"
		k.paths = append(k.paths, documented{path, regexp.MustCompile(pattern)})
	}
	slices.SortFunc(k.paths, func(a, b documented) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") }) // the most literal first
	return k, nil
}

func at(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func pointer(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D").Replace(name))
	}
	return b.String()
}

func (k *contract) schema(names ...string) (*jsonschema.Schema, error) {
	where := k.base + "#" + pointer(names...)
	if k.done[where] == nil {
		s, err := k.c.Compile(where)
		if err != nil {
			return nil, err
		}
		k.done[where] = s
	}
	return k.done[where], nil
}

// fault says how an answer differs from the document; "" for not at all, or where the path is none of its.
func (k *contract) fault(method, path string, status int, kind, body string) string {
	i := slices.IndexFunc(k.paths, func(d documented) bool { return d.pattern.MatchString(path) })
	if i < 0 {
		return ""
	}
	route, operation := k.paths[i].path, strings.ToLower(method)
	if at(k.doc, "paths", route, operation) == nil {
		return "" // 405, or HEAD
	}
	name := fmt.Sprintf("%s %s: %d", method, route, status)
	response := at(k.doc, "paths", route, operation, "responses", fmt.Sprint(status))
	if response == nil {
		return name + " is not in the document"
	}
	content, _ := at(response, "content").(map[string]any)
	kind, _, _ = strings.Cut(kind, ";")
	switch {
	case len(content) == 0 && body == "":
		return ""
	case content[kind] == nil:
		return fmt.Sprintf("%s has the content type %q", name, kind)
	case !strings.HasSuffix(kind, "json"):
		return ""
	}
	s, err := k.schema("paths", route, operation, "responses", fmt.Sprint(status), "content", kind, "schema")
	if err != nil {
		return name + ": " + err.Error()
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", name, err)
	}
	return ""
}

// conforms compares an answer with the document of the handler that gave it.
func conforms(h http.Handler, method, path string, a *httptest.ResponseRecorder) {
	if path == "/openapi.json" {
		return
	}
	api, ok := h.(*API)
	if !ok {
		return
	}
	conform.Lock()
	defer conform.Unlock()
	if conform.documents == nil {
		conform.documents, conform.violations = map[string]*contract{}, map[string]bool{}
	}
	text := string(api.spec)
	k := conform.documents[text]
	if k == nil {
		var err error
		if k, err = newContract([]byte(text)); err != nil {
			conform.violations["the document: "+err.Error()] = true
			return
		}
		conform.documents[text] = k
	}
	conform.answers++
	path, _, _ = strings.Cut(path, "?")
	if v := k.fault(method, path, a.Code, a.Header().Get("Content-Type"), a.Body.String()); v != "" {
		conform.violations[v] = true
	}
}

func TestEveryExampleInTheDocumentIsAsItsSchemaSays(t *testing.T) {
	text := do(New(new(world).services(), camaraOptions()), "GET", "/openapi.json", "").text
	k, err := newContract([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	check := func(v any, names ...string) {
		n++
		s, err := k.schema(names...)
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v", pointer(names...), err)
		}
	}
	var walk func(v any, names []string)
	walk = func(v any, names []string) {
		switch v := v.(type) {
		case map[string]any:
			if example, ok := v["example"]; ok && v["schema"] != nil {
				check(example, append(slices.Clone(names), "schema")...)
			}
			if examples, ok := v["examples"].([]any); ok && v["type"] != nil {
				for _, example := range examples {
					check(example, names...)
				}
			}
			for name, one := range v {
				if name != "example" && name != "examples" {
					walk(one, append(slices.Clone(names), name))
				}
			}
		case []any:
			for i, one := range v {
				walk(one, append(slices.Clone(names), fmt.Sprint(i)))
			}
		}
	}
	walk(k.doc, nil)
	if n < 300 {
		t.Errorf("only %d examples", n)
	}
}

func TestTheComparisonWithTheDocumentSeesWhatDoesNotConform(t *testing.T) {
	k, err := newContract([]byte(do(New(new(world).services(), options()), "GET", "/openapi.json", "").text))
	if err != nil {
		t.Fatal(err)
	}
	good, err := json.Marshal(newProblem(404, "gone"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		status       int
		kind, body   string
		fault        string
	}{
		{"GET", "/v1/messages/x", 404, "application/problem+json", string(good), ""},
		{"GET", "/v1/messages/x", 410, "application/problem+json", string(good), "is not in the document"},
		{"GET", "/v1/messages/x", 404, "text/plain", "gone", "content type"},
		{"GET", "/v1/messages/x", 404, "application/problem+json", `{"title":"x"}`, "missing propert"},
		{"GET", "/v1/modems", 200, "application/json", `{"items":[{"name":1}],"next":""}`, "got number, want string"},
		{"GET", "/nothing", 404, "text/plain", "", ""},
	} {
		if got := k.fault(c.method, c.path, c.status, c.kind, c.body); c.fault == "" != (got == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%s %s %d: %q, want %q", c.method, c.path, c.status, got, c.fault)
		}
	}
}
