package simulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Fate is what happens to a message whose recipient ends in Suffix. Numbers that end otherwise just work.
type Fate struct {
	Suffix  string // the last five digits; CCC stands for three digits of a +CMS ERROR code
	Name    string
	Meaning string
	// Strikes is how many submits to one recipient it strikes, after which that recipient is an ordinary number; 0 means every one.
	Strikes int
	// Delivers is whether the recipient may still get the text: on air in spite of the fault, or when it is sent again.
	Delivers bool

	cms     int // refuse with this +CMS ERROR; -1 is a bare ERROR
	onAir   bool
	answer  answer
	strike  strike
	noise   noise
	reports reports
}

// answer is what becomes of the final result.
type answer uint8

const (
	answerNormal    answer = iota
	answerNone             // never written; the modem goes on
	answerLate             // written Config.Late after its time; until then the modem is deaf
	answerOverdue          // the same, but the modem answers other commands meanwhile
	answerOKOnly           // OK without +CMGS
	answerNoOK             // +CMGS without OK
	answerCut              // "+CMG" and nothing more
	answerCutLine          // "+CM" as a line, then OK
	answerOtherLine        // the result, with garbage lines before it
)

// strike is what happens to port or modem.
type strike uint8

const (
	strikeNone strike = iota
	strikeUnplugEarly
	strikeUnplugBefore
	strikeUnplugAfter
	strikeRenumber
	strikeRestartBefore
	strikeRestartAfter
	strikeHang
)

// noise is what else is on the line.
type noise uint8

const (
	noiseNone noise = iota
	noiseURC
	noiseMessage
	noiseSingle
	noiseEcho
	noiseCarrier
	noiseUSSD
	noiseNUL
	noiseStall
	noiseQuote
)

// reports is what the message centre reports.
type reports uint8

const (
	reportDelivered reports = iota
	reportFailed
	reportExpired
	reportGivenUp
	reportPending
	reportNone
	reportFirst
	reportTwice
	reportStray
	reportNational
	reportSlow
	reportBroken
)

