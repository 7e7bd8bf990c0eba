package httpapi

import (
	"context"
	"errors"
	"net/http"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// UnlockRequest brings a PIN. It stands in the body: an address would be logged on its way.
type UnlockRequest struct {
	PIN string `json:"pin" pattern:"^[0-9]{4,8}$" patternDescription:"the PIN, 4 to 8 digits" doc:"The card's PIN. It is not kept, and stands in no log." example:"0000"`
}

// Unlocked is what came of a PIN.
type Unlocked struct {
	Modem       string `json:"modem" example:"m0"`
	Unlocked    bool   `json:"unlocked" doc:"The card took the PIN." example:"true"`
	TriesBefore *int   `json:"tries_before,omitempty" doc:"How many tries the card had left before; absent when the modem does not tell." example:"2"`
	TriesAfter  *int   `json:"tries_after,omitempty" doc:"And after it: all are back when the PIN was right." example:"3"`
	Detail      string `json:"detail,omitempty" doc:"Why the card is not unlocked, and what to do." example:"SIM PIN refused: the card did not take the PIN"`
}

// Errors of Services.Unlock.
var (
	ErrNoModem   = errors.New("there is no modem of this name that is enabled")
	ErrNotLocked = errors.New("this modem does not wait for a PIN: GET /v1/modems says how it is")
)

func (a *API) unlock(api huma.API) {
	op := a.operation(access.Admin, http.MethodPost, "/v1/modems/{name}/unlock", "unlock-modem", "gateway", "Try another PIN on a parked modem",
		"Enters a PIN once, on purpose, where the gateway enters none by itself any more: after a wrong one. Never the last try, never a PIN that this card has "+
			"refused before, and not where the modem does not tell how many tries are left. A PIN that was tried and refused is answered 200 with unlocked false; "+
			"what was not tried at all is a conflict.",
		http.StatusNotFound, http.StatusConflict)
	huma.Register(api, op, func(ctx context.Context, in *struct {
		Name string `path:"name" maxLength:"32" doc:"The modem's name." example:"m0"`
		Body UnlockRequest
	}) (*struct{ Body Unlocked }, error) {
		done, err := a.s.Unlock(ctx, in.Name, in.Body.PIN)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &struct{ Body Unlocked }{done}, nil
	})
}
