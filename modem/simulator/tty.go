package simulator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A tty is the place of a modem in the file system: a symbolic link that outlives the ptys it points to.
type tty struct {
	m      *Modem
	dir    string
	name   string // of the link
	moved  int    // how often it was renumbered
	open   int    // how many hosts have it open
	slave  *os.File
	notify *os.File // inotify of the slave, to know when it is opened and closed
}

// Listen offers the modem as a pty behind the symbolic link dir/modemN, and returns that path. The link survives
// Unplug and Replug; while the modem is unplugged there is none.
func (m *Modem) Listen(dir string) (string, error) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if m.net.closed {
		return "", errors.New("simulator: the network is closed")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	m.detach("replaced by another port")
	m.tty = &tty{m: m, dir: dir, name: fmt.Sprintf("modem%d", m.index)}
	if err := m.tty.offer(); err != nil {
		m.tty = nil
		return "", fmt.Errorf("simulator: modem %d: %w", m.index, err)
	}
	return m.tty.path(), nil
}

func (t *tty) path() string { return filepath.Join(t.dir, t.name) }

// Path is the link at which the modem is found now, "" if it has no pty.
func (m *Modem) Path() string {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if m.tty == nil {
		return ""
	}
	return m.tty.path()
}

// offer opens a new pty, points the link at it, and attaches the modem. The lock is held.
//
// The simulator keeps the slave end open itself. So the master sees no end of file when a host closes the port, what
// the modem says in between waits in the line, and the slave stays raw: nothing that the modem says comes back as an
// echo before the host has set the port up.
func (t *tty) offer() error {
	master, slave, err := openPty()
	if err != nil {
		return err
	}
	if err := raw(slave); err != nil {
		return errors.Join(err, master.Close(), slave.Close())
	}
	temporary := fmt.Sprintf("%s.%d.tmp", t.path(), os.Getpid())
	_ = os.Remove(temporary)
	err = os.Symlink(slave.Name(), temporary)
	if err == nil {
		err = os.Rename(temporary, t.path()) // nobody ever sees a link to the dead pty and the new one's absence
	}
	if err != nil {
		return errors.Join(err, master.Close(), slave.Close())
	}
	t.slave, t.open = slave, 0
	t.watch(slave.Name())
	t.m.attach(newPort(master, t.m.net.config.Baud))
	t.m.note(KindPort, "offered at "+t.name)
	return nil
}

// openPty opens a pty. Its master does not block, so that Close wakes a Read and is a hang-up for the host at once.
func openPty() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("/dev/ptmx: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	number, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("pty: %w", err)
	}
	return master, slave, nil
}

// withdraw takes the link away and lets the slave go; detach has closed the master.
func (t *tty) withdraw() {
	if t.slave == nil {
		return
	}
	if to, err := os.Readlink(t.path()); err == nil && to == t.slave.Name() {
		_ = os.Remove(t.path())
	}
	t.slave.Close()
	t.slave = nil
	if t.notify != nil {
		t.notify.Close()
		t.notify = nil
	}
}

// raw is what cfmakeraw(3) does.
func raw(f *os.File) error {
	return control(f, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB|unix.CBAUD) | unix.CS8 | unix.B115200 | unix.CLOCAL | unix.CREAD
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
}

func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// block stops what the host writes for a while, as a line with flow control does. A connection that is no pty blocks
// because nothing is read. The lock is held.
func (m *Modem) block(d time.Duration) error {
	if m.tty == nil || m.tty.slave == nil {
		m.stall(d)
		return nil
	}
	const stop, start = 0, 1 // TCOOFF and TCOON of tcflow(3)
	slave := m.tty.slave
	flow := func(action int) error {
		return control(slave, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCXONC, action) })
	}
	m.net.after(d, func() { _ = flow(start) })
	return flow(stop)
}

// watch counts who has the slave open besides ourselves. Without inotify the modem works, it only does not tell.
func (t *tty) watch(name string) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	if _, err := unix.InotifyAddWatch(fd, name, unix.IN_OPEN|unix.IN_CLOSE); err != nil {
		unix.Close(fd)
		return
	}
	notify := os.NewFile(uintptr(fd), "inotify")
	t.notify = notify
	slave := t.slave
	t.m.net.wg.Add(1)
	go func() {
		defer t.m.net.wg.Done()
		buf := make([]byte, 4096)
		for {
			n, err := notify.Read(buf)
			if err != nil {
				return
			}
			opened := 0
			for at := 0; at+unix.SizeofInotifyEvent <= n; {
				if mask := binary.NativeEndian.Uint32(buf[at+4:]); mask&unix.IN_OPEN != 0 {
					opened++
				} else if mask&unix.IN_CLOSE != 0 {
					opened--
				}
				at += unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[at+12:]))
			}
			t.counted(slave, opened)
		}
	}()
}

// counted follows openings and closings. When no host has the port open for a moment, the line becomes as a serial port
// is then: raw for the next one, and no longer exclusive, even if the host was killed.
func (t *tty) counted(slave *os.File, opened int) {
	m := t.m
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if t.slave != slave {
		return
	}
	was := t.open
	t.open = max(0, was+opened)
	switch {
	case was == 0 && t.open > 0:
		m.note(KindPort, "opened")
	case was > 0 && t.open == 0:
		m.note(KindPort, "closed by the host")
		m.net.after(20*time.Millisecond, func() {
			if t.slave != slave || t.open > 0 {
				return
			}
			_ = control(slave, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
			_ = raw(slave)
		})
	}
}

// unwaiting returns a function that writes as much as goes without waiting, nil if w is no pty or would make it wait.
func unwaiting(w any) func([]byte) int {
	f, isFile := w.(*os.File)
	if !isFile {
		return nil
	}
	c, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	nonblocking := false
	err = c.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		nonblocking = err == nil && flags&unix.O_NONBLOCK != 0
	})
	if err != nil || !nonblocking {
		return nil
	}
	return func(b []byte) int {
		n := 0
		_ = c.Control(func(fd uintptr) { n, _ = unix.Write(int(fd), b) })
		return max(0, n)
	}
}
