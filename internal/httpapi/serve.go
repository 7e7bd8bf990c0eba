package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// answerTimeout is how long a client may take to read an answer; event streams set their own for each event.
const answerTimeout = 30 * time.Second

// request is what is known of a request while it is served.
type request struct {
	id     string
	token  string // the name of the token that was shown
	caller access.Caller
	stream bool // an event stream: its duration tells nothing about speed
	body   *body
}

// brokenBody says whether the body was read and came to no proper end.
func (r *request) brokenBody() bool { return r.body != nil && r.body.broken.Load() != nil }

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// callerOf is whose token a request came with; without one it owns nothing and sees nothing.
func callerOf(ctx context.Context) access.Caller { return requestOf(ctx).caller }

// ownerOf is for whom a request asks for what there is.
func ownerOf(ctx context.Context) string { return callerOf(ctx).Owner() }

// ownerAsked is ownerOf narrowed to one tenant: an admin's wish; whoever else asks for another's gets nothing.
func ownerAsked(ctx context.Context, asked string) string {
	switch own := ownerOf(ctx); {
	case asked == "" || asked == own:
		return own
	case own == access.Everyone:
		return asked
	}
	return ""
}

func requestID(ctx context.Context) string { return requestOf(ctx).id }

func instance(ctx context.Context) string {
	if id := requestID(ctx); id != "" {
		return "urn:attestd:request:" + id
	}
	return ""
}

// ServeHTTP implements http.Handler: an id, a deadline, a log line and a count for every request, whatever becomes of it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	req := &request{id: hex.EncodeToString(random[:])}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
	if r.Body != nil && r.Body != http.NoBody {
		req.body = &body{ReadCloser: r.Body}
		r.Body = req.body
	}
	out := &recorder{ResponseWriter: w}
	out.Header().Set("X-Request-Id", req.id)
	out.Header().Set("X-Content-Type-Options", "nosniff")
	out.Header().Set("Cache-Control", "no-store")
	if a.o.HSTS > 0 && a.proxies().secure(r) { // RFC 6797 7.2: never over plain http
		out.Header().Set("Strict-Transport-Security", "max-age="+strconv.Itoa(int(a.o.HSTS/time.Second)))
	}
	_ = http.NewResponseController(w).SetWriteDeadline(began.Add(answerTimeout)) // a recorder in tests has none

	handler, pattern := a.mux.Handler(r)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			// The value may quote what was sent: only where it happened is logged.
			a.log.Error("request panicked", "request", req.id, "kind", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			if out.status == 0 {
				problem := newProblem(http.StatusInternalServerError, "the log of the gateway says more about this request")
				problem.Instance = instance(r.Context())
				problem.write(out)
			}
		}
		a.account(r, req, out, pattern, time.Since(began))
	}()
	if to, ok := cleaned(r.URL); ok {
		out.Header().Set("Location", to)
		out.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	sides := a.sidesOf(pattern)
	if pattern == "" || !served(r.Context(), sides) {
		if pattern != "" {
			handler = http.NotFoundHandler()
		}
		a.unrouted(out, r, handler)
		return
	}
	if a.stopping() && sides != SidePublic && !servedToTheEnd(pattern) {
		a.refuseStopping(out, r)
		return
	}
	done, ok := a.place(r.Context(), sides)
	if !ok {
		p := newProblem(http.StatusServiceUnavailable, "too many requests are under way: try again in a moment")
		p.Instance = instance(r.Context())
		out.Header().Set("Retry-After", "1")
		out.Header().Set("Connection", "close")
		p.write(out)
		return
	}
	defer done()
	a.mux.ServeHTTP(out, r)
}

