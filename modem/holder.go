package modem

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// rivals are services that open the ports of modems, by the names of their units.
var rivals = []string{"ModemManager", "gammu-smsd", "smstools", "smsd", "kannel", "gpsd", "brltty"}

// Where the system tells of processes and of units that run.
var (
	procDir  = "/proc"
	unitsDir = "/run/systemd/units"
)

func busy(path string) error {
	return fmt.Errorf("%w: %s is held by %s; stop it (ModemManager: tell it to ignore this device), or give each program its own port", ErrPortBusy, path, keeper(path))
}

// keeper says who has a port, as well as can be known from here. The shipped unit hides other users' processes from us
// (ProtectProc=invisible), so there a name can only be guessed, from the services that run; who may look is told how.
func keeper(path string) string {
	if h := holder(path); h != "" {
		return h
	}
	who := "another program (this process cannot see which: sudo fuser -v " + path + " shows it"
	if likely := running(); len(likely) > 0 {
		who += "; " + strings.Join(likely, " and ") + " runs on this machine"
	}
	return who + ")"
}

// running names the rivals whose units run: systemd keeps a link for each (invocation:NAME.service).
func running() (names []string) {
	for _, name := range rivals {
		if _, err := os.Lstat(filepath.Join(unitsDir, "invocation:"+name+".service")); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// holder names the process that has the path open, where /proc lets us see it.
func holder(path string) string {
	target, err := resolve(path)
	if err != nil {
		return ""
	}
	procs, _ := os.ReadDir(procDir)
	for _, p := range procs {
		if p.Name()[0] < '1' || p.Name()[0] > '9' || p.Name() == fmt.Sprint(os.Getpid()) {
			continue
		}
		dir := filepath.Join(procDir, p.Name())
		fds, _ := os.ReadDir(filepath.Join(dir, "fd"))
		for _, fd := range fds {
			if link, err := os.Readlink(filepath.Join(dir, "fd", fd.Name())); err == nil && link == target {
				name, _ := os.ReadFile(filepath.Join(dir, "comm"))
				return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), p.Name())
			}
		}
	}
	return ""
}