var fates = []Fate{
	{Suffix: "99CCC", Name: "refused", Meaning: "+CMS ERROR: CCC for CCC from 001 to 599 (99001 unassigned number, 99021 rejected, 99038 network out of order, 99331 no network, ...); never on air"},
	{Suffix: "99601", Name: "temporary-once", Strikes: 1, Delivers: true, cms: 41, Meaning: "+CMS ERROR: 41 (temporary failure) once, then accepted"},
	{Suffix: "99602", Name: "temporary-twice", Strikes: 2, Delivers: true, cms: 42, Meaning: "+CMS ERROR: 42 (congestion) twice, then accepted"},
	{Suffix: "99603", Name: "bare-error", Strikes: 1, Delivers: true, cms: -1, Meaning: "ERROR without a code once, not on air; then accepted"},
	{Suffix: "99604", Name: "error-but-sent", Delivers: true, cms: 500, onAir: true, Meaning: "+CMS ERROR: 500 (unknown error), but it is on air"},
	{Suffix: "99605", Name: "timeout-but-sent", Delivers: true, cms: 332, onAir: true, Meaning: "+CMS ERROR: 332 (network timeout), but it is on air"},
	{Suffix: "99610", Name: "silent-lost", Strikes: 1, Delivers: true, answer: answerNone, Meaning: "no final result and not on air, once"},
	{Suffix: "99611", Name: "silent-sent", Delivers: true, onAir: true, answer: answerNone, Meaning: "no final result, but it is on air"},
	{Suffix: "99612", Name: "late", Delivers: true, onAir: true, answer: answerLate, Meaning: "on air; the final result comes late, and the modem hears nothing until then"},
	{Suffix: "99613", Name: "overdue", Delivers: true, onAir: true, answer: answerOverdue, Meaning: "on air; the final result comes late, and the modem answers other commands before it"},
	{Suffix: "99614", Name: "late-refused", cms: 38, answer: answerLate, Meaning: "+CMS ERROR: 38 comes late; not on air"},
	{Suffix: "99615", Name: "ok-only-lost", Strikes: 1, Delivers: true, answer: answerOKOnly, Meaning: "OK without +CMGS and not on air, once"},
	{Suffix: "99616", Name: "ok-only-sent", Delivers: true, onAir: true, answer: answerOKOnly, Meaning: "OK without +CMGS, but it is on air"},
	{Suffix: "99617", Name: "no-ok", Delivers: true, onAir: true, answer: answerNoOK, Meaning: "on air; +CMGS comes, its OK does not"},
	{Suffix: "99618", Name: "cut", Delivers: true, onAir: true, answer: answerCut, Meaning: "on air; the result breaks off after \"+CMG\""},
	{Suffix: "99619", Name: "cut-line", Delivers: true, onAir: true, answer: answerCutLine, Meaning: "on air; the line +CMGS is cut to \"+CM\", then OK"},
	{Suffix: "99620", Name: "garbage", Delivers: true, onAir: true, answer: answerOtherLine, Meaning: "on air; lines of garbage come before the result"},

	{Suffix: "99701", Name: "report-failed", onAir: true, reports: reportFailed, Meaning: "accepted; the status report says 0x43 (not obtainable)"},
	{Suffix: "99702", Name: "report-expired", onAir: true, reports: reportExpired, Meaning: "accepted; the status report says 0x46 (validity period expired)"},
	{Suffix: "99703", Name: "report-given-up", onAir: true, reports: reportGivenUp, Meaning: "accepted; the status report says 0x62 (no response from the phone, given up)"},
	{Suffix: "99704", Name: "report-pending", Delivers: true, onAir: true, reports: reportPending, Meaning: "delivered; a report 0x30 (still trying) comes before the final one"},
	{Suffix: "99705", Name: "no-report", Delivers: true, onAir: true, reports: reportNone, Meaning: "delivered; no status report ever comes"},
	{Suffix: "99706", Name: "report-first", Delivers: true, onAir: true, reports: reportFirst, Meaning: "delivered; the report comes before +CMGS"},
	{Suffix: "99707", Name: "report-twice", Delivers: true, onAir: true, reports: reportTwice, Meaning: "delivered; the report comes twice"},
	{Suffix: "99708", Name: "report-stray", Delivers: true, onAir: true, reports: reportStray, Meaning: "delivered; a failure report with a reference nobody has comes before the right one"},
	{Suffix: "99709", Name: "report-national", Delivers: true, onAir: true, reports: reportNational, Meaning: "delivered; the report names the recipient in national form"},
	{Suffix: "99710", Name: "report-slow", Delivers: true, onAir: true, reports: reportSlow, Meaning: "delivered; the report takes ten times as long, plus 1 s"},
	{Suffix: "99711", Name: "report-broken", Delivers: true, onAir: true, reports: reportBroken, Meaning: "delivered; a report that cannot be decoded comes before the right one"},

	{Suffix: "99801", Name: "unplug-early", Strikes: 1, Delivers: true, strike: strikeUnplugEarly, Meaning: "the port vanishes after the PDU, before Ctrl-Z is read; not on air, once"},
	{Suffix: "99802", Name: "unplug-before-air", Strikes: 1, Delivers: true, strike: strikeUnplugBefore, Meaning: "the port vanishes after Ctrl-Z; not on air, once"},
	{Suffix: "99803", Name: "unplug-after-air", Strikes: 1, Delivers: true, onAir: true, strike: strikeUnplugAfter, Meaning: "the port vanishes when it is on air, before the result, once"},
	{Suffix: "99804", Name: "renumber", Strikes: 1, Delivers: true, onAir: true, strike: strikeRenumber, Meaning: "the same, and it comes back under another name, once"},
	{Suffix: "99805", Name: "restart-before-air", Strikes: 1, Delivers: true, strike: strikeRestartBefore, Meaning: "the modem restarts after Ctrl-Z, its settings lost; not on air, once"},
	{Suffix: "99806", Name: "restart-after-air", Strikes: 1, Delivers: true, onAir: true, strike: strikeRestartAfter, Meaning: "the modem restarts when it is on air, before the result, once"},
	{Suffix: "99807", Name: "hang", Strikes: 1, Delivers: true, onAir: true, strike: strikeHang, Meaning: "on air; then the modem answers nothing at all for ten times Late, once"},

	{Suffix: "99901", Name: "urc", Delivers: true, onAir: true, noise: noiseURC, Meaning: "unsolicited lines between prompt and result, and between +CMGS and OK"},
	{Suffix: "99902", Name: "message", Delivers: true, onAir: true, noise: noiseMessage, Meaning: "an inbound message is indicated between prompt and result"},
	{Suffix: "99903", Name: "single-bytes", Delivers: true, onAir: true, noise: noiseSingle, Meaning: "the result is written one byte a write"},
	{Suffix: "99904", Name: "echo-lost", Delivers: true, onAir: true, noise: noiseEcho, Meaning: "from now on the modem no longer echoes"},
	{Suffix: "99905", Name: "no-carrier", Delivers: true, onAir: true, noise: noiseCarrier, Meaning: "RING and NO CARRIER come between prompt and result"},
	{Suffix: "99906", Name: "ussd", Delivers: true, onAir: true, noise: noiseUSSD, Meaning: "a +CUSD of two lines, the second of which is OK, comes between prompt and result"},
	{Suffix: "99907", Name: "nul", Delivers: true, onAir: true, noise: noiseNUL, Meaning: "NUL bytes around the result"},
	{Suffix: "99908", Name: "stall", Delivers: true, onAir: true, noise: noiseStall, Meaning: "after the result the modem reads nothing for twice Late, so that writes block"},
	{Suffix: "99909", Name: "ussd-quote", Delivers: true, onAir: true, noise: noiseQuote, Meaning: "a +CUSD with a quote in its text comes between prompt and result"},
}

