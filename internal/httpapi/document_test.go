package httpapi

import (
	"strings"
	"testing"
)

func TestTheDocumentIsComplete(t *testing.T) {
	h := New(new(world).services(), camaraOptions())
	operations(t, h, func(method, path string, o operation) {
		name := method + " " + path
		if o.OperationID == "" || o.Summary == "" || o.Description == "" || len(o.Tags) == 0 {
			t.Errorf("%s lacks a summary, a description or a tag", name)
		}
		for _, p := range o.Parameters {
			if p.Description == "" && p.Name != "id" && p.Name != "person" {
				t.Errorf("%s: nothing says what %s is", name, p.Name)
			}
		}
		want := []string{"400"}
		if len(o.Security) > 0 {
			want = append(want, "401", "403", "429", "503")
		}
		if strings.Contains(path, "{") {
			want = append(want, "404")
		}
		if o.RequestBody != nil {
			want = append(want, "415")
			for kind, m := range o.RequestBody.Content {
				if len(m.Example) < len(`{"a":1}`) {
					t.Errorf("%s: no example of a %s body: %s", name, kind, m.Example)
				} else if g := do(h, method, address(path), string(m.Example)); (g.status == 400 || g.status == 422) && !strings.HasPrefix(path, camaraBase) {
					t.Errorf("%s refuses its own example %s: %v", name, m.Example, g)
				}
			}
		}
		for _, status := range want {
			if _, ok := o.Responses[status]; !ok {
				t.Errorf("%s does not document %s", name, status)
			}
		}
		good := false
		for status, r := range o.Responses {
			if r.Description == "" {
				t.Errorf("%s: nothing says what %s is", name, status)
			}
			for kind, m := range r.Content {
				if len(m.Example) < 3 || string(m.Example) == "null" {
					t.Errorf("%s: no example of %s, %s", name, status, kind)
				}
				if status[0] == '4' && kind != "application/problem+json" && !strings.HasPrefix(path, camaraBase) {
					t.Errorf("%s: %s is no problem document but %s", name, status, kind)
				}
			}
			good = good || status[0] == '2'
		}
		if !good {
			t.Errorf("%s documents no success", name)
		}
	})
}
