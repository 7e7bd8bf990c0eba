package httpapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/access"
)

// browser is a connection that is kept open.
type browser struct {
	net.Conn
	r *bufio.Reader
}

// dial connects from an address of the loopback network.
func dial(t *testing.T, base, from string) browser {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return browser{c, bufio.NewReader(c)}
}

// get asks, and says what was answered: 0 where the connection is gone.
func (b browser) get(path string, headers ...string) int {
	if _, err := fmt.Fprintf(b, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, strings.Join(append(headers, ""), "\r\n")); err != nil {
		return 0
	}
	_ = b.SetReadDeadline(time.Now().Add(10 * time.Second))
	a, err := http.ReadResponse(b.r, nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, a.Body)
	_ = a.Body.Close()
	return a.StatusCode
}

func places(perAddress int) Options {
	o := options()
	o.MaxConnectionsPerAddress = perAddress
	o.ReadTimeout, o.IdleTimeout, o.ReadHeaderTimeout = time.Minute, 2*time.Minute, time.Minute
	return o
}

func TestNineHundredIdleConnectionsOfOneAddressKeepNobodyOut(t *testing.T) {
	for name, perAddress := range map[string]int{"with the default": 64, "without a limit of an address": 0} {
		t.Run(name, func(t *testing.T) {
			base, _ := serve(t, New(new(world).services(), places(perAddress)), 512)
			mine := dial(t, base, "127.0.0.2")
			if got := mine.get("/healthz"); got != 200 {
				t.Fatal(got)
			}
			var theirs []browser
			for range 900 {
				b := dial(t, base, "127.0.0.1")
				if got := b.get("/healthz"); got != 200 {
					t.Fatalf("the newest of one address: %d", got)
				}
				theirs = append(theirs, b)
			}
			began := time.Now()
			if got := dial(t, base, "127.0.0.3").get("/healthz"); got != 200 || time.Since(began) > 5*time.Second {
				t.Errorf("somebody else: %d after %s", got, time.Since(began))
			}
			// The oldest went, the newest stays.
			if got := theirs[0].get("/healthz"); got != 0 {
				t.Errorf("the oldest idle connection: %d", got)
			}
			if got := theirs[len(theirs)-1].get("/healthz"); got != 200 {
				t.Errorf("the newest: %d", got)
			}
			if got := mine.get("/healthz"); perAddress > 0 && got != 200 {
				t.Errorf("another's connection was closed for them: %d", got)
			}
		})
	}
}

func TestAConnectionWithARequestUnderWayIsNotClosedForAnother(t *testing.T) {
	w := new(world)
	base, _ := serve(t, New(w.services(), places(0)), 4)
	lines := follow(t, t.Context(), base+"/v1/events")
	next(t, lines, ":")
	for range 20 {
		if got := dial(t, base, "127.0.0.2").get("/healthz"); got != 200 {
			t.Fatal(got)
		}
	}
	w.emit("message.delivered", "m1")
	next(t, lines, "id: 1")
}

func TestOneAddressHasItsConnectionsAndAProxyAsManyAsItNeeds(t *testing.T) {
	busy := func(o Options) (held int) {
		base, _ := serve(t, New(new(world).services(), o), 100)
		for range 6 {
			b := dial(t, base, "127.0.0.1")
			if _, err := fmt.Fprintf(b, "POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", goodToken); err != nil {
				continue
			}
			_ = b.SetReadDeadline(time.Now().Add(3 * time.Second))
			if line, err := b.r.ReadString('\n'); err == nil && strings.Contains(line, "100 Continue") {
				held++
			}
		}
		if got := dial(t, base, "127.0.0.2").get("/healthz"); got != 200 {
			t.Errorf("another address: %d", got)
		}
		return held
	}
	if n := busy(places(4)); n != 4 {
		t.Errorf("%d requests are under way for one address", n)
	}
	o := places(4)
	o.TrustedProxies, o.ClientHeader = prefixesOf("127.0.0.1/32"), HeaderXForwardedFor
	if n := busy(o); n != 6 {
		t.Errorf("%d requests are under way for a proxy", n)
	}
}

