package simulator

import (
	"io"
	"net/http"
	"time"
)

type Modem struct{ index int }
type partKey struct{}
type assembly struct{}

var profiles = map[string]struct{}{"generic": {}, "huawei": {}, "quectel": {}, "simcom": {}, "zte": {}}

// Profiles returns the names of the profiles.
func Profiles() []string { return []string{"generic", "huawei", "quectel", "simcom", "zte"} }

func newModem(n *Network, i int) *Modem { return &Modem{index: i} }
func (m *Modem) detach(string)          {}

// Listen offers the modem as a pty behind the symbolic link dir/modemN, and returns that path.
func (m *Modem) Listen(dir string) (string, error) { return "", nil }

// ServeConn attaches the modem to a connection and serves it until the connection or the network closes.
func (m *Modem) ServeConn(rwc io.ReadWriteCloser) {}

// Unplug takes the port away.
func (m *Modem) Unplug() error { return nil }

// Replug brings the port back, under another name if renumber is true.
func (m *Modem) Replug(renumber bool) (string, error) { return "", nil }

// Restart restarts the modem; its volatile settings are lost.
func (m *Modem) Restart() {}

// SetRegistration changes the registration, <stat> of TS 27.007 7.2.
func (m *Modem) SetRegistration(stat int) {}

// Next makes the next count submits on this modem have the named fate, whoever the recipient is.
func (m *Modem) Next(fate string, count int) error { return nil }

// Number returns the number of the modem's SIM, +...
func (m *Modem) Number() string { return "" }

// IMEI returns the modem's serial number.
func (m *Modem) IMEI() string { return "" }

// ICCID returns the number of the SIM card.
func (m *Modem) ICCID() string { return "" }

// Inject sends an inbound message to a modem.
func (n *Network) Inject(modem int, from, text string) error { return nil }

// Handset puts a handset into the network.
func (n *Network) Handset(number string, answer func(text string) (reply string, after time.Duration)) {
}

// Control is the HTTP control interface: POST /inject, POST /fault, GET /ledger, GET /modems.
func (n *Network) Control() http.Handler { return http.NotFoundHandler() }
