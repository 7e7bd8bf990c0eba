package faults

import (
	"fmt"
	"strings"
	"time"

	"attestd/modem/simulator"
	"attestd/pdu"
)

// parts are faults that meet one part of a message of three.
var parts = []Fault{
	{Name: "parts-silent-lost", Modem: "gives no final result to the 2nd part of 3; it did not go on air", Ends: inDoubt, strike: parted(2, "silent-lost", atOnce),
		Gateway: "sends the 3rd; a report that may as well be the 2nd's as the 3rd's is held until one is left; nothing is taken for sent that may not be"},
	{Name: "parts-silent-sent", Modem: "gives no final result to the 2nd part of 3; it is on air", strike: parted(2, "silent-sent", atOnce),
		Gateway: "sends the 3rd; the status report of the 2nd settles it"},
	{Name: "parts-silent-first", Modem: "the same with the 1st part", strike: parted(1, "silent-sent", atOnce),
		Gateway: "the same; the others go through the same SIM"},
	{Name: "parts-gone-after-air", Deaf: true, Repeats: 1, Ends: inDoubt, Modem: "its port vanishes when the 2nd part of 3 is on air", strike: parted(2, "unplug-after-air", plugged),
		Gateway: "opens it again, sends the 3rd; the status report settles the 2nd, unless the modem dropped it: then that part alone goes out once more, if the message is repeatable"},
	{Name: "parts-reboot-after-air", Deaf: true, Repeats: 1, Ends: inDoubt, Within: RebootTarget, Modem: "restarts when the last part of 3 is on air", strike: parted(3, "restart-after-air", started),
		Gateway: "the same"},
	{Name: "parts-refused", Modem: "+CMS ERROR: 1 (unassigned number) for the 2nd part of 3", Ends: []string{"rejected"}, Parts: "delivered, rejected, cancelled", strike: parted(2, "refused-1", atOnce),
		Gateway: "rejected, and says of each part what became of it: the 1st delivered, the 3rd cancelled, for no handset could join it"},
	{Name: "parts-refused-first", Modem: "the same for the 1st part", Ends: []string{"rejected"}, Parts: "rejected, cancelled, cancelled", strike: parted(1, "refused-1", atOnce),
		Gateway: "rejected; nothing went out"},
	{Name: "parts-temporary", Modem: "+CMS ERROR: 41 (temporary failure) for the 2nd part of 3", strike: parted(2, "temporary-once", atOnce),
		Gateway: "that part is queued again with back-off"},
	{Name: "parts-report-failed", Modem: "the report of the 2nd part of 3 says that the recipient cannot be reached; the others arrive", Ends: []string{"undelivered"},
		Parts: "delivered, undelivered, delivered", radio: reportsAfter(2 * time.Second), strike: parted(2, "report-failed", atOnce),
		Gateway: "undelivered, and says so of that part alone"},
	{Name: "parts-report-never", Modem: "no report of the 2nd part of 3 ever comes", Ends: []string{"submitted", "unreported"}, Parts: "delivered, submitted, delivered", strike: parted(2, "no-report", atOnce),
		Gateway: "stays submitted, though the others are delivered; unreported an hour after the deadline"},
	{Name: "parts-received", Modem: "the parts of a received text come out of order and twice, between those of another of the same sender and reference, an hour old", strike: mixed,
		Gateway: "puts each text together by itself, once"},
}

// parted lets a part of each of two long messages meet a fate, one message of them repeatable, while others follow.
func parted(n int, fate string, over moment) func(*scene) error {
	return func(s *scene) error {
		for _, repeatable := range []bool{false, true} {
			m := s.draft("struck", repeatable)
			m.text = long(m.text)
			if err := s.fault(simulator.Fault{Fault: "fate", Value: fate, To: m.to, Part: n}); err != nil {
				return err
			}
			if err := s.post(m); err != nil {
				return err
			}
			if len(m.parts) != 3 {
				return fmt.Errorf("%q has %d parts", m.short(), len(m.parts))
			}
		}
		if err := s.meanwhile(); err != nil {
			return err
		}
		for _, m := range s.sent {
			if !m.struck {
				continue
			}
			if err := s.meets(over, func(e simulator.Entry) bool { return e.To == m.to && e.Part == n }); err != nil {
				return err
			}
		}
		return nil
	}
}

// long makes a text that needs three parts, each unlike any part of any other text.
func long(text string) string {
	var b strings.Builder
	b.WriteString(text)
	for i := 0; b.Len() < 400; i++ {
		fmt.Fprintf(&b, " Line %d of %s", i, text)
	}
	return b.String()
}

// reportsAfter is how long status reports take.
func reportsAfter(d time.Duration) func(*simulator.Config) {
	return func(c *simulator.Config) { c.ReportDelay = d }
}

// mixed has two long texts come in, part between part.
func mixed(s *scene) error {
	var both [2][][]byte
	for i, when := range []time.Time{time.Now(), time.Now().Add(-time.Hour)} {
		text := long(fmt.Sprintf("%s, text %d.", s.Name, i))
		tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: "+8613700000001", Text: text, SCTS: when, Ref: 77})
		if err != nil {
			return err
		}
		if len(tpdus) != 3 {
			return fmt.Errorf("a text of %d parts", len(tpdus))
		}
		both[i] = tpdus
		s.injected = append(s.injected, text)
	}
	fresh, stale := both[0], both[1]
	for _, tpdu := range [][]byte{fresh[2], stale[1], fresh[0], fresh[0], fresh[1], fresh[2], stale[2], stale[0]} {
		if err := s.network.InjectTPDU(0, tpdu); err != nil {
			return err
		}
	}
	s.over = append(s.over, time.Now())
	return s.meanwhile()
}
