package store

import (
	"context"
	"fmt"
	"slices"

	"attestd/internal/seal"
)

// LostKeys is what a database needs of its key and the key file does not have.
type LostKeys struct {
	Generations []int
	Uses        []KeyUse // of those generations
	Next        byte     // the generation for a fresh key: what the lost one made is not taken for its own
}

// LostKeys says what would be given up by going on with the key file as it is. A file whose key has the generation of
// another's is
// refused: it has to go first.
func (s *Store) LostKeys(ctx context.Context, file string) (l LostKeys, err error) {
	b, err := readBelonging(ctx, s.reads)
	if err != nil {
		return l, explain(err)
	}
	uses, err := s.KeyUses(ctx)
	if err != nil {
		return l, err
	}
	have := map[byte]string{}
	if s.keys != nil {
		have = s.keys.Checks()
	}
	needed := map[byte]bool{}
	for g := range b.checks {
		needed[g] = true
	}
	for _, one := range b.samples {
		needed[one.value[0]] = true
	}
	newest := byte(0)
	for g := range needed {
		newest = max(newest, g)
		check, here := have[g]
		switch {
		case !here:
			l.Generations = append(l.Generations, int(g))
		case b.checks[g] != "" && b.checks[g] != check || b.checks[g] == "" && s.opensNone(b, g):
			return l, fmt.Errorf("%w: %s holds another key as generation %d, under which this database has values: move the file away first", ErrKey, file, g)
		}
	}
	for _, u := range uses {
		newest = max(newest, u.Generation)
		if slices.Contains(l.Generations, int(u.Generation)) {
			l.Uses = append(l.Uses, u)
		}
	}
	for g := range b.retired {
		newest = max(newest, g)
	}
	if newest == 255 {
		return l, fmt.Errorf("%w: generation 255 is the last", ErrKey)
	}
	l.Next = newest + 1
	slices.Sort(l.Generations)
	return l, nil
}

// opensNone says whether the ring opens none of the samples of a generation.
func (s *Store) opensNone(b belonging, generation byte) bool {
	return !slices.ContainsFunc(b.samples, func(one sample) bool {
		_, err := s.keys.Open(one.value, one.context)
		return one.value[0] == generation && err == nil
	})
}

// GiveUpKeys has the database go on with a ring, without the generations that are lost. Their values stay as they are.
func (s *Store) GiveUpKeys(ctx context.Context, keys *seal.Keyring, l LostKeys) error {
	return s.Update(ctx, func(tx *Tx) error {
		for _, g := range l.Generations {
			if _, err := tx.exec(ctx, `DELETE FROM key_checks WHERE kind = $1 AND generation = $2`, storeKind, g); err != nil {
				return err
			}
		}
		if err := learn(ctx, tx.exec, storeKind, keys.Checks()); err != nil {
			return err
		}
		return tx.Audit(ctx, "keys.given_up", "", map[string]any{"generations": l.Generations, "now": int(keys.Current())})
	})
}
