package simulator

// settings are what ATZ and AT&F restore. AT&W keeps them over a restart; nothing else does.
type settings struct {
	echo, verbose, quiet bool
	s3, s4, s5           byte
	ampC, ampD           int

	cmee             int
	creg, cgreg      int
	cereg            int
	copsFormat       int
	cscs             string // "GSM", "IRA", "UCS2"
	crc, clip, cusd  int
	cmgf, csms       int
	cnmi             cnmi
	csmp             csmp
	csdh, cmms       int
	cgsms            int
	cscb             string
	mem1, mem2, mem3 string
	curc             int // Huawei ^CURC: unsolicited lines of its own
}

// cnmi is AT+CNMI, TS 27.005 3.4.1.
type cnmi struct{ mode, mt, bm, ds, bfr int }

// csmp is AT+CSMP, TS 27.005 3.3.2: what text mode puts into a TPDU.
type csmp struct{ fo, vp, pid, dcs int }

// factory is what every profile begins with.
func factory() settings {
	return settings{
		echo: true, verbose: true, s3: '\r', s4: '\n', s5: 8, ampC: 1, ampD: 2,
		cscs: "IRA", csmp: csmp{fo: 17, vp: 167}, mem1: "SM", mem2: "SM", mem3: "SM", cgsms: 3, curc: 1,
	}
}

// restore puts settings in force; those of a running conversation change with it.
func (m *Modem) restore(s settings) {
	m.set = s
	m.echoLost = false
}

var settingCommands = map[string]command{
	"Z": {exec: func(c call) final {
		c.m.restore(c.m.saved)
		c.m.rest = "" // V.250 6.1.1: the rest of the line is ignored
		return ok
	}},
	"&F": {exec: func(c call) final { c.m.restore(c.m.profile.factory()); return ok }},
	"&W": {exec: func(c call) final { c.m.saved = c.m.set; return ok }},
	"E":  {exec: toggle(func(s *settings) *bool { return &s.echo })},
	"V":  {exec: toggle(func(s *settings) *bool { return &s.verbose })},
	"Q":  {exec: toggle(func(s *settings) *bool { return &s.quiet })},
	"S":  {set: setRegister, read: readRegister},
	"&C": {exec: func(c call) final { return c.digit(&c.m.set.ampC, 1) }},
	"&D": {exec: func(c call) final { return c.digit(&c.m.set.ampD, 2) }},
	"&K": {exec: accept}, "&S": {exec: accept}, "&R": {exec: accept}, "X": {exec: accept}, "L": {exec: accept}, "M": {exec: accept},
	"\\Q":   {exec: accept},
	"H":     {exec: accept},
	"+CHUP": {exec: accept, test: accept},
	"D":     {exec: func(c call) final { c.m.code("NO CARRIER", "3"); return final{kind: finalSilent} }},
	"+IPR":  {set: accept, read: func(c call) final { c.m.info("+IPR: 0"); return ok }, values: "(),(0,9600,19200,38400,57600,115200)"},
	"+ICF":  {set: accept, read: func(c call) final { c.m.info("+ICF: 3,3"); return ok }},
	"+IFC":  {set: accept, read: func(c call) final { c.m.info("+IFC: 0,0"); return ok }, values: "(0,2),(0,2)"},
	"+CMEE": number(func(s *settings) *int { return &s.cmee }, 2),
	"+CRC":  number(func(s *settings) *int { return &s.crc }, 1),
	"+CLIP": number(func(s *settings) *int { return &s.clip }, 1),
}

func accept(call) final { return ok }

// toggle is a basic command of value 0 or 1; without a value it is 0, V.250 5.3.1.
func toggle(field func(*settings) *bool) handler {
	return func(c call) final {
		v := 0
		if f := c.digit(&v, 1); f != ok {
			return f
		}
		*field(&c.m.set) = v == 1
		c.m.echoLost = false
		return ok
	}
}

// digit sets a basic command's value, 0 if it has none.
func (c call) digit(to *int, limit int) final {
	v, good := parseArgNumber(c.raw)
	if !good || v > limit {
		return failed
	}
	*to = v
	return ok
}

func parseArgNumber(s string) (int, bool) {
	v := 0
	for i := range len(s) {
		if !isDigit(s[i]) || v > 1000 {
			return 0, false
		}
		v = 10*v + int(s[i]-'0')
	}
	return v, true
}

// number is an extended command of one small number, with its read and test forms.
func number(field func(*settings) *int, limit int) command {
	return command{
		set: func(c call) final {
			v, good := c.num(0, 0)
			if !good || v < 0 || v > limit || len(c.args) > 1 {
				return cme(50)
			}
			*field(&c.m.set) = v
			return ok
		},
		read: func(c call) final {
			c.m.info(c.name + ": " + itoa(*field(&c.m.set)))
			return ok
		},
		values: "(0-" + itoa(limit) + ")",
	}
}

func setRegister(c call) final {
	reg, good1 := c.num(0, 0)
	v, good2 := c.num(1, 0)
	if !good1 || !good2 || v > 255 {
		return failed
	}
	switch reg {
	case 3:
		c.m.set.s3 = byte(v)
	case 4:
		c.m.set.s4 = byte(v)
	case 5:
		c.m.set.s5 = byte(v)
	}
	return ok
}

func readRegister(c call) final {
	reg, good := parseArgNumber(c.raw)
	if !good {
		return failed
	}
	v := map[int]byte{3: c.m.set.s3, 4: c.m.set.s4, 5: c.m.set.s5}[reg]
	c.m.info(pad(int(v), 3))
	return ok
}
