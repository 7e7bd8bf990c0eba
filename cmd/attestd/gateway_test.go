package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"attestd/internal/client"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// gateway starts a whole gateway on simulated modems and points the commands at it.
func gateway(t *testing.T) *rig.Rig {
	t.Helper()
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1, ReportDelay: 50 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("ATTESTD_URL", r.URL)
	t.Setenv("ATTESTD_TOKEN", r.Token)
	return r
}

// must runs a command that must succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := say("", args...)
	if code != 0 {
		t.Fatalf("attestd %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func TestAMessageSentFromTheCommandLineIsWaitedForAndListed(t *testing.T) {
	gateway(t)
	out := must(t, "send", "--to", "13800138000", "--text", "hello", "--wait", "--timeout", "30s")
	if !regexp.MustCompile(`(?s)queued\n.*delivered by m0\n$`).MatchString(out) {
		t.Errorf("waiting told:\n%s", out)
	}
	var sent client.Message
	if err := json.Unmarshal([]byte(must(t, "send", "--to", "13800138000", "--text", "again", "--key", "k", "--wait", "--json")), &sent); err != nil || sent.State != "delivered" {
		t.Fatalf("%+v, %v", sent, err)
	}
	if again := must(t, "send", "--to", "13800138000", "--text", "again", "--key", "k"); !strings.HasPrefix(again, sent.ID+"  delivered") {
		t.Errorf("the same key sent again: %s", again)
	}
	if list := must(t, "messages"); strings.Count(list, "delivered") != 2 || strings.Count(list, "\n") != 3 {
		t.Errorf("the list:\n%s", list)
	}
	if one := must(t, "messages", sent.ID); !strings.Contains(one, "accepted") || !strings.Contains(one, "RESULT") {
		t.Errorf("one message:\n%s", one)
	}
	if _, errs, code := say("", "send", "--to", "13800138000", "--text", "x", "--key", "k"); code != 1 || !strings.Contains(errs, "idempotency_key") {
		t.Errorf("another text under the key: %d %s", code, errs)
	}
}

func TestWaitingForAMessageThatTheNetworkRefusesExits1AndSaysWhy(t *testing.T) {
	gateway(t)
	out, errs, code := say("", "send", "--to", "+8613800099001", "--text", "x", "--wait", "--timeout", "30s")
	if code != 1 || !strings.Contains(out, "rejected by m0 (") {
		t.Errorf("exit %d:\n%s%s", code, out, errs)
	}
}

func TestWithoutAReportItIsDoneWhenTheNetworkTookIt(t *testing.T) {
	gateway(t)
	out := must(t, "send", "--to", "13800138000", "--text", "x", "--no-report", "--wait", "--timeout", "30s")
	if !strings.HasSuffix(out, "submitted by m0\n") {
		t.Error(out)
	}
}

func TestListsOfARunningGateway(t *testing.T) {
	r := gateway(t)
	if out := must(t, "modems"); !strings.Contains(out, "m0") || !strings.Contains(out, "NETWORK") {
		t.Error(out)
	}
	if err := r.Network.Inject(0, "+8613900139000", "evil \x1b[2J\nsecond line"); err != nil {
		t.Fatal(err)
	}
	var inbox string
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(inbox, "evil"); time.Sleep(20 * time.Millisecond) {
		if inbox = must(t, "inbox"); time.Now().After(deadline) {
			t.Fatal("nothing came in")
		}
	}
	if strings.Contains(inbox, "\x1b") || strings.Count(inbox, "\n") != 2 || !strings.Contains(inbox, "+8613900139000") {
		t.Errorf("%q", inbox)
	}
	for _, list := range []string{"messages", "filings", "inbox", "modems"} {
		var l client.List[json.RawMessage]
		if err := json.Unmarshal([]byte(must(t, list, "--json")), &l); err != nil || l.Items == nil {
			t.Errorf("%s --json: %v", list, err)
		}
	}
	if out, _, code := say("", "status"); code != 0 || !strings.Contains(out, "1 of 1 ready") || !strings.Contains(out, "filings   none") {
		t.Errorf("status: %d\n%s", code, out)
	}
	t.Setenv("ATTESTD_TOKEN", "")
	if _, errs, code := say("", "inbox"); code != 1 || !strings.Contains(errs, "attestd token create") {
		t.Errorf("without a token: %d %s", code, errs)
	}
}

func TestNoCommandPrintsThePasswordThatStandsInTheGatewaysAddress(t *testing.T) {
	r := gateway(t)
	for _, address := range []string{r.URL, "http://127.0.0.1:9", "http://nowhere.invalid"} {
		t.Setenv("ATTESTD_URL", strings.Replace(address, "//", "//me:canary-of-a-password@", 1))
		for _, args := range [][]string{{"status"}, {"status", "--json"}, {"messages"}, {"webhooks", "endpoints"}, {"filings", "x"}, {"status", "--help"}} {
			if out, errs, _ := say("", args...); strings.Contains(out+errs, "canary") || strings.Contains(out+errs, r.Token) {
				t.Errorf("%v at %s: %s%s", args, address, out, errs)
			}
		}
	}
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokensAreMadeBeforeTheFirstStartAndRevoked(t *testing.T) {
	c := configFile(t, "[store]\nurl = \"sqlite:a.db\"\n")
	out, errs, code := say("", "token", "create", "--config", c, "--name", "platform")
	if code != 0 || !regexp.MustCompile(`^att_[A-Za-z0-9_-]{43}\n$`).MatchString(out) || !strings.Contains(errs, "cannot be shown again") {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	if _, errs, code := say("", "token", "create", "--config", c, "--name", "platform"); code != 1 || !strings.Contains(errs, "a token of that name exists") {
		t.Error(code, errs)
	}
	if list := must(t, "token", "list", "--config", c); !strings.Contains(list, "platform") || strings.Contains(list, out[4:20]) {
		t.Error(list)
	}
	must(t, "token", "revoke", "platform", "--config", c)
	var l struct{ Items []tokenView }
	if err := json.Unmarshal([]byte(must(t, "token", "list", "--config", c, "--json")), &l); err != nil || len(l.Items) != 1 || l.Items[0].RevokedAt == nil {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestATokensOwnQuotasAreListedAndRotateKeepsThem(t *testing.T) {
	c := configFile(t, "[store]\nurl = \"sqlite:a.db\"\n")
	must(t, "token", "create", "--config", c, "--name", "crm", "--texts-per-hour", "500", "--texts-per-day", "0")
	must(t, "token", "create", "--config", c, "--name", "plain")
	must(t, "token", "rotate", "crm", "--config", c)
	list := must(t, "token", "list", "--config", c)
	if strings.Count(list, "500/h, any/day") != 2 || strings.Count(list, "default") != 1 {
		t.Error(list)
	}
	var l struct{ Items []tokenView }
	if err := json.Unmarshal([]byte(must(t, "token", "list", "--config", c, "--json")), &l); err != nil || len(l.Items) != 3 {
		t.Fatalf("%+v, %v", l, err)
	}
	if v := l.Items[2]; *v.TextsPerHour != 500 || *v.TextsPerDay != 0 || l.Items[1].TextsPerHour != nil {
		t.Errorf("%+v", l.Items)
	}
}

func TestATokenIsMadeWithScopesRotatedAndAuditedByTheCommandLine(t *testing.T) {
	c := configFile(t, "[store]\nurl = \"sqlite:a.db\"\n")
	for flags, says := range map[string]string{"--scope=messages,writer": `there is no scope "writer"`, "--scope=,": "no scope is given", "--expires=-1h": "--expires", "--texts-per-day=-1": "--texts-per-day"} {
		if _, errs, code := say("", "token", "create", "--config", c, "--name", "x", flags); code != 1 || !strings.Contains(errs, says) {
			t.Errorf("%s: %d %s", flags, code, errs)
		}
	}
	first := must(t, "token", "create", "--config", c, "--name", "crm", "--scope", "inbox,read", "--expires", "720h")
	out, errs, code := say("", "token", "rotate", "crm", "--config", c, "--overlap", "1h")
	if code != 0 || out == first || !strings.HasPrefix(out, "att_") || !strings.Contains(errs, "The old one is refused from") || !strings.Contains(errs, "It may: inbox, read.") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if list := must(t, "token", "list", "--config", c); !strings.Contains(list, "replaced, works until") || strings.Count(list, "inbox,read") != 2 || !strings.Contains(list, "in use") {
		t.Error(list)
	}
	must(t, "token", "create", "--config", c, "--name", "platform")
	var l struct{ Items []auditView }
	if err := json.Unmarshal([]byte(must(t, "audit", "--config", c, "--by", "user", "--action", "token.*", "--json")), &l); err != nil || len(l.Items) != 3 {
		t.Fatalf("%+v, %v", l, err)
	}
	if e := l.Items[1]; e.Action != "token.rotated" || e.By != "user" || e.Name == "" {
		t.Errorf("%+v", e)
	}
	if text := must(t, "audit", "--config", c); strings.Contains(text, first[4:20]) || !strings.Contains(text, "messages,filings,inbox,read") {
		t.Error(text)
	}
	if _, errs, code := say("", "audit", "--config", c, "--since", "1ns"); code != 0 || !strings.Contains(errs, "Nothing that was done") {
		t.Error(code, errs)
	}
}

func TestCheckTellsFaultsOrThatAllIsGood(t *testing.T) {
	example := must(t, "check", "--example")
	if out := must(t, "check", "--config", configFile(t, example)); !strings.Contains(out, "is good") || !strings.Contains(out, "note: modem: no modem is enabled") {
		t.Error(out)
	}
	bad := configFile(t, "[http]\nlisen = \"x\"\n[queue]\nbackoff = 1\n")
	if _, errs, code := say("", "check", "--config", bad); code != 1 || !strings.Contains(errs, "2 faults") || !strings.Contains(errs, "did you mean listen?") {
		t.Error(code, errs)
	}
	var r checked
	out, _, code := say("", "check", "--config", bad, "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.OK || len(r.Faults) != 2 {
		t.Errorf("%d %+v %v", code, r, err)
	}
	long := configFile(t, "[verify.templates.zh]\ncode = \"{code}"+strings.Repeat("长", 70)+"\"\n")
	if _, errs, code := say("", "check", "--config", long); code != 1 || !strings.Contains(errs, "verify.templates.zh.code") {
		t.Error(code, errs)
	}
}

func TestAProbeSaysWhoIsThereAndWhatIsWrong(t *testing.T) {
	network, err := simulator.New(simulator.Config{Modems: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	port, err := network.Modem(0).Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := configFile(t, "[[modem]]\nname = \"here\"\nport = \""+port+"\"\n[[modem]]\nname = \"gone\"\nport = \""+port+"-gone\"\n")
	out, errs, code := say("", "check", "--config", c, "--probe", "--wait", "1s")
	if code != 1 || !regexp.MustCompile(`here +ok +home`).MatchString(out) || !regexp.MustCompile(`(?m)^gone: port missing: `).MatchString(out) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestTablesAlignChineseText(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "张三": 4, "a，b": 4, "😀": 2, "é": 1} {
		if got := width(text); got != want {
			t.Errorf("%q is %d wide, want %d", text, got, want)
		}
	}
}
