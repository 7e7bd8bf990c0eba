package gateway

import (
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

// layouts are by vendor and product. What is not here is probed, port by port.
var layouts = map[string]layout{}

func init() {
	for _, row := range []struct {
		products string
		l        layout
	}{
		{"2c7c:0121 2c7c:0125 2c7c:0191 2c7c:0195 2c7c:0296 2c7c:0306 2c7c:0512 2c7c:0800 2c7c:0801", layout{"02", "03", "00 01"}}, // Quectel EC21, EC25, EG9x, BG96, EP06, EM12, RG50x
		{"2c7c:0128", layout{"05", "", "03 04"}},
		{"1e0e:9001", layout{"02", "03", "00 01 04"}}, // SIMCom SIM7x00
		{"1e0e:9205", layout{"02", "03", "00 01 04"}},
		{"1e0e:9206", layout{"02", "05", "00 01 03 04"}},
		{"1e0e:9011", layout{"04", "05", "02"}},
		{"1e0e:9100 1e0e:9200", layout{"03", "01", ""}},
		{"1e0e:cefe", layout{"02", "00 01", ""}},
		{"1bc7:1003 1bc7:1006", layout{"00", "02 03", ""}}, // Telit
		{"1bc7:1004 1bc7:1005", layout{"00", "03", "02"}},
		{"1bc7:1010", layout{"03", "02", "00"}},
		{"1bc7:1031 1bc7:1033", layout{"01", "02", "00"}},
		{"1bc7:1040 1bc7:1050", layout{"04", "05", "00"}},
		{"1bc7:1041 1bc7:1051", layout{"05", "06", "00"}},
		{"1199:68c0 1199:9071 1199:9079 1199:9091", layout{"03", "", "00 02"}}, // Sierra MC/EM73xx, 74xx
		{"1199:c001", layout{"00", "02", "04"}},
		{"1e2d:005b 1e2d:005d 1e2d:0069 1e2d:006f", layout{"00", "02", "04 06 08"}}, // Cinterion
		{"1e2d:0061 1e2d:00b3 1e2d:00f1", layout{"02", "", "04 06 08"}},
		{"1546:01a5 1546:01a6 1546:01a7 1546:01a8 1546:01a9", layout{"", "", "*"}}, // u-blox GNSS receivers: no modems at all
		{"1546:1102 1546:1104 1546:1107 1546:110a", layout{"00", "02 04", "06 07 08 09 0a 0b 0c"}},
	} {
		for _, p := range strings.Fields(row.products) {
			layouts[p] = row.l
		}
	}
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
	case number == l.primary:
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
