package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"attestd/internal/access"
	"attestd/verify"
)

// check is a check by a person, through whichever door: behind the limits of who asks.
func (a *API) check(ctx context.Context, from netip.Addr, door string, q verify.CheckRequest) verify.Answer {
	t, wait := grant{guard: a.guard}, time.Duration(0)
	if !q.Trusted {
		if t, wait = a.guard.check(from); wait > 0 {
			return limited902(wait)
		}
	}
	answer, err := a.s.Verify.Check(person(ctx, door, t.uses), q)
	answer = a.orUnavailable(ctx, answer, err)
	t.ended(answer.Result)
	return answer
}

// resend is the same for a code that is to be sent again.
func (a *API) resend(ctx context.Context, from netip.Addr, door string, q verify.ResendRequest) verify.Answer {
	if a.stopping() {
		return refusedStopping()
	}
	t, wait := grant{guard: a.guard}, time.Duration(0)
	if !q.Trusted {
		if t, wait = a.guard.resend(from); wait > 0 {
			return limited902(wait)
		}
	}
	answer, err := a.s.Verify.Resend(person(ctx, door, t.uses), q)
	answer = a.orUnavailable(ctx, answer, err)
	t.ended(answer.Result)
	return answer
}

// person is the context of what somebody does who came through a public door; what they use of their share is written
// down
// with it.
func person(ctx context.Context, door string, uses []access.Use) context.Context {
	return access.Charge(access.As(ctx, access.Actor{Kind: access.ByPerson, Name: door}), uses)
}

// Door is how a page of our own checks and re-sends for persons: behind the same limits as /v1/public, counted with
// them, so that there is one share for a caller and not two.
type Door struct{ a *API }

// Door gives the door.
func (a *API) Door() Door { return Door{a} }

// Mount serves a page beside the API: with its ids, deadlines and log lines. Only before the API serves.
func (a *API) Mount(pattern string, h http.Handler) {
	a.mounted[pattern] = true
	a.mux.Handle(pattern, h)
}

// MountNowhere serves what a browser gets for a path that there is not; programs get a problem. Only before the API
// serves.
func (a *API) MountNowhere(h http.Handler) { a.nowhere = h }

// Check is /v1/public/verify.
func (d Door) Check(r *http.Request, q verify.CheckRequest) verify.Answer {
	return d.told(d.a.check(r.Context(), d.a.proxies().client(r), "page", q))
}

// Resend is /v1/public/resend.
func (d Door) Resend(r *http.Request, q verify.ResendRequest) verify.Answer {
	return d.told(d.a.resend(r.Context(), d.a.proxies().client(r), "page", q))
}

// Refuse counts an answer that the page gives without asking anybody.
func (d Door) Refuse(result verify.Result) verify.Answer {
	return d.told(verify.Answer{Result: result, OK: result.OK(), Message: result.Message()})
}

func (d Door) told(answer verify.Answer) verify.Answer {
	d.a.s.Meter.Verification(int(answer.Result))
	return answer
}

// Bits are the zero bits that a proof of work needs just now.
func (d Door) Bits() int { return d.a.guard.bits() }

// Language is zh or en, as the browser asks.
func (d Door) Language(r *http.Request) string {
	return language(r.Header.Get("Accept-Language"), d.a.words.Load().language)
}
