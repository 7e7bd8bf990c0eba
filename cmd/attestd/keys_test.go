package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

func TestAPersonIsForgottenThroughTheGatewayAndWithoutItAndKeysAreRotatedBetween(t *testing.T) {
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) { c.Modem[0].Enabled = false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	file := filepath.Join(t.TempDir(), "c.toml")
	text := fmt.Sprintf("[store]\nurl = %q\nkey_file = %q\n[[modem]]\nname = \"m0\"\nport = \"/dev/null\"\nenabled = false\n", r.Config.Store.URL, r.Config.Store.KeyFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ATTESTD_URL", r.URL)
	t.Setenv("ATTESTD_TOKEN", r.Token)
	for _, to := range []string{"13800138000", "13900139000"} {
		must(t, "send", "--to", to, "--text", "hello")
	}
	if out := must(t, "forget", "13800138000", "--config", file, "--dry-run"); !strings.Contains(out, "messages  1") || !strings.Contains(out, "Nothing was changed") {
		t.Errorf("a dry run:\n%s", out)
	}
	if _, out, code := say("", "forget", "13800138000", "--config", file); code != 1 || !strings.Contains(out, "under way for this number: message ") {
		t.Errorf("with a message under way: %d\n%s", code, out)
	}
	if out := must(t, "forget", "13800138000", "--config", file, "--force"); !strings.Contains(out, "messages cancelled: ") {
		t.Errorf("through the gateway:\n%s", out)
	}
	if out := must(t, "forget", "+86 138 0013 8000", "--config", file); !strings.Contains(out, "Nothing is kept") {
		t.Errorf("again:\n%s", out)
	}
	must(t, "keys", "rotate", "--config", file)
	if _, out, code := say("", "keys", "retire", "--config", file); code != 1 || !strings.Contains(out, "no gateway seals under generation 2 yet") {
		t.Errorf("retired under a gateway that has not taken the newer one: %d\n%s", code, out)
	}
	if _, out, code := say("", "keys", "reseal", "--config", file); code != 1 || !strings.Contains(out, "a gateway is running") {
		t.Errorf("re-sealed beside a gateway: %d\n%s", code, out)
	}
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "keys", "list", "--config", file); !strings.Contains(out, "messages.recipient ") {
		t.Errorf("the list:\n%s", out)
	}
	must(t, "keys", "reseal", "--config", file)
	if out := must(t, "forget", "13900139000", "--config", file, "--force", "--json"); !strings.Contains(out, `"messages": 1`) {
		t.Errorf("on the database:\n%s", out)
	}
	must(t, "keys", "retire", "--config", file)
	if out := must(t, "keys", "list", "--config", file); strings.Contains(out, "opens") {
		t.Errorf("after the retirement:\n%s", out)
	}
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
}
