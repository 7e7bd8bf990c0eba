package faults

import (
	"time"

	"attestd/modem/simulator"
)

// refusals are +CMS ERRORs, one or more of each class of modem.Classify.
var refusals = []Fault{
	{Name: "cms-permanent", Modem: "+CMS ERROR: 1 (unassigned number) for one recipient", Ends: []string{"rejected"}, strike: fated("99001", atOnce),
		Gateway: "rejected, with the reason; the others go on"},
	{Name: "cms-temporary", Modem: "+CMS ERROR: 41 (temporary failure) once", strike: fated("99601", atOnce),
		Gateway: "queued again with back-off"},
	{Name: "cms-congestion", Modem: "+CMS ERROR: 42 (congestion)", Ends: []string{"queued"}, strike: fated("99042", atOnce),
		Gateway: "queued again, half a minute later; the others go on"},
	{Name: "cms-rejected", Modem: "+CMS ERROR: 21 (transfer rejected) for one recipient", Ends: []string{"queued", "rejected"}, strike: fated("99021", atOnce),
		Gateway: "once more after two minutes, then rejected; the others go on"},
	{Name: "cms-account", Modem: "+CMS ERROR: 50 (not subscribed) once: the SIM's account", strike: next("refused-50", atOnce),
		Gateway: "the SIM is to blame, not the message: the session ends, the message goes to another modem or waits"},
	{Name: "cms-account-number", Modem: "the same for one recipient, again and again", Ends: []string{"queued", "submitting", "rejected"}, strike: fated("99050", atOnce),
		Gateway: "one bad number blocks nothing"},
	{Name: "cms-sick", Modem: "+CMS ERROR: 302 (operation not allowed) once", strike: next("refused-302", atOnce),
		Gateway: "the modem is to blame: the session ends, the handshake again"},
	{Name: "cms-settings", Modem: "+CMS ERROR: 330 (SMSC unknown) once", strike: next("refused-330", atOnce),
		Gateway: "the same"},
	{Name: "cms-memory-full", Modem: "+CMS ERROR: 322 (memory full) once", Ends: []string{"queued", "delivered"}, strike: next("refused-322", atOnce),
		Gateway: "no try is counted; the memory is drained, the modem rests for 2 s"},
	{Name: "cms-no-network", Modem: "+CMS ERROR: 331 (no network) once", Ends: []string{"queued", "delivered"}, strike: next("refused-331", atOnce),
		Gateway: "no try is counted; the modem rests for 2 s, longer each time"},
	{Name: "cms-bad-pdu", Modem: "+CMS ERROR: 304 (invalid PDU) for one recipient", Ends: []string{"queued", "rejected"}, strike: fated("99304", atOnce),
		Gateway: "once more, then rejected; the others go on"},
	{Name: "cms-unknown", Modem: "+CMS ERROR: 500 (unknown) for one recipient; nothing on air", Ends: []string{"unknown", "unreported", "queued", "rejected", "submitting"}, strike: fated("99500", atOnce),
		Gateway: "proves nothing: unknown; that the next reference leaves no gap proves that it was not sent"},
	{Name: "cms-vendor", Modem: "+CMS ERROR: 512 (of the maker) once; nothing on air", Ends: inDoubt, strike: next("refused-512", atOnce),
		Gateway: "the same"},
	{Name: "cms-duplicate", Modem: "+CMS ERROR: 197 (the message centre has it already) once", Ends: inDoubt, strike: next("refused-197", atOnce),
		Gateway: "in doubt: its reference is not known"},
	{Name: "cms-busy", Modem: "+CMS ERROR: 515 (busy) once", Ends: []string{"queued", "delivered"}, strike: next("refused-515", atOnce),
		Gateway: "no try is counted; the modem rests for 5 s"},
	{Name: "bare-error", Modem: "ERROR without a code once; nothing on air", Ends: inDoubt, strike: fated("99603", atOnce),
		Gateway: "as 500"},
}

// reports are faults of status reports, references and clocks.
var reports = []Fault{
	{Name: "report-first", Modem: "the report comes before +CMGS", strike: fated("99706", atOnce),
		Gateway: "keeps it until the reference is known"},
	{Name: "report-twice", Modem: "the report comes twice", strike: fated("99707", atOnce),
		Gateway: "the second adds nothing"},
	{Name: "report-stray", Modem: "a failure report for another reference comes before the right one", strike: fated("99708", atOnce),
		Gateway: "matches by reference, recipient and time: the message is not touched"},
	{Name: "report-unknown", Modem: "20 reports for references that nobody has", strike: sudden(simulator.Fault{Fault: "report", Count: 20}),
		Gateway: "acknowledges and keeps them for a while; nothing changes"},
	{Name: "report-national", Modem: "the report names the recipient in national form", strike: fated("99709", atOnce),
		Gateway: "knows it by its last digits"},
	{Name: "report-pending", Modem: "a report \"still trying\" comes before the final one", strike: fated("99704", atOnce),
		Gateway: "waits for the final one"},
	{Name: "report-broken", Modem: "a report that cannot be decoded comes before the right one", strike: fated("99711", atOnce),
		Gateway: "keeps its octets in the inbox; nothing is matched at random"},
	{Name: "report-failed", Modem: "the report says that the recipient cannot be reached", Ends: []string{"undelivered"}, strike: fated("99701", atOnce),
		Gateway: "undelivered, as the network says"},
	{Name: "report-never", Modem: "no report ever comes", Ends: []string{"submitted", "unreported"}, strike: fated("99705", atOnce),
		Gateway: "stays submitted; unreported an hour after the deadline"},
	{Name: "reference-wrap", Modem: "the message reference wraps from 255 to 0 among four messages", strike: sudden(simulator.Fault{Fault: "reference", Count: 254}),
		Gateway: "each report finds its own message"},
	{Name: "reference-wrap-in-doubt", Modem: "the same with a lost answer in the middle", strike: inTurn(quietly(simulator.Fault{Fault: "reference", Count: 255}), fated("99611", atOnce)),
		Gateway: "the references of its neighbours say which it was"},
	{Name: "clock-fast", Modem: "the network's clock is 90 minutes fast, and an answer is lost", strike: inTurn(quietly(simulator.Fault{Fault: "clock", Value: "90m"}), fated("99611", atOnce)),
		Gateway: "the reference and the recipient are enough"},
	{Name: "clock-slow", Modem: "the network's clock is a day slow, and an answer is lost", strike: inTurn(quietly(simulator.Fault{Fault: "clock", Value: "-24h"}), fated("99611", atOnce)),
		Gateway: "the same"},
	{Name: "clock-jump", Modem: "the network's clock jumps by 8 hours and back", strike: jump,
		Gateway: "the same"},
}

// jump changes the network's clock between messages that wait for their reports.
func jump(s *scene) error {
	for _, by := range []string{"8h", "-8h", "0s"} {
		if err := s.fault(simulator.Fault{Fault: "clock", Value: by}); err != nil {
			return err
		}
		s.over = append(s.over, time.Now())
		if err := s.sendAll(2, ""); err != nil {
			return err
		}
	}
	return s.meanwhile()
}
