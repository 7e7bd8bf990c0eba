package faults

import (
	"time"

	"attestd/modem/simulator"
)

// inDoubt is where a message rests that nobody can tell of: shown, and never rounded.
var inDoubt = []string{"delivered", "unknown", "unreported"}

// answers are faults of the final result.
var answers = []Fault{
	{Name: "silent-lost", Modem: "gives no final result; nothing went on air", Ends: inDoubt, strike: fated("99610", atOnce),
		Gateway: "after `ask_after` (15 s) asks AT; one that answers has lost the result: unknown, resynchronised; it goes on; that the next reference leaves no gap proves that it was not sent, and it is sent again"},
	{Name: "silent-sent", Modem: "gives no final result; it is on air", strike: fated("99611", atOnce),
		Gateway: "the same; the status report settles it"},
	{Name: "silent-sent-alone", Modem: "the same, while no other report is due", strike: fatedAlone("99611", atOnce),
		Gateway: "the status report ends the wait: 5 s later it resynchronises and goes on"},
	{Name: "late-result", Modem: "gives the final result after `submit_timeout` (1 s here), and is deaf until then", house: hasty, strike: fated("99612", answered),
		Gateway: "waits `late_result_wait` before it says anything, and credits the result to its own submit"},
	{Name: "overdue-result", Modem: "gives the final result late, and answers other commands before it", house: hasty, strike: fated("99613", answered),
		Gateway: "the same"},
	{Name: "late-result-long", Modem: "gives the final result after 35 s, and is deaf until then", radio: late(35 * time.Second), strike: fatedAlone("99612", answered),
		Gateway: "asks AT after 15 s and every 10 s; gets no answer, so it is still sending, and is left to it"},
	{Name: "overdue-result-long", Modem: "gives the final result after 30 s, and answers other commands before it", radio: late(30 * time.Second), strike: fatedAlone("99613", answered),
		Gateway: "asks AT after 15 s, is answered and calls it unknown; knows by the SIM's count whose result it is that comes into a later submit, or between two"},
	{Name: "late-refusal", Modem: "refuses late (+CMS ERROR: 38); nothing on air", Ends: []string{"queued"}, house: hasty, strike: fated("99614", answered),
		Gateway: "credits the refusal to its own submit: queued again, dated as that error wants"},
	{Name: "ok-only-lost", Modem: "says OK without a reference; nothing on air", Ends: inDoubt, strike: fated("99615", atOnce),
		Gateway: "does not take that for success: unknown, and settled as above"},
	{Name: "ok-only-sent", Modem: "says OK without a reference; it is on air", strike: fated("99616", atOnce),
		Gateway: "the same; the status report settles it"},
	{Name: "no-ok", Modem: "says +CMGS and never OK", strike: fated("99617", atOnce),
		Gateway: "takes the reference, waits 5 s for the OK, resynchronises"},
	{Name: "cut", Modem: "breaks off after +CMG, in the middle of the line", strike: fated("99618", atOnce),
		Gateway: "asks AT after 15 s; it answers: unknown; the status report settles it"},
	{Name: "cut-line", Modem: "truncates +CMGS to +CM, then OK", strike: fated("99619", atOnce),
		Gateway: "an OK without a reference: unknown, settled by the status report"},
	{Name: "garbage-result", Modem: "puts lines of garbage before the result", strike: fated("99620", atOnce),
		Gateway: "drops them and reads the result"},
	{Name: "error-but-sent", Modem: "says +CMS ERROR: 500, and it is on air", strike: fated("99604", atOnce),
		Gateway: "500 proves nothing: unknown; the status report settles it"},
	{Name: "timeout-but-sent", Modem: "says +CMS ERROR: 332 (network timeout), and it is on air", strike: fated("99605", atOnce),
		Gateway: "the same"},
	{Name: "hang-mid-send", Modem: "is deaf and dumb for 3 s once the message is on air", radio: late(300 * time.Millisecond), strike: fated("99807", talking),
		Gateway: "asks AT until it is answered; then unknown; the status report settles it"},
}

// ports are faults of the port and of the modem's power.
var ports = []Fault{
	{Name: "gone-before-ctrl-z", Deaf: true, Modem: "its port vanishes after the PDU, before Ctrl-Z", Ends: inDoubt, strike: fated("99801", plugged),
		Gateway: "opens it again; a submit whose Ctrl-Z may have been written is unknown until proof comes"},
	{Name: "gone-after-ctrl-z", Deaf: true, Modem: "its port vanishes after Ctrl-Z; nothing went on air", Ends: inDoubt, strike: fated("99802", plugged),
		Gateway: "unknown; opens it again; the next reference proves that it was not sent"},
	{Name: "gone-after-air", Deaf: true, Repeats: 1, Ends: inDoubt, Modem: "its port vanishes when the message is on air", strike: fated("99803", plugged),
		Gateway: "unknown; opens it again; the status report settles it, unless it came before the handshake was done: the modem drops it then, and a repeatable message goes out once more"},
	{Name: "renumbered-mid-send", Deaf: true, Repeats: 1, Ends: inDoubt, Modem: "the same, and it comes back under another name", house: byPattern, strike: fated("99804", plugged),
		Gateway: "finds it under the other name by asking for its IMEI; else the same"},
	{Name: "renumbered-idle", Deaf: true, Modem: "comes back under another name while idle", house: byPattern, strike: replugged(simulator.Fault{Fault: "renumber"}),
		Gateway: "finds it under the other name by asking for its IMEI"},
	{Name: "unplugged", Deaf: true, Modem: "is unplugged for 3 s while idle", strike: lasting("unplug", 3*time.Second),
		Gateway: "opens it again when it is back"},
	{Name: "reboot-before-air", Deaf: true, Within: RebootTarget, Modem: "restarts after Ctrl-Z, settings lost; nothing on air", Ends: inDoubt, strike: fated("99805", started),
		Gateway: "unknown; the banner ends the session; the whole handshake again"},
	{Name: "reboot-after-air", Deaf: true, Repeats: 1, Ends: inDoubt, Within: RebootTarget, Modem: "restarts when the message is on air", strike: fated("99806", started),
		Gateway: "the same; the status report settles it"},
	{Name: "reboot-idle", Deaf: true, Within: RebootTarget, Modem: "restarts by itself while idle, settings lost, the port stays", strike: restarted(restart),
		Gateway: "the banner ends the session; the whole handshake again"},
	{Name: "reboot-usb", Deaf: true, Within: RebootTarget, Modem: "the same, and its port vanishes meanwhile", radio: dialect("huawei"), strike: restarted(restart),
		Gateway: "opens it again when it is back"},
	{Name: "forgets", Deaf: true, Within: RebootTarget, Modem: "loses its settings without a banner: echo, text mode, no indications", strike: sudden(forget),
		Gateway: "an echo where it had switched it off ends the session before the message is handed over; the whole handshake again"},
}
