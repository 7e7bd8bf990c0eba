package simulator

import (
	"errors"
	"fmt"
)

// Unplug pulls the plug: the modem loses power and its port vanishes, until Replug.
func (m *Modem) Unplug() error {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if m.port == nil {
		return fmt.Errorf("simulator: modem %d is not plugged in", m.index)
	}
	m.unplug("unplugged")
	return nil
}

// Replug plugs the modem in again and returns its path. With renumber true it comes back under another name, as a
// stick does that gets the next free ttyUSB.
func (m *Modem) Replug(renumber bool) (string, error) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if m.tty == nil {
		return "", fmt.Errorf("simulator: modem %d has no pty; use ServeConn again", m.index)
	}
	if m.port != nil {
		return "", fmt.Errorf("simulator: modem %d is plugged in", m.index)
	}
	return m.replug(renumber)
}

func (m *Modem) replug(renumber bool) (string, error) {
	t := m.tty
	if m.net.closed {
		return "", errors.New("simulator: the network is closed")
	}
	if renumber {
		t.moved++
		t.name = fmt.Sprintf("modem%d", m.index+t.moved*max(10, len(m.net.modems)))
	}
	if err := t.offer(); err != nil {
		m.note(KindPort, "cannot come back: "+err.Error())
		return "", err
	}
	return t.path(), nil
}
