package simulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Modem is one ME with its SIM. Its methods may be called from any goroutine.
type Modem struct {
	net      *Network
	index    int
	profile  *profile
	commands map[string]command
	imei     string
	card     card

	// the conversation
	set, saved settings
	port       *port
	tty        *tty
	inbuf      []byte // not read yet
	line       []byte // the command line so far
	last       string // for A/
	rest       string // of the line that runs
	lineAt     int64  // when the line was complete
	inLine     bool   // a line is being run
	busy       bool   // its command takes time
	pumping    bool
	entry      *entry   // a text is being typed
	waiting    []string // unsolicited lines that wait for the end of a command
	echoLost   bool
	counter    string // how the tries of the PIN are told: see the fault pin-counter
	losePIN    int    // so many AT+CPIN= never reach the card
	garble     bool   // the two ends differ in speed
	mute       bool   // answers nothing, hears nothing
	dribble    bool   // one byte a write
	lossy      int    // counts the PDUs that the modem gives while the fault "lossy" lasts; 0 for none
	asides     int    // counts the lines that the fault "chatty" says in answers; 0 for none

	// the machine
	off     bool // without power, or restarting
	pulled  bool // without power until it has a port again
	life    int  // counts restarts, so that what an earlier life began ends with it
	simBusy bool
	// cardBusy: the card is READY, and busy all the same.
	cardBusy bool
	cfun     int
	reg      int // <stat> that the network gives
	rssi     int // <rssi> of +CSQ
	sm, me   *box
	sr       *box

	// the air
	linkUntil time.Time // a held link is still up
	next      []ordered
	inbound   []*incoming // the network holds these
	acking    *incoming   // waits for AT+CNMA
	held      bool        // the network waits before it tries again
	buffered  []string    // indications held back by CNMI mode 0
	isFull    bool        // the host was told that the store is full
	afterEnd  []func()    // run after the final result
}

func newModem(n *Network, i int) *Modem {
	p := profiles[n.config.Profile]
	m := &Modem{net: n, index: i, profile: p, commands: p.table(), cfun: 1, reg: 1, rssi: 21}
	id := int(n.config.Seed%9000)*1000 + i
	m.imei = luhn(fmt.Sprintf("86012304%06d", id%1000000))
	m.card = newCard(n.config, id, i)
	m.sm = newBox("SM", n.config.SIMCapacity, p.firstIndex)
	m.me = newBox("ME", n.config.MECapacity, p.firstIndex)
	m.sr = newBox("SR", 20, p.firstIndex)
	m.saved = p.factory()
	m.set = m.saved
	return m
}

