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
	tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: from, Text: text, SCTS: n.clock(), Ref: uint16(n.ref)})
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

// report sends the status reports that the fate of a message brings, in their order.
func (n *Network) report(s *submission) {
	delay := s.fate.slowness(n.config.ReportDelay)
	final := statusReport{mr: s.mr, to: s.to}
	switch s.fate.reports {
	case reportNone:
		return
	case reportFailed:
		final.status = 0x43
	case reportExpired:
		final.status = 0x46
	case reportGivenUp:
		final.status = 0x62
	case reportPending:
		n.sendReports(s, delay, statusReport{mr: s.mr, to: s.to, status: 0x30})
		delay *= 2
	case reportTwice:
		n.sendReports(s, delay, final, final)
		return
	case reportStray:
		n.sendReports(s, delay, statusReport{mr: (s.mr + 128) % 256, to: s.to, status: 0x41}, final)
		return
	case reportBroken:
		n.sendReports(s, delay, statusReport{mr: s.mr, to: s.to, broken: true}, final)
		return
	case reportFirst:
		n.sendReports(s, 0, final)
		s.m.deliverNext() // before +CMGS is said
		return
	case reportNational:
		final.to = strings.TrimPrefix(s.to, "+86")
	}
	n.sendReports(s, delay, final)
}

type statusReport struct {
	mr     int
	to     string
	status pdu.Status
	broken bool
}

// sendReports brings reports to the modem that sent s. Those without delay wait only for the end of the command that runs.
func (n *Network) sendReports(s *submission, delay time.Duration, reports ...statusReport) {
	tell := func() {
		for _, r := range reports {
			in := &incoming{report: true, submit: s.id, mr: r.mr, to: r.to}
			if r.broken { // as a ZTE stick was seen to give it: cut, with an address of fillers
				in.tpdu = []byte{0x06, byte(r.mr), 0x0D, 0x91, 0xBB, 0xFB}
			} else {
				tpdu, err := pdu.EncodeStatusReport(pdu.ReportOptions{
					MR: byte(r.mr), Recipient: r.to, SCTS: s.scts, Discharge: n.clock(), Status: r.status,
				})
				if err != nil {
					continue
				}
				st := int(r.status)
				in.tpdu, in.status = tpdu, &st
			}
			s.m.inbound = append(s.m.inbound, in)
		}
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
