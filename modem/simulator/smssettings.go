package simulator

import (
	"fmt"
	"strings"
	"time"
)

var smsSettingCommands = map[string]command{
	"+CMGF":  number(func(s *settings) *int { return &s.cmgf }, 1),
	"+CMMS":  number(func(s *settings) *int { return &s.cmms }, 2),
	"+CSDH":  number(func(s *settings) *int { return &s.csdh }, 1),
	"+CGSMS": number(func(s *settings) *int { return &s.cgsms }, 3),
	"+CSMS":  {set: setService, read: func(c call) final { c.m.info("+CSMS: " + itoa(c.m.set.csms) + ",1,1,1"); return ok }, values: "(0,1)"},
	"+CNMI":  {set: setIndications, read: readIndications, values: "(0-3),(0-3),(0,2),(0-2),(0,1)", sms: true},
	"+CPMS":  {set: setStores, read: readStores, values: `("SM","ME","MT","SR"),("SM","ME"),("SM","ME")`, sms: true},
	"+CSCA":  {set: setCentre, read: readCentre, test: accept, sms: true},
	"+CSMP":  {set: setParameters, read: readParameters, test: accept},
	"+CSCB": {set: func(c call) final { c.m.set.cscb = c.raw; return ok },
		read:   func(c call) final { c.m.info("+CSCB: " + or(c.m.set.cscb, `0,"",""`)); return ok },
		values: "(0,1)"},
	"+CSAS": {set: accept, exec: accept, values: "(0)"},
	"+CRES": {set: accept, exec: accept, values: "(0)"},
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// setService is AT+CSMS, TS 27.005 3.2.1: with 1 the host acknowledges what is routed to it.
func setService(c call) final {
	v, good := c.num(0, 0)
	if !good || v < 0 || v > 1 {
		return cms(303)
	}
	c.m.set.csms = v
	c.m.info("+CSMS: 1,1,1")
	return ok
}

// setIndications is AT+CNMI, TS 27.005 3.4.1. A parameter left out keeps its value.
func setIndications(c call) final {
	was := c.m.set.cnmi
	v := was
	for i, f := range []struct {
		to      *int
		allowed string
	}{{&v.mode, "0123"}, {&v.mt, "0123"}, {&v.bm, "02"}, {&v.ds, "012"}, {&v.bfr, "01"}} {
		n, good := c.num(i, *f.to)
		if !good || n < 0 || n > 9 || !strings.Contains(f.allowed, itoa(n)) {
			return cms(303)
		}
		*f.to = n
	}
	c.m.set.cnmi = v
	held := c.m.buffered
	c.m.buffered = nil
	if v.bfr == 1 || v.mode == 0 {
		held = nil // TS 27.005 3.4.1 <bfr>: cleared
	}
	c.m.afterEnd = append(c.m.afterEnd, func() {
		for _, line := range held {
			c.m.urc(line)
		}
	})
	return ok
}

func readIndications(c call) final {
	v := c.m.set.cnmi
	c.m.info(fmt.Sprintf("+CNMI: %d,%d,%d,%d,%d", v.mode, v.mt, v.bm, v.ds, v.bfr))
	return ok
}

// setStores is AT+CPMS, TS 27.005 3.2.2.
func setStores(c call) final {
	s := c.m.set
	for i, to := range []*string{&s.mem1, &s.mem2, &s.mem3} {
		if i >= len(c.args) || !c.args[i].present {
			continue
		}
		name := strings.ToUpper(c.text(i))
		if c.m.view(name) == nil || i > 0 && name != "SM" && name != "ME" {
			return cms(302)
		}
		*to = name
	}
	if len(c.args) == 0 || len(c.args) > 3 {
		return cms(302)
	}
	c.m.set = s
	var sizes []string
	for _, name := range []string{s.mem1, s.mem2, s.mem3} {
		used, total := c.m.view(name).size()
		sizes = append(sizes, fmt.Sprintf("%d,%d", used, total))
	}
	c.m.info("+CPMS: " + strings.Join(sizes, ","))
	c.m.afterEnd = append(c.m.afterEnd, c.m.freed)
	return ok
}

func readStores(c call) final {
	var sizes []string
	for _, name := range []string{c.m.set.mem1, c.m.set.mem2, c.m.set.mem3} {
		used, total := c.m.view(name).size()
		sizes = append(sizes, fmt.Sprintf(`"%s",%d,%d`, name, used, total))
	}
	c.m.info("+CPMS: " + strings.Join(sizes, ","))
	return ok
}

func setCentre(c call) final {
	number, good := c.m.address(c, 0)
	if !good {
		return cms(304)
	}
	c.m.card.smsc = number
	return ok
}

func readCentre(c call) final {
	digits, kind := c.m.shown(c.m.card.smsc)
	c.m.info(fmt.Sprintf(`+CSCA: "%s",%d`, digits, kind))
	return ok
}

// address reads a number parameter with its type behind it, TS 27.005 3.1 <da>, <toda>.
func (m *Modem) address(c call, i int) (string, bool) {
	number, good := m.decode(c.text(i))
	if !good {
		return "", false
	}
	kind, good := c.num(i+1, 0)
	if !good {
		return "", false
	}
	digits := strings.TrimPrefix(number, "+")
	for j := range len(digits) {
		if !isDigit(digits[j]) && digits[j] != '*' && digits[j] != '#' {
			return "", false
		}
	}
	if len(digits) > 20 {
		return "", false
	}
	if digits != number || kind == 145 && digits != "" {
		return "+" + digits, true
	}
	return digits, true
}

// shown is a number as the modem writes it, in the character set in force, and its type octet.
func (m *Modem) shown(number string) (string, int) {
	switch {
	case strings.HasPrefix(number, "+"):
		return m.encode(number), 145
	case strings.Trim(number, "0123456789*#") != "":
		return m.encode(number), 208
	}
	return m.encode(number), 129
}

func setParameters(c call) final {
	v := c.m.set.csmp
	for i, to := range []*int{&v.fo, &v.vp, &v.pid, &v.dcs} {
		n, good := c.num(i, *to)
		if !good || n < 0 || n > 255 {
			return cms(305)
		}
		*to = n
	}
	c.m.set.csmp = v
	return ok
}

func readParameters(c call) final {
	v := c.m.set.csmp
	c.m.info(fmt.Sprintf("+CSMP: %d,%d,%d,%d", v.fo, v.vp, v.pid, v.dcs))
	return ok
}

// validity is a relative TP-VP as time, TS 23.040 9.2.3.12.1.
func validity(vp int) time.Duration {
	switch {
	case vp <= 143:
		return time.Duration(vp+1) * 5 * time.Minute
	case vp <= 167:
		return 12*time.Hour + time.Duration(vp-143)*30*time.Minute
	case vp <= 196:
		return time.Duration(vp-166) * 24 * time.Hour
	}
	return time.Duration(vp-192) * 7 * 24 * time.Hour
}
