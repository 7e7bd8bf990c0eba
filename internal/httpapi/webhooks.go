package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"attestd/internal/access"
	"attestd/internal/webhook"

	"github.com/danielgtaylor/huma/v2"
)

// Webhooks keeps what is to be told to others. *store.Store is one. Errors: webhook.ErrNotFound.
type Webhooks interface {
	WebhookDeliveries(ctx context.Context, f webhook.Filter) (items []webhook.Delivery, next string, err error)
	WebhookDelivery(ctx context.Context, owner, id string) (webhook.Delivery, error)
	WebhookEndpoints(ctx context.Context) ([]webhook.Standing, error)
	ReplayWebhook(ctx context.Context, id string) (webhook.Delivery, error)
	ReplayWebhooks(ctx context.Context, f webhook.Filter) (n int, more bool, err error)
}

// WebhookDelivery is one event for one endpoint.
type WebhookDelivery struct {
	ID         string     `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	Endpoint   string     `json:"endpoint" doc:"The name of a configured one, or callback: the filing's own." example:"callback"`
	URL        string     `json:"url,omitempty" doc:"Of a callback, without its query." example:"https://platform.example/attestd"`
	State      string     `json:"state" enum:"waiting,behind,delivered,dead" doc:"behind: another event of the same subject goes first. dead: given up, and waits for a replay." example:"dead"`
	Event      string     `json:"event" doc:"The event's id, which is the webhook-id too." example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	Type       string     `json:"type" example:"filing.passed"`
	Subject    string     `json:"subject" doc:"The id of what the event is about: what is about one subject is delivered in order."`
	Owner      string     `json:"owner,omitempty" doc:"The tenant whose it is; admins are told." example:"platform"`
	Reference  string     `json:"reference,omitempty" doc:"Of the filing, when it is about one." example:"order-4711"`
	Attempts   int        `json:"attempts" doc:"Calls since it was made or replayed." example:"33"`
	Status     int        `json:"status,omitempty" doc:"What the endpoint answered last." example:"500"`
	Error      string     `json:"error,omitempty" doc:"Why the last call failed." example:"it answered 500 Internal Server Error"`
	HappenedAt time.Time  `json:"happened_at" doc:"When the event was written."`
	NextAt     *time.Time `json:"next_at,omitempty" doc:"While it waits: when it is tried next."`
	EndedAt    *time.Time `json:"ended_at,omitempty" doc:"When it was delivered or given up."`
}

// WebhookEndpoint is how an endpoint does.
type WebhookEndpoint struct {
	Name    string     `json:"name" doc:"callback stands for the callbacks of all filings." example:"crm"`
	URL     string     `json:"url,omitempty" doc:"Without its query; its path is shown to admins only." example:"https://platform.example/attestd"`
	Events  []string   `json:"events,omitempty" doc:"What it is told of; absent: everything." example:"[\"filing.*\"]"`
	Waiting int        `json:"waiting" doc:"Deliveries that are still to be made." example:"0"`
	Dead    int        `json:"dead" doc:"Deliveries that were given up." example:"0"`
	Oldest  *time.Time `json:"oldest,omitempty" doc:"When the longest-waiting one was made."`
	GoneAt  *time.Time `json:"gone_at,omitempty" doc:"When it answered 410 Gone. It is not called until one of its deliveries is replayed or its address changes."`

	DownSince *time.Time `json:"down_since,omitempty" doc:"Since when one call after the other fails. One delivery at a time is tried, at most a minute apart; the rest goes out once it is back."`
}

// WebhookReplay says which deliveries are to be made again.
type WebhookReplay struct {
	State    string `json:"state,omitempty" enum:"dead,delivered" default:"dead" doc:"Dead ones, or those that were delivered and lost by the other side."`
	Endpoint string `json:"endpoint,omitempty" maxLength:"32" doc:"Only to this one." example:"callback"`
	Subject  string `json:"subject,omitempty" maxLength:"64" doc:"Only about this id, a filing's say."`
}

// WebhookReplayed is what a replay has set going.
type WebhookReplayed struct {
	Replayed int  `json:"replayed" example:"12"`
	More     bool `json:"more" doc:"1000 is the most at once and some are left: ask again."`
}

func viewDelivery(ctx context.Context, d webhook.Delivery) WebhookDelivery {
	v := WebhookDelivery{
		ID: d.ID, Endpoint: d.Endpoint, URL: withoutQuery(d.URL), State: string(d.State), Event: d.Event.ID, Type: d.Event.Type,
		Subject: d.Event.Subject, Owner: told(ctx, d.Event.Owner), Reference: d.Reference, Attempts: d.Attempts, Status: d.Status, Error: d.Error,
		HappenedAt: micro(d.Event.At), EndedAt: when(d.Ended),
	}
	if d.State == webhook.Waiting {
		v.NextAt = when(d.Due)
	}
	return v
}

