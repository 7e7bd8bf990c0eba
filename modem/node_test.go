package modem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestTheMomentBeforeUdevHasSetTheGroupIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := time.Now()
		open := func(string) (int, error) {
			if time.Since(made) < 800*time.Millisecond {
				return -1, unix.EACCES
			}
			return 7, nil
		}
		fd, err := openNode(t.Context(), "/dev/ttyUSB0", open, func(string) time.Time { return made })
		if fd != 7 || err != nil {
			t.Fatal(fd, err)
		}
		if took := time.Since(made); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestANodeThatMayNotBeOpenedIsGivenUpWhenUdevHasHadItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made, tries := time.Now(), 0
		never := func(string) (int, error) { tries++; return -1, unix.EACCES }
		if _, err := openNode(t.Context(), "x", never, func(string) time.Time { return made }); !errors.Is(err, unix.EACCES) || time.Since(made) > 2*fresh {
			t.Fatal(err, time.Since(made))
		}
		tries = 0
		if _, err := openNode(t.Context(), "x", never, func(string) time.Time { return made.Add(-time.Hour) }); !errors.Is(err, unix.EACCES) || tries != 1 {
			t.Fatal("one that has been there for long is tried once", err, tries)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := openNode(ctx, "x", never, func(string) time.Time { return time.Now() }); !errors.Is(err, unix.EACCES) || time.Since(began) > 2*time.Second {
			t.Fatal(err, time.Since(began))
		}
		tries = 0
		filtered := func(string) (int, error) { tries++; return -1, unix.EPERM }
		if _, err := openNode(t.Context(), "x", filtered, func(string) time.Time { return time.Now() }); !errors.Is(err, unix.EPERM) || tries != 1 {
			t.Fatal("a device filter does not go away by waiting", err, tries)
		}
	})
}

func TestTheDeviceFilterAndTheRightsOfANodeAreToldApart(t *testing.T) {
	filter, rights := explain("/dev/ttyUSB0", unix.EPERM).Error(), explain("/dev/ttyUSB0", unix.EACCES).Error()
	if strings.Contains(filter, "dialout") || !strings.Contains(filter, "DeviceAllow") || !strings.Contains(filter, "restart") {
		t.Error(filter)
	}
	if !strings.Contains(rights, "dialout") || strings.Contains(rights, "DeviceAllow") {
		t.Error(rights)
	}
}

func TestWhoHoldsAPortIsSaidAsFarAsItCanBeKnown(t *testing.T) {
	dir := t.TempDir()
	port := filepath.Join(dir, "ttyUSB0")
	if err := os.WriteFile(port, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	oldProc, oldUnits := procDir, unitsDir
	t.Cleanup(func() { procDir, unitsDir = oldProc, oldUnits })
	procDir, unitsDir = filepath.Join(dir, "proc"), filepath.Join(dir, "units")
	if got := busy(port).Error(); !strings.Contains(got, "fuser -v "+port) || strings.Contains(got, "runs on this machine") {
		t.Error("nothing can be seen:", got)
	}
	if err := os.MkdirAll(unitsDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("8d7c", filepath.Join(unitsDir, "invocation:ModemManager.service")); err != nil {
		t.Fatal(err)
	}
	if got := busy(port).Error(); !strings.Contains(got, "ModemManager runs on this machine") {
		t.Error("a service that runs is named:", got)
	}
	fds := filepath.Join(procDir, "4711", "fd")
	if err := os.MkdirAll(fds, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(port, filepath.Join(fds, "5")), os.WriteFile(filepath.Join(procDir, "4711", "comm"), []byte("smsd\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got := busy(port).Error(); !strings.Contains(got, "is held by smsd (process 4711)") {
		t.Error("a process that can be seen is named:", got)
	}
}
