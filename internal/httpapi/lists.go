package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// lists are the endpoints that only show.
func (a *API) lists(api huma.API) {
	modems := a.operation(access.Read, http.MethodGet, "/v1/modems", "list-modems", "gateway", "List modems", "In the order of the configuration, all of them.")
	huma.Register(api, modems, func(_ context.Context, _ *struct{}) (*listOutput[Modem], error) {
		return page("modems", a.s.Modems(), "", func(m Modem) Modem { return m }), nil
	})

	status := a.operation(access.Read, http.MethodGet, "/v1/status", "get-status", "gateway", "The gateway at a glance", "Its modems, what waits, what there is by state, and what keeps it from working as configured.")
	huma.Register(api, status, func(ctx context.Context, _ *struct{}) (*struct{ Body Status }, error) {
		s, err := a.s.Status(ctx)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		if s.Problems == nil {
			s.Problems = []string{}
		}
		return &struct{ Body Status }{s}, nil
	})
}

// readyTimeout bounds what /readyz may cost.
const readyTimeout = 5 * time.Second

// health is for machines that watch: plain handlers, no token.
func (a *API) health(huma.API) {
	ok := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok"})
	}
	// The process answers: that is all that a liveness probe should ask, a restart mends nothing else.
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { ok(w) })
	a.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := a.s.Ready(ctx); err != nil {
			p := newProblem(http.StatusServiceUnavailable, "not ready: "+err.Error())
			p.Instance = instance(ctx)
			w.Header().Set("Retry-After", "5")
			p.write(w)
			return
		}
		ok(w)
	})
	if a.s.MetricsHandler != nil {
		a.mux.Handle("GET /metrics", a.s.MetricsHandler)
	}
}
