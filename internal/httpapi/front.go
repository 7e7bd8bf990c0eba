package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// Side is a part of what is served, which can have a listener of its own.
type Side int

// The sides.
const (
	SidePublic  Side = 1 << iota // the page, and /v1/public
	SideAPI                      // all that needs a token, and the document
	SideMetrics                  // /metrics, /v1/status, /healthz and /readyz
	AllSides    = SidePublic | SideAPI | SideMetrics
)

// Gate is a listener, what is served there, and how many connections it may have.
type Gate struct {
	Listener    net.Listener
	Sides       Side
	Connections int
}

// Front is all servers of the API together.
type Front struct {
	parts []*part
}

// part is one of them. Persons and platforms that share one leave places to each other: neither may have more than
// three quarters
// of the connections at work, and who only keeps one open gives it up (pool).
type part struct {
	gate        Gate
	server      *http.Server
	tls         bool
	public, api atomic.Int64 // requests under way
}

type partKey struct{}

// Front makes a server for each gate, whose Shutdown ends event streams.
func (a *API) Front(gates []Gate, t *tls.Config) *Front {
	f := &Front{}
	for _, g := range gates {
		places := newPool(g.Connections, a.o.MaxConnectionsPerAddress, func(from net.Addr) bool { return a.proxies().trusts(nodeAddr(from.String())) })
		g.Listener = &listener{g.Listener, places}
		p := &part{gate: g, tls: t != nil}
		p.server = &http.Server{
			Handler:           a,
			ReadHeaderTimeout: a.o.ReadHeaderTimeout,
			ReadTimeout:       a.o.ReadTimeout,
			IdleTimeout:       a.o.IdleTimeout,
			MaxHeaderBytes:    16 << 10,
			TLSConfig:         t.Clone(),
			ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // broken TLS handshakes and the like
			ConnState:         places.state,
			BaseContext:       func(net.Listener) context.Context { return context.WithValue(context.Background(), partKey{}, p) },
		}
		p.server.RegisterOnShutdown(a.Close)
		f.parts = append(f.parts, p)
	}
	return f
}

// Serve answers until Shutdown or Close, or until one server fails: then it closes the others.
func (f *Front) Serve() error {
	errs := make(chan error, len(f.parts))
	for _, p := range f.parts {
		go func() {
			if p.tls {
				errs <- p.server.ServeTLS(p.gate.Listener, "", "")
			} else {
				errs <- p.server.Serve(p.gate.Listener)
			}
		}()
	}
	var failed error
	for range f.parts {
		if err := <-errs; !errors.Is(err, http.ErrServerClosed) {
			failed = errors.Join(failed, err)
			_ = f.Close()
		}
	}
	return failed
}

// Shutdown lets requests under way come to their end.
func (f *Front) Shutdown(ctx context.Context) error {
	return f.all(func(s *http.Server) error { return s.Shutdown(ctx) })
}

// Close ends everything at once.
func (f *Front) Close() error { return f.all((*http.Server).Close) }

func (f *Front) all(do func(*http.Server) error) error {
	errs := make([]error, len(f.parts))
	var done sync.WaitGroup
	for i, p := range f.parts {
		done.Go(func() { errs[i] = do(p.server) })
	}
	done.Wait()
	return errors.Join(errs...)
}

// sidesOf says where a route is served.
func (a *API) sidesOf(pattern string) Side {
	_, route, _ := strings.Cut(pattern, " ")
	switch {
	case a.mounted[pattern], strings.HasPrefix(route, "/v1/public/"):
		return SidePublic
	case route == "/metrics":
		return SideMetrics
	case route == "/v1/status", route == "/healthz", route == "/readyz":
		return SideMetrics | SideAPI
	}
	return SideAPI
}

// place takes a place among the requests under way at a listener, or says that this side has as many as it may.
func (a *API) place(ctx context.Context, sides Side) (done func(), ok bool) {
	p, shared := ctx.Value(partKey{}).(*part)
	if !shared || p.gate.Connections <= 0 || p.gate.Sides&SidePublic == 0 || p.gate.Sides == SidePublic {
		return func() {}, true
	}
	count := &p.api
	if sides == SidePublic {
		count = &p.public
	}
	if count.Add(1) > int64(max(1, p.gate.Connections*3/4)) {
		count.Add(-1)
		return nil, false
	}
	return func() { count.Add(-1) }, true
}

// served says whether the listener that a request came to serves a route.
func served(ctx context.Context, sides Side) bool {
	p, ok := ctx.Value(partKey{}).(*part)
	return !ok || p.gate.Sides&sides != 0
}
