package httpapi

import (
	"net/http"
	"testing"
)

func TestABrowserGetsAPageForAPathThatThereIsNotAndAProgramAProblem(t *testing.T) {
	w := new(world)
	a := New(w.services(), options())
	a.MountNowhere(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	const browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, one := range []struct {
		method, path, accept string
		page                 bool
	}{
		{"GET", "/nothing", browser, true}, {"GET", "/a/b", browser, true}, {"GET", "/nothing", "Accept: */*", false}, {"GET", "/nothing", "Accept: application/json", false},
		{"GET", "/v1/nothing", browser, false}, {"POST", "/nothing", browser, false},
	} {
		g := do(a, one.method, one.path, "", one.accept)
		if g.status != http.StatusNotFound || (g.text == "") != one.page {
			t.Errorf("%+v: %d %s", one, g.status, g.text)
		}
	}
}
