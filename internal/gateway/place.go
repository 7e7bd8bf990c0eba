package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Auto as a port means: wherever a tty of StationConfig.Scan has the modem.
const Auto = "auto"

// A place is where a station may look for its modem.
type place struct {
	fixed string   // the one port; empty when it is searched for
	globs []string // the only names that may be opened in search of it
}

func placeOf(c StationConfig) place {
	port := c.Modem.Port
	switch {
	case port == Auto:
		return place{globs: c.Scan}
	case strings.HasPrefix(port, "tcp://"), !strings.ContainsAny(port, "*?["):
		return place{fixed: port}
	}
	if _, err := os.Lstat(port); err == nil { // a name that only looks like a pattern
		return place{fixed: port}
	}
	return place{globs: []string{port}}
}

// folders are those in which the place may come to be.
func (p place) folders() (all []string) {
	if p.fixed != "" {
		if strings.HasPrefix(p.fixed, "tcp://") {
			return nil
		}
		all = append(all, filepath.Dir(p.fixed))
		if target, err := filepath.EvalSymlinks(p.fixed); err == nil && filepath.Dir(target) != all[0] {
			all = append(all, filepath.Dir(target)) // it may lose its rights there, or go before its link does
		}
		return all
	}
	for _, g := range p.globs {
		dir := filepath.Dir(g)
		for strings.ContainsAny(dir, "*?[") {
			dir = filepath.Dir(dir)
		}
		all = append(all, dir)
	}
	return all
}

// A port is a tty that is there now.
type port struct {
	path   string // as the configuration finds it
	target string // the device node behind it, whatever its names
	node   string // differs when the device was taken away and another (or the same) put in its place
	usb    usbPort
}

func portAt(path, sysfs string) (port, bool) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return port{}, false
	}
	return port{path: path, target: target, node: nodeOf(path) + nodeOf(target), usb: usbOf(sysfs, filepath.Base(target))}, true
}

// nodeOf tells one node from its successor of the same name. Not by its times of reading and writing: they change with use.
func nodeOf(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Mode().String()
	}
	return fmt.Sprintf("%d %d %d.%d %o %d;", st.Ino, st.Rdev, st.Ctim.Sec, st.Ctim.Nsec, st.Mode, st.Gid)
}

// ports lists the ttys of a place, each device once, grouped by stick; the likeliest port of a stick comes first. Ports that
// are known to be something else than AT are left out.
func (p place) ports(sysfs string) (sticks [][]port) {
	known := map[string]bool{}
	at := map[string]int{}
	for _, glob := range p.globs {
		paths, _ := filepath.Glob(glob)
		slices.SortFunc(paths, byNumber)
		for _, path := range paths {
			one, ok := portAt(path, sysfs)
			if !ok || known[one.target] || one.usb.role == roleNever {
				continue
			}
			known[one.target] = true
			stick := one.usb.stick
			if stick == "" {
				stick = one.target
			}
			i, here := at[stick]
			if !here {
				i = len(sticks)
				at[stick] = i
				sticks = append(sticks, nil)
			}
			sticks[i] = append(sticks[i], one)
		}
	}
	for _, ports := range sticks {
		slices.SortStableFunc(ports, func(a, b port) int { return int(a.usb.role) - int(b.usb.role) })
	}
	return sticks
}

// byNumber sorts ttyUSB2 before ttyUSB10.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
