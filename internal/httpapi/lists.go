package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// lists are the endpoints that only show.
func (a *API) lists(api huma.API) {
	modems := a.operation(access.Read, http.MethodGet, "/v1/modems", "list-modems", "gateway", "List modems", "In the order of the configuration, all of them.")
	huma.Register(api, modems, func(ctx context.Context, _ *struct{}) (*listOutput[Modem], error) {
		return page("modems", a.s.Modems(), "", func(m Modem) Modem { m.Number = phone(ctx, m.Number); return m }), nil
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

// notReady is the answer of /readyz with what makes it so: a problem document (RFC 9457) with two members more.
type notReady struct {
	*Problem
	Ready   bool     `json:"ready"`
	Reasons []Reason `json:"reasons"`
}

// health is for machines that watch: plain handlers, no token.
func (a *API) health(huma.API) {
	// The process answers: that is all that a liveness probe should ask, a restart mends nothing else.
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if a.stopping() {
			a.refuseStopping(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok"})
	})
	a.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		reasons := a.s.Ready(ctx)
		if len(reasons) == 0 {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"status": "ok", "ready": true, "reasons": []Reason{}})
			return
		}
		var details []string
		for _, one := range reasons {
			details = append(details, one.Detail)
		}
		p := newProblem(http.StatusServiceUnavailable, "not ready: "+strings.Join(details, "; "))
		p.Instance = instance(ctx)
		w.Header().Set("Retry-After", "5")
		w.Header().Set("Content-Type", p.ContentType(""))
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(notReady{p, false, reasons})
	})
	if a.s.MetricsHandler != nil {
		a.mux.Handle("GET /metrics", a.s.MetricsHandler)
	}
}
