package verify

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// ErrKeyConflict says that a request used an idempotency key of another one.
var ErrKeyConflict = errors.New("idempotency_key: was used for another challenge; use a new key, or send the same request to get that challenge")

// canonical is the form of a request whose hash tells a repetition from a conflict: what was asked, whatever our defaults
// were then or are now.
func (in general) canonical() []byte {
	asked := in.asked
	asked.To, asked.IdempotencyKey = in.number.E164(), ""
	b, err := json.Marshal(asked)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return b
}

// askedBefore gives the challenge that an earlier request with the same key made. A repetition sends nothing, charges
// nothing and is held up by no limit.
func (s *Service) askedBefore(ctx context.Context, tx Tx, in general, now time.Time) (c Challenge, found bool, err error) {
	if in.IdempotencyKey == "" {
		return Challenge{}, false, nil
	}
	id, bodyMAC, err := tx.ChallengeKey(ctx, in.Owner, in.IdempotencyKey)
	if errors.Is(err, ErrNotFound) {
		return Challenge{}, false, nil
	} else if err != nil {
		return Challenge{}, false, err
	}
	if c, err = s.general(ctx, tx, in.Owner, id, now); err != nil {
		return c, true, err
	}
	in.asked.Origin = c.Origin // another token of the same owner may repeat it
	if !anyEqual([][]byte{bodyMAC}, s.vault.MACs("general challenge", in.canonical())) {
		return Challenge{}, false, ErrKeyConflict
	}
	return c, true, nil
}

func (s *Service) rememberKey(ctx context.Context, tx Tx, in general, c Challenge, now time.Time) error {
	if in.IdempotencyKey == "" {
		return nil
	}
	return tx.InsertChallengeKey(ctx, in.Owner, in.IdempotencyKey, s.vault.MAC("general challenge", in.canonical()), c.ID, now)
}
