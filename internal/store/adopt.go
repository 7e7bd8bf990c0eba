package store

import (
	"context"
	"maps"
	"slices"

	"attestd/internal/seal"
	"attestd/internal/webhook"
)

// Adoption is what a reload writes down.
type Adoption struct {
	Endpoints []webhook.Endpoint // SetWebhooks
	Secrets   []string           // NoteSecrets; nil: left as they are
	Keys      *seal.Keyring      // its generations are learned, and its newest noted (NoteGeneration); nil: left as they are
}

// Adopt writes all of it in one transaction: everything, or on an error nothing. It comes before anything of it is in
// use.
func (s *Store) Adopt(ctx context.Context, a Adoption) error {
	next := make([]hook, 0, len(a.Endpoints))
	for _, e := range sorted(a.Endpoints) {
		next = append(next, hook{name: e.Name, url: e.URL, events: e.Events})
	}
	var writes []func(*Tx) error
	before := *s.hooks.Load()
	same := slices.EqualFunc(before, next, func(h, n hook) bool {
		return h.name == n.name && h.url == n.url && slices.Equal(h.events, n.events)
	})
	if !same {
		writes = append(writes, func(tx *Tx) error { return tx.setHooks(ctx, before, next) })
	}
	secrets, err := s.secretsToNote(ctx, a.Secrets)
	if err != nil {
		return err
	}
	keys, err := s.keysToNote(ctx, a.Keys)
	if err != nil {
		return err
	}
	if err = s.write(ctx, append(append(writes, secrets...), keys...)); err == nil {
		s.hooks.Store(&next)
	}
	return err
}

func (s *Store) secretsToNote(ctx context.Context, have []string) ([]func(*Tx) error, error) {
	if have == nil {
		return nil, nil
	}
	checks, err := readChecks(ctx, s.reads, webhookKind)
	if err != nil {
		return nil, explain(err)
	}
	now := map[byte]string{}
	for i, one := range have {
		now[byte(i)] = one
	}
	if maps.Equal(checks, now) {
		return nil, nil
	}
	return []func(*Tx) error{func(tx *Tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM key_checks WHERE kind = $1`, webhookKind); err != nil {
			return err
		}
		return learn(ctx, tx.exec, webhookKind, now)
	}}, nil
}

func (s *Store) keysToNote(ctx context.Context, keys *seal.Keyring) (writes []func(*Tx) error, err error) {
	if keys == nil {
		return nil, nil
	}
	b, err := readBelonging(ctx, s.reads)
	if err != nil {
		return nil, explain(err)
	}
	if unknown := b.unknown(keys); len(unknown) > 0 {
		writes = append(writes, func(tx *Tx) error { return learn(ctx, tx.exec, storeKind, unknown) })
	}
	noted, err := s.NotedGeneration(ctx)
	if err != nil {
		return nil, err
	}
	if now := keys.Current(); noted != now {
		writes = append(writes, func(tx *Tx) error { return tx.noteGeneration(ctx, noted, now) })
	}
	return writes, nil
}

// write carries out what was found to be written. Where that is nothing it writes nothing: a full disk would not let
// it.
func (s *Store) write(ctx context.Context, writes []func(*Tx) error) error {
	if len(writes) == 0 {
		return nil
	}
	return s.Update(ctx, func(tx *Tx) error {
		for _, one := range writes {
			if err := one(tx); err != nil {
				return err
			}
		}
		return nil
	})
}
