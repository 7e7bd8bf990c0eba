package modem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lock keeps other programs off a port. TIOCEXCL, which go.bug.st/serial sets, keeps root out of nothing; so the node itself is
// locked by flock(2), and a lock file in the manner of UUCP tells the programs that look for one.
type lock struct {
	fd   int
	file string
}

// lockDir is where programs look for lock files (FHS 3.0 5.9).
var lockDir = "/run/lock"

func resolve(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(target)
}

// A node belongs to root alone until udev has set its group, a moment after it was made.
const (
	fresh     = 3 * time.Second
	freshLook = 50 * time.Millisecond
)

// openNode opens a port's node. One that was made just now and may not be opened is tried again until udev has had its
// time;
// ctx or the end of that ends it.
func openNode(ctx context.Context, path string, open func(string) (int, error), made func(string) time.Time) (int, error) {
	for {
		fd, err := open(path)
		if !errors.Is(err, unix.EACCES) || time.Since(made(path)) >= fresh {
			return fd, err
		}
		select {
		case <-ctx.Done():
			return fd, err
		case <-time.After(freshLook):
		}
	}
}

func openTTY(path string) (int, error) {
	return unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
}

// changed is when a node was made, or its owner, group or mode last changed; zero where that cannot be told.
func changed(path string) time.Time {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return time.Time{}
	}
	return time.Unix(st.Ctim.Unix())
}

func lockPort(ctx context.Context, path string) (*lock, error) {
	fd, err := openNode(ctx, path, openTTY, changed)
	if err != nil {
		return nil, explain(path, err)
	}
	l := &lock{fd: fd}
	if err := l.take(path); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func (l *lock) take(path string) error {
	settings, err := unix.IoctlGetTermios(l.fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("%w: %s is no serial port; name the tty of the modem", ErrNotAModem, path)
	}
	if err := unix.Flock(l.fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return busy(path)
	}
	if err := l.takeFile(path); err != nil {
		return err
	}
	// Until the port is raw the system echoes what waits there back into the modem, which takes it for commands.
	settings.Lflag &^= unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHONL | unix.ICANON | unix.ISIG
	_ = unix.IoctlSetTermios(l.fd, unix.TCSETS, settings)
	return nil
}

// takeFile takes the lock file of a real port. Where it may not be written, flock alone has to do.
func (l *lock) takeFile(path string) error {
	target, err := resolve(path)
	if err != nil || strings.HasPrefix(target, "/dev/pts/") {
		return nil
	}
	name := filepath.Join(lockDir, "LCK.."+filepath.Base(target))
	for range 2 {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			fmt.Fprintf(f, "%10d\n", os.Getpid())
			_ = f.Chmod(0o644) // whatever the umask: FHS 3.0 5.9 wants locks to be world-readable, and it holds nothing but our process
			f.Close()
			l.file = name
			return nil
		}
		if !errors.Is(err, os.ErrExist) {
			return nil
		}
		if pid := lockedBy(name); pid != 0 {
			return fmt.Errorf("%w: %s is locked by process %d (%s); stop it, or give each program its own port", ErrPortBusy, path, pid, name)
		}
		if os.Remove(name) != nil { // its process is no more
			return nil
		}
	}
	return nil
}

// lockedBy is the living process, other than this one, that a lock file names.
func lockedBy(name string) int {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 || pid == os.Getpid() || errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return 0
	}
	return pid
}

func (l *lock) release() {
	if l.file != "" {
		os.Remove(l.file)
	}
	unix.Close(l.fd)
}
