package httpapi

import (
	"context"
	"net/http"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

func viewItem(ctx context.Context, i InboxItem) InboxItem {
	i.From, i.Owner = phone(ctx, i.From), told(ctx, i.Owner)
	return i
}

// inbox shows what came in, and which rule took it.
func (a *API) inbox(api huma.API) {
	list := a.operation(access.Inbox, http.MethodGet, "/v1/inbox", "list-inbox", "inbox", "List received texts",
		"Newest first. Parts of a long text come joined. rule and action say which rule of the configuration took a text; action=capture are the official codes.")
	huma.Register(api, list, func(ctx context.Context, in *struct {
		Paging
		Action string `query:"action" enum:"reply,capture,opt_out,opt_in,forward" doc:"Only those that a rule with this action took."`
	}) (*listOutput[InboxItem], error) {
		before, err := in.before("inbox")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		items, next, err := a.s.Inbox(ctx, ownerOf(ctx), in.Action, before, in.Limit)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return page("inbox", items, next, as(ctx, viewItem)), nil
	})

	read := a.operation(access.Inbox, http.MethodGet, "/v1/inbox/{id}", "get-inbox-item", "inbox", "Read a received text",
		"The events inbox.* name it as their subject. This is where a captured code is to be had: no event has one.", http.StatusNotFound)
	huma.Register(api, read, func(ctx context.Context, in *IDInput) (*struct{ Body InboxItem }, error) {
		item, found, err := a.s.InboxItem(ctx, ownerOf(ctx), in.ID)
		if err == nil && !found {
			err = newProblem(http.StatusNotFound, "the inbox has no text of this id: it was never there, or inbox.keep is over")
		}
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &struct{ Body InboxItem }{viewItem(ctx, item)}, nil
	})
}
