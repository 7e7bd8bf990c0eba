package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

var identityCommands = map[string]command{
	"I": {exec: func(c call) final {
		p := c.m.profile
		c.m.info("Manufacturer: " + p.manufacturer)
		c.m.info("Model: " + p.model)
		c.m.info("Revision: " + p.revision)
		c.m.info("IMEI: " + c.m.imei)
		return ok
	}},
	"+CGMI": identity(func(m *Modem) string { return m.profile.manufacturer }),
	"+CGMM": identity(func(m *Modem) string { return m.profile.model }),
	"+CGMR": identity(func(m *Modem) string { return m.profile.revision }),
	"+CGSN": identity(func(m *Modem) string { return m.imei }),
	"+GMI":  identity(func(m *Modem) string { return m.profile.manufacturer }),
	"+GMM":  identity(func(m *Modem) string { return m.profile.model }),
	"+GMR":  identity(func(m *Modem) string { return m.profile.revision }),
	"+GSN":  identity(func(m *Modem) string { return m.imei }),
	"+GCAP": {exec: func(c call) final { c.m.info("+GCAP: +CGSM"); return ok }, test: accept},
	"+CLAC": {exec: listCommands, test: accept},
	"+CCLK": {read: func(c call) final { c.m.info(`+CCLK: "` + clock(time.Now()) + `"`); return ok }, set: accept},
	"+CPAS": {exec: func(c call) final { c.m.info("+CPAS: 0"); return ok }, values: "(0,3,4)"},
	"+CBC":  {exec: func(c call) final { c.m.info("+CBC: 0,100"); return ok }, values: "(0,1),(0-100)"},
	"+CSCS": {set: setCharset, read: func(c call) final { c.m.info(`+CSCS: "` + c.m.encode(c.m.set.cscs) + `"`); return ok }, values: `("GSM","IRA","UCS2")`},
	"+WS46": {read: func(c call) final { c.m.info("12"); return ok }, set: accept, values: "(12,22,25,28)"},
}

func identity(of func(*Modem) string) command {
	return command{exec: func(c call) final { c.m.info(of(c.m)); return ok }, test: accept}
}

func listCommands(c call) final {
	for _, name := range slices.Sorted(maps.Keys(c.m.commands)) {
		c.m.info("AT" + name)
	}
	return ok
}

// clock is a time as TS 27.007 8.15 writes it, with the zone in quarters of an hour.
func clock(t time.Time) string {
	_, offset := t.Zone()
	return t.Format("06/01/02,15:04:05") + fmt.Sprintf("%+03d", offset/900)
}

// setCharset takes the name in the set in force or plain: a modem left in UCS2 wants "00470053004D".
func setCharset(c call) final {
	name := c.text(0)
	if plain, good := c.m.decode(name); good && c.m.set.cscs == "UCS2" && len(name) >= 12 {
		name = plain
	}
	switch name = strings.ToUpper(name); name {
	case "GSM", "IRA", "UCS2":
		c.m.set.cscs = name
		if c.m.profile.blankCSCS {
			c.m.say("\r\n")
		}
		return ok
	}
	return cme(4)
}

var huaweiCommands = map[string]command{
	"^ICCID":       iccid("^ICCID: "),
	"^CURC":        number(func(s *settings) *int { return &s.curc }, 1),
	"^SYSINFO":     {exec: func(c call) final { c.m.info("^SYSINFO: 2,3," + roams(c.m) + ",5,1,,4"); return ok }},
	"^GETPORTMODE": {exec: func(c call) final { c.m.info("^GETPORTMODE: TYPE: WCDMA: huawei,MDM: 0,PCUI: 1"); return ok }},
	"^CARDMODE":    {exec: func(c call) final { c.m.info("^CARDMODE: 2"); return ok }},
	"^HCSQ":        {read: func(c call) final { c.m.info(`^HCSQ: "WCDMA",44,37,58`); return ok }},
	"^PORTSEL":     {set: accept},
	"^U2DIAG":      {set: accept, read: func(c call) final { c.m.info("^U2DIAG: 0"); return ok }},
	"^CPIN": {read: func(c call) final {
		if c.m.counter == "none" {
			return failed
		}
		k := &c.m.card
		times := ""
		switch k.state() {
		case simAbsent:
			return cme(10)
		case simPIN:
			times = itoa(k.pinTries)
		case simPUK:
			times = itoa(k.pukTries)
		}
		c.m.info(fmt.Sprintf("^CPIN: %s,%s,%d,%d,10,3", k.state(), times, k.pukTries, k.pinTries))
		return ok
	}},
	"^RESET": {exec: restartAfter("^RESET")},
}

func roams(m *Modem) string {
	if m.reg == 5 {
		return "1"
	}
	return "0"
}

var quectelCommands = map[string]command{
	"+QCCID":   iccid("+QCCID: "),
	"+QPINC":   {set: quectelTries, exec: quectelTries, test: accept},
	"+QINDCFG": {set: accept},
	"+QURCCFG": {set: accept, read: func(c call) final { c.m.info(`+QURCCFG: "urcport","usbat"`); return ok }},
	"+QCFG":    {set: accept},
	"+QCSQ":    {exec: func(c call) final { c.m.info(`+QCSQ: "LTE",-63,-90,130,-10`); return ok }},
	"+QNWINFO": {exec: func(c call) final { c.m.info(`+QNWINFO: "FDD LTE","46000","LTE BAND 3",1300`); return ok }},
	"+QSCLK":   {set: accept},
}

func quectelTries(c call) final {
	if c.m.counter == "none" {
		return failed
	}
	c.m.info(fmt.Sprintf(`+QPINC: "SC",%d,%d`, c.m.card.pinTries, c.m.card.pukTries))
	return ok
}

var simcomCommands = map[string]command{
	"+CCID":   iccid(""),
	"+CICCID": iccid("+ICCID: "),
	"+SPIC": {exec: func(c call) final {
		if c.m.counter == "none" {
			return failed
		}
		c.m.info(fmt.Sprintf("+SPIC: %d,%d,3,10", c.m.card.pinTries, c.m.card.pukTries))
		return ok
	}},
	"+CNSMOD": {set: accept, read: func(c call) final { c.m.info("+CNSMOD: 0,8"); return ok }},
	"+CNMP":   {set: accept, read: func(c call) final { c.m.info("+CNMP: 2"); return ok }},
	"+CSCLK":  {set: accept},
	"+CATR":   {set: accept},
	"+CRESET": {exec: restartAfter("+CRESET")},
}

// restartAfter restarts the modem when its OK is said.
func restartAfter(why string) handler {
	return func(c call) final {
		c.m.afterEnd = append(c.m.afterEnd, func() { c.m.restartSoon(why) })
		return ok
	}
}

// restartSoon restarts when what has been said is on the wire and the host has had a moment to read it.
func (m *Modem) restartSoon(why string) {
	life := m.life
	m.onceWritten(func() {
		m.net.after(50*time.Millisecond, func() {
			if m.life == life {
				m.restart(why, m.profile.usb)
			}
		})
	})
}
