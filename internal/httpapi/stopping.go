package httpapi

import (
	"net/http"
	"strings"
	"time"

	"attestd/verify"
)

// stopRetry is when a client may ask again: by then another process serves.
const stopRetry = time.Minute

func (a *API) stopping() bool { return a.s.Stopping != nil && a.s.Stopping() }

// servedToTheEnd says what goes on while the gateway stops, besides all that is public: what only reads, and checks of
// codes, which must
// not be lost. A person's re-send and CAMARA say in their own words that they take nothing now.
func servedToTheEnd(pattern string) bool {
	method, route, _ := strings.Cut(pattern, " ")
	if method != http.MethodPost {
		return method != http.MethodDelete
	}
	return route == "/v1/challenges/{id}/check" || route == "/v1/filings/search" || strings.HasPrefix(route, camaraBase)
}

// refuseStopping is the answer to all else.
func (a *API) refuseStopping(w http.ResponseWriter, r *http.Request) {
	p := newProblem(http.StatusServiceUnavailable, "the gateway is stopping: nothing was taken, try again in a minute")
	p.Instance = instance(r.Context())
	w.Header().Set("Retry-After", seconds(stopRetry))
	p.write(w)
}

// refusedStopping is the same for a person who wants a code again.
func refusedStopping() verify.Answer {
	return verify.Answer{Result: verify.ResultUnavailable, Message: verify.ResultUnavailable.Message(), Wait: stopRetry}
}
