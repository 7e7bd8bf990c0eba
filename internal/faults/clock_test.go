package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// settable is what a build gets besides, so that the wall clock of its process can be set. The monotonic clock is left alone.
const settable = `package time

import "sync/atomic"

var ahead atomic.Int64

// Jump sets the wall clock of this process ahead.
func Jump(by Duration) { ahead.Add(int64(by)) }

func jumped(sec int64, nsec int32) (int64, int32) {
	by := ahead.Load()
	ns := int64(nsec) + by%1e9
	sec += by / 1e9
	switch {
	case ns < 0:
		return sec - 1, int32(ns + 1e9)
	case ns >= 1e9:
		return sec + 1, int32(ns - 1e9)
	}
	return sec, int32(ns)
}
`

// lent gives a package the power to do so.
const lent = `package %s

import "time"

func init() { %s = time.Jump }
`

// overlay writes what go build -overlay needs for a program whose clock can be set: the toolchain's own time.Now, with a line more.
func overlay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	text, err := os.ReadFile(filepath.Join(there, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const read = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	// A bubble of testing/synctest has one clock for both, and gives no monotonic reading of it.
	const line = "\tif mono == 0 {\n\t\tmono = sec*1e9 + int64(nsec)\n\t}\n\tsec, nsec = jumped(sec, nsec)\n"
	if strings.Count(string(text), read) != 1 {
		if os.Getenv("ATTESTD_REQUIRE_PEERS") != "" {
			t.Fatal("this toolchain's time.Now is another than the one that a line is added to")
		}
		t.Skip("this toolchain's time.Now is another: no build of it has a clock that can be set")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range []struct{ path, text string }{
		{filepath.Join(there, "time.go"), strings.Replace(string(text), read, read+line, 1)},
		{filepath.Join(there, "jump.go"), settable},
		{filepath.Join(root, "internal", "faults", "jump.go"), fmt.Sprintf(lent, "faults", "Jump")},
		{filepath.Join(root, "queue", "jump_test.go"), fmt.Sprintf(lent, "queue_test", "jump")},
		{filepath.Join(root, "internal", "store", "jump_test.go"), fmt.Sprintf(lent, "store", "jump")},
	} {
		files[f.path] = filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(f.path, "/"), "/", "_"))
		if err := os.WriteFile(files[f.path], []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheGatewaysClockJumpsAndNothingIsLostOrSentTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("two minutes")
	}
	program := filepath.Join(t.TempDir(), "attestd")
	if out, err := exec.Command("go", "build", "-overlay", overlay(t), "-o", program, "../../cmd/attestd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"faults", "--log"}
	for _, f := range clocks {
		args = append(args, f.Name)
	}
	run := exec.CommandContext(t.Context(), program, args...)
	var log strings.Builder
	run.Stderr = &log
	table, err := run.Output()
	t.Logf("\n%s", table)
	if err != nil {
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, "msg=request") {
				_, _ = t.Output().Write([]byte(line))
			}
		}
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "the clock of this machine was set"); n != 5 {
		t.Errorf("%d jumps were told of in the log; there were 5", n)
	}
}

// The tests of the invariants, in a process whose clock is set now and then.
func TestInvariantsHoldWhenTheClockJumps(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	seed := rand.Uint64() | 1 // 0 names none
	t.Logf("to run it again: -rapid.seed=%d (and -rapid.nofailfile: nothing is left in the tree)", seed)
	run := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay", overlay(t), "-run", "UnderAnyOrderOfEvents|OverTheRealStoreExceedsACap",
		"../../queue", "../store", "-rapid.nofailfile", fmt.Sprint("-rapid.seed=", seed))
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
