package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"attestd/internal/webhook"
	"attestd/queue"
	"attestd/verify"
)

// BenchmarkWithManyRows is what a claim, a status, a scrape and the lists cost with a thousand rows of each kind and
// with a million:
// the same.
func BenchmarkWithManyRows(b *testing.B) {
	for _, rows := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s := open(b)
			many(b, s, rows)
			ctx := context.Background()
			q := queue.New(s.Queue(), queue.DefaultPolicy(), nil)
			for _, one := range []struct {
				name string
				do   func() error
			}{
				{"enqueue", func() error {
					_, err := q.Enqueue(ctx, draft(b, b.N))
					return err
				}},
				{"claim", func() error {
					return s.Ahead(ctx, func(tx *Tx) error {
						_, _, _, err := tx.Head(ctx, queue.Lanes{Station: "m0", SIM: "s"}, time.Now())
						if err == nil {
							_, err = tx.NextDue(ctx, queue.Lanes{Station: "m0", SIM: "s"}, time.Now())
						}
						return err
					})
				}},
				{"status", func() error {
					if _, err := s.MessageCounts(ctx); err != nil {
						return err
					}
					if _, err := s.FilingCounts(ctx); err != nil {
						return err
					}
					_, err := s.Waiting(ctx)
					return err
				}},
				{"webhook counts", func() error {
					if _, err := s.WebhookEndpoints(ctx); err != nil {
						return err
					}
					_, err := s.WebhookCounts(ctx)
					return err
				}},
				{"list of messages", func() error {
					_, _, err := s.Messages(ctx, queue.Filter{State: queue.Queued, Limit: 50})
					return err
				}},
				{"list of filings", func() error {
					_, _, err := s.Verify(func() queue.Policy { return queue.DefaultPolicy() }).(verifyStore).Filings(ctx, verify.FilingQuery{Type: "rare", Limit: 50})
					return err
				}},
				{"list of deliveries", func() error {
					_, _, err := s.WebhookDeliveries(ctx, webhook.Filter{Endpoint: "rare", Limit: 50})
					return err
				}},
				{"audit of one action", func() error {
					_, _, err := s.AuditLog(ctx, AuditFilter{Action: "rare", Limit: 50})
					return err
				}},
				{"next delivery", func() error {
					if _, err := s.WebhookLanes(ctx); err != nil {
						return err
					}
					_, err := s.WebhooksWaiting(ctx, "crm", 64)
					return err
				}},
			} {
				b.Run(one.name, func(b *testing.B) {
					for b.Loop() {
						if err := one.do(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// many makes rows of every kind that grows, half of them open.
func many(b *testing.B, s *Store, n int) {
	b.Helper()
	const id = `printf('01900000-0000-7000-8000-%%012x', i)`
	for _, text := range []string{
		`INSERT INTO events (id, type, subject, at, data) SELECT ` + id + `, 'message.queued', ` + id + `, %[2]d, '{}' FROM n`,
		`INSERT INTO messages (id, origin, fingerprint, recipient, recipient_mac, body, priority, deadline, report, flash, repeatable, pid, modem, alphabet,
 segments, ref, created, state, reason, updated, accepted, delivered, ended, attempts, station, sim)
 SELECT ` + id + `, 'bench', x'', x'01', x'01' || i, x'01', 1, %[2]d + 86400000000, 1, 0, 0, 0, '', 0, 1, 0, %[2]d,
 CASE WHEN i %% 2 = 0 THEN 'queued' ELSE 'delivered' END, '', %[2]d, 0, 0, CASE WHEN i %% 2 = 0 THEN 0 ELSE %[2]d END, 0, '', '' FROM n`,
		`INSERT INTO segments (message_id, seq, priority, deadline, state, due, lane, attempts, tries, faults, repeated, doubt, station, sim, mr, submitted,
 status, discharged, reason) SELECT ` + id + `, 1, 1, %[2]d + 86400000000, CASE WHEN i %% 2 = 0 THEN 'queued' ELSE 'delivered' END, %[2]d, '', 0, 0, 0, 0, 0, '', '', -1, 0, -1, 0, '' FROM n`,
		`INSERT INTO filings (id, origin, reference, body_mac, type, changes, language, callback, created, state, reason, note, updated, ended)
 SELECT ` + id + `, 'bench', 'r' || i, x'', 'first', '', 'zh', '', %[2]d, 'passed', '', '', %[2]d, %[2]d FROM n`,
		`INSERT INTO webhook_deliveries (id, event, endpoint, subject, url, lane, created, state, attempts, status, error, began, due, ended)
 SELECT ` + id + `, i, 'crm', ` + id + `, '', 'crm', %[2]d, CASE WHEN i %% 2 = 0 THEN 'waiting' ELSE 'delivered' END, 0, 0, '', 0, %[2]d,
 CASE WHEN i %% 2 = 0 THEN 0 ELSE %[2]d END FROM n`,
		`INSERT INTO audit (id, at, kind, name, action, subject, data) SELECT ` + id + `, %[2]d, 'token', 'platform', 'filing.received', ` + id + `, '{}' FROM n`,
	} {
		text = fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[1]d) `+text, n, time.Now().UnixMicro())
		if _, err := s.writer.ExecContext(context.Background(), text); err != nil {
			b.Fatal(err)
		}
	}
}
