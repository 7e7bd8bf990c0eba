package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"attestd/internal/rig"
	"attestd/modem/simulator"
)

func TestTheInboxAndTheOptOutListAtTheCommandLine(t *testing.T) {
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	t.Setenv("ATTESTD_URL", r.URL)
	t.Setenv("ATTESTD_TOKEN", r.Token)
	entries, stop := r.Network.Watch(1 << 10)
	defer stop()
	for _, one := range []struct{ from, text string }{{"12381", "验证码730418"}, {"+8613800138000", "TD"}, {"95588", "账单\x1b[2J"}} {
		if err := r.Network.Inject(0, one.from, one.text); err != nil {
			t.Fatal(err)
		}
	}
	patience := time.After(30 * time.Second)
	for taken := 0; taken < 3; {
		select {
		case e := <-entries:
			if e.Kind == simulator.KindDelete {
				taken++
			}
		case <-patience:
			t.Fatal("the texts are not taken")
		}
	}
	list := must(t, "inbox")
	for _, want := range []string{`(?m)^ID +RECEIVED +FROM +MODEM +RULE +TEXT$`, `12381 +m0 +official +验证码730418`, `\+8613800138000 +m0 +stop +TD`, `95588 +m0 +- +账单\?\[2J`} {
		if !regexp.MustCompile(want).MatchString(list) {
			t.Errorf("the list has no %s:\n%s", want, list)
		}
	}
	id := regexp.MustCompile(`(?m)^([0-9a-f-]{36}) .* official `).FindStringSubmatch(must(t, "inbox", "--action", "capture"))
	if id == nil {
		t.Fatal("no captured code in the list")
	}
	if one := must(t, "inbox", id[1]); !regexp.MustCompile(`code +730418`).MatchString(one) || !strings.Contains(one, "official  capture") {
		t.Errorf("one:\n%s", one)
	}
	var item struct{ Code string }
	if err := json.Unmarshal([]byte(must(t, "inbox", id[1], "--json")), &item); err != nil || item.Code != "730418" {
		t.Error(item, err)
	}

	entry := regexp.MustCompile(`(?m)^([0-9a-f-]{36}) +\+8613800138000 +sms +stop +20`).FindStringSubmatch(must(t, "optout"))
	if entry == nil {
		t.Fatalf("the list:\n%s", must(t, "optout", "list"))
	}
	if out, errs, code := say("13900139000\n", "optout", "add", "-"); code != 0 || !strings.Contains(out, "+8613900139000 gets only codes and what is necessary") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if out := must(t, "optout", "remove", "13900139000"); !strings.Contains(out, "+8613900139000 gets texts again") {
		t.Error(out)
	}
	if out := must(t, "optout", "remove", entry[1]); !strings.Contains(out, "+8613800138000 gets texts again") {
		t.Error(out)
	}
	if _, errs, code := say("", "optout", "remove", entry[1]); code != 1 || !strings.Contains(errs, "no such opt-out") {
		t.Errorf("%d %s", code, errs)
	}
}