func TestFiveHundredStreamsOfOneTokenKeepNobodyOut(t *testing.T) {
	w := new(world)
	s := w.services()
	s.Authenticate = func(_ context.Context, secret string) (access.Caller, bool, error) {
		return access.Caller{Name: secret, Scopes: access.Scopes{access.Admin}}, true, nil
	}
	o := places(0)
	o.StreamsPerToken, o.Streams = 16, 256
	base, _ := serve(t, New(s, o), 512)
	open := func(b browser, token string) int {
		_, _ = fmt.Fprintf(b, "GET /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", token)
		_ = b.SetReadDeadline(time.Now().Add(10 * time.Second))
		a, err := http.ReadResponse(b.r, nil)
		if err != nil {
			return 0
		}
		return a.StatusCode
	}
	got := map[int]int{}
	var first browser
	for i := range 520 {
		b := dial(t, base, "127.0.0.1")
		if got[open(b, "greedy")]++; i == 0 {
			first = b
		}
	}
	if got[200] != 16 || got[429] != 504 {
		t.Errorf("%v", got)
	}
	if n := open(dial(t, base, "127.0.0.1"), "another"); n != 200 {
		t.Errorf("another token's stream: %d", n)
	}
	if n := dial(t, base, "127.0.0.1").get("/v1/modems", "Authorization: Bearer greedy"); n != 200 {
		t.Errorf("its other requests: %d", n)
	}
	_ = first.Close()
	for deadline := time.Now().Add(10 * time.Second); open(dial(t, base, "127.0.0.1"), "greedy") != 200; {
		if time.Now().After(deadline) {
			t.Fatal("a place that became free is not given again")
		}
	}
}

// hold begins a request whose body does not come, and says what is answered at once: 100 where it is taken.
func hold(t *testing.T, base, path string) int {
	t.Helper()
	b := dial(t, base, "127.0.0.1")
	_, _ = fmt.Fprintf(b, "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", path, goodToken)
	_ = b.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := b.r.ReadString('\n')
	if err != nil {
		return 0
	}
	status := 0
	_, _ = fmt.Sscanf(line, "HTTP/1.1 %d", &status)
	return status
}

func TestNeitherPersonsNorPlatformsStarveTheOthers(t *testing.T) {
	for busy, other := range map[string]string{"/v1/public/verify": "/v1/modems", "/v1/messages": "/v1/public/verify"} {
		base, _ := serve(t, New(new(world).services(), places(0)), 16)
		got := map[int]int{}
		for range 15 {
			got[hold(t, base, busy)]++
		}
		if got[100] != 12 || got[503] != 3 {
			t.Errorf("%s: %v", busy, got)
		}
		if other == "/v1/modems" {
			if n := dial(t, base, "127.0.0.2").get(other, "Authorization: Bearer "+goodToken); n != 200 {
				t.Errorf("%s is full, %s: %d", busy, other, n)
			}
		} else if n := hold(t, base, other); n != 100 {
			t.Errorf("%s is full, %s: %d", busy, other, n)
		}
	}
}

func TestEachListenerServesItsSideAndHasItsShare(t *testing.T) {
	a := New(new(world).services(), places(0))
	a.Mount("GET /{$}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }))
	var gates []Gate
	var bases []string
	for _, sides := range []Side{SidePublic, SideMetrics, SideAPI} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		gates, bases = append(gates, Gate{l, sides, 4}), append(bases, "http://"+l.Addr().String())
	}
	f := a.Front(gates, nil)
	ended := make(chan error, 1)
	go func() { ended <- f.Serve() }()
	for path, want := range map[string][3]int{
		"/": {200, 404, 404}, "/metrics": {404, 200, 404}, "/healthz": {404, 200, 200}, "/v1/status": {404, 200, 200},
		"/v1/modems": {404, 404, 200}, "/openapi.json": {404, 404, 200}, "/none": {404, 404, 404},
	} {
		for i, base := range bases {
			if n := dial(t, base, "127.0.0.1").get(path, "Authorization: Bearer "+goodToken); n != want[i] {
				t.Errorf("%s at listener %d: %d, want %d", path, i, n, want[i])
			}
		}
	}
	for range 6 { // the public one is full of requests under way
		b := dial(t, bases[0], "127.0.0.1")
		_, _ = io.WriteString(b, "POST /v1/public/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n")
	}
	if n := dial(t, bases[2], "127.0.0.1").get("/v1/modems", "Authorization: Bearer "+goodToken); n != 200 {
		t.Errorf("the API: %d", n)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestIdleConnectionsGiveWayUnderTLSTooAndARenewedCertificateIsServed(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	makePair(t, 1, certFile, keyFile)
	c, err := NewCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := places(0)
	o.HSTS = time.Hour
	f := New(new(world).services(), o).Front([]Gate{{l, AllSides, 2}}, c.TLS())
	go func() { _ = f.Serve() }()
	t.Cleanup(func() { _ = f.Close() })
	serial := func() int64 {
		t.Helper()
		conn := tls.Client(dial(t, "http://"+l.Addr().String(), "127.0.0.1"), &tls.Config{InsecureSkipVerify: true, ServerName: "gateway.example"})
		if got := (browser{conn, bufio.NewReader(conn)}).get("/healthz"); got != 200 {
			t.Fatalf("answered %d", got)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	for range 5 { // each is left open
		if n := serial(); n != 1 {
			t.Errorf("certificate %d", n)
		}
	}
	makePair(t, 2, certFile, keyFile)
	use, err := c.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	use()
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after it was renewed", n)
	}
}
