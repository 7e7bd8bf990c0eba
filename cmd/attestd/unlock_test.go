package main

import (
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

// locked is a gateway whose only modem has a card with the PIN 1234 and is told wrong.
func locked(t *testing.T, wrong string) *rig.Rig {
	t.Helper()
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1, PIN: "1234"}, Edit: func(c *config.Config) {
		c.Modem[0].PIN = config.Secret(wrong)
	}})
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

// becomes waits for a state of the modem.
func becomes(t *testing.T, state string) (list string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // a state, not an event
		if list = must(t, "modems"); strings.Contains(list, state) {
			return list
		}
	}
	t.Fatalf("m0 does not become %s:\n%s", state, list)
	return ""
}

func TestAfterAWrongPINAnotherIsTriedOnPurposeAndNeverTheLastTry(t *testing.T) {
	locked(t, "9999")
	if list := becomes(t, "parked"); !strings.Contains(list, "attestd unlock") {
		t.Errorf("the list does not say what to do:\n%s", list)
	}
	if _, errs, code := say("9999\n", "unlock", "m0"); code != 1 || !strings.Contains(errs, "refused this PIN before") {
		t.Errorf("the PIN that was wrong: %d %s", code, errs)
	}
	if out, errs, code := say("1111\n", "unlock", "m0"); code != 1 || !strings.Contains(out, "NOT unlocked. Tries left: 2 before, 1 now.") {
		t.Errorf("another wrong one: %d %s%s", code, out, errs)
	}
	if _, errs, code := say("1234\n", "unlock", "m0"); code != 1 || !strings.Contains(errs, "the last is never risked") {
		t.Errorf("with one try left: %d %s", code, errs)
	}
}

func TestTheRightPINUnlocksAParkedModemAndOutlivesItsRestart(t *testing.T) {
	r := locked(t, "9999")
	becomes(t, "parked")
	file := filepath.Join(r.Dir, "new.pin")
	if err := os.WriteFile(file, []byte("1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "unlock", "m0", "--pin-file", file); !strings.Contains(out, "m0 is unlocked. Tries left: 2 before, 3 now.") {
		t.Error(out)
	}
	becomes(t, "ready")
	if _, errs, code := say("1234", "unlock", "m0"); code != 1 || !strings.Contains(errs, "does not wait for a PIN") {
		t.Errorf("one that is ready: %d %s", code, errs)
	}
	if err := r.Network.Fault(simulator.Fault{Fault: "pin"}); err != nil { // the card asks again, as after a restart
		t.Fatal(err)
	}
	must(t, "send", "--to", "13800138000", "--text", "after the restart", "--wait", "--timeout", "30s")
	for stdin, want := range map[string]string{"": "4 to 8 digits", "12": "4 to 8 digits", "12345678901": "4 to 8 digits"} {
		if _, errs, code := say(stdin, "unlock", "m0"); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %s", stdin, code, errs)
		}
	}
	if _, errs, code := say("1234", "unlock", "m7"); code != 1 || !strings.Contains(errs, "no modem of this name") {
		t.Errorf("no such modem: %d %s", code, errs)
	}
}

func TestAModemIsUnlockedWithoutAGatewayToo(t *testing.T) {
	r := locked(t, "9999")
	becomes(t, "parked")
	file := filepath.Join(r.Dir, "config.toml")
	text := fmt.Sprintf("[store]\nurl = %q\n[[modem]]\nname = \"m0\"\nport = %q\npin_file = \"of-the-unit.pin\"\n", r.Config.Store.URL, r.Config.Modem[0].Port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := say("4321", "unlock", "m0", "--config", file); code != 1 || !strings.Contains(out, "2 before, 1 now") {
		t.Errorf("beside a gateway, which is asked: %d %s%s", code, out, errs)
	}
	if err := r.Halt(); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := say("1234", "unlock", "m0", "--config", file); code != 1 || !strings.Contains(errs, "never risked") {
		t.Errorf("without one: %d %s", code, errs)
	}
	if audit := must(t, "audit", "--config", file); strings.Count(audit, "modem.unlock") != 2 || strings.Contains(audit, "4321") {
		t.Errorf("the audit log:\n%s", audit)
	}
}
