package simulator

import (
	"cmp"
	"fmt"
)

// A card is a SIM. It outlives restarts of the modem.
type card struct {
	imsi, iccid, number string
	pin, puk            string
	lock                bool // asks for the PIN after each restart
	entered             bool
	pinTries, pukTries  int
	removed             bool
	smsc                string
	nextMR              byte // EF_SMSS: the reference of the next SUBMIT, TS 23.040 9.2.3.6
}

const (
	pinTries = 3
	pukTries = 10
)

func newCard(c Config, id, i int) card {
	return card{
		imsi:   fmt.Sprintf("%s%010d", cmp.Or(c.Home, "46000"), id),
		iccid:  luhn(fmt.Sprintf("898600%012d", id)),
		number: fmt.Sprintf("+861%07d000", 3000000+id%6000000), // a mainland mobile, never a fate
		pin:    c.PIN, puk: "12345678", lock: c.PIN != "",
		pinTries: pinTries, pukTries: pukTries,
		smsc:   "+8613800100500",
		nextMR: byte(31*int(c.Seed) + 7*i),
	}
}

type simState uint8

const (
	simReady simState = iota
	simPIN
	simPUK
	simAbsent
)

func (s simState) String() string {
	return [...]string{"READY", "SIM PIN", "SIM PUK", "NOT INSERTED"}[s]
}

func (c *card) state() simState {
	switch {
	case c.removed:
		return simAbsent
	case c.pinTries == 0:
		return simPUK
	case c.lock && !c.entered:
		return simPIN
	}
	return simReady
}

// barred is the error of a command that needs a SIM which is not ready; ok if nothing bars it.
func (m *Modem) barred(cmd command) final {
	if !cmd.sim && !cmd.sms {
		return ok
	}
	code := [2]int{}
	switch state := m.card.state(); {
	case state == simAbsent:
		code = [2]int{10, 310}
	case m.simBusy, m.cardBusy:
		code = [2]int{14, 314}
	case state == simPIN:
		code = [2]int{11, 311}
	case state == simPUK:
		code = [2]int{12, 316}
	default:
		return ok
	}
	if cmd.sms {
		return cms(code[1])
	}
	return cme(code[0])
}

var simCommands = map[string]command{
	"+CPIN":  {read: readPIN, set: enterPIN, test: accept},
	"+CPINR": {exec: readTries, set: readTries, test: accept},
	"+CPINC": {exec: func(c call) final {
		if c.m.counter == "none" {
			return failed
		}
		c.m.info(fmt.Sprintf("+CPINC: %d,3,%d,10", c.m.card.pinTries, c.m.card.pukTries))
		return ok
	}},
	"+CLCK": {set: facilityLock, values: `("SC")`},
	"+CPWD": {set: changePIN, values: `("SC",8)`},
	"+CIMI": {exec: func(c call) final { c.m.info(c.m.card.imsi); return ok }, test: accept, sim: true},
	"+CNUM": {exec: func(c call) final { c.m.info(`+CNUM: "","` + c.m.card.number + `",145`); return ok }, test: accept, sim: true},
}

func readPIN(c call) final {
	switch state := c.m.card.state(); {
	case state == simAbsent:
		return cme(10)
	case c.m.simBusy:
		return cme(14)
	default:
		c.m.info("+CPIN: " + state.String())
		return ok
	}
}

// enterPIN is AT+CPIN="pin" or AT+CPIN="puk","new pin", TS 27.007 8.3.
func enterPIN(c call) final {
	if len(c.args) == 0 {
		return cme(50)
	}
	if c.m.losePIN > 0 {
		c.m.losePIN--
		return final{kind: finalSilent}
	}
	k := &c.m.card
	switch k.state() {
	case simAbsent:
		return cme(10)
	case simReady:
		return cme(3)
	case simPIN:
		if f := c.m.tryPIN(c.text(0)); f != ok {
			return f
		}
	case simPUK:
		if len(c.args) < 2 || !validPIN(c.text(1)) {
			return cme(12)
		}
		if k.pukTries == 0 {
			return cme(13)
		}
		if c.text(0) != k.puk {
			k.pukTries--
			return cme(16)
		}
		k.pin, k.pinTries, k.pukTries = c.text(1), pinTries, pukTries
	}
	k.entered = true
	c.m.note(KindModem, "SIM unlocked")
	c.m.afterEnd = append(c.m.afterEnd, c.m.unlocked)
	return ok
}

