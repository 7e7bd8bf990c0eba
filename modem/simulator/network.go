package simulator

import (
	"strings"
	"time"

	"attestd/pdu"
)

// partKey ties the parts of one long message on its way to a handset.
type partKey struct {
	modem int
	to    string
	ref   uint16
	bits  int
	total int
}

type assembly struct{ parts []*pdu.SubmitInfo }

// accept is the message centre taking a message: it is on air from now on, however the dialogue with the host ends.
func (n *Network) accept(s *submission) {
	e := s.entry(true)
	text, whole := n.assemble(s)
	if whole && s.info.Concat != nil {
		e.Whole = text
	}
	n.ledger.add(e)
	if s.fate.Delivers && whole {
		n.reach(s.m, s.to, text)
	}
	if s.info.StatusReport && !n.config.NoReports {
		n.report(s)
	}
}

// assemble joins the parts of a long message; whole is false while some are missing.
func (n *Network) assemble(s *submission) (text string, whole bool) {
	c := s.info.Concat
	if c == nil || c.Total < 2 || c.Seq < 1 || c.Seq > c.Total {
		return s.info.Text, true
	}
	key := partKey{s.m.index, s.to, c.Ref, c.Bits, c.Total}
	a := n.partial[key]
	if a == nil {
		if len(n.partial) > 10000 {
			clear(n.partial)
		}
		a = &assembly{parts: make([]*pdu.SubmitInfo, c.Total)}
		n.partial[key] = a
	}
	a.parts[c.Seq-1] = s.info
	delivers := make([]pdu.Deliver, 0, c.Total)
	for _, p := range a.parts {
		if p == nil {
			return "", false
		}
		delivers = append(delivers, pdu.Deliver{Content: p.Content})
	}
	delete(n.partial, key)
	return pdu.JoinText(delivers), true
}

// subscriber is what two forms of one number have in common.
func subscriber(number string) string {
	digits := strings.TrimPrefix(number, "+")
	if len(digits) > 8 {
		return digits[len(digits)-8:]
	}
	return digits
}

// reach hands a whole text to who has the number: a modem of this network, or a handset.
func (n *Network) reach(from *Modem, to, text string) {
	key := subscriber(to)
	if m := n.byNumber[key]; m != nil {
		n.inject(m, from.card.number, text)
		return
	}
	answer := n.handsets[key]
	if answer == nil {
		answer = n.handsets["*"]
	}
	if answer == nil {
		return
	}
	n.ledger.add(Entry{Modem: from.index, Kind: KindHandset, From: from.card.number, To: to, Text: text})
	n.wg.Add(1)
	go func() { // the answer is somebody else's code: never under the lock
		defer n.wg.Done()
		reply, after := answer(text)
		if reply == "" {
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.after(after, func() { n.inject(from, to, reply) })
	}()
}

// Handset puts a handset into the network: for each whole text sent to number it is asked for an answer, which goes
// back by SMS to the SIM that sent the text, after the given time; an empty one is none. The number "*" stands for all
// that have no handset of their own.
func (n *Network) Handset(number string, answer func(text string) (reply string, after time.Duration)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handsets[subscriber(number)] = answer
}

// Inject sends an SMS to a modem, in as many parts as it needs. from is a number or an alphanumeric sender.
func (n *Network) Inject(modem int, from, text string) error {
	m, err := n.modem(modem)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.inject(m, from, text)
}

func (n *Network) inject(m *Modem, from, text string) error {
	n.ref++
	tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: from, Text: text, SCTS: time.Now(), Ref: uint16(n.ref)})
	if err != nil {
		return err
	}
	for i, tpdu := range tpdus {
		in := &incoming{tpdu: tpdu, from: from, part: i + 1, parts: len(tpdus)}
		if len(tpdus) == 1 {
			in.part, in.parts = 0, 0
		}
		if d, err := pdu.Decode(tpdu, pdu.MT); err == nil && d.Deliver != nil {
			in.text, in.class = d.Deliver.Text, d.Deliver.Class
		}
		n.ledger.add(m.arrival(KindInject, in))
		m.inbound = append(m.inbound, in)
	}
	m.deliverNext()
	return nil
}

// InjectTPDU sends a raw SMS-DELIVER or SMS-STATUS-REPORT to a modem, however broken it is.
func (n *Network) InjectTPDU(modem int, tpdu []byte) error {
	m, err := n.modem(modem)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	in := &incoming{tpdu: tpdu, report: len(tpdu) > 0 && tpdu[0]&3 == 2}
	n.ledger.add(m.arrival(KindInject, in))
	m.inbound = append(m.inbound, in)
	m.deliverNext()
	return nil
}

// report sends the status reports that the fate of a message brings, each after its time.
func (n *Network) report(s *submission) {
	delay := s.fate.slowness(n.config.ReportDelay)
	final := pdu.Status(0)
	switch s.fate.reports {
	case reportNone:
		return
	case reportFailed:
		final = 0x43
	case reportExpired:
		final = 0x46
	case reportGivenUp:
		final = 0x62
	case reportPending:
		n.queueReport(s, delay, 0x30, s.mr, s.to)
		delay *= 2
	case reportTwice:
		n.queueReport(s, delay, 0, s.mr, s.to)
	case reportStray:
		n.queueReport(s, delay, 0x41, (s.mr+128)%256, s.to)
	case reportBroken:
		n.queueBroken(s, delay)
	case reportFirst:
		n.queueReport(s, 0, 0, s.mr, s.to)
		s.m.deliverNext() // before +CMGS is said
		return
	}
	to := s.to
	if s.fate.reports == reportNational {
		to = strings.TrimPrefix(to, "+86")
	}
	n.queueReport(s, delay, final, s.mr, to)
}

// queueReport brings a report to the modem. One without delay waits only for the end of the command that runs.
func (n *Network) queueReport(s *submission, delay time.Duration, status pdu.Status, mr int, to string) {
	tell := func() {
		tpdu, err := pdu.EncodeStatusReport(pdu.ReportOptions{
			MR: byte(mr), Recipient: to, SCTS: s.scts, Discharge: time.Now(), Status: status,
		})
		if err != nil {
			return
		}
		st := int(status)
		s.m.inbound = append(s.m.inbound, &incoming{tpdu: tpdu, report: true, submit: s.id, mr: mr, to: to, status: &st})
	}
	if delay <= 0 {
		tell()
		return
	}
	n.after(delay, func() {
		tell()
		s.m.deliverNext()
	})
}

// queueBroken brings a report as a ZTE stick was seen to give it: cut, with an address of fillers.
func (n *Network) queueBroken(s *submission, delay time.Duration) {
	tell := func() {
		s.m.inbound = append(s.m.inbound, &incoming{tpdu: []byte{0x06, byte(s.mr), 0x0D, 0x91, 0xBB, 0xFB}, report: true, submit: s.id, mr: s.mr, to: s.to})
	}
	if delay <= 0 {
		tell()
		return
	}
	n.after(delay, func() {
		tell()
		s.m.deliverNext()
	})
}
