package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"attestd/internal/seal"
)

// TestMain runs the suite and then looks at the plan of every statement that it prepared: none may read a whole table
// that grows,
// nor sort more than a handful of rows, unless it stands below with a reason.
func TestMain(m *testing.M) {
	var prepared sync.Map
	recordText = func(text string) {
		if !askedByATest() {
			prepared.Store(text, true)
		}
	}
	code := m.Run()
	flag.Parse()
	if code == 0 && flag.Lookup("test.list").Value.String() == "" {
		code = lookAtPlans(&prepared, flag.Lookup("test.run").Value.String()+flag.Lookup("test.skip").Value.String() == "")
	}
	os.Exit(code)
}

// askedByATest says whether the statement is a test's own.
func askedByATest() bool {
	pcs := make([]uintptr, 12)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if file := filepath.Base(f.File); file != "tx.go" || !more {
			return strings.HasSuffix(file, "_test.go")
		}
	}
}

// small are tables that do not grow with traffic.
var small = []string{"alarms", "counts", "country_counts", "key_checks", "meta", "sqlite_master", "tokens", "webhook_breakers", "webhook_endpoints", "webhook_gone"}

// few are indexes that hold only what is open now, of which there is never much: a scan of them is a seek.
var few = []string{"attempts_open", "inbox_parts_oldest", "inbox_parts_waiting", "inbox_items_reply"}

// reasons are why a statement may read more than that, by how it begins.
var reasons = []struct{ begins, why string }{
	{`UPDATE attempts SET started = started + $1`, "the clock was set: the times on record follow, once"},
	{`UPDATE challenges SET last_send = max(`, "the clock was set"},
	{`UPDATE challenge_keys SET at = at + $1`, "the clock was set"},
	{`UPDATE held_reports SET received = received + $1`, "the clock was set"},
	{`UPDATE segments SET due = max(due + $1, 1)`, "the clock was set"},
	{`UPDATE sent_texts SET at = at + $1`, "the clock was set"},
	{`UPDATE stored_answers SET at = at + $1`, "the clock was set"},
	{`UPDATE uses SET at = at + $1`, "the clock was set"},
	{`UPDATE webhook_deliveries SET due = max(`, "the clock was set"},
	{`SELECT substr(`, "attestd keys: how much each key has sealed"},
	{`SELECT tail_macs FROM`, "attestd keys"},
	{`SELECT (SELECT count(*) FROM (SELECT 'messages' AS what`, "Recount, once a day, beside the writer"},
	{`INSERT INTO counts (what, kind, word, n) SELECT 'messages'`, "Recount, when something else wrote into the database"},
	{`DELETE FROM stored_answers WHERE answer LIKE`, "a person is forgotten; answers are kept for minutes"},
	{`SELECT id, report FROM held_reports`, "a person is forgotten; reports are held for minutes"},
	{`SELECT p.id, p.sim, p.station, p.smsc, p.tpdu, p.set_id, coalesce(p.item_id, ''), p.scts, p.received FROM inbox_parts p JOIN`, "parts of one sender and reference, or those that wait"},
	{`SELECT id, received, report FROM held_reports WHERE sim`, "reports are held for minutes"},
	{`SELECT id, at, kind, name, action, subject, data, owner FROM audit WHERE action > $1`, "attestd audit --action 'family.*': an operator's search"},
	{selectChallenge + `WHERE filing_id = $1`, "the challenges of one filing"},
	{selectChallenge + `WHERE number_mac = $1`, "the challenges of one phone"},
	{`SELECT m.id`, "the messages of one phone under two keys, while keys are rotated"},
	{`SELECT m.sim, m.prefix, count(*)`, "the codes of one window, for the watch: a few groups, beside the writer"},
	{`SELECT EXISTS (SELECT 1 FROM stored_answers)`, "the first row"},
	{`SELECT coalesce(min(t), 0) FROM (`, "the first row of an index in its order"},
	{selectDelivery + `  ORDER BY d.id DESC LIMIT $1`, "the head of a list"},
	{headSQL, "nine rows"},
}

var (
	tableOf  = regexp.MustCompile(`(?:FROM|JOIN|UPDATE)\s+([a-z_]+)(?:\s+(?:AS\s+)?([a-z_]+))?`)
	scanOf   = regexp.MustCompile(`^SCAN ([A-Za-z0-9_]+)(?: USING (?:COVERING )?INDEX ([a-z_0-9]+))?`)
	listPage = regexp.MustCompile(`^SELECT [^()]*(?:coalesce\([^()]*\)[^()]*)* FROM [a-z_]+(?: [a-z])? ORDER BY (?:[a-z]\.)?(?:id|seq)(?: DESC)? LIMIT \$[0-9]+$`)
)

