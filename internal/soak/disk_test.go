package soak

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// onASmallDisk runs a test on a file system of its own, 8 MiB in memory, that really can be full: no stand-in. It needs no
// privilege: the test is run by a second process, which is root in a user and mount namespace of its own (user_namespaces(7)). Where
// the machine refuses that, who may mount does; else the test is skipped.
func onASmallDisk(t *testing.T, test func(t *testing.T, dir string)) {
	t.Helper()
	const inside = "ATTESTD_TEST_SMALL_DISK"
	if os.Getenv(inside) == t.Name() {
		mountSmall(t, test)
		return
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:   syscall.SIGKILL,
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Logf("no namespace of its own (%v): mounting as it is", err)
		mountSmall(t, test)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()):
		t.Logf("a namespace of its own, but no mount in it: mounting as it is\n%s", out)
		mountSmall(t, test)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("in a namespace of its own: %v\n%s", err, out)
	default:
		t.Logf("in a namespace of its own:\n%s", out)
	}
}

func mountSmall(t *testing.T, test func(t *testing.T, dir string)) {
	t.Helper()
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("needs a user namespace, or the right to mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	test(t, small)
}

// fill writes until the disk takes no more octet.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := make([]byte, 1<<16); ; {
		if _, err := f.Write(block); err == nil {
			continue
		}
		if len(block) == 1 {
			return
		}
		block = block[:len(block)/16]
	}
}