func viewEndpoint(ctx context.Context, s webhook.Standing) WebhookEndpoint {
	address := withoutQuery(s.URL)
	if u, err := url.Parse(address); err == nil && ownerOf(ctx) != access.Everyone {
		u.Path, u.RawPath = "", "" // many services have the key of a hook in the path
		address = u.String()
	}
	return WebhookEndpoint{Name: s.Name, URL: address, Events: s.Events, Waiting: s.Waiting, Dead: s.Dead, Oldest: when(s.Oldest), GoneAt: when(s.Gone), DownSince: when(s.Down)}
}

// withoutQuery is an address without what may be a secret in it.
func withoutQuery(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

type deliveryOutput struct{ Body WebhookDelivery }

// failDelivery is fail with the one error that the table of errors does not know.
func (a *API) failDelivery(ctx context.Context, err error) error {
	if errors.Is(err, webhook.ErrNotFound) {
		err = newProblem(http.StatusNotFound, webhook.ErrNotFound.Error())
	}
	return a.fail(ctx, err)
}

func (a *API) webhooks(api huma.API) {
	list := a.operation(access.Read, http.MethodGet, "/v1/webhooks/deliveries", "list-webhook-deliveries", "webhooks", "List webhook deliveries",
		"Newest first. state=dead are the dead letters. Delivered ones are kept 7 days, dead ones 30.")
	huma.Register(api, list, func(ctx context.Context, in *struct {
		Paging
		State    string `query:"state" enum:"waiting,behind,delivered,dead" doc:"Only those in this state."`
		Endpoint string `query:"endpoint" maxLength:"32" doc:"Only to this one."`
		Subject  string `query:"subject" maxLength:"64" doc:"Only about this id, a filing's say."`
	}) (*listOutput[WebhookDelivery], error) {
		before, err := in.before("webhooks")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		items, next, err := a.s.Webhooks.WebhookDeliveries(ctx, webhook.Filter{
			Owner: ownerOf(ctx), State: webhook.State(in.State), Endpoint: in.Endpoint, Subject: in.Subject, Before: before, Limit: in.Limit,
		})
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return page("webhooks", items, next, as(ctx, viewDelivery)), nil
	})

	read := a.operation(access.Read, http.MethodGet, "/v1/webhooks/deliveries/{id}", "get-webhook-delivery", "webhooks", "Read a webhook delivery", "With its tries and its last error.", http.StatusNotFound)
	huma.Register(api, read, func(ctx context.Context, in *IDInput) (*deliveryOutput, error) {
		d, err := a.s.Webhooks.WebhookDelivery(ctx, ownerOf(ctx), in.ID)
		if err != nil {
			return nil, a.failDelivery(ctx, err)
		}
		return &deliveryOutput{viewDelivery(ctx, d)}, nil
	})

	one := a.operation(access.Admin, http.MethodPost, "/v1/webhooks/deliveries/{id}/replay", "replay-webhook-delivery", "webhooks", "Replay a webhook delivery",
		"A dead or delivered one begins anew, with the same webhook-id; one that waits is tried now. An endpoint that was gone (410) is called again.", http.StatusNotFound)
	huma.Register(api, one, func(ctx context.Context, in *IDInput) (*deliveryOutput, error) {
		d, err := a.s.Webhooks.ReplayWebhook(ctx, in.ID)
		if err != nil {
			return nil, a.failDelivery(ctx, err)
		}
		return &deliveryOutput{viewDelivery(ctx, d)}, nil
	})

	many := a.operation(access.Admin, http.MethodPost, "/v1/webhooks/replay", "replay-webhooks", "webhooks", "Replay webhook deliveries",
		"All dead ones, or those that the body chooses, oldest first, at most 1000 at once.", http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	huma.Register(api, many, func(ctx context.Context, in *struct{ Body WebhookReplay }) (*struct{ Body WebhookReplayed }, error) {
		n, more, err := a.s.Webhooks.ReplayWebhooks(ctx, webhook.Filter{Owner: ownerOf(ctx), State: webhook.State(in.Body.State), Endpoint: in.Body.Endpoint, Subject: in.Body.Subject})
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &struct{ Body WebhookReplayed }{WebhookReplayed{n, more}}, nil
	})

	endpoints := a.operation(access.Read, http.MethodGet, "/v1/webhooks/endpoints", "list-webhook-endpoints", "webhooks", "List webhook endpoints", "Those of the configuration, and all callbacks as one.")
	huma.Register(api, endpoints, func(ctx context.Context, _ *struct{}) (*listOutput[WebhookEndpoint], error) {
		all, err := a.s.Webhooks.WebhookEndpoints(ctx)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return page("endpoints", all, "", as(ctx, viewEndpoint)), nil
	})
}
