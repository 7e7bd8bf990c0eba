package gateway

import (
	_ "embed" // layouts.txt
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// role is what a port of a USB modem is for.
type role uint8

const (
	rolePrimary   role = iota // where AT is answered and unsolicited lines come
	roleSecondary             // AT is answered; the host's PPP dials here, or unsolicited lines go elsewhere
	roleUnknown
	roleNever // diagnosis, GPS, audio: binary, or nobody's business
)

// usbPort is what sysfs tells of a tty. The zero value says nothing, as for a real serial line.
type usbPort struct {
	stick string // the USB device: all ports of one stick have the same
	role  role
}

// layout says which interfaces (bInterfaceNumber) of a product speak AT.
type layout struct {
	primary, secondary string
	never              string // of the rest, those that must not be touched; "*" is all the rest
}

// layoutTable is the data: see its head.
//
//go:embed layouts.txt
var layoutTable string

// layouts are by vendor and product. What is not here is probed, port by port.
var layouts = readLayouts(layoutTable)

func readLayouts(table string) map[string]layout {
	all := map[string]layout{}
	for row := range strings.Lines(table) {
		f := strings.Fields(row)
		if len(f) < 4 || f[0] == "#" {
			continue
		}
		list := func(column string) string { return strings.NewReplacer(",", " ", "-", "").Replace(column) }
		for _, product := range f[3:] {
			all[product] = layout{list(f[0]), list(f[1]), list(f[2])}
		}
	}
	return all
}

// usbOf reads what sysfs says of a tty by its kernel name. sysfs is /sys but in tests.
func usbOf(sysfs, tty string) usbPort {
	device, err := filepath.EvalSymlinks(filepath.Join(sysfs, "class", "tty", tty, "device"))
	if err != nil {
		return usbPort{role: roleUnknown}
	}
	attribute := func(dir, name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.ToLower(strings.TrimSpace(string(b)))
	}
	number := attribute(device, "bInterfaceNumber")
	if number == "" { // ttyUSB has a device of its own below the interface; ttyACM is the interface
		device = filepath.Dir(device)
		number = attribute(device, "bInterfaceNumber")
	}
	stick := filepath.Dir(device)
	vendor := attribute(stick, "idVendor")
	if number == "" || vendor == "" {
		return usbPort{role: roleUnknown}
	}
	p := usbPort{stick: stick, role: roleUnknown}
	if vendor == "12d1" { // Huawei numbers as it likes, and tells by the protocol
		p.role = huaweiRole(attribute(device, "bInterfaceProtocol"))
	} else if l, known := layouts[vendor+":"+attribute(stick, "idProduct")]; known {
		p.role = l.of(number)
	}
	return p
}

func (l layout) of(number string) role {
	switch {
	case l.primary != "" && number == l.primary:
		return rolePrimary
	case slices.Contains(strings.Fields(l.secondary), number):
		return roleSecondary
	case l.never == "*", slices.Contains(strings.Fields(l.never), number):
		return roleNever
	}
	return roleUnknown
}

func huaweiRole(protocol string) role {
	switch protocol {
	case "02", "12": // PCUI
		return rolePrimary
	case "01", "10": // modem
		return roleSecondary
	case "05", "14": // GPS
		return roleNever
	}
	return roleUnknown
}
