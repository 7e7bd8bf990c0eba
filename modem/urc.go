package modem

import (
	"strings"

	"attestd/modem/at"
)

// banners are said by a modem that has started, or that goes away: what ran is in doubt, and the settings are lost.
var banners = []string{
	"RDY", "^SYSSTART", "#SYSSTART", "+AT: READY", "+WIND: 3", "MODEM:STARTUP", "*EMRDY",
	"POWERED DOWN", "NORMAL POWER DOWN", "UNDER-VOLTAGE POWER DOWN", "OVER-VOLTAGE POWER DOWN", "^SHUTDOWN",
}

// again are said when the card is read: after a restart whose banner we missed, or because the card was changed.
var again = []string{"+CPIN: READY", "Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "+QIND: SMS DONE", "+QIND: PB DONE", "+PBREADY"}

// plain are the unsolicited lines that do not begin with + ^ * # or %.
var plain = []string{
	"RING", "Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "DST:", "NITZ", "UNDER-VOLTAGE", "OVER-VOLTAGE",
	"MISSED_CALL", "VOICE CALL:", "CONNECT",
}

// unsolicited is the table of unsolicited lines for package at.
func unsolicited(line string) at.Kind {
	switch {
	case strings.HasPrefix(line, "+CMT:"), strings.HasPrefix(line, "+CDS:"), strings.HasPrefix(line, "+CBM:"):
		return handedOver(line)
	case strings.HasPrefix(line, "+CUSD:"):
		return at.Quoted
	case isBanner(line):
		return at.Banner
	case strings.IndexByte("+^*#%$", line[0]) >= 0, begins(line, plain):
		return at.Known
	}
	return at.Unknown
}

// handedOver tells the forms of a message that is handed over (TS 27.005 3.4.1): head and PDU, head with the PDU behind
// it, and those of text mode, in which nothing of ours is left: a report is one line then.
func handedOver(line string) at.Kind {
	_, body := ownBody(line)
	switch {
	case inTextMode(line) && strings.HasPrefix(line, "+CDS:"):
		return at.Banner
	case inTextMode(line):
		return at.Texted
	case body != "":
		return at.Known
	}
	return at.WithBody
}

func isBanner(line string) bool {
	for _, b := range banners {
		if line == b || strings.HasPrefix(line, b) && strings.HasPrefix(b, "^") {
			return true
		}
	}
	return false
}

func begins(line string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

// full reports whether a line says that the message store is full (Quectel, Huawei, SIMCom, Cinterion).
func full(line string) bool {
	upper := strings.ToUpper(line)
	return strings.Contains(upper, "SMSFULL") || strings.Contains(upper, "SMMEMFULL")
}
