package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"attestd/modem/simulator"
)

// run is one run of the harness.
type run struct {
	o       Options
	dice    *rand.Rand
	dir     string
	listen  string
	token   string
	network *simulator.Network
	client  *http.Client

	child    atomic.Pointer[child]
	onAir    atomic.Int64          // distinct texts on air
	reported atomic.Int64          // status reports that the gateway acknowledged
	arm      atomic.Pointer[armed] // the next kill, for the network's hook
	mu       sync.Mutex            // guards what follows
	texts    map[string]bool       // asked for: text -> repeatable
	inject   []string              // texts that were sent to us

	recoveries []time.Duration
	result     Result
}

// child is one life of the gateway.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// armed is a kill that waits for its moment.
type armed struct {
	point string
	once  sync.Once
	done  chan struct{}
	after time.Time // when it struck
}

// setUp makes the network, the configuration and the token, and starts the gateway for the first time.
func (r *run) setUp(ctx context.Context) (err error) {
	r.texts = map[string]bool{}
	r.client = &http.Client{Timeout: 10 * time.Second}
	if r.dir, err = os.MkdirTemp("", "attestd-crash-"); err != nil {
		return err
	}
	radio := 20 * time.Millisecond
	if r.o.radio > 0 {
		radio = r.o.radio
	}
	r.network, err = simulator.New(simulator.Config{
		Modems: r.o.Modems, Radio: radio, ReportDelay: 60 * time.Millisecond, NoReports: r.o.NoReports,
		MECapacity: 255, AckTimeout: 2 * time.Second, Hook: r.strike,
	})
	if err != nil {
		return err
	}
	r.watchAir()
	if r.listen, err = freePort(); err != nil {
		return err
	}
	if err := r.configure(); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, r.o.Binary, "token", "create", "--config", r.configFile(), "--name", "crash").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return fmt.Errorf("making a token: %w", err)
	}
	r.token = strings.TrimSpace(string(out))
	return r.boot(ctx)
}

func (r *run) configFile() string { return filepath.Join(r.dir, "config.toml") }

func (r *run) configure() error {
	var b strings.Builder
	onUnknown := r.o.OnUnknown
	if onUnknown == "" {
		onUnknown = "wait"
	}
	fmt.Fprintf(&b, "environment = \"test\"\n[store]\nurl = \"sqlite://%s/attestd.db\"\n[http]\nlisten = %q\n", r.dir, r.listen)
	fmt.Fprintf(&b, "[queue]\nbackoff = \"200ms\"\nreport_window = \"1m\"\non_unknown = %q\n", onUnknown)
	fmt.Fprintf(&b, "[modems]\nrate_per_minute = 0\nsubmit_timeout = \"5s\"\nlate_result_wait = \"2s\"\n")
	for i := range r.o.Modems {
		port, err := r.network.Modem(i).Listen(r.dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "[[modem]]\nname = \"m%d\"\nport = %q\n", i, port)
	}
	return os.WriteFile(r.configFile(), []byte(b.String()), 0o600)
}

// freePort finds a port for the API; it stays the same over all lives.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// boot starts a life of the gateway.
func (r *run) boot(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, r.o.Binary, "serve", "--config", r.configFile())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it never outlives the harness
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c := &child{cmd: cmd, ended: make(chan struct{})}
	r.child.Store(c)
	go func() {
		defer close(c.ended)
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if r.o.Log != nil {
				r.o.Log(lines.Text())
			}
		}
		_, _ = io.Copy(io.Discard, stderr)
		_ = cmd.Wait()
	}()
	return nil
}

// strike is the network's hook: it kills the gateway at the very moment.
func (r *run) strike(p simulator.Point) {
	if r.o.point != nil {
		r.o.point(p)
	}
	a := r.arm.Load()
	if a == nil || a.point != p.Name {
		return
	}
	r.fire(a)
}

func (r *run) fire(a *armed) {
	a.once.Do(func() {
		r.arm.CompareAndSwap(a, nil)
		a.after = time.Now()
		_ = r.child.Load().cmd.Process.Kill()
		close(a.done)
	})
}

// warmUp waits until every modem has sent a few messages.
func (r *run) warmUp(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for int(r.onAir.Load()) < 8*r.o.Modems {
		if bounded.Err() != nil {
			return fmt.Errorf("the gateway did not begin to send: %w", context.Cause(bounded))
		}
		pause(bounded, 20*time.Millisecond)
	}
	return nil
}

// killAt waits for a moment, kills, starts the next life, and waits until it sends again.
func (r *run) killAt(ctx context.Context, moment string) error {
	a := &armed{point: moment, done: make(chan struct{})}
	patience := time.NewTimer(60 * time.Second)
	defer patience.Stop()
	r.arm.Store(a)
	if moment == "any time" {
		time.AfterFunc(time.Duration(r.dice.IntN(400))*time.Millisecond, func() { r.fire(a) })
	}
	select {
	case <-a.done:
	case <-patience.C:
		return fmt.Errorf("its moment did not come within a minute: %s", r.describe(ctx))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	<-r.child.Load().ended
	entries, stop := r.network.Watch(4096)
	defer stop()
	if err := r.boot(ctx); err != nil {
		return err
	}
	patience.Reset(60 * time.Second)
	for {
		select {
		case e := <-entries:
			// One that was on its way when the gateway was killed is noted later, and is no sign of the next life.
			command := e.At.Add(-time.Duration(e.US-e.Command) * time.Microsecond)
			if e.Kind == simulator.KindSubmit && e.Command > 0 && command.After(a.after) {
				r.recoveries = append(r.recoveries, time.Since(a.after))
				return nil
			}
		case <-patience.C:
			return fmt.Errorf("nothing was sent within a minute after the restart: %s", r.describe(ctx))
		case <-r.child.Load().ended:
			return errors.New("the gateway ended by itself after the restart")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (r *run) tearDown() error {
	var errs []error
	if c := r.child.Load(); c != nil {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.ended:
		case <-time.After(20 * time.Second):
			_ = c.cmd.Process.Kill()
			<-c.ended
			errs = append(errs, errors.New("the gateway did not end within 20 s of SIGTERM"))
		}
	}
	if r.network != nil {
		errs = append(errs, r.network.Close())
	}
	if r.dir != "" {
		errs = append(errs, os.RemoveAll(r.dir))
	}
	return errors.Join(errs...)
}
