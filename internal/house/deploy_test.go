package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSystemdAcceptsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("ATTESTD_REQUIRE_PEERS") != "" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze is not installed")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "attestd.service"))
	if err != nil {
		t.Fatal(err)
	}
	// The binary need not be installed where the test runs.
	unit := filepath.Join(t.TempDir(), "attestd.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/attestd", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), "attestd.service:") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// A device group in DeviceAllow= is resolved when the unit starts: the driver that makes it must have been loaded by
// then, or
// the unit is kept off every modem until somebody restarts it (two boots of five on a real kernel).
func TestTheUnitLoadsTheDriversOfThePortsThatItMayOpen(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "attestd.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := string(text)
	words := func(key string) (all []string) {
		for line := range strings.Lines(unit) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
				all = append(all, strings.Fields(value)...)
			}
		}
		return all
	}
	// ttyS and ttyAMA are in every kernel that has such lines.
	drivers := map[string][]string{"char-ttyUSB": {"usbserial", "option", "qcserial"}, "char-ttyACM": {"cdc_acm"}}
	for device, modules := range drivers {
		if !slices.Contains(words("DeviceAllow"), device) {
			t.Errorf("the unit may not open %s", device)
		}
		for _, m := range append(modules, "cdc_wdm") {
			service := "modprobe@" + m + ".service"
			if !slices.Contains(words("Wants"), service) || !slices.Contains(words("After"), service) {
				t.Errorf("the unit does not want and follow %s", service)
			}
		}
	}
}
