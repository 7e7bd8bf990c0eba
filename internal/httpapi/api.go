// Package httpapi is the gateway over HTTP: it decodes, calls, encodes. The rules are in queue and verify; the one
// table from their errors to status codes is in problem.go; the OpenAPI document at /openapi.json is made from the
// code that serves. docs/api.md is for its users.
package httpapi

import (
	"net/http"
)

// API serves. Make one with New.
type API struct {
	s Services
	o Options
}

// New makes the handler for everything that the gateway serves over HTTP.
func New(s Services, o Options) *API { return &API{s: s, o: o} }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Server makes a server for the API with its timeouts, whose Shutdown ends event streams. Give its Serve a listener
// from Listener.
func (a *API) Server() *http.Server { return &http.Server{Handler: a} }

// SetLimits changes the limits of the public endpoints (SIGHUP).
func (a *API) SetLimits(l Limits) {}
