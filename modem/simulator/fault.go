package simulator

import (
	"fmt"
	"slices"
	"time"
)

// A FaultKind is something that can happen to a modem at any moment, whatever it is doing.
type FaultKind struct{ Name, Meaning string }

// Faults returns what Network.Fault and POST /fault know.
func Faults() []FaultKind {
	var all []FaultKind
	for _, f := range faultTable {
		all = append(all, f.FaultKind)
	}
	return all
}

// A Fault is one order to Network.Fault, and the body of POST /fault.
type Fault struct {
	Modem int    `json:"modem"`
	Fault string `json:"fault"`
	// For is after what time the fault ends by itself ("2s"); empty means that it stays, or has no end.
	For string `json:"for,omitempty"`
	// Value is the fault's argument, if it has one: a fate, a registration, a text.
	Value string `json:"value,omitempty"`
	Count int    `json:"count,omitempty"`
	// To and Part are which submits an ordered fate is for; empty for any.
	To   string `json:"to,omitempty"`
	Part int    `json:"part,omitempty"`
}

type faultRow struct {
	FaultKind
	begin func(m *Modem, f Fault) error
	end   func(m *Modem)
}

var faultTable = []faultRow{
	{FaultKind{"fate", "the next count (1) submits have the fate named by value, whoever the recipient is; with to or part, the next ones to that number, or that are that part of a long message"}, func(m *Modem, f Fault) error {
		fate, err := fateNamed(f.Value)
		for range max(1, f.Count) {
			if err == nil {
				m.next = append(m.next, ordered{fate, f.To, f.Part})
			}
		}
		return err
	}, nil},
	{FaultKind{"unplug", "no power, no port; back after for, or by replug"}, func(m *Modem, _ Fault) error {
		m.unplug("unplugged")
		return nil
	}, func(m *Modem) { comeBack(m) }},
	{FaultKind{"renumber", "unplugged, and soon back under another name"}, func(m *Modem, _ Fault) error {
		m.unplugForAWhile("renumber", true)
		return nil
	}, nil},
	{FaultKind{"replug", "plugged in again"}, func(m *Modem, _ Fault) error { comeBack(m); return nil }, nil},
	{FaultKind{"restart", "the modem restarts: settings lost, banner; a USB modem's port vanishes meanwhile"}, func(m *Modem, _ Fault) error {
		m.restart("restart", m.profile.usb)
		return nil
	}, nil},
	{FaultKind{"hang", "hears nothing and says nothing for the time of for (10s)"}, func(m *Modem, f Fault) error {
		d, err := duration(f.For, 10*time.Second)
		if err == nil {
			m.hang(d)
		}
		return err
	}, nil},
	{FaultKind{"stall", "reads nothing for the time of for (10s), so that writes block"}, func(m *Modem, f Fault) error {
		d, err := duration(f.For, 10*time.Second)
		if err == nil {
			m.stall(d)
		}
		return err
	}, nil},
	{FaultKind{"garbage", "a burst of garbage on the line, with or without ends of line"}, func(m *Modem, _ Fault) error {
		m.say("\xff\xfe\x00~}#!\r\x80\x81+CMGS\x07: \n\r\nO\x00K\r\r\x1b[2J%%\xf0")
		return nil
	}, nil},
	{FaultKind{"line", "the unsolicited line value, count (1) times"}, func(m *Modem, f Fault) error {
		for range max(1, f.Count) {
			m.urc(f.Value)
		}
		return nil
	}, nil},
	{FaultKind{"baud", "the other end of the line runs at another speed: all bytes are garbled both ways"}, func(m *Modem, _ Fault) error {
		m.garble = true
		return nil
	}, func(m *Modem) { m.garble = false }},
	{FaultKind{"no-echo", "the echo is lost until the next ATE1"}, func(m *Modem, _ Fault) error { m.echoLost = true; return nil }, nil},
	{FaultKind{"network-lost", "searching (registration 2)"}, registers(2), home},
	{FaultKind{"denied", "registration denied (3)"}, registers(3), home},
	{FaultKind{"roaming", "roaming (5)"}, registers(5), home},
	{FaultKind{"home", "registered at home (1)"}, registers(1), nil},
	{FaultKind{"no-signal", "+CSQ: 99,99"}, func(m *Modem, _ Fault) error { m.rssi = 99; return nil }, func(m *Modem) { m.rssi = 21 }},
	{FaultKind{"sim-removed", "the SIM is gone"}, func(m *Modem, _ Fault) error { m.removeSIM(true); return nil }, func(m *Modem) { m.removeSIM(false) }},
	{FaultKind{"sim-inserted", "the SIM is back"}, func(m *Modem, _ Fault) error { m.removeSIM(false); return nil }, nil},
	{FaultKind{"pin", "the SIM asks for its PIN (value sets it; 1234 if there was none)"}, func(m *Modem, f Fault) error {
		if f.Value != "" && !validPIN(f.Value) {
			return fmt.Errorf("value: a PIN has 4 to 8 digits")
		}
		m.lockSIM(f.Value)
		return nil
	}, nil},
	{FaultKind{"pin-counter", "how the tries of the PIN are told: value all (unless given: +CPINR with the lines of all four codes), vendor (only in the maker's way), none; standard ends it"}, func(m *Modem, f Fault) error {
		if m.counter = or(f.Value, "all"); !slices.Contains([]string{"all", "vendor", "none", "standard"}, m.counter) {
			return fmt.Errorf("value: want all, vendor, none or standard")
		}
		return nil
	}, func(m *Modem) { m.counter = "" }},
	{FaultKind{"pin-lost", "the next count (1) AT+CPIN=... get no answer and do not reach the card"}, func(m *Modem, f Fault) error {
		m.losePIN = max(1, f.Count)
		return nil
	}, func(m *Modem) { m.losePIN = 0 }},
	{FaultKind{"sim-full", "every store is full of old messages"}, func(m *Modem, _ Fault) error { m.fill(); return nil }, nil},
	{FaultKind{"ussd", "a +CUSD that nobody asked for"}, func(m *Modem, f Fault) error { m.ussd(or(f.Value, "You have 1 MB left.")); return nil }, nil},
	{FaultKind{"report", "count (1) status reports for references that nobody has"}, func(m *Modem, f Fault) error { return m.strayReports(max(1, f.Count)) }, nil},
	{FaultKind{"flood", "count (100) inbound messages at once"}, func(m *Modem, f Fault) error {
		if f.Count == 0 {
			f.Count = 100
		}
		for i := range f.Count {
			if err := m.net.inject(m, "10690000", fmt.Sprintf("flood %d of %d", i+1, f.Count)); err != nil {
				return err
			}
		}
		return nil
	}, nil},
	{FaultKind{"chatty", "an unsolicited line before every line of every answer, and before every prompt"}, func(m *Modem, _ Fault) error {
		m.asides = 1
		return nil
	}, func(m *Modem) { m.asides = 0 }},
	{FaultKind{"single-bytes", "everything is written one byte a write"}, func(m *Modem, _ Fault) error {
		m.dribble = true
		return nil
	}, func(m *Modem) { m.dribble = false }},
	{FaultKind{"block", "the line takes nothing in for the time of for (10s), as under flow control: what the host writes blocks at once"}, func(m *Modem, f Fault) error {
		d, err := duration(f.For, 10*time.Second)
		if err == nil {
			err = m.block(d)
		}
		return err
	}, nil},
	{FaultKind{"forget", "a restart that nobody sees: settings lost, no banner, no port that vanishes"}, func(m *Modem, _ Fault) error {
		m.note(KindModem, "settings lost")
		m.leaveEntry()
		m.restore(m.saved)
		return nil
	}, nil},
	{FaultKind{"text-profile", "a restart that nobody sees, and the profile that somebody stored with AT&W: text mode, no echo; announcements only"}, func(m *Modem, _ Fault) error {
		m.note(KindModem, "settings of a stored profile")
		m.leaveEntry()
		m.saved.echo, m.saved.cmgf, m.saved.csms = false, 1, 0
		m.saved.cnmi = cnmi{mode: 2, mt: 1}
		m.restore(m.saved)
		return nil
	}, nil},
	{FaultKind{"deaf", "AT+CNMI becomes 0,0,0,0,0 by itself"}, func(m *Modem, _ Fault) error {
		m.note(KindModem, "CNMI is 0,0,0,0,0 now")
		m.set.cnmi = cnmi{}
		return nil
	}, nil},
	{FaultKind{"lossy", "of every two PDUs that the modem gives (+CMGR, +CMGL, +CMT, +CDS) one loses characters on the line"}, func(m *Modem, _ Fault) error {
		m.lossy = 1
		return nil
	}, func(m *Modem) { m.lossy = 0 }},
	{FaultKind{"card-busy", "a restart after which the card is READY and busy (+CME ERROR: 14) for the time of for (10s)"}, func(m *Modem, f Fault) error {
		d, err := duration(f.For, 10*time.Second)
		if err != nil {
			return err
		}
		m.restart("restart", false)
		m.cardBusy = true
		life := m.life
		m.net.after(d, func() {
			if m.life == life {
				m.cardBusy = false
				m.note(KindModem, "card is read")
				m.deliverNext()
			}
		})
		return nil
	}, nil},
	{FaultKind{"clock", "the network's clock is off by value (1h; -90m is slow)"}, func(m *Modem, f Fault) (err error) {
		m.net.skew, err = time.ParseDuration(or(f.Value, "1h"))
		return err
	}, func(m *Modem) { m.net.skew = 0 }},
	{FaultKind{"reference", "the next message reference is count"}, func(m *Modem, f Fault) error { m.card.nextMR = byte(f.Count); return nil }, nil},
}

func registers(stat int) func(*Modem, Fault) error {
	return func(m *Modem, _ Fault) error { m.register(stat); return nil }
}

func home(m *Modem) { m.register(1) }

func comeBack(m *Modem) {
	if m.port == nil && m.tty != nil {
		_, _ = m.replug(false)
	}
}

func duration(s string, otherwise time.Duration) (time.Duration, error) {
	if s == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("for: %q is no duration like 2s", s)
	}
	return d, nil
}

// Fault lets a fault strike a modem now.
func (n *Network) Fault(f Fault) error {
	m, err := n.modem(f.Modem)
	if err != nil {
		return err
	}
	d, err := duration(f.For, 0)
	if err != nil {
		return err
	}
	for _, row := range faultTable {
		if row.Name != f.Fault {
			continue
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.closed {
			return fmt.Errorf("simulator: the network is closed")
		}
		m.note(KindModem, "fault: "+f.Fault)
		if err := row.begin(m, f); err != nil {
			return err
		}
		if d > 0 && row.end != nil {
			n.after(d, func() { row.end(m) })
		}
		return nil
	}
	return fmt.Errorf("fault: %q is not known; see `attestd simulate --help`", f.Fault)
}
