package store

import (
	"context"
	"time"
)

// ChallengeKey gives what an owner asked for under a key.
func (tx *Tx) ChallengeKey(ctx context.Context, owner, key string) (challengeID string, bodyMAC []byte, err error) {
	err = tx.row(ctx, `SELECT challenge_id, body_mac FROM challenge_keys WHERE owner = $1 AND key = $2`, owner, key).Scan(&challengeID, &bodyMAC)
	return challengeID, bodyMAC, verifyNotFound(err)
}

// InsertChallengeKey notes what was asked for under a key.
func (tx *Tx) InsertChallengeKey(ctx context.Context, owner, key string, bodyMAC []byte, challengeID string, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO challenge_keys (owner, key, body_mac, challenge_id, at) VALUES ($1, $2, $3, $4, $5)`, owner, key, bodyMAC, challengeID, micros(at))
	return err
}
