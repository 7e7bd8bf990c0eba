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
	uses, wait := d.a.guard.check(d.a.proxies().client(r), q.Mobile)
	if wait > 0 {
		return d.told(limited902(wait))
	}
	ctx := person(r.Context(), "page", uses)
	answer, err := d.a.s.Verify.Check(ctx, q)
	return d.told(d.a.orUnavailable(ctx, answer, err))
}

// Resend is /v1/public/resend.
func (d Door) Resend(r *http.Request, q verify.ResendRequest) verify.Answer {
	uses, wait := d.a.guard.resend(d.a.proxies().client(r))
	if wait > 0 {
		return d.told(limited902(wait))
	}
	ctx := person(r.Context(), "page", uses)
	answer, err := d.a.s.Verify.Resend(ctx, q)
	return d.told(d.a.orUnavailable(ctx, answer, err))
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
