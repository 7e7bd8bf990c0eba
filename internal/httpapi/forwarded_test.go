package httpapi

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"
)

func asked(peer string, headers map[string][]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = peer
	for name, values := range headers {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
	return r
}

var ten = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}

func TestOnlyATrustedProxyIsBelievedAboutWhoAsks(t *testing.T) {
	p := proxies{ten, HeaderXForwardedFor}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:1", "", "192.0.2.1"},
		{"192.0.2.1:1", "203.0.113.9", "192.0.2.1"},
		{"10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "6.6.6.6, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9"},
		{"10.0.0.1:1", "10.9.9.9, 10.1.1.1", "10.9.9.9"},
		{"10.0.0.1:1", "garbage", "10.0.0.1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"[2001:db8::1]:1", "", "2001:db8::1"},
		{"[::ffff:10.0.0.1]:1", "203.0.113.9", "203.0.113.9"},
	} {
		if got := p.client(asked(c.peer, map[string][]string{"X-Forwarded-For": {c.forwarded}})).String(); got != c.want {
			t.Errorf("%s for %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestAnAddressIsReadAsProxiesWriteIt(t *testing.T) {
	for _, c := range []struct{ header, value, want string }{
		// As Azure, IIS and some balancers write X-Forwarded-For: each port would be a caller of its own, or none.
		{HeaderXForwardedFor, "203.0.113.9:4711", "203.0.113.9"},
		{HeaderXForwardedFor, "203.0.113.9:4711, 10.0.0.2:80", "203.0.113.9"},
		{HeaderXForwardedFor, "[2001:db8::7]:4711", "2001:db8::7"},
		{HeaderXForwardedFor, "[2001:db8::7]", "2001:db8::7"},
		{HeaderXForwardedFor, "2001:db8::7", "2001:db8::7"},
		{HeaderXForwardedFor, `"203.0.113.9"`, "203.0.113.9"},
		{HeaderXForwardedFor, "fe80::1%eth0", "fe80::1"},
		// RFC 7239 4 and 6, and its own examples.
		{HeaderForwarded, "for=203.0.113.9", "203.0.113.9"},
		{HeaderForwarded, `For="[2001:db8:cafe::17]:4711"`, "2001:db8:cafe::17"},
		{HeaderForwarded, "for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"},
		{HeaderForwarded, "for=192.0.2.43, for=198.51.100.17", "198.51.100.17"},
		{HeaderForwarded, `by=10.0.0.1 ; FOR="203.0.113.9:80" ; host=a.example`, "203.0.113.9"},
		{HeaderForwarded, `for=203.0.113.9, for=10.0.0.2`, "203.0.113.9"},
		{HeaderForwarded, `for=unknown`, "10.0.0.1"},
		{HeaderForwarded, `for=203.0.113.9, for=_hidden`, "10.0.0.1"},
		{HeaderForwarded, `for="_gazonk", for=203.0.113.9`, "203.0.113.9"},
		{HeaderForwarded, `for=", for=203.0.113.9`, "203.0.113.9"}, // the client's open quote hides nothing
		{HeaderForwarded, `for=6.6.6.6;x=", for=203.0.113.9`, "203.0.113.9"},
		{HeaderForwarded, "proto=https", "10.0.0.1"},
	} {
		if got := (proxies{ten, c.header}).client(asked("10.0.0.1:1", map[string][]string{c.header: {c.value}})).String(); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.header, c.value, got, c.want)
		}
	}
}

func TestOfTheTwoHeadersOnlyTheOneThatTheProxyWritesIsBelieved(t *testing.T) {
	both := map[string][]string{"X-Forwarded-For": {"6.6.6.6"}, "Forwarded": {"for=7.7.7.7"}}
	for header, want := range map[string]string{"": "6.6.6.6", HeaderXForwardedFor: "6.6.6.6", HeaderForwarded: "7.7.7.7"} {
		if got := (proxies{ten, header}).client(asked("10.0.0.1:1", both)).String(); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
	lines := map[string][]string{"X-Forwarded-For": {"6.6.6.6", "203.0.113.9"}} // the proxy adds a line of its own
	if got := (proxies{ten, ""}).client(asked("10.0.0.1:1", lines)).String(); got != "203.0.113.9" {
		t.Error(got)
	}
}

func FuzzNobodyButATrustedProxyChoosesWhoAsks(f *testing.F) {
	f.Add("203.0.113.9:4711, 10.0.0.1", "for=\"[2001:db8::1]:80\"")
	f.Fuzz(func(t *testing.T, x, forwarded string) {
		headers := map[string][]string{"X-Forwarded-For": {x}, "Forwarded": {forwarded}}
		for _, header := range []string{HeaderXForwardedFor, HeaderForwarded} {
			p := proxies{ten, header}
			if got := p.client(asked("192.0.2.1:1", headers)); got.String() != "192.0.2.1" {
				t.Fatalf("%s for a stranger", got)
			}
			if got := p.client(asked("10.0.0.1:1", headers)); !got.IsValid() || got.Zone() != "" {
				t.Fatalf("%v is no caller", got)
			}
			// Whatever a client sends, what the proxy writes behind it decides.
			last := map[string][]string{"X-Forwarded-For": {x + ", 203.0.113.9"}, "Forwarded": {forwarded + ", for=203.0.113.9"}}
			if got := p.client(asked("10.0.0.1:1", last)).String(); got != "203.0.113.9" {
				t.Fatalf("%s in place of what the proxy saw", got)
			}
		}
	})
}

func TestBrowsersAreToldToComeByTLSWhereTheyDid(t *testing.T) {
	o := options()
	o.TrustedProxies, o.HSTS = ten, 365*24*time.Hour
	h := New(new(world).services(), o)
	get := func(r *http.Request) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Header().Get("Strict-Transport-Security")
	}
	byTLS := asked("192.0.2.1:1", nil)
	byTLS.TLS = &tls.ConnectionState{}
	const said = "max-age=31536000"
	for name, c := range map[string]struct {
		r    *http.Request
		want string
	}{
		"TLS":                {byTLS, said},
		"plain":              {asked("192.0.2.1:1", nil), ""},
		"a stranger's word":  {asked("192.0.2.1:1", map[string][]string{"X-Forwarded-Proto": {"https"}}), ""},
		"the proxy's word":   {asked("10.0.0.1:1", map[string][]string{"X-Forwarded-Proto": {"https"}}), said},
		"the proxy by plain": {asked("10.0.0.1:1", map[string][]string{"X-Forwarded-Proto": {"http"}}), ""},
	} {
		if got := get(c.r); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !(proxies{ten, HeaderForwarded}).secure(asked("10.0.0.1:1", map[string][]string{"Forwarded": {"for=6.6.6.6;proto=http, for=7.7.7.7;proto=https"}})) {
		t.Error("Forwarded says https")
	}
	o.HSTS = 0
	h = New(new(world).services(), o)
	if got := get(byTLS); got != "" {
		t.Errorf("turned off: %q", got)
	}
}

func TestARedirectNeverEscapesTwice(t *testing.T) {
	h := New(new(world).services(), options())
	for path, want := range map[string]string{
		"//v1/status":                      "/v1/status",
		"/v1/../v1/status?a=%2F&b=1":       "/v1/status?a=%2F&b=1",
		"/v1//messages/a%2Fb":              "/v1/messages/a%2Fb",
		"/v1//messages/%E4%B8%AD%E6%96%87": "/v1/messages/%E4%B8%AD%E6%96%87",
		"/v1//messages/a%20b%25":           "/v1/messages/a%20b%25",
		"//evil.example/..//v1/status":     "/v1/status",
		"//evil.example/%2e%2e/x":          "/evil.example/%2e%2e/x",
		`/\evil.example//x`:                "/%5Cevil.example/x",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u, err := url.Parse("http://gateway.example" + path)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); w.Code != http.StatusPermanentRedirect || got != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, got, want)
		}
	}
}

func prefixesOf(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
