package modem_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// plugged gives a simulated modem on a real pty, and its path.
func plugged(t *testing.T, sc simulator.Config) (*simulator.Network, string) {
	t.Helper()
	n, err := simulator.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	path, err := n.Modem(0).Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return n, path
}

func open(t *testing.T, c modem.Config) *modem.Modem {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	m, err := modem.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func ended(t *testing.T, m *modem.Modem) {
	t.Helper()
	select {
	case <-m.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the session did not end")
	}
}

func TestOnARealTerminalAMessageGoesOutAndComesIn(t *testing.T) {
	for _, profile := range profiles {
		n, path := plugged(t, simulator.Config{Profile: profile})
		m := open(t, modem.Config{Port: path, Registration: 10 * time.Second})
		ctx := context.Background()
		if _, err := m.Submit(ctx, "a1", tpdu(t, "+8613800138000", "hello")); err != nil {
			t.Fatal(err)
		}
		if e := submitted(n, "hello"); e == nil || !e.Accepted {
			t.Fatalf("%s: not on air: %+v", profile, e)
		}
		for _, inject := range []bool{false, true} { // the report, then a text
			if inject {
				n.Inject(0, "+8613900139000", "answer")
			}
			if err := m.Acknowledge(ctx, take(t, m, modem.Received)); err != nil {
				t.Error(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		open(t, modem.Config{Port: path}).Close() // the lock is gone with the session
	}
}

func TestASecondSessionOnAPortIsRefused(t *testing.T) {
	_, path := plugged(t, simulator.Config{})
	open(t, modem.Config{Port: path})
	_, err := modem.Open(context.Background(), modem.Config{Port: path})
	if !errors.Is(err, modem.ErrPortBusy) {
		t.Fatalf("got %v", err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := modem.Open(context.Background(), modem.Config{Port: target}); !errors.Is(err, modem.ErrPortBusy) {
		t.Fatalf("by its other name: %v", err)
	}
}

func TestUnpluggingEndsTheSessionAndTheSubmitUnderWayIsInDoubt(t *testing.T) {
	paid := make(chan struct{})
	n, path := plugged(t, simulator.Config{Radio: time.Minute, Hook: func(p simulator.Point) {
		if p.Name == simulator.PointCtrlZ {
			close(paid)
		}
	}})
	m := open(t, modem.Config{Port: path, Registration: 10 * time.Second, SubmitTimeout: 20 * time.Second})
	result := make(chan error, 1)
	go func() {
		_, err := m.Submit(context.Background(), "a1", tpdu(t, "+8613800138000", "hello"))
		result <- err
	}()
	<-paid // the simulator has read Ctrl-Z
	if err := n.Modem(0).Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, modem.ErrOutcomeUnknown) {
		t.Fatalf("got %v", err)
	}
	ended(t, m)
	for range m.Events() {
	}
	if _, err := m.Submit(context.Background(), "a2", tpdu(t, "+8613800138000", "hello")); !errors.Is(err, modem.ErrNotSent) {
		t.Fatalf("after that: %v", err)
	}
	if _, err := modem.Open(context.Background(), modem.Config{Port: path}); !errors.Is(err, modem.ErrPortMissing) {
		t.Fatalf("while it is away: %v", err)
	}
	m.Close()
	if path, err := n.Modem(0).Replug(true); err != nil {
		t.Fatal(err)
	} else {
		open(t, modem.Config{Port: path})
	}
}

func TestEachBadPortGetsOneClearLine(t *testing.T) {
	silent, silentTTY, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	defer silentTTY.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(t.TempDir(), "ttyUSB7")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "tcp://" + listener.Addr().String()
	listener.Close()
	for _, c := range []struct {
		port string
		want error
		says string
	}{
		{"", modem.ErrPortMissing, "no port is named"},
		{gone, modem.ErrPortMissing, "does not exist"},
		{file, modem.ErrNotAModem, "no serial port"},
		{nobody, modem.ErrPortMissing, "can't be reached"},
		{silentTTY.Name(), modem.ErrNotAModem, "nothing answers AT"},
	} {
		_, err := modem.Open(context.Background(), modem.Config{Port: c.port, AnswerWait: 2 * time.Second})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %v", c.port, err, c.want)
		}
	}
}

func TestAPortThatAnotherProgramLocksIsBusy(t *testing.T) {
	_, path := plugged(t, simulator.Config{})
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := modem.Open(context.Background(), modem.Config{Port: path}); !errors.Is(err, modem.ErrPortBusy) {
		t.Fatalf("got %v", err)
	}
}

func TestAModemBehindTCPIsOpened(t *testing.T) {
	n, err := simulator.New(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err == nil {
			n.Modem(0).ServeConn(conn)
		}
	}()
	m := open(t, modem.Config{Port: "tcp://" + l.Addr().String(), Registration: 10 * time.Second})
	if _, err := m.Submit(context.Background(), "a1", tpdu(t, "+8613800138000", "hello")); err != nil {
		t.Fatal(err)
	}
}

func TestAStuckPortIsGivenUpAndNothingIsWrittenAfterThat(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	m, _ := promptOnly(t, master, tty.Name())
	// From here nobody reads the master: writes of the tty block when its buffer is full.
	big := make([]byte, 200_000)
	if _, err := m.Submit(context.Background(), "a1", big); !errors.Is(err, modem.ErrOutcomeUnknown) {
		t.Fatalf("got %v", err)
	}
	ended(t, m)
	if err := m.Err(); err == nil {
		t.Fatal("no reason given")
	}
}

func TestAHangUpAfterCtrlZEndsTheSessionInDoubt(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	m, prompted := promptOnly(t, master, tty.Name())
	result := make(chan error, 1)
	go func() {
		_, err := m.Submit(context.Background(), "a1", []byte{1, 0, 11})
		result <- err
	}()
	<-prompted
	b := make([]byte, 64)
	for n := 0; !strings.Contains(string(b[:n]), "\x1a"); { // after the prompt nobody else reads
		more, err := master.Read(b[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	master.Close()
	if err := <-result; !errors.Is(err, modem.ErrOutcomeUnknown) {
		t.Fatalf("got %v", err)
	}
	ended(t, m)
	if _, open := <-m.Events(); open {
		t.Error("an event after the end")
	}
	if _, err := m.Submit(context.Background(), "a2", []byte{1, 0, 11}); !errors.Is(err, modem.ErrNotSent) {
		t.Fatalf("after that: %v", err)
	}
}

// promptOnly answers the handshake by OK alone, then a prompt, and reads no more.
func promptOnly(t *testing.T, master *os.File, path string) (m *modem.Modem, prompted chan struct{}) {
	prompted = make(chan struct{})
	go func() {
		line := make([]byte, 0, 100)
		b := make([]byte, 1)
		for {
			if _, err := master.Read(b); err != nil {
				return
			}
			if b[0] != '\r' {
				line = append(line, b[0])
				continue
			}
			if strings.HasPrefix(string(line), "AT+CMGS") {
				master.Write([]byte("\r\n> "))
				close(prompted)
				return
			}
			line = line[:0]
			master.Write([]byte("\r\nOK\r\n"))
		}
	}()
	return open(t, modem.Config{Port: path, WriteTimeout: time.Second}), prompted
}
