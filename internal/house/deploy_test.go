package house

import (
	"os"
	"os/exec"
	"path/filepath"
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
