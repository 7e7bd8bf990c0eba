package simulator

import (
	"encoding/hex"
	"fmt"
)

// incoming is an SMS-DELIVER or SMS-STATUS-REPORT on its way to a modem.
type incoming struct {
	tpdu        []byte
	report      bool
	from, text  string
	part, parts int
	class       *int
	submit      int // of the message that a report is about
	mr          int
	to          string
	status      *int
}

// arrival is the ledger's line for an incoming message.
func (m *Modem) arrival(kind string, in *incoming) Entry {
	e := Entry{
		Modem: m.index, IMEI: m.imei, ICCID: m.card.iccid, Kind: kind, From: in.from, To: m.card.number, Text: in.text,
		Part: in.part, Parts: in.parts, PDU: upper(hex.EncodeToString(in.tpdu)), Submit: in.submit, Status: in.status, Accepted: true,
	}
	if in.report {
		mr := in.mr
		e.MR, e.To = &mr, in.to
	}
	return e
}

// arrived notes that the modem has acknowledged a message to the network.
func (m *Modem) arrived(in *incoming, how, memory string, index int) {
	kind := KindDeliver
	if in.report {
		kind = KindReport
	}
	e := m.arrival(kind, in)
	e.Detail, e.Memory = how, memory
	if memory != "" {
		e.Index = &index
	}
	m.net.ledger.add(e)
}

// deliverNext hands the modem what the network holds for it, one message after the other, while it can take them. It
// never cuts into an answer or a text that is being typed.
func (m *Modem) deliverNext() {
	for len(m.inbound) > 0 && m.ready() && !m.held && m.acking == nil && m.entry == nil && (!m.inLine || m.busy) {
		in := m.inbound[0]
		name := PointIncoming
		if in.report {
			name = PointReport
		}
		m.net.point(m, name, in.from+in.to, in.mr)
		if !m.route(in) {
			return
		}
		m.inbound = m.inbound[1:]
	}
	if len(m.inbound) == 0 {
		m.inbound = nil
	}
}

// route does with a message what AT+CNMI says, TS 27.005 3.4.1. It is false if the modem cannot take it now.
func (m *Modem) route(in *incoming) bool {
	if in.report {
		switch m.set.cnmi.ds {
		case 1:
			return m.pass(in, m.reportLine(in.tpdu))
		case 2:
			return m.storeReport(in)
		}
		m.arrived(in, "discarded: CNMI ds=0", "", 0)
		return true
	}
	class := -1
	if in.class != nil {
		class = *in.class
	}
	switch {
	case m.set.cnmi.mt == 2 && class != 2, m.set.cnmi.mt == 3 && class == 3:
		return m.pass(in, m.deliverLine(in.tpdu))
	}
	return m.storeDeliver(in, class)
}

// pass routes a message straight to the host. Under AT+CSMS=1 the host must acknowledge it, TS 27.005 3.4.4.
func (m *Modem) pass(in *incoming, line string) bool {
	if m.port == nil || m.mute {
		return false
	}
	if m.set.csms == 0 {
		m.arrived(in, "routed", "", 0)
		m.indicate(line)
		return true
	}
	m.acking = in
	m.indicate(line)
	life := m.life
	m.net.after(m.net.config.AckTimeout, func() {
		if m.life == life && m.acking == in {
			m.unacknowledged("no AT+CNMA: mt and ds are 0 now")
			m.set.cnmi.mt, m.set.cnmi.ds = 0, 0
		}
	})
	return true
}

// unacknowledged gives a message back to the network, which will repeat it after a while.
func (m *Modem) unacknowledged(why string) {
	m.note(KindModem, why)
	m.inbound = append([]*incoming{m.acking}, m.inbound...)
	m.acking = nil
	m.held = true
	life := m.life
	m.net.after(m.net.config.AckTimeout, func() {
		if m.life == life {
			m.held = false
			m.deliverNext()
		}
	})
}

