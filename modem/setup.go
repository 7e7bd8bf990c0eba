package modem

import (
	"slices"
	"strconv"
	"strings"

	"attestd/modem/at"
)

// setUp sets the modem up for SMS in PDU mode, with everything where we look for it.
func (m *Modem) setUp(h *hands, id *Identity) error {
	m.tame(h, id.Manufacturer)
	// With CSMS=1 what is handed over and not stored, as status reports are, is ours only after AT+CNMA: one that came while
	// we were being killed comes again (TS 27.005 3.2.1).
	confirmed := (m.c.DirectDelivery || !m.c.UnconfirmedReports) && h.try("AT+CSMS=1")
	if confirmed {
		// What an earlier session was given and did not live to acknowledge goes back to the network, which repeats it. Left
		// alone, its time would run out under us, and the modem fall silent (TS 27.005 3.4.1, 4.7).
		h.try("AT+CNMA=2")
	} else {
		h.try("AT+CSMS=0")
	}
	if err := m.pduMode(h); err != nil {
		return err
	}
	// A modem that was left in UCS2 wants even this argument in UCS2. In PDU mode it is about CSCA and CNUM only.
	if !h.try(`AT+CSCS="GSM"`) && !h.try(`AT+CSCS="00470053004D"`) {
		h.try(`AT+CSCS="IRA"`)
	}
	id.SMSC = smscOf(h.ask("AT+CSCA?"))
	if m.c.SMSC != "" {
		id.SMSC = m.c.SMSC
	}
	m.chooseMemory(h)
	m.indicate(h, confirmed)
	h.try("AT+CREG=1")
	h.try("AT+CEREG=1")
	h.try("AT+C5GREG=1")
	return h.err
}

// tame switches off what vendors have switched on.
func (m *Modem) tame(h *hands, manufacturer string) {
	switch vendor := strings.ToLower(manufacturer); {
	case strings.Contains(vendor, "huawei"):
		h.try("AT^CURC=0") // signal and mode, every other second
	case strings.Contains(vendor, "siemens"), strings.Contains(vendor, "cinterion"):
		h.try("AT^SM20=0,0") // or a failed AT+CMGS is answered with OK
	case strings.Contains(vendor, "quectel"):
		h.try("AT+QSCLK=0") // sleep eats the first bytes after a rest
	}
}

// smscOf reads +CSCA, in hexadecimal UCS2 where the modem insists.
func smscOf(line string) string {
	p := params(line, "+CSCA:")
	number := param(p, 0)
	if len(number) >= 8 && len(number)%4 == 0 && strings.HasPrefix(number, "00") {
		var b strings.Builder
		for i := 0; i < len(number); i += 4 {
			if n, err := strconv.ParseUint(number[i:i+4], 16, 16); err == nil && n < 0x80 {
				b.WriteByte(byte(n))
			}
		}
		number = b.String()
	}
	if number != "" && number[0] != '+' && param(p, 1) == "145" {
		number = "+" + number
	}
	return number
}

// indication is the parameters of AT+CNMI (TS 27.005 3.4.1): mode, mt, bm, ds, bfr.
type indication [5]int

func (n indication) String() string {
	s := make([]string, len(n))
	for i, v := range n {
		s[i] = strconv.Itoa(v)
	}
	return strings.Join(s, ",")
}

// Received messages are stored and announced (mt=1), status reports handed over (ds=1) where that can be had: each line is
// what some modem in the field wanted in place of the one before.
var storedIndications = []indication{
	{2, 1, 0, 1, 0}, {2, 1, 2, 1, 0}, {2, 1, 0, 1, 1}, {2, 1, 2, 2, 0}, {2, 1, 0, 2, 0}, {2, 1, 0, 2, 1}, {1, 1, 0, 1, 0}, {1, 1, 2, 1, 0},
	{1, 1, 0, 1, 1}, {3, 1, 0, 1, 0}, {3, 1, 0, 1, 1}, {2, 1, 2, 0, 0}, {2, 1, 0, 0, 0}, {2, 1, 0, 0, 1}, {1, 1, 0, 0, 0}, {3, 2, 0, 1, 1}, {2, 0, 0, 2, 1},
}

var directIndications = []indication{
	{2, 2, 0, 1, 0}, {2, 2, 0, 1, 1}, {1, 2, 0, 1, 0}, {1, 2, 0, 1, 1}, {3, 2, 0, 1, 0}, {3, 2, 0, 1, 1}, {2, 2, 0, 0, 0},
}