// Fates returns the table of fates, in the order of their suffixes.
func Fates() []Fate { return append([]Fate(nil), fates...) }

// FateTable is the table as text, as the package comment and `attestd simulate --help` show it.
func FateTable() string {
	var b strings.Builder
	for _, f := range fates {
		fmt.Fprintf(&b, "%-6s %-18s %s\n", f.Suffix, f.Name, f.Meaning)
	}
	return b.String()
}

var (
	fateBySuffix = map[string]*Fate{}
	fateByName   = map[string]*Fate{}
)

func init() {
	for i := range fates {
		f := &fates[i]
		fateBySuffix[f.Suffix], fateByName[f.Name] = f, f
	}
}

var ordinary = &Fate{onAir: true, Delivers: true}

// fateOf finds the fate of a recipient by its last five digits.
func fateOf(number string) *Fate {
	if len(number) < 8 { // a short code is never a fate
		return ordinary
	}
	suffix := number[len(number)-5:]
	if f := fateBySuffix[suffix]; f != nil {
		return f
	}
	if f := refusal(suffix); f != nil {
		return f
	}
	return ordinary
}

// fateNamed finds a fate by its name, by its suffix, or as "refused-CCC".
func fateNamed(name string) (*Fate, error) {
	if f := fateByName[name]; f != nil && f.Suffix != "99CCC" {
		return f, nil
	}
	if f := fateBySuffix[name]; f != nil && f.Suffix != "99CCC" {
		return f, nil
	}
	if code, ok := strings.CutPrefix(name, "refused-"); ok {
		if f := refusal(fmt.Sprintf("99%03s", code)); f != nil {
			return f, nil
		}
	}
	if f := refusal(name); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("fate: %q is not in the table; see `attestd simulate --help`", name)
}

func refusal(suffix string) *Fate {
	if len(suffix) != 5 || suffix[:2] != "99" {
		return nil
	}
	code, err := strconv.Atoi(suffix[2:])
	if err != nil || code < 1 || code > 599 {
		return nil
	}
	return &Fate{Suffix: suffix, Name: fmt.Sprintf("refused-%d", code), cms: code}
}

// slowness is how long the report of a fate takes.
func (f *Fate) slowness(d time.Duration) time.Duration {
	if f.reports == reportSlow {
		return 10*d + time.Second
	}
	return d
}
