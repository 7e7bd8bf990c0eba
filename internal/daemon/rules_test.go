package daemon

import (
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/inbox"
	"attestd/pdu"
)

func TestAReloadTakesTheInboundRulesOver(t *testing.T) {
	cfg := Bare(t)
	d := Serving(t, cfg)
	n := 0
	taken := func(from, text string) string {
		t.Helper()
		n++
		tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: from, Text: text, SCTS: time.Now().Add(time.Duration(n) * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		it, duplicate, err := d.inbox.Receive(t.Context(), inbox.Received{Station: "m0", SIM: "1", TPDU: tpdus[0], At: time.Now()})
		if err != nil || it == nil || duplicate {
			t.Fatal(it, duplicate, err)
		}
		kept, err := d.store.InboxItem(t.Context(), inbox.Everyone, it.ID)
		if err != nil {
			t.Fatal(err)
		}
		return kept.Rule
	}
	if got := taken("+8613800138000", "TD"); got != "stop" {
		t.Errorf("the built-in rules: %q", got)
	}
	reload := func(rules []config.InboundRule) (keys string) {
		t.Helper()
		next := *d.cfg.Load()
		next.Inbound = rules
		changed, err := d.Reload(next)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changed {
			keys += c.Key + " "
			if c.Restart {
				t.Errorf("%s wants a restart", c.Key)
			}
		}
		return keys
	}
	if keys := reload([]config.InboundRule{{Name: "all", Action: "forward"}}); keys != "inbound.all " {
		t.Errorf("changed: %s", keys)
	}
	if got := taken("+8613800138000", "TD"); got != "all" {
		t.Errorf("a rule of the file: %q", got)
	}
	if keys := reload([]config.InboundRule{}); keys != "inbound.all " {
		t.Errorf("changed: %s", keys)
	}
	if got := taken("12381", "code 123456"); got != "" {
		t.Errorf("no rules: %q", got)
	}
	if keys := reload(nil); !strings.HasPrefix(keys, "inbound.") {
		t.Errorf("changed: %s", keys)
	}
	if got := taken("12381", "code 123457"); got != "official" {
		t.Errorf("the built-in rules again: %q", got)
	}
}
