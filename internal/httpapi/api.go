// Package httpapi is the gateway over HTTP: it decodes, calls, encodes. The rules are in queue and verify; the one
// table from their errors to status codes is in problem.go; the OpenAPI document at /openapi.json is made from the
// code that serves. docs/api.md is for its users.
package httpapi

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/access"
	"attestd/internal/proof"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// API serves. Make one with New.
type API struct {
	s       Services
	o       Options
	log     *slog.Logger
	mux     *http.ServeMux
	nowhere http.Handler // nil: none
	guard   *guard
	mounted map[string]bool // patterns of a page
	streams streams
	passes  *proof.Passes
	words   atomic.Pointer[words]
	alive   alive
	stop    chan struct{} // closed when event streams must end
	stopped sync.Once
	spec    []byte // the OpenAPI document
}

// New makes the handler for everything that the gateway serves over HTTP.
func New(s Services, o Options) *API {
	if o.MaxBody <= 0 {
		o.MaxBody = 256 << 10
	}
	if o.EventHeartbeat <= 0 {
		o.EventHeartbeat = 15 * time.Second
	}
	if s.Meter == nil {
		s.Meter = noMeter{}
	}
	a := &API{s: s, o: o, log: o.Logger, mux: http.NewServeMux(), mounted: map[string]bool{}, guard: newGuard(o.Limits, s.Hash), passes: proof.New(), stop: make(chan struct{})}
	a.SetDefaults(o.DefaultLanguage, o.DefaultCountry)
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	api := humago.New(a.mux, a.humaConfig())
	api.UseMiddleware(a.authenticate(api), strictly(api))
	a.messages(api)
	a.filings(api)
	a.challenges(api)
	a.camara(api)
	a.inbox(api)
	a.optOuts(api)
	a.lists(api)
	a.events(api)
	a.webhooks(api)
	a.audit(api)
	a.forget(api)
	a.unlock(api)
	if o.Public {
		a.public(api)
	}
	a.health(api)
	a.document(api)
	return a
}

// Close ends event streams, so that a shutdown need not wait for their clients.
func (a *API) Close() { a.stopped.Do(func() { close(a.stop) }) }

// Restore takes in what callers had used before a restart, oldest first, and how many checks there were lately and were
// wrong.
// Before the API serves.
func (a *API) Restore(uses []access.Use, checks, wrong int) { a.guard.restore(uses, checks, wrong) }

// Passes are what proofs of work are made for, at /v1/public/* and at a page beside it.
func (a *API) Passes() *proof.Passes { return a.passes }

// Brake is how hard checks are slowed down for the whole site, from 0 to 5.
func (a *API) Brake() int { return a.guard.level() }

// SetLimits changes the limits of callers (SIGHUP). What was counted stays counted.
func (a *API) SetLimits(l Limits) { a.guard.set(l) }

// words are what a request leaves open.
type words struct{ language, country string }

// SetDefaults changes Options.DefaultLanguage and DefaultCountry (SIGHUP).
func (a *API) SetDefaults(language, country string) {
	if country == "" {
		country = "86"
	}
	a.words.Store(&words{language, country})
}

func (a *API) humaConfig() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	version := a.o.Version
	if version == "" {
		version = "dev"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "attestd", Version: version,
				Description: "Sends verification SMS through GSM and LTE modems and matches the answers. " +
					"Errors are problem documents (RFC 9457). Lists are {\"items\", \"next\"}: give next back as cursor.",
				License: &huma.License{Name: "MIT", Identifier: "MIT"}, Contact: &huma.Contact{Name: "The operator of this gateway"},
			},
			Servers: []*huma.Server{{URL: "/", Description: "The gateway that gave this document."}},
			Tags:    tags,
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "Made by: attestd token create --config FILE --name NAME --scope SCOPES. Each operation names the scopes of which a token needs one: messages, filings, inbox, read (everything that only reads, but the audit log). With numbers beside them, phone numbers are shown whole, else masked as 138****8000. admin may do everything."},
				},
			},
		},
		// The document is served by document: huma's own handlers build it at the first request, without a lock.
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// jsonFormat is how bodies are written and read.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	},
	Unmarshal: unmarshal,
}

// operation is what all operations have in common. may is the scope that a token needs; whoever may read everything may
// use a GET too, save one for admins. The document says so, and authenticate does what the document says.
func (a *API) operation(may access.Scope, method, path, id, tag, summary, description string, errors ...int) huma.Operation {
	op := huma.Operation{
		Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary, Description: description,
		Errors:       append([]int{http.StatusBadRequest, http.StatusServiceUnavailable}, errors...),
		MaxBodyBytes: a.o.MaxBody, BodyReadTimeout: a.o.ReadTimeout, // 0 is huma's 5 s
	}
	if may == access.Anyone {
		return op
	}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	op.Security = needs(may)
	if method == http.MethodGet && may != access.Read && may != access.Admin {
		op.Security = needs(may, access.Read)
	}
	return op
}

// needs says in the words of OpenAPI that a token with one of these scopes is needed.
func needs(any ...access.Scope) (all []map[string][]string) {
	for _, one := range any {
		all = append(all, map[string][]string{"token": {string(one)}})
	}
	return all
}

// document serves the OpenAPI document, made once.
func (a *API) document(api huma.API) {
	// huma documents 422 wherever there is a parameter. Here it means that a rule was broken, which only what is
	// handed in with a token can do.
	for path, item := range api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Delete, item.Post} {
			if op != nil && (op.Method != http.MethodPost || strings.HasPrefix(path, "/v1/public/")) {
				delete(op.Responses, "422")
			}
		}
	}
	complete(api.OpenAPI())
	var err error
	if a.spec, err = documentText(api.OpenAPI()); err != nil {
		panic("httpapi: the OpenAPI document cannot be written: " + err.Error()) // seen by every test
	}
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(a.spec)
	})
}

type noMeter struct{}

func (noMeter) Request(string, string, int, time.Duration) {}
func (noMeter) Verification(int)                           {}
func (noMeter) Streams(int)                                {}
