package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// ForgetRequest says who is to be forgotten. The number stands in the body: an address would be logged on its way.
type ForgetRequest struct {
	Number string `json:"number" minLength:"1" maxLength:"32" doc:"The person's phone; without a country code as in messages." example:"13800138000"`
	Force  bool   `json:"force,omitempty" doc:"Cancel what is under way for the number: filings, challenges, messages. Without it such a request is refused."`
	DryRun bool   `json:"dry_run,omitempty" doc:"Change nothing, only say what would be erased and what would be cancelled."`
}

// Forgotten is what was erased. It names no one.
type Forgotten struct {
	DryRun    bool           `json:"dry_run" doc:"Nothing was changed."`
	Rows      map[string]int `json:"rows" doc:"From how many rows of each table something was erased. Rows that then tell of nobody stay." example:"{\"challenges\":1,\"messages\":2,\"persons\":1}"`
	Cancelled UnderWay       `json:"cancelled" doc:"What was under way, and ended by this; in a dry run, what would be."`
	Scrubbed  bool           `json:"scrubbed" doc:"What was erased is overwritten in the database's files already. False: it will be with the next checkpoints."`
}

// UnderWay is what goes on for a number, by ids.
type UnderWay struct {
	Filings    []string `json:"filings"`
	Challenges []string `json:"challenges" doc:"Of no filing."`
	Messages   []string `json:"messages" doc:"Of no challenge."`
}

// StillOpen says what stands in the way of forgetting somebody.
type StillOpen struct {
	UnderWay
	InTheAir bool // a modem is at it
}

func (e StillOpen) Error() string {
	if e.InTheAir {
		return "a modem is sending a text to this number just now, and nothing was erased: try again in a minute"
	}
	var parts []string
	for _, one := range []struct {
		what string
		ids  []string
	}{{"filing", e.Filings}, {"challenge", e.Challenges}, {"message", e.Messages}} {
		for _, id := range one.ids {
			parts = append(parts, one.what+" "+id)
		}
	}
	return fmt.Sprintf("under way for this number: %s. Nothing was erased. Let them end, or ask with force, which cancels them", strings.Join(parts, ", "))
}

func (a *API) forget(api huma.API) {
	op := a.operation(access.Admin, http.MethodPost, "/v1/forget", "forget-number", "privacy", "Forget a person",
		"Erases everything of one person at once, found by the number: messages, persons of filings, challenges, counted texts, received texts, masked numbers "+
			"in events. Of an opt-out only a keyed hash stays, so that it goes on holding. docs/privacy.md says what stays.",
		http.StatusConflict, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	huma.Register(api, op, func(ctx context.Context, in *struct{ Body ForgetRequest }) (*struct{ Body Forgotten }, error) {
		n, err := a.number(ctx, "number", in.Body.Number)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		done, err := a.s.Forget(ctx, n, in.Body.Force, in.Body.DryRun)
		if open := (StillOpen{}); errors.As(err, &open) {
			err = newProblem(http.StatusConflict, open.Error())
		}
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &struct{ Body Forgotten }{done}, nil
	})
}
