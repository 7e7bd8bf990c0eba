package simulator

import (
	"os"
	"strings"
	"testing"
	"time"
)

// plugged opens a modem's pty and gives what it says.
func plugged(t *testing.T, n *Network) (*os.File, func(until string) string) {
	t.Helper()
	path, err := n.Modem(0).Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, func(until string) string {
		heard, buf := "", make([]byte, 512)
		for !strings.Contains(heard, until) {
			k, err := f.Read(buf)
			if err != nil {
				t.Fatalf("%v after %q", err, heard)
			}
			heard += string(buf[:k])
		}
		return heard
	}
}

func TestAStoppedLineTakesNothingInUntilItIsStartedAgain(t *testing.T) {
	n, err := New(Config{Commands: true})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	f, read := plugged(t, n)
	if err := n.Fault(Fault{Fault: "block", For: "300ms"}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := f.WriteString("ATE0\r"); err != nil {
		t.Fatal(err)
	}
	read("OK")
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("the write took %v", took)
	}
}

func TestAChattyModemSpeaksBeforeEveryLineAndPrompt(t *testing.T) {
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	f, read := plugged(t, n)
	if err := n.Fault(Fault{Fault: "chatty"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("ATE0\rAT+CSQ\rAT+CMGS=12\r"); err != nil {
		t.Fatal(err)
	}
	heard := read("> ")
	if n := strings.Count(heard, "\r\n"); strings.Count(heard, "+C")+strings.Count(heard, "^")+strings.Count(heard, "RING") < 5 || n < 10 {
		t.Errorf("%q", heard)
	}
}

func TestAModemThatForgetsSaysNothingAndIsInTextModeWithEchoAgain(t *testing.T) {
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	f, read := plugged(t, n)
	if _, err := f.WriteString("ATE0\r"); err != nil {
		t.Fatal(err)
	}
	read("OK")
	if err := n.Fault(Fault{Fault: "forget"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("AT\r"); err != nil {
		t.Fatal(err)
	}
	if heard := read("OK"); !strings.HasPrefix(heard, "AT\r") {
		t.Errorf("%q", heard)
	}
}
