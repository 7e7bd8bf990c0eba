package modem

import (
	"strings"
	"testing"
	"time"

	"attestd/pdu"
)

// receivedTPDUs are TPDUs of every coding, as a modem gives them.
func receivedTPDUs(t *testing.T) (all [][]byte) {
	t.Helper()
	for _, text := range []string{"", "a", "1234567", "12345678", "{}[]", "验证码 123456", strings.Repeat("long ", 60)} {
		tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: "+8613900139003", Text: text, SCTS: time.Unix(1_790_000_000, 0)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tpdus...)
	}
	report, err := pdu.EncodeStatusReport(pdu.ReportOptions{MR: 7, Recipient: "+8613900139003", SCTS: time.Unix(1_790_000_000, 0), Discharge: time.Unix(1_790_000_005, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, report)
}

func TestWhatLostCharactersOnTheLineIsNotTakenForWhole(t *testing.T) {
	for _, tpdu := range receivedTPDUs(t) {
		line := pdu.Frame("+8613800100500", tpdu)
		for from := range line {
			for n := 1; n <= 16 && from+n <= len(line); n++ {
				if got := part(line[:from]+line[from+n:], len(tpdu)); got.whole && string(got.tpdu) != string(tpdu) { // the SMSC's number may be lost
					t.Errorf("%s without the %d characters at %d is taken for whole", line, n, from)
				}
			}
		}
	}
}

func TestEveryWayToAnnounceALengthIsRead(t *testing.T) {
	for _, tpdu := range receivedTPDUs(t) {
		full, bare := pdu.Frame("+8613800100500", tpdu), pdu.Frame("", tpdu)
		for name, c := range map[string]struct {
			line   string
			length int
		}{
			"as TS 27.005 3.1 says":          {full, len(tpdu)},
			"with the SMSC field counted":    {full, len(full) / 2},
			"not at all":                     {full, -1},
			"with an empty SMSC field":       {bare, len(tpdu)},
			"with an empty field counted":    {bare, len(tpdu) + 1},
			"with no SMSC field":             {bare[2:], len(tpdu)},
			"with no SMSC field, not at all": {bare[2:], -1},
		} {
			if got := part(c.line, c.length); !got.whole || string(got.tpdu) != string(tpdu) {
				t.Errorf("announced %s: %s, %d: read as %X, whole: %v", name, c.line, c.length, got.tpdu, got.whole)
			}
		}
	}
}
