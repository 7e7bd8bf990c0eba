package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// refusal is why a request goes no further than its token.
type refusal struct {
	status int
	detail string
	header http.Header
	err    error // what kept us from looking; the rest is empty then
}

const realm = `Bearer realm="attestd"` // RFC 6750 3

// admit looks at the token of a request. It returns the context under which the caller acts, or why it is refused: it needs
// one of these scopes.
func (a *API) admit(ctx context.Context, authorization string, scopes ...access.Scope) (context.Context, *refusal) {
	scheme, secret, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 11.1: schemes are case-insensitive
		return ctx, &refusal{
			status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {realm}},
			detail: "send the header Authorization: Bearer TOKEN; a token is made by: attestd token create --config FILE --name NAME",
		}
	}
	caller, ok, err := a.s.Authenticate(ctx, strings.TrimSpace(secret))
	switch {
	case err != nil:
		return ctx, &refusal{err: err}
	case !ok:
		return ctx, &refusal{
			status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {realm + `, error="invalid_token"`}},
			detail: "the token is not known, or was revoked, or has expired: attestd token list --config FILE shows those there are, attestd token create makes one",
		}
	}
	requestOf(ctx).token, requestOf(ctx).caller = caller.Name, caller
	if wait := a.guard.token(caller.Name); wait > 0 {
		return ctx, &refusal{
			status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {seconds(wait)}},
			detail: "this token makes more requests than it may (http.requests_per_second): make them more slowly",
		}
	}
	if !caller.Scopes.Allow(scopes...) {
		words := access.Scopes(scopes).String()
		return ctx, &refusal{
			status: http.StatusForbidden,
			header: http.Header{"Www-Authenticate": {realm + `, error="insufficient_scope", scope="` + strings.ReplaceAll(words, ",", " ") + `"`}},
			detail: "this token has not the scope " + strings.ReplaceAll(words, ",", " or ") + ": attestd token create --scope makes one that has",
		}
	}
	return access.As(ctx, access.Actor{Kind: access.ByToken, Name: caller.Name, Tenant: caller.Tenant}), nil
}

// authenticate lets an operation with Security pass only with a token in use that has one of the scopes it names.
func (a *API) authenticate(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		security := ctx.Operation().Security
		optional := slices.ContainsFunc(security, func(one map[string][]string) bool { return len(one) == 0 })
		if len(security) == 0 || optional && ctx.Header("Authorization") == "" {
			next(ctx)
			return
		}
		var scopes []access.Scope
		for _, one := range security {
			for _, word := range one["token"] {
				scopes = append(scopes, access.Scope(word))
			}
		}
		admitted, refused := a.admit(ctx.Context(), ctx.Header("Authorization"), scopes...)
		switch {
		case refused == nil:
			next(huma.WithContext(ctx, admitted))
		case refused.err != nil:
			a.writeFailure(api, ctx, refused.err)
		default:
			for name, values := range refused.header {
				ctx.SetHeader(name, values[0])
			}
			_ = huma.WriteErr(api, ctx, refused.status, refused.detail)
		}
	}
}