// acknowledge is AT+CNMA[=n], TS 27.005 3.4.4 and 4.7: 0 and 1 say yes, 2 says no.
func acknowledge(c call) final {
	m := c.m
	n, good := c.num(0, 0)
	if !good || n < 0 || n > 2 || m.set.cmgf == 1 && len(c.args) > 0 {
		return cms(304)
	}
	m.net.point(m, PointRead, "", -1)
	if m.acking == nil {
		return cms(340)
	}
	if length, _ := c.num(1, 0); length > 0 { // an acknowledgement TPDU follows at a prompt
		m.prompt(&entry{done: func(string) {
			m.settle(n)
			m.finish(ok)
		}})
		return later
	}
	m.settle(n)
	return ok
}

func (m *Modem) settle(n int) {
	if m.acking == nil {
		return
	}
	if n == 2 {
		m.unacknowledged("the host refused a message")
		return
	}
	m.arrived(m.acking, "acknowledged", "", 0)
	m.acking = nil
	m.net.point(m, PointGone, "", -1)
}

// indicate says an indication now, or keeps it while CNMI mode is 0.
func (m *Modem) indicate(line string) {
	if m.set.cnmi.mode == 0 {
		if len(m.buffered) < 32 {
			m.buffered = append(m.buffered, line)
		}
		return
	}
	m.urc(line)
}

// storeDeliver puts a message into mem3 (class 2 always into the SIM) and tells where, if AT+CNMI wants that.
func (m *Modem) storeDeliver(in *incoming, class int) bool {
	memory := m.set.mem3
	if class == 2 {
		memory = "SM"
	}
	index, good := m.view(memory)[0].put(&stored{stat: statUnread, smsc: m.centre(), tpdu: in.tpdu, in: in})
	if !good {
		m.tellFull(memory)
		return false
	}
	m.arrived(in, "stored", memory, index)
	m.net.point(m, PointStored, in.from, -1)
	if m.set.cnmi.mt != 0 {
		m.indicate(fmt.Sprintf(`+CMTI: "%s",%d`, memory, index))
	}
	return true
}

// storeReport puts a report where the maker keeps them: SR, or with the received messages.
func (m *Modem) storeReport(in *incoming) bool {
	memory := m.set.mem3
	if m.profile.reportsInSR {
		memory = "SR"
	}
	index, good := m.view(memory)[0].put(&stored{stat: statUnread, smsc: m.centre(), tpdu: in.tpdu, in: in})
	if !good {
		m.tellFull(memory)
		return false
	}
	m.arrived(in, "stored", memory, index)
	m.net.point(m, PointStored, in.to, in.mr)
	line := fmt.Sprintf(`+CDSI: "%s",%d`, memory, index)
	if m.profile.misnamesSR { // the EC25 says this, and it is wrong
		line = `+CDSI: "SM",0`
	}
	m.indicate(line)
	return true
}

// tellFull says once that a store is full. The network got RP-ERROR "memory capacity exceeded" and holds the message.
func (m *Modem) tellFull(memory string) {
	if m.isFull {
		return
	}
	m.isFull = true
	m.note(KindModem, "store "+memory+" is full")
	if line := m.profile.full(memory); line != "" {
		m.urc(line)
	}
}

// freed follows a change that may have made room: the modem tells the network (RP-SMMA), which delivers again.
func (m *Modem) freed() {
	m.isFull = false
	m.deliverNext()
}

func (m *Modem) centre() string { return "+8613800100500" }

// deliverLine is +CMT with its message, TS 27.005 3.4.1 and 4.5.
func (m *Modem) deliverLine(tpdu []byte) string {
	if m.set.cmgf == 1 {
		return "+CMT: " + m.textDeliver(tpdu)
	}
	alpha := ""
	if !m.profile.noAlpha {
		alpha = `""`
	}
	return fmt.Sprintf("+CMT: %s,%d\r\n%s", alpha, len(tpdu), m.frame(m.centre(), tpdu))
}

// reportLine is +CDS with its report.
func (m *Modem) reportLine(tpdu []byte) string {
	if m.set.cmgf == 1 {
		return "+CDS: " + m.textReport(tpdu)
	}
	return fmt.Sprintf("+CDS: %d\r\n%s", len(tpdu), m.frame(m.centre(), tpdu))
}

// afterLine runs what had to wait for the final result.
func (m *Modem) afterLine() {
	run := m.afterEnd
	m.afterEnd = nil
	for _, f := range run {
		f()
	}
	m.deliverNext()
}
