package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"attestd/verify"
)

const selectChallenge = `SELECT id, filing_id, owner, origin, number, number_mac, mobile, language, site, tail_macs, life, hard_end,
 max_wrong, max_sends, replace_type, created, state, reason, code_mac, code, wrong, sends, last_send, first_sms, last_sms, last_sms_state,
 accepted, delivered, deadline, due, ended FROM challenges `

func scanChallenge(r scanner) (verify.Challenge, error) {
	var c verify.Challenge
	var tails []byte
	var life, hardEnd, created, lastSend, accepted, delivered, deadline, due, ended int64
	err := r.Scan(&c.ID, &c.FilingID, &c.Owner, &c.Origin, &c.NumberSealed, &c.NumberMAC, &c.Mobile, &c.Language, &c.Site, &tails, &life, &hardEnd,
		&c.MaxWrong, &c.MaxSends, &c.ReplaceType, &created, &c.State, &c.Reason, &c.CodeMAC, &c.CodeSealed, &c.Wrong, &c.Sends, &lastSend,
		&c.FirstSMS, &c.LastSMS, &c.LastSMSState, &accepted, &delivered, &deadline, &due, &ended)
	if err != nil {
		return c, verifyNotFound(err)
	}
	if c.TailMACs, err = unpack(tails); err != nil {
		return c, fmt.Errorf("challenge %s: %w", c.ID, err)
	}
	c.Life, c.HardEnd = time.Duration(life)*time.Microsecond, time.Duration(hardEnd)*time.Microsecond
	c.Created, c.LastSend, c.Accepted, c.Delivered = fromMicros(created), fromMicros(lastSend), fromMicros(accepted), fromMicros(delivered)
	c.Deadline, c.Due, c.Ended = fromMicros(deadline), fromMicros(due), fromMicros(ended)
	return c, nil
}

// InsertChallenge stores a new challenge, and charges its token for the first code: it may go out only later, and is then owed.
func (tx *Tx) InsertChallenge(ctx context.Context, c verify.Challenge) error {
	if err := tx.chargeToken(ctx, c.Origin, 1, c.Created); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `INSERT INTO challenges (id, filing_id, origin, number, number_mac, mobile, language, site, tail_macs, life,
 hard_end, max_wrong, max_sends, replace_type, created, state, reason, code_mac, code, wrong, sends, last_send, first_sms, last_sms,
 last_sms_state, accepted, delivered, deadline, due, ended, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
 $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`,
		c.ID, c.FilingID, c.Origin, c.NumberSealed, c.NumberMAC, c.Mobile, c.Language, c.Site, pack(c.TailMACs), c.Life.Microseconds(),
		c.HardEnd.Microseconds(), c.MaxWrong, c.MaxSends, c.ReplaceType, micros(c.Created), c.State, c.Reason, c.CodeMAC, c.CodeSealed, c.Wrong, c.Sends,
		micros(c.LastSend), c.FirstSMS, c.LastSMS, c.LastSMSState, micros(c.Accepted), micros(c.Delivered), micros(c.Deadline),
		micros(c.Due), micros(c.Ended), c.Owner)
	return err
}

// UpdateChallenge writes what can change. A terminal challenge keeps its state, whatever a caller believes, and a
// counter never goes back.
func (tx *Tx) UpdateChallenge(ctx context.Context, c verify.Challenge) error {
	err := tx.execOne(ctx, `UPDATE challenges SET state = $1, reason = $2, code_mac = $3, code = $4, wrong = $5, sends = $6,
 last_send = $7, first_sms = $8, last_sms = $9, last_sms_state = $10, accepted = $11, delivered = $12, deadline = $13, due = $14,
 ended = $15, tail_macs = $16 WHERE id = $17 AND wrong <= $18 AND sends <= $19 AND (ended = 0 OR (state = $20 AND ended = $21))`,
		c.State, c.Reason, c.CodeMAC, c.CodeSealed, c.Wrong, c.Sends,
		micros(c.LastSend), c.FirstSMS, c.LastSMS, c.LastSMSState, micros(c.Accepted), micros(c.Delivered), micros(c.Deadline), micros(c.Due),
		micros(c.Ended), pack(c.TailMACs), c.ID, c.Wrong, c.Sends, c.State, micros(c.Ended))
	return verifyNotFound(err)
}

// Challenge reads one challenge.
func (tx *Tx) Challenge(ctx context.Context, id string) (verify.Challenge, error) {
	return scanChallenge(tx.row(ctx, selectChallenge+`WHERE id = $1`, id))
}

// ChallengesOfFiling lists the challenges of a filing, in the order of their making.
func (tx *Tx) ChallengesOfFiling(ctx context.Context, filingID string) ([]verify.Challenge, error) {
	rows, err := tx.query(ctx, selectChallenge+`WHERE filing_id = $1 ORDER BY id`, filingID)
	return collect(rows, err, scanChallenge)
}

// ChallengesOfNumber lists the challenges of a phone that are open, and unless since is zero those that ended since.
func (tx *Tx) ChallengesOfNumber(ctx context.Context, numberMACs [][]byte, since time.Time) ([]verify.Challenge, error) {
	var all []verify.Challenge
	for _, mac := range numberMACs {
		text, args := selectChallenge+`WHERE number_mac = $1 AND ended = 0 ORDER BY id`, []any{mac}
		if !since.IsZero() {
			text = selectChallenge + `WHERE number_mac = $1 AND (ended = 0 OR ended >= $2) ORDER BY id`
			args = append(args, micros(since))
		}
		rows, err := tx.query(ctx, text, args...)
		some, err := collect(rows, err, scanChallenge)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// DueChallenges lists challenges that Sweep has something to do for.
func (tx *Tx) DueChallenges(ctx context.Context, now time.Time, limit int) ([]verify.Challenge, error) {
	rows, err := tx.query(ctx, selectChallenge+`WHERE due > 0 AND due <= $1 ORDER BY due, id LIMIT $2`, micros(now), limit)
	return collect(rows, err, scanChallenge)
}

// NextDueChallenge is when Sweep has something to do next; zero for never.
func (tx *Tx) NextDueChallenge(ctx context.Context) (time.Time, error) {
	var due int64
	err := tx.row(ctx, `SELECT coalesce(min(due), 0) FROM challenges WHERE due > 0`).Scan(&due)
	return fromMicros(due), err
}

// pack puts hashes in one column, each behind its length.
func pack(all [][]byte) []byte {
	packed := []byte{}
	for _, one := range all {
		packed = append(append(packed, byte(len(one))), one...)
	}
	return packed
}

func unpack(packed []byte) (all [][]byte, err error) {
	for len(packed) > 0 {
		n := int(packed[0])
		if len(packed) < 1+n {
			return nil, fmt.Errorf("tail_macs: %w", ErrCorrupt)
		}
		all = append(all, packed[1:1+n])
		packed = packed[1+n:]
	}
	return all, nil
}

func sortTimes(all []time.Time) { slices.SortFunc(all, time.Time.Compare) }