// account logs and counts. Neither has the path, which holds ids, nor the query.
func (a *API) account(r *http.Request, req *request, out *recorder, pattern string, took time.Duration) {
	_, route, ok := strings.Cut(pattern, " ")
	if !ok {
		route = pattern
	}
	if route == "" {
		route = "(none)"
	}
	if req.stream {
		took = 0
	}
	a.s.Meter.Request(route, knownMethod(r.Method), out.status, took)
	level := slog.LevelInfo
	switch {
	case out.status >= 500:
		level = slog.LevelWarn
	case route == "/healthz", route == "/readyz", route == "/metrics":
		level = slog.LevelDebug
	}
	said := []slog.Attr{
		slog.String("request", req.id), slog.String("method", knownMethod(r.Method)), slog.String("route", route),
		slog.Int("status", out.status), slog.Int64("bytes", out.bytes), slog.Duration("took", took.Round(time.Microsecond)),
		slog.String("token", req.token),
	}
	if req.brokenBody() {
		said = append(said, slog.String("body", req.body.fault()))
	}
	a.log.LogAttrs(r.Context(), level, "request", said...)
}

// knownMethod keeps a method that a client made up out of labels and logs.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

var versionPath = regexp.MustCompile(`^/v[0-9]+(/|$)`)

// unrouted answers what no route takes: handler is the mux's own idea of it, from which only the status and Allow are kept.
func (a *API) unrouted(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	probe := &recorder{ResponseWriter: discard{http.Header{}}}
	handler.ServeHTTP(probe, r)
	var p *Problem
	switch {
	case probe.status == http.StatusMethodNotAllowed:
		allow := probe.Header().Get("Allow")
		w.Header().Set("Allow", allow)
		p = newProblem(http.StatusMethodNotAllowed, "this path takes "+allow)
	case versionPath.MatchString(r.URL.Path) && !strings.HasPrefix(r.URL.Path, "/v1/"):
		p = newProblem(http.StatusNotFound, "this gateway speaks version 1 of the API only: its paths begin with /v1/")
		p.Type, p.Title = typePrefix+"unknown-version", "There is no such version of the API"
	case strings.HasPrefix(r.URL.Path, "/v1/public/") && !a.o.Public:
		p = newProblem(http.StatusNotFound, "the public endpoints are off: http.public = true with http.public_api = true turns them on")
	case a.nowhere != nil && !versionPath.MatchString(r.URL.Path) && asksForPage(r):
		a.nowhere.ServeHTTP(w, r)
		return
	default:
		p = newProblem(http.StatusNotFound, "there is no such path: "+whereInstead(r.URL.Path))
	}
	p.Instance = instance(r.Context())
	p.write(w)
}

// whereInstead is for what people type who do not know the paths yet.
func whereInstead(path string) string {
	switch strings.Trim(strings.ToLower(path), "/") {
	case "health", "live", "livez", "ping", "healthcheck":
		return "/healthz says that the process lives, /readyz that it can work"
	case "ready", "status", "v1/health", "v1/ready":
		return "/readyz says whether requests are taken, /v1/status how everything is (with a token)"
	case "v1/metrics":
		return "it is /metrics"
	case "v1/verify", "verify", "public/verify":
		return "a code is checked by POST /v1/public/verify"
	}
	return "/openapi.json describes those there are"
}

// asksForPage says whether it is a browser on behalf of a person: it names HTML, as programs do not (RFC 9110 12.5.1).
func asksForPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// cleaned is where a path with //, . or .. in it leads; ok is false for one that has none. The mux would redirect by
// itself, and
// escape what is escaped once more.
func cleaned(u *url.URL) (to string, ok bool) {
	escaped := u.EscapedPath()
	if !strings.HasPrefix(escaped, "/") {
		return "", false
	}
	clean := path.Clean(escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	if clean == escaped {
		return "", false
	}
	if u.RawQuery != "" {
		clean += "?" + u.RawQuery
	}
	return clean, true
}

func (a *API) writeFailure(api huma.API, ctx huma.Context, err error) {
	failed := a.fail(ctx.Context(), err)
	if h, ok := failed.(huma.HeadersError); ok {
		for name, values := range h.GetHeaders() {
			ctx.SetHeader(name, values[0])
		}
	}
	status := http.StatusInternalServerError
	if _, ok := a.unavailable(ctx.Context(), err); ok {
		status = http.StatusServiceUnavailable
	}
	_ = huma.WriteErr(api, ctx, status, failed.Error())
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// discard is a response that goes nowhere.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
