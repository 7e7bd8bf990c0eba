package crash

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"attestd/modem/simulator"
)

// begun is a run whose gateway serves; it ends with the test.
func begun(t *testing.T, o Options) *run {
	t.Helper()
	o.Binary, o.Modems = binary(t), 2
	o.Log = func(line string) { t.Log(line) }
	r := newRun(o)
	err := r.setUp(t.Context())
	t.Cleanup(func() {
		if err := r.tearDown(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ends waits until the gateway has ended, and gives its exit code; -1 when a signal ended it.
func (r *run) ends(t *testing.T) (code int, took time.Duration) {
	t.Helper()
	began := time.Now()
	c := r.child.Load()
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the gateway did not end within 30 s")
	}
	return c.cmd.ProcessState.ExitCode(), time.Since(began)
}

func (r *run) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := r.child.Load().cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// first is how many messages are in each state when the API first answers.
func (r *run) first(t *testing.T) map[string]int {
	t.Helper()
	for began := time.Now(); time.Since(began) < 30*time.Second; pause(t.Context(), 10*time.Millisecond) {
		var status struct{ Messages map[string]int }
		if _, raw, err := r.call(t.Context(), "GET", "/v1/status", nil); err == nil && json.Unmarshal(raw, &status) == nil && len(status.Messages) > 0 {
			return status.Messages
		}
	}
	t.Fatal("the API does not answer")
	return nil
}

func TestSIGTERMUnderLoadLeavesNothingInDoubt(t *testing.T) {
	r := begun(t, Options{Seed: 5, radio: 300 * time.Millisecond})
	load, stop := context.WithCancel(t.Context())
	defer stop()
	fed := make(chan error, 1)
	go func() { fed <- r.feed(load) }()
	if err := r.warmUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		before := r.onAir.Load()
		r.signal(t, syscall.SIGTERM)
		if code, took := r.ends(t); code != 0 {
			t.Fatalf("exit code %d", code)
		} else if took > 10*time.Second {
			t.Errorf("it took %v to stop; a submit takes 300 ms", took)
		}
		if err := r.boot(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := r.first(t)["unknown"]; n != 0 {
			t.Fatalf("%d in doubt after a stop", n)
		}
		entries, stop := r.network.Watch(4096)
		for limit := time.After(30 * time.Second); r.onAir.Load() < before+6; {
			select {
			case <-entries:
			case <-limit:
				t.Fatal("it does not send after the start: " + r.describe(t.Context()))
			}
		}
		stop()
	}
	stop()
	<-fed
	if err := r.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.count(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r.result)
	if !r.result.Clean() || r.result.Repeated != 0 || r.result.Sent < 40 {
		t.Error("a stop that was asked for lost something, repeated something or left something in doubt")
	}
}

func TestASecondSIGTERMEndsItAtOnceAndTheNextStartSettlesWhatWasUnderWay(t *testing.T) {
	reached := make(chan struct{})
	var once sync.Once
	r := begun(t, Options{Seed: 6, radio: 4 * time.Second, point: func(p simulator.Point) {
		if p.Name == simulator.PointCtrlZ { // handed over; on air in 4 s
			once.Do(func() { close(reached) })
		}
	}})
	if err := r.ask(t.Context(), 1); err != nil { // one that may not be repeated
		t.Fatal(err)
	}
	select {
	case <-reached:
	case <-time.After(30 * time.Second):
		t.Fatal("no submit")
	}
	r.signal(t, syscall.SIGTERM)
	for status := 200; status == 200; { // until it has begun to stop
		s, _, err := r.call(t.Context(), "GET", "/readyz", nil)
		if err != nil {
			break
		}
		status = s
	}
	r.signal(t, syscall.SIGTERM)
	if code, took := r.ends(t); code != -1 || took > time.Second {
		t.Errorf("exit code %d after %v; want the signal, at once", code, took)
	}
	if err := r.boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	// States are recovered before the API answers. The modem's late answer may have settled the doubt by then.
	if got := r.first(t); got["submitting"] != 0 || got["unknown"]+got["submitted"]+got["delivered"] != 1 {
		t.Errorf("%v when the API first answers", got)
	}
	if err := r.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.count(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.result.OnAir != 1 || r.result.Doubled != 0 || r.result.Settled["delivered"] != 1 {
		t.Errorf("%+v", r.result)
	}
}

func TestADatabaseThatMayNotBeWrittenIsRefusedAndLeftAsItWas(t *testing.T) {
	r := begun(t, Options{})
	r.first(t) // it serves
	r.signal(t, syscall.SIGTERM)
	r.ends(t)
	file := filepath.Join(r.dir, "attestd.db")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), r.o.Binary, "serve", "--config", r.configFile())
	if os.Geteuid() == 0 { // root may write everything: be nobody
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		for path, mode := range map[string]os.FileMode{
			r.dir: 0o755, r.configFile(): 0o644, file: 0o644, filepath.Join(r.dir, "attestd.key"): 0o600,
			filepath.Dir(r.o.Binary): 0o755, filepath.Dir(filepath.Dir(r.o.Binary)): 0o755,
		} {
			if err := os.Chmod(path, mode); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		if err := os.Chown(filepath.Join(r.dir, "attestd.key"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(r.dir, 0o555); err != nil {
		t.Fatal(err)
	} else if err := os.Chmod(file, 0o444); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cannot be written") || strings.Count(strings.TrimSpace(string(out)), "\n") != 0 {
		t.Errorf("%v: %s", err, out)
	}
	_ = os.Chmod(r.dir, 0o700)
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the database was changed: %v", err)
	}
	if err := r.boot(t.Context()); err != nil { // for the teardown
		t.Fatal(err)
	}
}
