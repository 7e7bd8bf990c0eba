package daemon

import (
	"context"
	"errors"

	"attestd/internal/httpapi"
	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/internal/store"
)

// optOuts is the opt-out list in the API's words: httpapi.OptOuts.
type optOuts struct{ d *Daemon }

func (l optOuts) OptOuts(ctx context.Context, before string, limit int) (views []httpapi.OptOut, next string, err error) {
	all, err := l.d.store.OptOuts(ctx, before, limit+1) // one more tells whether a page follows
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].ID
	}
	views = make([]httpapi.OptOut, len(all))
	for i, o := range all {
		views[i] = viewOptOut(o)
	}
	return views, next, err
}

func (l optOuts) AddOptOut(ctx context.Context, to msisdn.Number, by string) (view httpapi.OptOut, added bool, err error) {
	err = l.d.store.Update(ctx, func(tx *store.Tx) error {
		var entry inbox.OptOutEntry
		entry, added, err = l.d.optOut(ctx, tx, inbox.OptOutEntry{Number: to, Source: inbox.ByAPI, Maker: by})
		view = viewOptOut(entry)
		return err
	})
	return view, added, err
}

func (l optOuts) RemoveOptOut(ctx context.Context, id string, to msisdn.Number, by string) (view httpapi.OptOut, found bool, err error) {
	err = l.d.store.Update(ctx, func(tx *store.Tx) error {
		var entry inbox.OptOutEntry
		entry, found, err = l.d.optIn(ctx, tx, id, inbox.OptOutEntry{Number: to, Source: inbox.ByAPI, Maker: by})
		view = viewOptOut(entry)
		return err
	})
	if errors.Is(err, inbox.ErrNoOptOut) {
		return view, false, nil
	}
	return view, found, err
}

func viewOptOut(o inbox.OptOutEntry) httpapi.OptOut {
	return httpapi.OptOut{ID: o.ID, To: o.Number.E164(), Source: o.Source, By: o.Maker, Item: o.Item, CreatedAt: o.Created}
}
