package store

import (
	"database/sql"
	"path/filepath"
	"testing"
)

func TestRowsOfBeforeTenantsBelongToTheTokenOnRecord(t *testing.T) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "old.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	all, err := allMigrations()
	if err != nil {
		t.Fatal(err)
	}
	run := func(from, to int) {
		t.Helper()
		for _, m := range all {
			if m.version < from || m.version > to {
				continue
			}
			if _, err := db.ExecContext(t.Context(), m.up); err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
		}
	}
	run(1, 14)
	message := func(id, origin string) string {
		return `INSERT INTO messages (id, origin, fingerprint, priority, deadline, report, flash, repeatable, pid, modem, alphabet, segments, ref,
 created, state, reason, updated, accepted, delivered, ended, attempts, station, sim) VALUES ('` + id + `', '` + origin + `', '', 1, 0, 1, 0, 0, 0, '', 0, 1, 0,
 0, 'queued', '', 0, 0, 0, 0, 0, '', '')`
	}
	event := func(id, typ, subject string) string {
		return `INSERT INTO events (id, type, subject, at, data) VALUES ('` + id + `', '` + typ + `', '` + subject + `', 0, '{}')`
	}
	for _, one := range []string{
		`INSERT INTO tokens (id, name, hash, created, scopes) VALUES ('t1', 'shop', 'x', 0, 'messages,filings'), ('t2', 'ops', 'y', 0, 'admin')`,
		`INSERT INTO filings (id, origin, reference, body_mac, type, changes, language, callback, created, state, reason, note, updated, ended)
 VALUES ('f1', 'bank', 'r', '', 'first', '', 'zh', '', 0, 'passed', '', '', 0, 1)`,
		`INSERT INTO challenges (id, filing_id, origin, mobile, language, site, tail_macs, life, hard_end, max_wrong, max_sends, replace_type, created,
 state, reason, wrong, sends, last_send, first_sms, last_sms, last_sms_state, accepted, delivered, deadline, due, ended)
 VALUES ('c1', 'f1', 'bank', '', 'zh', '', '', 1, 1, 5, 3, 0, 0, 'void', '', 0, 0, 0, '', '', '', 0, 0, 0, 0, 1)`,
		message("m1", "shop"), message("m2", "challenge:c1"), message("m3", "answer:gone"),
		event("e1", "message.queued", "m2"), event("e2", "filing.passed", "f1"), event("e3", "filing.passed", "wiped"),
		event("e4", "inbox.received", "i"), event("e5", "token.created", "t1"),
		`INSERT INTO audit (id, at, kind, name, action, subject, data) VALUES ('a1', 0, 'person', 'page', 'filing.passed', 'f1', '{}'), ('a2', 0, 'token', 'shop', 'x', '', '{}')`,
	} {
		if _, err := db.ExecContext(t.Context(), one); err != nil {
			t.Fatalf("%v: %s", err, one)
		}
	}
	run(15, 23)
	for _, one := range []string{
		`INSERT INTO tokens (id, name, hash, created, scopes) VALUES ('t3', 'desk', 'z', 0, 'filings'), ('t4', 'eye', 'w', 0, 'read')`,
		`INSERT INTO webhook_deliveries (id, event, endpoint, subject, url, lane, created, state, attempts, status, error, began, due, ended)
 VALUES ('d1', 1, 'callback', 'f1', '', '', 0, 'dead', 1, 0, 'dial tcp 10.9.8.7:443: connect: connection refused', 0, 0, 1),
 ('d2', 1, 'callback', 'f1', '', '', 0, 'dead', 1, 500, 'it answered 500 Internal Server Error', 0, 0, 1)`,
	} {
		if _, err := db.ExecContext(t.Context(), one); err != nil {
			t.Fatalf("%v: %s", err, one)
		}
	}
	run(24, all[len(all)-1].version)
	for what, want := range map[string]string{
		"tenant FROM tokens WHERE id = 't1'": "shop", "owner FROM filings": "bank", "owner FROM challenges": "bank",
		"owner FROM messages WHERE id = 'm1'": "shop", "owner FROM messages WHERE id = 'm2'": "bank", "owner FROM messages WHERE id = 'm3'": "",
		"owner FROM events WHERE id = 'e1'": "bank", "owner FROM events WHERE id = 'e2'": "bank", "owner FROM events WHERE id = 'e3'": "shop",
		"owner FROM events WHERE id = 'e4'": "*", "owner FROM events WHERE id = 'e5'": "",
		// Whole numbers are seen by who saw them (0024).
		"scopes FROM tokens WHERE id = 't1'": "messages,filings,numbers", "scopes FROM tokens WHERE id = 't2'": "admin",
		"scopes FROM tokens WHERE id = 't3'": "filings", "scopes FROM tokens WHERE id = 't4'": "read,numbers",
		"error FROM webhook_deliveries WHERE id = 'd1'": "it could not be reached", "error FROM webhook_deliveries WHERE id = 'd2'": "it answered 500 Internal Server Error",
		"owner FROM audit WHERE id = 'a1'": "bank", "owner FROM audit WHERE id = 'a2'": "shop",
	} {
		var got string
		if err := db.QueryRowContext(t.Context(), "SELECT "+what).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", what, got, err, want)
		}
	}
}
