package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Keep is how long what tells of persons is kept. Texts and numbers of messages are the queue's to wipe, what came in
// is the inbox's to drop, and what webhooks delivered is the sender's.
type Keep struct {
	Persons time.Duration // after the end of a filing or challenge
	Keys    time.Duration // after the end of a message: its idempotency key, which is its client's own words
	Events  time.Duration
	Audit   time.Duration
}

// wipeBatch is how many rows one transaction wipes: others wait for it.
const wipeBatch = 100

// empty takes the place of a hash in a column that must hold one.
var empty = []byte{}

// Wiped counts rows that were wiped, by table.
type Wiped map[string]int

// Wipe takes what was kept long enough, in bounded transactions. The rows stay, as what became of them; events and the audit
// log are deleted. What is deleted is overwritten (secure_delete). It may end at any moment, and goes on the next time.
func (s *Store) Wipe(ctx context.Context, now time.Time, k Keep) (Wiped, error) {
	done := Wiped{}
	persons := micros(now.Add(-k.Persons))
	for _, step := range []struct {
		table string
		wipe  func(tx *Tx) (int, error)
	}{
		{"challenges", func(tx *Tx) (int, error) {
			return tx.eachWiped(ctx, tx.wipeChallenge, `SELECT id FROM challenges WHERE ended > 0 AND ended <= $1 AND number IS NOT NULL ORDER BY ended LIMIT $2`, persons)
		}},
		{"filings", func(tx *Tx) (int, error) {
			return tx.eachWiped(ctx, tx.wipeFiling, `SELECT id FROM filings WHERE ended > 0 AND ended <= $1 AND length(body_mac) > 0 ORDER BY ended LIMIT $2`, persons)
		}},
		{"messages", func(tx *Tx) (int, error) {
			return tx.eachWiped(ctx, tx.wipeKey, `SELECT id FROM messages WHERE ended > 0 AND ended <= $1 AND idempotency_key IS NOT NULL ORDER BY ended LIMIT $2`,
				micros(now.Add(-k.Keys)))
		}},
		{"inbox_items", func(tx *Tx) (int, error) {
			return tx.eachWiped(ctx, tx.WipeReply, `SELECT id FROM inbox_items WHERE action = 'reply' AND rule_failed = FALSE AND length(body) > 29
 AND length(body) > $1 LIMIT $2`, int64(tx.emptySeal())) // the index has those above 29
		}},
	} {
		if err := s.batches(ctx, done, step.table, step.wipe); err != nil {
			return done, err
		}
	}
	return done, s.wipeEvents(ctx, done, now.Add(-k.Events))
}

// batches runs a step in transactions of its own until it finds less than a batch.
func (s *Store) batches(ctx context.Context, done Wiped, table string, wipe func(tx *Tx) (int, error)) error {
	for n := wipeBatch; n == wipeBatch; {
		err := s.Update(ctx, func(tx *Tx) (err error) {
			n, err = wipe(tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("wiping %s: %w", table, err)
		}
		if n > 0 {
			done[table] += n
		}
	}
	return nil
}

func (tx *Tx) eachWiped(ctx context.Context, wipe func(context.Context, string) error, find string, before int64) (int, error) {
	ids, err := tx.ids(ctx, find, before, wipeBatch)
	for i := 0; i < len(ids) && err == nil; i++ {
		err = wipe(ctx, ids[i])
	}
	return len(ids), err
}

func (tx *Tx) ids(ctx context.Context, text string, args ...any) ([]string, error) {
	rows, err := tx.query(ctx, text, args...)
	return collect(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
}

// all runs statements that have one argument.
func (tx *Tx) all(ctx context.Context, id string, statements ...string) error {
	for _, text := range statements {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return err
		}
	}
	return nil
}

// wipeChallenge leaves of a challenge what became of it.
func (tx *Tx) wipeChallenge(ctx context.Context, id string) error {
	if _, err := tx.exec(ctx, `UPDATE challenges SET number = NULL, number_mac = NULL, mobile = '', tail_macs = $1 WHERE id = $2`, empty, id); err != nil {
		return err
	}
	return tx.all(ctx, id, `DELETE FROM challenge_keys WHERE challenge_id = $1`)
}

// wipeFiling leaves of a filing its reference, roles, states and times.
func (tx *Tx) wipeFiling(ctx context.Context, id string) error {
	if _, err := tx.exec(ctx, `UPDATE persons SET name = NULL, mobile = '', tail_macs = $1 WHERE filing_id = $2`, empty, id); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE filings SET body_mac = $1, note = '', entity = NULL WHERE id = $2`, empty, id)
	return err
}

// wipeKey forgets under which key a message was sent, and the hash that tells a replay of it.
func (tx *Tx) wipeKey(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, `UPDATE messages SET idempotency_key = NULL, fingerprint = $1 WHERE id = $2`, empty, id)
	return err
}

// WipeReply takes the text of a reply to a challenge, which holds a code and the tail of a certificate; that it came stays.
func (tx *Tx) WipeReply(ctx context.Context, id string) error {
	keys := tx.s.keys
	if _, err := tx.exec(ctx, `UPDATE inbox_items SET body = $1 WHERE id = $2`, keys.Seal(nil, sealedText+id), id); err != nil {
		return err
	}
	parts, err := tx.ids(ctx, `SELECT id FROM inbox_parts WHERE item_id = $1`, id)
	for i := 0; i < len(parts) && err == nil; i++ {
		_, err = tx.exec(ctx, `UPDATE inbox_parts SET tpdu = $1 WHERE id = $2`, keys.Seal(nil, sealedTPDU+parts[i]), parts[i])
	}
	return err
}

// emptySeal is how long nothing is when it is sealed.
func (tx *Tx) emptySeal() int { return len(tx.s.keys.Seal(nil, "")) }

// wipeEvents deletes events of before a time, save those that somebody is still to be told of.
func (s *Store) wipeEvents(ctx context.Context, done Wiped, before time.Time) error {
	after := int64(0)
	for {
		var seqs []int64
		rows, err := s.readQuery(ctx, `SELECT seq FROM (SELECT seq, at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) AS next WHERE at <= $3`,
			after, wipeBatch, micros(before))
		if seqs, err = collect(rows, err, func(r scanner) (seq int64, err error) { return seq, r.Scan(&seq) }); err != nil || len(seqs) == 0 {
			return explain(err)
		}
		err = s.Update(ctx, func(tx *Tx) error {
			for _, seq := range seqs {
				result, err := tx.exec(ctx, `DELETE FROM events WHERE seq = $1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event = events.seq)`, seq)
				if err != nil {
					return err
				}
				n, err := result.RowsAffected()
				if err != nil {
					return err
				}
				done["events"] += int(n)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("wiping events: %w", err)
		}
		after = seqs[len(seqs)-1]
	}
}

// scrubPatience is how long a scrub waits for readers, with everybody who writes behind it.
const scrubPatience = 250 * time.Millisecond

// Scrub writes what is committed from the write-ahead log into the database and empties the log, so that what was erased
// stands in neither file. Where somebody is reading just now it is ErrBusy, and can be tried again.
func (s *Store) Scrub(ctx context.Context) error {
	if err := s.turns.take(ctx, ordinary); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	defer s.pass(ctx)
	if g := s.group; g != nil {
		s.settle(ctx, g)
	}
	_, err := s.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, scrubPatience.Milliseconds()))
	if err == nil {
		err = s.checkpoint(ctx, "TRUNCATE")
	}
	_, restored := s.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, busyTimeout.Milliseconds()))
	return explain(errors.Join(err, restored))
}