// tryPIN burns a try if the PIN is wrong.
func (m *Modem) tryPIN(pin string) final {
	k := &m.card
	if pin != k.pin {
		k.pinTries--
		m.note(KindModem, fmt.Sprintf("wrong PIN, %d tries left", k.pinTries))
		if k.pinTries == 0 {
			return cme(12)
		}
		return cme(16)
	}
	k.pinTries = pinTries
	return ok
}

// unlocked follows the right PIN.
func (m *Modem) unlocked() {
	m.urc("+CPIN: READY")
	for _, line := range m.profile.ready {
		m.urc(line)
	}
	m.registrationURC()
	m.deliverNext()
}

func readTries(c call) final {
	k := &c.m.card
	if k.removed {
		return cme(10)
	}
	which := c.text(0)
	switch c.m.counter {
	case "vendor", "none":
		return failed
	case "all":
		which = ""
	}
	if which == "" || which == "SIM PIN" {
		c.m.info(fmt.Sprintf("+CPINR: SIM PIN,%d,%d", k.pinTries, pinTries))
	}
	if which == "" || which == "SIM PUK" {
		c.m.info(fmt.Sprintf("+CPINR: SIM PUK,%d,%d", k.pukTries, pukTries))
	}
	if which == "" {
		c.m.info("+CPINR: SIM PIN2,3,3")
		c.m.info("+CPINR: SIM PUK2,10,10")
	}
	return ok
}

// facilityLock is AT+CLCK="SC",mode[,"pin"], TS 27.007 7.4.
func facilityLock(c call) final {
	k := &c.m.card
	mode, good := c.num(1, 2)
	if c.text(0) != "SC" || !good {
		return cme(4)
	}
	if k.removed {
		return cme(10)
	}
	if mode == 2 {
		on := 0
		if k.lock {
			on = 1
		}
		c.m.info("+CLCK: " + itoa(on))
		return ok
	}
	if k.pinTries == 0 {
		return cme(12)
	}
	if f := c.m.tryPIN(c.text(2)); f != ok {
		return f
	}
	k.lock, k.entered = mode == 1, true
	return ok
}

func changePIN(c call) final {
	if c.text(0) != "SC" || !validPIN(c.text(2)) {
		return cme(4)
	}
	if c.m.card.pinTries == 0 {
		return cme(12)
	}
	if f := c.m.tryPIN(c.text(1)); f != ok {
		return f
	}
	c.m.card.pin = c.text(2)
	return ok
}

// iccid reads the number of the card, which no PIN guards.
func iccid(prefix string) command {
	read := func(c call) final {
		if c.m.card.removed {
			return cme(10)
		}
		if c.m.cardBusy {
			return cme(14)
		}
		c.m.info(prefix + c.m.card.iccid)
		return ok
	}
	return command{exec: read, read: read, test: accept}
}

// LockSIM asks for the PIN (again); an empty pin keeps the one there is.
func (m *Modem) LockSIM(pin string) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.lockSIM(pin)
}

func (m *Modem) lockSIM(pin string) {
	if pin != "" || m.card.pin == "" {
		m.card.pin = or(pin, "1234")
	}
	m.card.lock, m.card.entered = true, false
	m.note(KindModem, "SIM locked")
	m.urc("+CPIN: " + m.card.state().String())
	m.registrationURC()
}

// RemoveSIM takes the card out, or puts it back.
func (m *Modem) RemoveSIM(out bool) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.removeSIM(out)
}

func (m *Modem) removeSIM(out bool) {
	if m.card.removed == out {
		return
	}
	m.card.removed, m.card.entered = out, false
	if out {
		m.note(KindModem, "SIM removed")
	} else {
		m.note(KindModem, "SIM inserted")
	}
	m.urc("+CPIN: " + m.card.state().String())
	m.registrationURC()
	m.deliverNext()
}
