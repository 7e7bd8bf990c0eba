package httpapi

import (
	"net/http"

	"attestd/verify"
)

// Door is how a page of our own checks and re-sends for persons: behind the same limits as /v1/public, counted with
// them, so that there is one share for a caller and not two.
type Door struct{ a *API }

// Door gives the door.
func (a *API) Door() Door { return Door{a} }

// Mount serves a page beside the API: with its ids, deadlines and log lines. Only before the API serves.
func (a *API) Mount(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// Check is /v1/public/verify.
func (d Door) Check(r *http.Request, q verify.CheckRequest) verify.Answer {
	if wait := d.a.guard.check(clientIP(r, d.a.o.TrustedProxies), q.Mobile); wait > 0 {
		return d.told(limited902(wait))
	}
	answer, err := d.a.s.Verify.Check(r.Context(), q)
	return d.told(d.a.orUnavailable(r.Context(), answer, err))
}

// Resend is /v1/public/resend.
func (d Door) Resend(r *http.Request, q verify.ResendRequest) verify.Answer {
	if wait := d.a.guard.resend(clientIP(r, d.a.o.TrustedProxies)); wait > 0 {
		return d.told(limited902(wait))
	}
	answer, err := d.a.s.Verify.Resend(r.Context(), q)
	return d.told(d.a.orUnavailable(r.Context(), answer, err))
}

// Refuse counts an answer that the page gives without asking anybody.
func (d Door) Refuse(result verify.Result) verify.Answer {
	return d.told(verify.Answer{Result: result, OK: result.OK(), Message: result.Message()})
}

func (d Door) told(answer verify.Answer) verify.Answer {
	d.a.s.Meter.Verification(int(answer.Result))
	return answer
}

// Language is zh or en, as the browser asks.
func (d Door) Language(r *http.Request) string {
	return language(r.Header.Get("Accept-Language"), d.a.words.Load().language)
}