// faults are what is wrong with a plan.
func faults(text string, plan []string) (wrong []string) {
	tables := map[string]string{}
	for _, m := range tableOf.FindAllStringSubmatch(text, -1) {
		tables[m[1]] = m[1]
		if m[2] != "" {
			tables[m[2]] = m[1]
		}
	}
	grows := false
	for _, table := range tables {
		grows = grows || !slices.Contains(small, table)
	}
	if !grows {
		return nil
	}
	for _, step := range plan {
		switch m := scanOf.FindStringSubmatch(step); {
		case strings.Contains(step, "USE TEMP B-TREE") && !strings.Contains(step, " OF ORDER BY"): // within equal terms: ties
			wrong = append(wrong, step)
		case m == nil || tables[m[1]] == "" || slices.Contains(small, tables[m[1]]) || slices.Contains(few, m[2]):
		case m[2] != "" && listPage.MatchString(strings.Join(strings.Fields(text), " ")): // the head of a list
		default:
			wrong = append(wrong, step)
		}
	}
	return wrong
}

// lookAtPlans says what is wrong; whole is that the whole suite ran, so that no reason may be left over.
func lookAtPlans(prepared *sync.Map, whole bool) (code int) {
	dir, err := os.MkdirTemp("", "attestd-plans-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := Open(context.Background(), Options{URL: "sqlite://" + filepath.Join(dir, "t.db"), Keys: seal.Random()})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = s.Close() }()
	used := map[string]bool{}
	prepared.Range(func(key, _ any) bool {
		text := key.(string)
		plan, err := planOf(s.reads, text)
		if err != nil {
			return true // of a schema that a test made, or no statement with a plan
		}
		wrong := faults(text, plan)
		if len(wrong) == 0 {
			return true
		}
		for _, r := range reasons {
			if strings.HasPrefix(text, r.begins) {
				used[r.begins] = true
				return true
			}
		}
		fmt.Printf("--- FAIL: a statement whose cost grows with the table: give it an index, or a reason in plans_test.go\n%s\n    %s\n", text, strings.Join(wrong, "\n    "))
		code = 1
		return true
	})
	for _, r := range reasons {
		if whole && !used[r.begins] {
			fmt.Printf("--- FAIL: nothing needs this reason any more: %s\n", r.begins)
			code = 1
		}
	}
	return code
}

func planOf(db *sql.DB, text string) (plan []string, err error) {
	args := make([]any, placeholders(text))
	for i := range args {
		args[i] = 1
	}
	rows, err := db.Query(`EXPLAIN QUERY PLAN `+text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		plan = append(plan, detail)
	}
	return plan, rows.Err()
}

func TestAPlanThatReadsAWholeTableIsAFault(t *testing.T) {
	s := open(t)
	for text, wrong := range map[string]bool{
		`SELECT id FROM messages WHERE station = $1`:                                                     true,
		`SELECT state, count(*) FROM messages GROUP BY state`:                                            true,
		`SELECT id FROM messages WHERE segments = 2 ORDER BY id DESC LIMIT $1`:                           true,
		`SELECT count(*) FROM events`:                                                                    true,
		`SELECT id FROM audit WHERE at >= $1 ORDER BY id DESC LIMIT $2`:                                  true,
		`SELECT id FROM audit ORDER BY id DESC LIMIT $1`:                                                 false,
		`SELECT id FROM messages WHERE state = $1 AND id < $2 ORDER BY id DESC LIMIT $3`:                 false,
		`SELECT coalesce(max(seq), 0) FROM events`:                                                       false,
		`SELECT id FROM attempts WHERE result = '' ORDER BY started LIMIT $1`:                            false,
		`SELECT word, sum(n) FROM counts WHERE what = $1 GROUP BY word`:                                  false,
		`UPDATE messages SET body = NULL WHERE station = $1`:                                             true,
		`SELECT s.seq FROM messages m JOIN segments s ON s.message_id = m.id WHERE m.recipient_mac = $1`: false,
	} {
		plan, err := planOf(s.reads, text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got := faults(text, plan); (len(got) > 0) != wrong {
			t.Errorf("%s: %v of %v", text, got, plan)
		}
	}
}
