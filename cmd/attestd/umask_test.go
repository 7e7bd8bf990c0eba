package main

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asMain has the test binary be attestd: what a process is started with (its umask, here) cannot be tested in ours.
const asMain = "ATTESTD_TEST_IS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// attestd is the command as a process of its own, under a umask.
func attestd(t *testing.T, umask string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", "umask " + umask + `; exec "$0" "$@"`, self}, args...)...)
	c.Env = append(os.Environ(), asMain+"=1")
	c.WaitDelay = 10 * time.Second
	return c
}

// wide lists what others than the owner may do anything with.
func wide(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			all = append(all, e.Name()+" "+info.Mode().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEverythingTheGatewayMakesIsItsOwnersAloneWhateverTheUmask(t *testing.T) {
	for _, umask := range []string{"022", "000"} {
		dir := t.TempDir()
		file := filepath.Join(t.TempDir(), "c.toml")
		text := "[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://" + dir + "/attestd.db\"\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		command := func(args ...string) {
			t.Helper()
			if out, err := attestd(t, umask, append(args, "--config", file)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
		command("token", "create", "--name", "a")
		for _, suffix := range []string{"-wal", "-shm"} { // of an earlier version, and of a crash
			if err := os.WriteFile(filepath.Join(dir, "attestd.db"+suffix), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_ = os.Chmod(filepath.Join(dir, "attestd.db"+suffix), 0o644)
		}
		serve := attestd(t, umask, "serve", "--config", file)
		stderr, err := serve.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := serve.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stderr)
		for lines.Scan() && !strings.Contains(lines.Text(), "attestd serves") {
		}
		command("token", "create", "--name", "b")
		command("keys", "rotate")
		command("webhooks", "secret", "--rotate")
		if all := wide(t, dir); len(all) > 0 {
			t.Errorf("under umask %s: %v", umask, all)
		}
		if _, err := os.Stat(filepath.Join(dir, "attestd.db-wal")); err != nil {
			t.Error("nothing was tested: ", err)
		}
		_ = serve.Process.Signal(syscall.SIGTERM)
		for lines.Scan() {
		}
		if err := serve.Wait(); err != nil {
			t.Error(err)
		}
		if all := wide(t, dir); len(all) > 0 {
			t.Errorf("stopped, under umask %s: %v", umask, all)
		}
	}
}