// indicate has the modem tell of received messages. It tries what AT+CNMI=? offers, and when nothing of that is taken, the rest:
// some refuse what they offer. One that takes nothing is drained from time to time.
func (m *Modem) indicate(h *hands, confirmed bool) {
	offered := groups(h.ask("AT+CNMI=?"), "+CNMI:")
	candidates := storedIndications
	if confirmed && m.c.DirectDelivery {
		candidates = append(slices.Clone(directIndications), storedIndications...)
	}
	fits := func(n indication) bool {
		for i, v := range n {
			if i < len(offered) && !allows(offered[i], v) {
				return false
			}
		}
		return true
	}
	for _, wanted := range []bool{true, false} {
		for _, n := range candidates {
			if (len(offered) == 0 || fits(n)) == wanted && h.try("AT+CNMI="+n.String()) {
				m.phase2p.Store(confirmed)
				m.due.since.Store(nil) // a modem that starts anew has forgotten what it handed over
				m.told.Store("AT+CNMI=" + n.String())
				m.hearing.set(n)
				return
			}
			if h.err != nil {
				return
			}
		}
	}
	if !h.try("AT+CNMI=2,1") && h.err == nil {
		m.hearing.refused()
		m.log.Warn("the modem takes no AT+CNMI: received messages are seen only when the store is drained")
	}
}

// chooseMemory puts everything in ME where that is offered, else in SM: mem1 is read and deleted from, mem2 written to,
// mem3 receives (TS 27.005 3.2.2). Only what all three offer is used, for mem1 must be mem3; and of that the first with
// room for a message.
func (m *Modem) chooseMemory(h *hands) {
	m.memory.turn <- struct{}{}
	defer func() { <-m.memory.turn }()
	m.memory.fixed, m.memory.noList = false, false
	offered := memories(groups(h.ask("AT+CPMS=?"), "+CPMS:"))
	wanted := make([]string, 0, 3)
	for _, mem := range []string{"ME", "SM", "MT"} {
		if len(offered.all) == 0 && mem != "MT" || slices.Contains(offered.all, mem) {
			wanted = append(wanted, mem)
		}
	}
	m.memory.offered = offered.first
	if len(m.memory.offered) == 0 {
		m.memory.offered = []string{"ME", "SM"}
	}
	first := ""
	for _, mem := range wanted {
		room, taken := m.tryMemory(h, mem)
		if room {
			return
		}
		if taken && first == "" {
			first = mem
		}
	}
	if first != "" { // none has room: what can be drained is
		m.log.Warn("no store of the modem has room for a received text", "memory", first)
		m.tryMemory(h, first)
		return
	}
	// It keeps what it has; ask what that is.
	m.memory.fixed = true
	res, _ := h.do(at.Command{Line: "AT+CPMS?", Prefix: "+CPMS:"})
	if len(res.Lines) > 0 {
		m.memory.home = param(params(res.Lines[0], "+CPMS:"), 0)
		m.memory.current = m.memory.home
	}
}

// tryMemory chooses one, in the forms that modems want, and reports whether it was taken and has room: +CPMS:
// <used1>,<total1>,...
func (m *Modem) tryMemory(h *hands, mem string) (room, taken bool) {
	for _, set := range []string{mem + `","` + mem + `","` + mem, mem + `","` + mem, mem} {
		res, ok := h.do(at.Command{Line: `AT+CPMS="` + set + `"`, Prefix: "+CPMS:"})
		if !ok {
			continue
		}
		m.memory.home, m.memory.current = mem, mem
		var p []string
		if n := len(res.Lines); n > 0 {
			p = params(res.Lines[n-1], "+CPMS:")
		}
		used, total := number(p, len(p)-2), number(p, len(p)-1)
		return used < 0 || total < 0 || used < total, true
	}
	return false, false
}

type offer struct {
	first []string // what mem1 may be
	all   []string // what each of the three may be
}

func memories(groups []string) offer {
	var lists [][]string
	for _, g := range groups {
		var list []string
		for _, mem := range strings.FieldsFunc(g, func(r rune) bool { return r == ',' || r == '"' || r == ' ' }) {
			list = append(list, strings.ToUpper(mem))
		}
		if len(list) > 0 {
			lists = append(lists, list)
		}
	}
	if len(lists) == 0 {
		return offer{}
	}
	o := offer{first: lists[0]}
	for _, mem := range lists[0] {
		everywhere := true
		for _, list := range lists[1:] {
			everywhere = everywhere && slices.Contains(list, mem)
		}
		if everywhere {
			o.all = append(o.all, mem)
		}
	}
	return o
}
