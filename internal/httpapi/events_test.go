package httpapi

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve runs a real server, with the timeouts and places of Front.
func serve(t *testing.T, a *API, places ...int) (base string, srv *Front) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	if len(places) > 0 {
		most = places[0]
	}
	srv = a.Front([]Gate{{l, AllSides, most}}, nil)
	go func() { _ = srv.Serve() }()
	t.Cleanup(func() { _ = srv.Close() })
	return "http://" + l.Addr().String(), srv
}

// follow opens a stream and gives its lines.
func follow(t *testing.T, ctx context.Context, url string, headers ...string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+goodToken)
	for _, one := range headers {
		name, value, _ := strings.Cut(one, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(resp.Status, resp.Header)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer resp.Body.Close()
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// next gives the next line that begins with prefix.
func next(t *testing.T, lines <-chan string, prefix string) string {
	t.Helper()
	for limit := time.After(10 * time.Second); ; {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the stream ended before %q", prefix)
			}
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-limit:
			t.Fatalf("no line %q", prefix)
		}
	}
}

func TestAStreamGoesOnAfterTheLastEventThatItsClientSaw(t *testing.T) {
	w := new(world)
	base, _ := serve(t, New(w.services(), options()))
	for range 3 * eventBatch {
		w.emit("filler", "x")
	}
	w.emit("message.delivered", "m1")
	ctx, cancel := context.WithCancel(t.Context())
	lines := follow(t, ctx, base+"/v1/events", "Last-Event-ID: 598")
	for _, want := range []string{"id: 599", "event: filler", "id: 600", "id: 601", "event: message.delivered", `data: {"seq":601`} {
		next(t, lines, want)
	}
	w.emit("message.expired", "m2")
	next(t, lines, "id: 602")
	cancel()
	for range lines { // it ends when the client goes
	}
	waitFor(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.wakes) == 0 }, "the watch outlives its client")

	all := follow(t, t.Context(), base+"/v1/events?after=0&subject=m1")
	if got := next(t, all, "id:"); got != "id: 601" {
		t.Error(got)
	}
	fresh := follow(t, t.Context(), base+"/v1/events")
	next(t, fresh, ":") // connected
	w.emit("filing.passed", "f")
	if got := next(t, fresh, "id:"); got != "id: 603" {
		t.Error(got)
	}
}

func waitFor(t *testing.T, done func() bool, what string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestAStreamOutlivesTheServersReadTimeoutAndBeats(t *testing.T) {
	w := new(world)
	o := options()
	o.ReadTimeout, o.ReadHeaderTimeout, o.EventHeartbeat = 200*time.Millisecond, 200*time.Millisecond, 60*time.Millisecond
	base, _ := serve(t, New(w.services(), o))
	lines := follow(t, t.Context(), base+"/v1/events")
	for range 10 {
		next(t, lines, ": still here")
	}
	w.emit("late", "x")
	next(t, lines, "event: late")
}

func TestShutdownEndsStreams(t *testing.T) {
	w := new(world)
	base, srv := serve(t, New(w.services(), options()))
	lines := follow(t, t.Context(), base+"/v1/events")
	next(t, lines, ":")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for range lines {
	}
}

func TestNoMoreConnectionsThanTheLimitAreServedAndAFreedPlaceIsUsed(t *testing.T) {
	w := new(world)
	base, _ := serve(t, New(w.services(), options()), 1)
	ctx, cancel := context.WithCancel(t.Context())
	next(t, follow(t, ctx, base+"/v1/events"), ":")
	client := &http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{}}
	if resp, err := client.Get(base + "/healthz"); err == nil {
		resp.Body.Close()
		t.Fatal("a second connection was served")
	}
	cancel()
	client.Timeout = 5 * time.Second
	resp, err := client.Get(base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestAClientThatSendsItsHeadersSlowlyIsDropped(t *testing.T) {
	o := options()
	o.ReadHeaderTimeout, o.ReadTimeout = 100*time.Millisecond, time.Second
	base, _ := serve(t, New(new(world).services(), o))
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "))
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := c.Read(make([]byte, 100)); err == nil && n > 0 {
		return // 408, also an end
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatal("the connection still stands")
	}
}

func TestABodyThatDoesNotComeIsA408(t *testing.T) {
	o := options()
	o.ReadTimeout = 300 * time.Millisecond
	base, _ := serve(t, New(new(world).services(), o))
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte("POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + goodToken + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"to\":"))
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 408 || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Error(resp.Status, resp.Header)
	}
}
