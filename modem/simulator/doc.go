// Package simulator is a pretend radio network with pretend modems: behind each pty or connection an ME with a SIM, in
// front of it a message centre and handsets, and beside it a ledger of what went on air. It is made for people without
// hardware, for tests, and for other people's programs: gammu, SMSTools3 and Kannel drive it like a real modem. It shares
// no code with the driver in attestd/modem, so that it shares none of its mistakes.
//
//	n, err := simulator.New(simulator.Config{Modems: 2, Profile: "quectel", Radio: 2500 * time.Millisecond})
//	path, err := n.Modem(0).Listen(dir)   // a pty behind dir/modem0; or ServeConn over net.Pipe
//	...
//	for _, e := range n.Ledger() { ... }  // what went on air, however the dialogue with the host ended
//
// Ordinary numbers just work: the message is accepted, delivered (to the modem or handset that has the number, if there
// is one) and reported. The last five digits of a recipient choose another fate:
//
//	99CCC  refused            +CMS ERROR: CCC for CCC from 001 to 599 (99001 unassigned number, 99021 rejected, 99038 network out of order, 99331 no network, ...); never on air
//	99601  temporary-once     +CMS ERROR: 41 (temporary failure) once, then accepted
//	99602  temporary-twice    +CMS ERROR: 42 (congestion) twice, then accepted
//	99603  bare-error         ERROR without a code once, not on air; then accepted
//	99604  error-but-sent     +CMS ERROR: 500 (unknown error), but it is on air
//	99605  timeout-but-sent   +CMS ERROR: 332 (network timeout), but it is on air
//	99610  silent-lost        no final result and not on air, once
//	99611  silent-sent        no final result, but it is on air
//	99612  late               on air; the final result comes late, and the modem hears nothing until then
//	99613  overdue            on air; the final result comes late, and the modem answers other commands before it
//	99614  late-refused       +CMS ERROR: 38 comes late; not on air
//	99615  ok-only-lost       OK without +CMGS and not on air, once
//	99616  ok-only-sent       OK without +CMGS, but it is on air
//	99617  no-ok              on air; +CMGS comes, its OK does not
//	99618  cut                on air; the result breaks off after "+CMG"
//	99619  cut-line           on air; the line +CMGS is cut to "+CM", then OK
//	99620  garbage            on air; lines of garbage come before the result
//	99701  report-failed      accepted; the status report says 0x43 (not obtainable)
//	99702  report-expired     accepted; the status report says 0x46 (validity period expired)
//	99703  report-given-up    accepted; the status report says 0x62 (no response from the phone, given up)
//	99704  report-pending     delivered; a report 0x30 (still trying) comes before the final one
//	99705  no-report          delivered; no status report ever comes
//	99706  report-first       delivered; the report comes before +CMGS
//	99707  report-twice       delivered; the report comes twice
//	99708  report-stray       delivered; a failure report with a reference nobody has comes before the right one
//	99709  report-national    delivered; the report names the recipient in national form
//	99710  report-slow        delivered; the report takes ten times as long, plus 1 s
//	99711  report-broken      delivered; a report that cannot be decoded comes before the right one
//	99801  unplug-early       the port vanishes after the PDU, before Ctrl-Z is read; not on air, once
//	99802  unplug-before-air  the port vanishes after Ctrl-Z; not on air, once
//	99803  unplug-after-air   the port vanishes when it is on air, before the result, once
//	99804  renumber           the same, and it comes back under another name, once
//	99805  restart-before-air the modem restarts after Ctrl-Z, its settings lost; not on air, once
//	99806  restart-after-air  the modem restarts when it is on air, before the result, once
//	99807  hang               on air; then the modem answers nothing at all for ten times Late, once
//	99901  urc                unsolicited lines between prompt and result, and between +CMGS and OK
//	99902  message            an inbound message is indicated between prompt and result
//	99903  single-bytes       the result is written one byte a write
//	99904  echo-lost          from now on the modem no longer echoes
//	99905  no-carrier         RING and NO CARRIER come between prompt and result
//	99906  ussd               a +CUSD of two lines, the second of which is OK, comes between prompt and result
//	99907  nul                NUL bytes around the result
//	99908  stall              after the result the modem reads nothing for twice Late, so that writes block
//	99909  ussd-quote         a +CUSD with a quote in its text comes between prompt and result
//
// A fate that strikes once strikes the first submit to its recipient. Modem.Next and the fault "fate" choose a fate
// without a number; Network.Fault lets things happen to a modem at any moment; Config.Hook is called at the moments at
// which a crash hurts.
package simulator
