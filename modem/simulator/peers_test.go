package simulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The texts that every peer must carry both ways.
var peerTexts = []struct{ name, number, text string }{
	{"gsm", "+8613800130001", "Your code is 482913, valid for 10 minutes."},
	{"ucs2", "+8613800130002", "您的验证码是482913，十分钟内有效。"},
	{"long", "+8613800130003", strings.Repeat("This text needs more than one message. ", 9) + "End"},
}

// need skips the test if a peer is not installed, or fails it where the peers are required, as in CI.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("peers take seconds: not with -short")
	}
	for _, p := range programs {
		if find(p) != "" {
			continue
		}
		if os.Getenv("ATTESTD_REQUIRE_PEERS") == "1" {
			t.Fatalf("%s is not installed, and ATTESTD_REQUIRE_PEERS=1 demands it: run `make deps`", p)
		}
		t.Skipf("%s is not installed: run `make deps`, or apt-get install gammu gammu-smsd smstools kannel", p)
	}
}

// find looks for a program where daemons are, too: an ordinary user's PATH lacks sbin. It returns "" if there is none.
func find(name string) string {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	return ""
}

// offer makes a network of modems on ptys in a directory of its own.
func offer(t *testing.T, c Config) (*Network, []string) {
	t.Helper()
	n := network(t, c)
	dir := t.TempDir()
	var paths []string
	for i := range n.Modems() {
		path, err := n.Modem(i).Listen(dir)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return n, paths
}

// file writes a file of a peer's configuration.
func file(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A program is a peer's process. It has a process group of its own, so that its children end with it.
type program struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// start runs a daemon until the test ends.
func start(t *testing.T, dir, name string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(find(name), args...)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		group := -p.cmd.Process.Pid
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(2 * time.Second):
		}
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.output())
		}
	})
	return p
}

// run runs a command to its end and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, find(name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

var errNotYet = errors.New("not yet")

// eventually waits for a condition that another process brings about; it is looked at with each new ledger entry, and
// ten times a second for what leaves no entry.
func eventually(t *testing.T, n *Network, what string, done func() error) {
	t.Helper()
	news, stop := n.Watch(1000)
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	end := time.After(25 * time.Second)
	for {
		err := done()
		if err == nil {
			return
		}
		select {
		case <-news:
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// sent is the whole texts that modem i (-1: any) put on air for a number.
func sent(n *Network, i int, number string) []string {
	var texts []string
	for _, e := range entries(n, KindSubmit) {
		switch {
		case !e.Accepted || i >= 0 && e.Modem != i || e.To != number:
		case e.Parts == 0:
			texts = append(texts, e.Text)
		case e.Whole != "":
			texts = append(texts, e.Whole)
		}
	}
	return texts
}

// onAir waits until each of peerTexts is on air exactly once.
func onAir(t *testing.T, n *Network) {
	t.Helper()
	for _, p := range peerTexts {
		eventually(t, n, "the "+p.name+" text on air", func() error {
			if len(sent(n, -1, p.number)) > 0 {
				return nil
			}
			return errNotYet
		})
		if got := sent(n, -1, p.number); len(got) != 1 || got[0] != p.text {
			t.Errorf("%s: on air %q, want once %q", p.name, got, p.text)
		}
	}
}

// holds waits until the files of a directory contain texts, as UTF-8 or as UTF-16 of either order.
func holds(t *testing.T, n *Network, dir string, texts ...string) {
	t.Helper()
	eventually(t, n, "what was received in "+filepath.Base(dir), func() error {
		var all []byte
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return err
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			all = append(all, b...)
		}
		for _, text := range texts {
			big, _ := unhex(hexUCS2(text))
			little := bytes.Clone(big)
			for i := 0; i+1 < len(little); i += 2 {
				little[i], little[i+1] = little[i+1], little[i]
			}
			if !bytes.Contains(all, []byte(text)) && !bytes.Contains(all, big) && !bytes.Contains(all, little) {
				return fmt.Errorf("%q is missing in %q", text, all)
			}
		}
		return nil
	})
}
