package httpapi

import (
	"context"

	"attestd/internal/access"
	"attestd/internal/msisdn"
	"attestd/verify"
)

// whole says whether a caller sees whole numbers. docs/api.md, "Who sees numbers", is the rule; this is all of it.
func whole(ctx context.Context) bool { return callerOf(ctx).Scopes.Allow(access.Numbers) }

// phone is a number as the caller may see it.
func phone(ctx context.Context, number string) string {
	if whole(ctx) {
		return number
	}
	return msisdn.Masked(number)
}

// told is an owner as the caller may know it: only admins see what is of several.
func told(ctx context.Context, owner string) string {
	if ownerOf(ctx) == access.Everyone {
		return owner
	}
	return ""
}

// as makes the view of one thing that of a caller.
func as[T, V any](ctx context.Context, view func(context.Context, T) V) func(T) V {
	return func(one T) V { return view(ctx, one) }
}

// challengePhone is a challenge's phone whole, for who may see it; "" for whoever may not, and where it is not kept any
// more.
func (a *API) challengePhone(ctx context.Context, c verify.Challenge) string {
	if a.s.Number == nil || !whole(ctx) {
		return ""
	}
	return a.s.Number(c)
}

// numbered puts whole numbers into a filing's view, for who may see them: the phones of its challenges, and of the
// persons
// who have them.
func (a *API) numbered(ctx context.Context, v *Filing, challenges []verify.Challenge) {
	of := map[string]string{}
	for i, c := range challenges {
		if n := a.challengePhone(ctx, c); n != "" {
			v.Challenges[i].Mobile = n
			of[c.ID] = n
		}
	}
	for i, p := range v.Persons {
		if n := of[p.ChallengeID]; n != "" {
			v.Persons[i].Mobile = n
		}
	}
}
