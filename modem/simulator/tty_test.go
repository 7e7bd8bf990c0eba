package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"attestd/pdu"
)

// open opens a port as a program does, and hands over what it says.
func open(t *testing.T, path string) (*os.File, func(want string) string) {
	t.Helper()
	port, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	var got []byte
	return port, func(want string) string {
		t.Helper()
		buf := make([]byte, 4096)
		for !bytes.Contains(got, []byte(want)) {
			if err := port.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := port.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				t.Fatalf("waiting for %q after %q: %v", want, got, err)
			}
		}
		said := string(got)
		got = nil
		return said
	}
}

func write(t *testing.T, port *os.File, s string) {
	t.Helper()
	if _, err := port.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

func TestAPtyIsRawBeforeAndAfterAHostAndKeepsWhatIsSaidInBetween(t *testing.T) {
	n, paths := offer(t, Config{Modems: 1})
	port, expect := open(t, paths[0])
	write(t, port, "ATE0+CNMI=2,1,0,0,0\r")
	expect("OK\r\n")
	cooked(t, port)
	port.Close()
	eventually(t, n, "the port as it was", func() error { return pristine(paths[0]) })
	if err := n.Inject(0, "10086", "while nobody listens"); err != nil {
		t.Fatal(err)
	}
	port, expect = open(t, paths[0])
	if got := expect("+CMTI: \"SM\",1\r\n"); got != "\r\n+CMTI: \"SM\",1\r\n" {
		t.Errorf("after opening: %q", got)
	}
	write(t, port, "AT+CMGR=1\r")
	if got := expect("OK\r\n"); !strings.HasPrefix(got, "\r\n+CMGR: 0,,") {
		t.Errorf("%q: something was echoed", got)
	}
}

// cooked does what a careless program leaves behind: echo, and exclusive use.
func cooked(t *testing.T, port *os.File) {
	t.Helper()
	err := control(port, func(fd int) error {
		tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		tio.Lflag |= unix.ECHO | unix.ICANON
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, tio); err != nil {
			return err
		}
		return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pristine looks at a port without opening it for itself longer than a moment.
func pristine(path string) error {
	port, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer port.Close()
	return control(port, func(fd int) error {
		tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		exclusive, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL)
		if err != nil {
			return err
		}
		if tio.Lflag&(unix.ECHO|unix.ICANON) != 0 || exclusive != 0 {
			return fmt.Errorf("flags %#x, exclusive %d", tio.Lflag, exclusive)
		}
		return nil
	})
}

func TestUnpluggingIsAHangUpAndReplugKeepsOrChangesTheName(t *testing.T) {
	n, paths := offer(t, Config{Modems: 2, Boot: time.Millisecond})
	m := n.Modem(0)
	port, expect := open(t, paths[0])
	write(t, port, "ATE0\r")
	expect("OK\r\n")
	if err := m.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(port); err != nil && !errors.Is(err, unix.EIO) {
		t.Errorf("reading: %v", err)
	}
	if _, err := port.WriteString("AT\r"); !errors.Is(err, unix.EIO) {
		t.Errorf("writing: %v", err)
	}
	if _, err := os.Lstat(paths[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
	if err := m.Unplug(); err == nil {
		t.Error("unplugged twice")
	}
	path, err := m.Replug(false)
	if err != nil || path != paths[0] {
		t.Fatalf("replug: %q, %v", path, err)
	}
	port, expect = open(t, path)
	expect("RDY")
	write(t, port, "AT\r")
	expect("AT\r\r\nOK\r\n") // the echo is on again
	if err := n.Fault(Fault{Modem: 0, Fault: "renumber"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, n, "the other name", func() error {
		if m.Path() == paths[0] || !n.Infos()[0].Plugged {
			return errNotYet
		}
		return nil
	})
	if filepath.Base(m.Path()) != "modem10" {
		t.Errorf("back as %s", m.Path())
	}
	_, expect = open(t, m.Path())
	expect("RDY")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(paths[0]), "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAHostThatDoesNotReadBlocksNobodyElse(t *testing.T) {
	n, paths := offer(t, Config{Modems: 2})
	port, expect := open(t, paths[0])
	write(t, port, "AT+CNMI=2,2,0,0,0\r")
	expect("OK\r\n")
	for range 3000 { // far more than pty and modem hold
		if err := n.Inject(0, "10086", strings.Repeat("x", 160)); err != nil {
			t.Fatal(err)
		}
	}
	other, expectOther := open(t, paths[1])
	write(t, other, "AT\r")
	expectOther("OK\r\n")
	n.mu.Lock()
	waiting, dropped := len(n.Modem(0).port.out), n.Modem(0).port.dropped
	n.mu.Unlock()
	if waiting > outLimit || dropped == 0 {
		t.Errorf("%d bytes wait, %d were dropped", waiting, dropped)
	}
}

func TestAStallBlocksTheHostsWritesUntilItEnds(t *testing.T) {
	n, paths := offer(t, Config{})
	port, expect := open(t, paths[0])
	write(t, port, "ATE0\r")
	expect("OK\r\n")
	if err := n.Fault(Fault{Fault: "stall", For: "300ms"}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for time.Since(begun) < 100*time.Millisecond {
		if err := port.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := port.WriteString(strings.Repeat("\n", 1000)); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if time.Since(begun) > 100*time.Millisecond {
		t.Error("writes never blocked")
	}
	_ = port.SetWriteDeadline(time.Time{})
	write(t, port, "AT\r")
	expect("OK\r\n")
	if took := time.Since(begun); took < 250*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

func TestASubmitOverAPtyReachesTheLedgerBeforeItsResultIsRead(t *testing.T) {
	n, paths := offer(t, Config{})
	port, expect := open(t, paths[0])
	write(t, port, "ATE0+CMGF=0\r")
	expect("OK\r\n")
	for i := range 20 {
		tpdu := encode(t, "+8613800138000", "over a pty")[0]
		write(t, port, "AT+CMGS="+itoa(len(tpdu))+"\r")
		expect("> ")
		write(t, port, pdu.Frame("", tpdu)+"\x1a")
		expect("OK\r\n")
		if got := len(entries(n, KindSubmit)); got != i+1 {
			t.Fatalf("%d submits after %d", got, i+1)
		}
	}
	for i, e := range entries(n, KindSubmit) {
		if e.Command == 0 || e.Prompt < e.Command || e.CtrlZ < e.Prompt || e.Air < e.CtrlZ {
			t.Errorf("times of %d: %+v", i, e)
		}
	}
}

func TestAUSBModemVanishesWhileItRestarts(t *testing.T) {
	n, paths := offer(t, Config{Profile: "huawei", Replug: 20 * time.Millisecond, Boot: time.Millisecond})
	port, expect := open(t, paths[0])
	write(t, port, "AT+CFUN=1,1\r")
	expect("OK\r\n")
	_, _ = io.ReadAll(port)
	eventually(t, n, "the modem back", func() error {
		if !n.Infos()[0].Plugged {
			return errNotYet
		}
		return nil
	})
	_, expect = open(t, paths[0])
	expect("^SYSSTART")
}