// luhn appends the check digit of IMEI and ICCID numbers.
func luhn(s string) string {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

// note writes a ledger entry that is no message. The lock is held.
func (m *Modem) note(kind, detail string) {
	m.net.ledger.add(Entry{Modem: m.index, IMEI: m.imei, Kind: kind, Detail: detail})
}

// IMEI returns the modem's serial number.
func (m *Modem) IMEI() string { return m.imei }

// ICCID returns the number of the SIM card.
func (m *Modem) ICCID() string { return m.card.iccid }

// IMSI returns the subscriber identity on the SIM card.
func (m *Modem) IMSI() string { return m.card.imsi }

// Number returns the number of the modem's SIM, with its +.
func (m *Modem) Number() string { return m.card.number }

// ready is whether SMS can pass: switched on, registered, a SIM that is unlocked.
func (m *Modem) ready() bool {
	return !m.off && m.cfun == 1 && m.card.state() == simReady && !m.simBusy && !m.cardBusy && registered(m.reg)
}

// registered is whether <stat> of TS 27.007 7.2 permits SMS.
func registered(stat int) bool {
	switch stat {
	case 1, 5, 6, 7, 9, 10:
		return true
	}
	return false
}

// restart switches the modem off and on: what runs is lost, settings are those that AT&W kept. With away true the
// port vanishes meanwhile, as that of a USB modem does. The lock is held.
func (m *Modem) restart(why string, away bool) {
	m.note(KindModem, why)
	m.powerOff()
	if away && m.tty != nil {
		m.vanish("gone: "+why, false)
		return
	}
	m.powerOn(m.net.config.Boot)
}

// vanish takes the port of a modem without power away, and brings it back after Config.Replug. A connection that
// ServeConn serves is closed; the modem is on again when there is another.
func (m *Modem) vanish(why string, renumber bool) {
	m.detach(why)
	m.pulled = true
	life := m.life
	m.net.after(m.net.config.Replug, func() {
		if m.life == life && m.port == nil && m.tty != nil {
			_, _ = m.replug(renumber)
		}
	})
}

// powerOff ends everything that a modem has in memory.
func (m *Modem) powerOff() {
	m.life++
	m.off = true
	m.mute, m.busy, m.inLine, m.echoLost = false, false, false, false
	m.entry, m.rest, m.waiting, m.afterEnd, m.buffered = nil, "", nil, nil, nil
	m.held, m.isFull, m.cardBusy = false, false, false
	m.line, m.inbuf = m.line[:0], m.inbuf[:0]
	m.linkUntil = time.Time{}
	if m.port != nil {
		m.port.marks = nil
	}
	if m.acking != nil { // the network never got its acknowledgement
		m.inbound = append([]*incoming{m.acking}, m.inbound...)
		m.acking = nil
	}
	m.card.entered = false
}

// powerOn brings the modem up after a while: banner, SIM, then registration.
func (m *Modem) powerOn(boot time.Duration) {
	life := m.life
	m.off, m.simBusy, m.pulled = true, true, false
	m.net.after(boot, func() {
		if m.life != life {
			return
		}
		m.off = false
		m.cfun = 1
		m.restore(m.saved)
		m.note(KindModem, "up")
		for _, line := range m.profile.banner {
			m.urc(line)
		}
		m.pump()
		m.net.after(boot/2, func() {
			if m.life != life {
				return
			}
			m.simBusy = false
			m.urc("+CPIN: " + m.card.state().String())
			if m.card.state() == simReady {
				for _, line := range m.profile.ready {
					m.urc(line)
				}
			}
			m.registrationURC()
			m.deliverNext()
		})
	})
}

// chatter says the lines that a maker's modems say by themselves, one every 20 s.
func (m *Modem) chatter() {
	lines := m.profile.chatter
	if len(lines) == 0 {
		return
	}
	next := 0
	var say func()
	say = func() {
		if m.set.curc == 1 {
			m.urc(lines[next%len(lines)])
			next++
		}
		m.net.after(20*time.Second, say)
	}
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.net.after(20*time.Second, say)
}

// Restart restarts the modem: a power dip, a watchdog, a firmware that crashed.
func (m *Modem) Restart() {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.restart("restart", m.profile.usb)
}

// SetRegistration changes the registration that the network gives, <stat> of TS 27.007 7.2: 0 not searching,
// 1 home, 2 searching, 3 denied, 5 roaming, ...
func (m *Modem) SetRegistration(stat int) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.register(stat)
}

func (m *Modem) register(stat int) {
	if m.reg == stat {
		return
	}
	m.reg = stat
	m.note(KindModem, "registration "+itoa(stat))
	m.registrationURC()
	m.deliverNext()
}

// SetSignal changes <rssi> of +CSQ: 0 to 31, or 99 for unknown.
func (m *Modem) SetSignal(rssi int) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.rssi = rssi
}

// Next makes the next count submits on this modem have the named fate (a name or suffix of Fates, or refused-CCC),
// whoever the recipient is.
func (m *Modem) Next(fate string, count int) error {
	f, err := fateNamed(fate)
	if err != nil {
		return err
	}
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	for range count {
		m.next = append(m.next, ordered{fate: f})
	}
	return nil
}

// SetReference sets the message reference (TP-MR) that the next submit gets.
func (m *Modem) SetReference(mr byte) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.card.nextMR = mr
}

func itoa(i int) string { return strconv.Itoa(i) }

// pad is i in decimal with leading zeros.
func pad(i, width int) string {
	s := strconv.Itoa(i)
	if len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}
