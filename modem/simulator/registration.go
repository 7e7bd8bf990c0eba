package simulator

import "fmt"

var networkCommands = map[string]command{
	"+CREG":  registration(func(s *settings) *int { return &s.creg }),
	"+CGREG": registration(func(s *settings) *int { return &s.cgreg }),
	"+CEREG": registration(func(s *settings) *int { return &s.cereg }),
	"+COPS":  {read: readOperator, set: setOperator, test: testOperator},
	"+CSQ": {exec: func(c call) final {
		ber := 0
		if c.m.rssi == 99 {
			ber = 99
		}
		c.m.info(fmt.Sprintf("+CSQ: %d,%d", c.m.rssi, ber))
		return ok
	}, values: "(0-31,99),(0-7,99)"},
	"+CESQ": {exec: func(c call) final { c.m.info(fmt.Sprintf("+CESQ: %d,0,255,255,20,50", min(63, 2*c.m.rssi))); return ok },
		values: "(0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)"},
	"+CFUN":    {set: setFunctionality, read: func(c call) final { c.m.info("+CFUN: " + itoa(c.m.cfun)); return ok }, values: "(0,1,4),(0,1)"},
	"+CGATT":   {set: accept, read: func(c call) final { c.m.info("+CGATT: " + itoa(min(1, c.m.stat()))); return ok }, values: "(0,1)"},
	"+CGDCONT": {set: accept, read: func(c call) final { c.m.info(`+CGDCONT: 1,"IP","","",0,0`); return ok }},
	"+CGACT":   {set: accept},
	"+CGEREP":  {set: accept},
	"+CTZR":    {set: accept},
	"+CTZU":    {set: accept},
}

// stat is <stat> as the modem tells it: without a radio or a SIM it does not search.
func (m *Modem) stat() int {
	if m.cfun != 1 || m.simBusy || m.card.state() != simReady {
		return 0
	}
	return m.reg
}

// registration is AT+CREG and its like, TS 27.007 7.2.
func registration(field func(*settings) *int) command {
	cmd := number(field, 2)
	cmd.read = func(c call) final {
		n := *field(&c.m.set)
		line := fmt.Sprintf("%s: %d,%d", c.name, n, c.m.stat())
		if n == 2 && registered(c.m.stat()) {
			line += `,"1A2B","0C3D4E5F"`
		}
		c.m.info(line)
		return ok
	}
	return cmd
}

// registrationURC tells of a change to those who asked for it.
func (m *Modem) registrationURC() {
	for _, r := range []struct {
		name string
		n    int
	}{{"+CREG", m.set.creg}, {"+CGREG", m.set.cgreg}, {"+CEREG", m.set.cereg}} {
		line := fmt.Sprintf("%s: %d", r.name, m.stat())
		if r.n == 2 && registered(m.stat()) {
			line += `,"1A2B","0C3D4E5F"`
		}
		if r.n > 0 {
			m.urc(line)
		}
	}
}

func readOperator(c call) final {
	if !registered(c.m.stat()) {
		c.m.info("+COPS: 0")
		return ok
	}
	name := map[int]string{0: "CHINA MOBILE", 1: "CMCC", 2: "46000"}[c.m.set.copsFormat]
	c.m.info(fmt.Sprintf(`+COPS: 0,%d,"%s",7`, c.m.set.copsFormat, c.m.encode(name)))
	return ok
}

func setOperator(c call) final {
	mode, good := c.num(0, 0)
	if !good || mode < 0 || mode > 4 {
		return cme(50)
	}
	if mode == 3 {
		format, good := c.num(1, 0)
		if !good || format < 0 || format > 2 {
			return cme(50)
		}
		c.m.set.copsFormat = format
	}
	return ok
}

func testOperator(c call) final {
	c.m.info(`+COPS: (2,"CHINA MOBILE","CMCC","46000",7),(1,"CHN-UNICOM","UNICOM","46001",7),,(0-4),(0-2)`)
	return ok
}

// setFunctionality is AT+CFUN=fun[,rst], TS 27.007 8.2.
func setFunctionality(c call) final {
	fun, good := c.num(0, 1)
	reset, good2 := c.num(1, 0)
	if !good || !good2 || (fun != 0 && fun != 1 && fun != 4) {
		return cme(50)
	}
	m := c.m
	if reset == 1 {
		m.afterEnd = append(m.afterEnd, func() { m.restartSoon("+CFUN=1,1") })
		return ok
	}
	if fun == m.cfun {
		return ok
	}
	m.cfun = fun
	m.note(KindModem, "functionality "+itoa(fun))
	m.afterEnd = append(m.afterEnd, func() {
		m.registrationURC()
		m.deliverNext()
	})
	return ok
}

// cmeText is a +CME ERROR as AT+CMEE=2 words it, TS 27.007 9.2.1.
func cmeText(code int) string {
	if s, known := map[int]string{
		3: "operation not allowed", 4: "operation not supported", 10: "SIM not inserted", 11: "SIM PIN required", 12: "SIM PUK required",
		13: "SIM failure", 14: "SIM busy", 15: "SIM wrong", 16: "incorrect password", 20: "memory full", 21: "invalid index", 22: "not found",
		30: "no network service", 31: "network timeout", 50: "Incorrect parameters", 100: "unknown",
	}[code]; known {
		return s
	}
	return "unknown"
}

// cmsText is a +CMS ERROR in words, TS 27.005 3.2.5.
func cmsText(code int) string {
	if s, known := map[int]string{
		1: "Unassigned (unallocated) number", 8: "Operator determined barring", 10: "Call barred", 21: "Short message transfer rejected",
		27: "Destination out of service", 28: "Unidentified subscriber", 29: "Facility rejected", 30: "Unknown subscriber", 38: "Network out of order",
		41: "Temporary failure", 42: "Congestion", 47: "Resources unavailable, unspecified", 50: "Requested facility not subscribed",
		69: "Requested facility not implemented", 300: "ME failure", 301: "SMS service of ME reserved", 302: "operation not allowed",
		303: "operation not supported", 304: "invalid PDU mode parameter", 305: "invalid text mode parameter", 310: "SIM not inserted",
		311: "SIM PIN required", 313: "SIM failure", 314: "SIM busy", 316: "SIM PUK required", 320: "memory failure",
		321: "invalid memory index", 322: "memory full", 330: "SMSC address unknown", 331: "no network service", 332: "network timeout",
		340: "no +CNMA acknowledgement expected", 500: "unknown error",
	}[code]; known {
		return s
	}
	return "unknown error"
}
