package daemon

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestAnAddressThatCannotBeTakenSaysWhyAndWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cfg := Bare(t)
	cfg.HTTP.Listen = l.Addr().String()
	if _, err := New(context.Background(), cfg, Options{}); err == nil || !strings.Contains(err.Error(), "is another attestd running?") {
		t.Errorf("taken: %v", err)
	}
	for code, want := range map[syscall.Errno]string{syscall.EACCES: "may not take that port", syscall.EADDRNOTAVAIL: "has no such address", syscall.EMFILE: "too many open files"} {
		err := bindError("http.listen", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", code)})
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "another attestd") {
			t.Errorf("%v: %v", code, err)
		}
	}
}
