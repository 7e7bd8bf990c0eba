package simulator

import (
	"time"

	"attestd/pdu"
)

// unplug pulls the plug: the modem has no power and no port until it gets one again. The lock is held.
func (m *Modem) unplug(why string) {
	m.note(KindModem, why)
	m.powerOff()
	m.detach(why)
	m.pulled = true
}

// unplugForAWhile is the same, and the port comes back by itself.
func (m *Modem) unplugForAWhile(why string, renumber bool) {
	m.note(KindModem, "unplugged: "+why)
	m.powerOff()
	m.vanish("unplugged: "+why, renumber)
}

// hang makes the modem deaf and dumb for a while; what it does on air goes on.
func (m *Modem) hang(d time.Duration) {
	m.note(KindModem, "hangs")
	m.mute = true
	m.inbuf = m.inbuf[:0]
	life := m.life
	m.net.after(d, func() {
		if m.life == life && m.mute {
			m.mute = false
			m.note(KindModem, "answers again")
			m.deliverNext()
		}
	})
}

// noiseBefore is what a fate puts on the line between prompt and result.
func (m *Modem) noiseBefore(f *Fate) {
	switch f.noise {
	case noiseURC:
		for _, line := range []string{"+CREG: 1", "+CSQ: 17,0", "^HCSQ: \"LTE\",31", "+CPIN: READY"} {
			m.say("\r\n" + line + "\r\n")
		}
	case noiseMessage:
		m.net.inject(m, "10086", "An inbound message in the middle of a send.")
	case noiseCarrier:
		m.say("\r\nRING\r\n\r\nNO CARRIER\r\n")
	case noiseUSSD:
		m.say("\r\n+CUSD: 0,\"Your balance is\r\nOK\r\n12.50\",15\r\n")
	case noiseQuote:
		m.say("\r\n+CUSD: 2,\"Only today: 32\" TV for 9999. *123#\",15\r\n")
	case noiseEcho:
		m.echoLost = true
	}
}

// noiseAfter is what a fate does once the result is said.
func (m *Modem) noiseAfter(f *Fate) {
	if f.noise == noiseStall {
		m.stall(2 * m.net.config.Late)
	}
}

// fill puts old messages into every free slot of the stores for received messages.
func (m *Modem) fill() {
	tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: "10086", Text: "An old message.", SCTS: time.Now()})
	if err != nil {
		return
	}
	for _, b := range []*box{m.sm, m.me} {
		for {
			in := &incoming{tpdu: tpdus[0], from: "10086", text: "An old message."}
			if _, good := b.put(&stored{stat: statRead, smsc: m.centre(), tpdu: tpdus[0], in: in}); !good {
				break
			}
		}
	}
}

// strayReports brings status reports whose references no recent message has.
func (m *Modem) strayReports(count int) error {
	for i := range count {
		mr := int(m.card.nextMR) + 64 + i
		tpdu, err := pdu.EncodeStatusReport(pdu.ReportOptions{MR: byte(mr), Recipient: "+8613912345678", SCTS: time.Now(), Discharge: time.Now()})
		if err != nil {
			return err
		}
		st := 0
		m.inbound = append(m.inbound, &incoming{tpdu: tpdu, report: true, mr: mr % 256, to: "+8613912345678", status: &st})
	}
	m.deliverNext()
	return nil
}
