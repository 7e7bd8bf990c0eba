package simulator

import (
	"strings"
	"time"
)

var serviceCommands = map[string]command{
	"+CUSD":    {set: sendUSSD, exec: accept, read: func(c call) final { c.m.info("+CUSD: " + itoa(c.m.set.cusd)); return ok }, values: "(0-2)", sim: true},
	"+CPBS":    {set: accept, read: func(c call) final { c.m.info(`+CPBS: "SM",0,100`); return ok }, values: `("SM")`},
	"+CPBR":    {set: accept, values: "(1-100),20,14"},
	"+CSSN":    {set: accept, read: func(c call) final { c.m.info("+CSSN: 0,0"); return ok }, values: "(0,1),(0,1)"},
	"+CCWA":    {set: accept, values: "(0,1)"},
	"+CLIR":    {set: accept, read: func(c call) final { c.m.info("+CLIR: 0,1"); return ok }},
	"+CCFC":    {set: accept},
	"+CMOD":    {set: accept, values: "(0)"},
	"+CMUT":    {set: accept},
	"+CR":      {set: accept, values: "(0,1)"},
	"+CVHU":    {set: accept, values: "(0,1)"},
	"+CIND":    {set: accept},
	"+CMER":    {set: accept, values: "(0-3),(0),(0),(0-1),(0)"},
	"+CLCC":    {exec: accept, test: accept},
	"+CGCLASS": {set: accept, read: func(c call) final { c.m.info(`+CGCLASS: "A"`); return ok }},
}

// sendUSSD is AT+CUSD=n[,str[,dcs]], TS 27.007 7.15: the network's answer comes as a URC.
func sendUSSD(c call) final {
	n, good := c.num(0, 0)
	if !good || n < 0 || n > 2 {
		return cme(50)
	}
	m := c.m
	m.set.cusd = n
	request, good := m.decode(c.text(1))
	if request == "" || n == 2 {
		return ok
	}
	if !good {
		return cme(50)
	}
	if !registered(m.stat()) {
		return cme(30)
	}
	life := m.life
	m.afterEnd = append(m.afterEnd, func() {
		m.net.after(50*time.Millisecond, func() {
			if m.life == life && m.set.cusd == 1 {
				m.ussd("Your balance for " + strings.Trim(request, "*#") + " is 12.50.")
			}
		})
	})
	return ok
}

func (m *Modem) ussd(text string) {
	dcs := 15
	if m.set.cscs == "UCS2" {
		dcs = 72
	}
	m.urc(`+CUSD: 0,"` + m.encode(text) + `",` + itoa(dcs))
}
