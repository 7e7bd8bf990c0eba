package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// stopped is a gateway that has served and stopped: its folder, its configuration file.
func stopped(t *testing.T) (dir, file string) {
	t.Helper()
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) { c.Modem[0].Enabled = false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	t.Setenv("ATTESTD_URL", r.URL)
	t.Setenv("ATTESTD_TOKEN", r.Token)
	must(t, "send", "--to", "13800138000", "--text", "hello")
	must(t, "optout", "add", "13900139000")
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "c.toml")
	text := fmt.Sprintf("[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = %q\nkey_file = %q\n[[modem]]\nname = \"m0\"\nport = \"/dev/null\"\nenabled = false\n",
		r.Config.Store.URL, r.Config.Store.KeyFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return r.Dir, file
}

// files is what stands in the gateway's folder, but for the modems' ports.
func files(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
			fmt.Fprintf(&b, "%s %s %x\n", e.Name(), info.Mode(), data)
		}
	}
	return b.String()
}

// within runs a command that would go on for ever if it did what it must not do.
func within(t *testing.T, limit time.Duration, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var b bytes.Buffer
	code = run(&app{ctx: ctx, stdin: strings.NewReader(""), stdout: &b, stderr: &b}, args)
	if ctx.Err() != nil {
		t.Errorf("attestd %s went on", strings.Join(args, " "))
	}
	return b.String(), code
}

func refuses(t *testing.T, dir, names string, commands ...[]string) {
	t.Helper()
	before := files(t, dir)
	for _, args := range commands {
		out, code := within(t, 5*time.Second, args...)
		if code == 0 || !strings.Contains(out, names) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
			t.Errorf("attestd %s: exit %d, want one line with %s:\n%s", strings.Join(args, " "), code, names, out)
		}
		if after := files(t, dir); after != before {
			t.Fatalf("attestd %s made or changed something", strings.Join(args, " "))
		}
	}
}

func TestWithoutTheDatabasesKeyEveryCommandRefusesNamesTheFileAndChangesNothing(t *testing.T) {
	dir, file := stopped(t)
	key := filepath.Join(dir, "attestd.key")
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	all := [][]string{
		{"serve", "--config", file}, {"check", "--config", file},
		{"token", "list", "--config", file}, {"token", "create", "--config", file, "--name", "x"}, {"token", "revoke", "--config", file, "platform"},
		{"audit", "--config", file}, {"keys", "list", "--config", file}, {"keys", "reseal", "--config", file}, {"keys", "rotate", "--config", file},
		{"keys", "retire", "--config", file}, {"forget", "13800138000", "--config", file, "--force"}, {"webhooks", "secret", "--config", file},
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, key, all...)
	if err := os.WriteFile(key, []byte("1:"+strings.Repeat("A", 43)+"=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, key, all...)
	if err := os.WriteFile(key, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "check", "--config", file); !strings.Contains(out, "is good") {
		t.Error(out)
	}
	must(t, "token", "list", "--config", file)
}

func TestALostKeyIsGivenUpOnlyWhenSaidSoAndCanComeBack(t *testing.T) {
	dir, file := stopped(t)
	key := filepath.Join(dir, "attestd.key")
	right, _ := os.ReadFile(key)
	if out, code := within(t, 5*time.Second, "keys", "new", "--config", file); code == 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("with the right key: %d\n%s", code, out)
	}
	_ = os.Remove(key)
	if out, code := within(t, 5*time.Second, "keys", "new", "--config", file); code == 0 || !strings.Contains(out, "optouts.number") || !strings.Contains(out, "--lose") {
		t.Errorf("without --lose: %d\n%s", code, out)
	}
	if _, err := os.Stat(key); err == nil {
		t.Fatal("a key was made without --lose")
	}
	must(t, "keys", "new", "--config", file, "--lose")
	if out := must(t, "keys", "list", "--config", file); !strings.Contains(out, "2           seals") || !strings.Contains(out, "1           missing") {
		t.Errorf("the list:\n%s", out)
	}
	fresh, _ := os.ReadFile(key)
	if err := os.WriteFile(key, append(fresh, right...), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "keys", "list", "--config", file); !strings.Contains(out, "1           opens") {
		t.Errorf("the lost key came back:\n%s", out)
	}
}

func TestALostWebhookSecretIsNotReplacedByItself(t *testing.T) {
	dir, file := stopped(t)
	secret := filepath.Join(dir, "webhook.secret")
	right, err := os.ReadFile(secret)
	if err != nil {
		t.Fatal(err)
	}
	all := [][]string{{"serve", "--config", file}, {"check", "--config", file}, {"webhooks", "secret", "--config", file}}
	_ = os.Remove(secret)
	refuses(t, dir, secret, all...)
	_ = os.WriteFile(secret, []byte("whsec_"+strings.Repeat("A", 43)+"=\n"), 0o600)
	refuses(t, dir, secret, append(all, []string{"webhooks", "secret", "--config", file, "--rotate"})...)
	must(t, "webhooks", "secret", "--config", file, "--new")
	must(t, "check", "--config", file)
	// Rotated: the gateway has to sign with the newest before the older goes.
	_ = os.WriteFile(secret, right, 0o600)
	must(t, "webhooks", "secret", "--config", file, "--new")
	must(t, "webhooks", "secret", "--config", file, "--rotate")
	refuses(t, dir, "reload or start it first", []string{"webhooks", "secret", "--config", file, "--retire"})
}

func TestACopyOfTheRunningDatabaseAloneIsServedByNothingAndListsNothing(t *testing.T) {
	r := gateway(t)
	must(t, "send", "--to", "13800138000", "--text", "hello")
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "c.toml")
	for _, name := range []string{"attestd.db", "attestd.key", "webhook.secret"} {
		data, err := os.ReadFile(filepath.Join(r.Dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := "[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://" + dir + "/attestd.db\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "docs/operating.md", []string{"serve", "--config", file}, []string{"check", "--config", file},
		[]string{"token", "list", "--config", file}, []string{"keys", "list", "--config", file}, []string{"audit", "--config", file})
}
