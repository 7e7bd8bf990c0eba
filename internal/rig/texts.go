package rig

import (
	"context"
	"errors"

	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/queue"
)

// Texts are the texts that wait for a modem, by recipient: what a person would read where no modem takes part. It reads the
// gateway's database beside it, with its key.
func (r *Rig) Texts(ctx context.Context) (texts map[string]string, err error) {
	keys, _, err := seal.LoadOrCreate(r.Config.Store.KeyFile)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{URL: r.Config.Store.URL, Keys: keys})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	texts = map[string]string{}
	for f := (queue.Filter{Owner: queue.Everyone, State: queue.Queued, Limit: 1000}); ; {
		page, next, err := s.Messages(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			texts[m.To.E164()] = m.Text
		}
		if f.Cursor = next; next == "" {
			return texts, nil
		}
	}
}
