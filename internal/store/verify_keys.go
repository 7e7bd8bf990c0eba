package store

import (
	"context"
	"time"
)

// ChallengeKey gives what an origin asked for under a key.
func (tx *Tx) ChallengeKey(ctx context.Context, origin, key string) (challengeID string, bodyMAC []byte, err error) {
	err = tx.row(ctx, `SELECT challenge_id, body_mac FROM challenge_keys WHERE origin = $1 AND key = $2`, origin, key).Scan(&challengeID, &bodyMAC)
	return challengeID, bodyMAC, verifyNotFound(err)
}

// InsertChallengeKey notes what was asked for under a key.
func (tx *Tx) InsertChallengeKey(ctx context.Context, origin, key string, bodyMAC []byte, challengeID string, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO challenge_keys (origin, key, body_mac, challenge_id, at) VALUES ($1, $2, $3, $4, $5)`, origin, key, bodyMAC, challengeID, micros(at))
	return err
}
