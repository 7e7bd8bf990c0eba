package httpapi

import (
	"context"
	"net/http"
	"time"

	"attestd/internal/access"
	"attestd/internal/msisdn"

	"github.com/danielgtaylor/huma/v2"
)

// OptOuts is the list of those who want no texts. by is the name of the token that asks.
type OptOuts interface {
	// OptOuts lists them, newest first, at most limit with ids smaller than before ("" from the newest); next is the last
	// one's id when more follow.
	OptOuts(ctx context.Context, before string, limit int) (items []OptOut, next string, err error)
	// AddOptOut puts a number on the list and takes back what is queued for it; added is false when it is on it already.
	AddOptOut(ctx context.Context, to msisdn.Number, by string) (o OptOut, added bool, err error)
	// RemoveOptOut takes the entry of an id off the list, or with id "" that of a number.
	RemoveOptOut(ctx context.Context, id string, to msisdn.Number, by string) (o OptOut, found bool, err error)
}

// OptOut is somebody who wants no texts.
type OptOut struct {
	ID        string    `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	Number    string    `json:"number,omitempty" doc:"Whose it is: whole with the scope numbers, else masked (138****8000); absent once it was forgotten. The opt-out holds all the same." example:"+8613800138000"`
	To        string    `json:"to,omitempty" deprecated:"true" doc:"The old name of number." example:"+8613800138000"`
	Source    string    `json:"source" enum:"sms,api" doc:"sms: a keyword that came in." example:"sms"`
	By        string    `json:"by" doc:"The [[inbound]] rule, or the token." example:"stop"`
	Item      string    `json:"item,omitempty" doc:"The received text that asked for it."`
	CreatedAt time.Time `json:"created_at"`
}

// OptOutRequest names a number: it stands in a body, because paths are logged on the way.
type OptOutRequest struct {
	Number string `json:"number,omitempty" maxLength:"64" doc:"Phone number; without a country code as in messages. Required." example:"+8613800138000"`
	To     string `json:"to,omitempty" maxLength:"64" deprecated:"true" doc:"The old name of number."`
}

// optOutNumber reads the number of a request under either of its names.
func (a *API) optOutNumber(ctx context.Context, r OptOutRequest) (msisdn.Number, error) {
	field, s, err := renamed("number", r.Number, "to", r.To)
	if err != nil {
		return msisdn.Number{}, err
	}
	return a.number(ctx, field, s)
}

// renamed reads a field that has a new name and goes on being read under its old one.
func renamed(name, value, old, oldValue string) (field, given string, err error) {
	fault := ""
	switch {
	case value == "" && oldValue == "":
		fault = "is required"
	case value != "" && oldValue != "" && value != oldValue:
		fault = "differs from " + old + ", its old name: give it once"
	case value == "":
		return old, oldValue, nil
	}
	if fault != "" {
		return "", "", newProblem(http.StatusBadRequest, name+": "+fault, FieldFault{name, fault})
	}
	return name, value, nil
}

func viewOptOut(ctx context.Context, o OptOut) OptOut {
	o.CreatedAt, o.To = micro(o.CreatedAt), phone(ctx, o.To)
	o.Number = o.To
	return o
}

type optOutOutput struct {
	Status int
	Body   OptOut
}

func (a *API) optOuts(api huma.API) {
	list := a.operation(access.Messages, http.MethodGet, "/v1/optouts", "list-optouts", "optouts", "List opt-outs",
		"Newest first. These numbers get codes, answers to what they write, and messages that are sent as necessary; nothing else.")
	huma.Register(api, list, func(ctx context.Context, in *Paging) (*listOutput[OptOut], error) {
		before, err := in.before("optouts")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		items, next, err := a.s.OptOuts.OptOuts(ctx, before, in.Limit)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return page("optouts", items, next, as(ctx, viewOptOut)), nil
	})

	add := a.operation(access.Messages, http.MethodPost, "/v1/optouts", "add-optout", "optouts", "Opt a number out",
		"201 for a new one, 200 for one that is on the list. What is queued for it and would be stopped is cancelled in the same moment.",
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	add.DefaultStatus = http.StatusCreated
	also[OptOut](api, &add, "The entry: it is on the list already.")
	huma.Register(api, add, func(ctx context.Context, in *struct{ Body OptOutRequest }) (*optOutOutput, error) {
		to, err := a.optOutNumber(ctx, in.Body)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		o, added, err := a.s.OptOuts.AddOptOut(ctx, to, requestOf(ctx).token)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		out := &optOutOutput{http.StatusOK, viewOptOut(ctx, o)}
		if added {
			out.Status = http.StatusCreated
		}
		return out, nil
	})

	byNumber := a.operation(access.Messages, http.MethodPost, "/v1/optouts/remove", "remove-optout-of", "optouts", "Take a number off the list",
		"Only when the person asks for it. 404 when it is not on the list.", http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	huma.Register(api, byNumber, func(ctx context.Context, in *struct{ Body OptOutRequest }) (*struct{ Body OptOut }, error) {
		to, err := a.optOutNumber(ctx, in.Body)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return a.removeOptOut(ctx, "", to)
	})

	byID := a.operation(access.Messages, http.MethodDelete, "/v1/optouts/{id}", "remove-optout", "optouts", "Take an entry off the list",
		"Only when the person asks for it. Answers with the entry that was.", http.StatusNotFound)
	huma.Register(api, byID, func(ctx context.Context, in *IDInput) (*struct{ Body OptOut }, error) {
		return a.removeOptOut(ctx, in.ID, msisdn.Number{})
	})
}

func (a *API) removeOptOut(ctx context.Context, id string, to msisdn.Number) (*struct{ Body OptOut }, error) {
	o, found, err := a.s.OptOuts.RemoveOptOut(ctx, id, to, requestOf(ctx).token)
	if err == nil && !found {
		err = newProblem(http.StatusNotFound, "the list has no such opt-out: GET /v1/optouts shows those there are")
	}
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &struct{ Body OptOut }{viewOptOut(ctx, o)}, nil
}
