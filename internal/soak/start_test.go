package soak

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The real binary, started where not one octet more can be written.
func TestOnAFullDiskItDoesNotStartAndLeavesTheDatabaseAsItWas(t *testing.T) {
	onASmallDisk(t, refusedAtTheStart)
}

func refusedAtTheStart(t *testing.T, small string) {
	binary := filepath.Join(t.TempDir(), "attestd")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "attestd/cmd/attestd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, settings, ballast := filepath.Join(small, "attestd.db"), filepath.Join(small, "config.toml"), filepath.Join(small, "ballast")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	_ = l.Close()
	text := fmt.Sprintf("environment = \"test\"\n[store]\nurl = \"sqlite://%s\"\n[http]\nlisten = %q\n", file, listen)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	attestd := func(args ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), binary, append(args, "--config", settings)...)
	}
	if out, err := attestd("token", "create", "--name", "one").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	serves(t, attestd("serve")) // once, so that nothing is left to be made but what every start makes
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, ballast)

	out, err := attestd("serve").CombinedOutput()
	line := strings.TrimSpace(string(out))
	if err == nil || strings.Count(line, "\n") != 0 || !strings.Contains(line, "full; the database was left as it is: free some space and start again") || !strings.Contains(line, file) {
		t.Errorf("%v: %s", err, out)
	}
	t.Log(line)
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the database was changed: %v", err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	serves(t, attestd("serve"))
}

// serves starts the gateway, waits until it serves, and stops it.
func serves(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, up := "", false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "attestd serves") {
			up = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := cmd.Wait(); err != nil || !up {
		t.Fatalf("%v\n%s", err, said)
	}
}
