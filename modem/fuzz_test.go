package modem

import (
	"context"
	"strings"
	"testing"
	"time"

	"attestd/modem/at"
)

// FuzzWhatAModemMaySay: whatever a modem says, taking it apart ends, and what looks like a message is not lost.
func FuzzWhatAModemMaySay(f *testing.F) {
	for _, s := range []string{
		"+CMTI: \"SM\",3\n" + aPDU, "+CMT: ,30\n" + aPDU, "+CMGL: 0,1,,30\n" + aPDU + "\n+CMGL: x\n+CMGL: 3,,\"", "+CREG: 2,1,\"0B,\"0100701\",7",
		"+CPMS: ((\"SM\",\"BM\",\"SR\"),(\"SM\"))", "+CNMI: (0-2),(0,1", "+CSQ: 20,99,,,,\"", "+CDS: 02\n0200#", ":\n,", "+CSCA: \"002B\",145", "^ICCID: 9868",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		m := &Modem{c: Config{}, log: discard, memory: memory{turn: make(chan struct{}, 1), slots: map[slot]string{}, suspect: map[slot]string{}}}
		lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' || r == 0 })
		for i, line := range lines {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			kind := unsolicited(line)
			body := ""
			if i+1 < len(lines) {
				body = lines[i+1]
			}
			if !strings.HasPrefix(line, "+CMTI:") && !strings.HasPrefix(line, "+CDSI:") { // those ask the modem
				events := m.meaning(at.Event{At: time.Now(), Line: line, Kind: kind, Body: body})
				if kind == at.WithBody && body != "" && !strings.HasPrefix(line, "+CBM:") && (len(events) != 1 || events[0].Raw != body) {
					t.Errorf("%q, %q: lost", line, body)
				}
			}
			parseSignal(line)
			smscOf(line)
			normalICCID(line)
			memories(groups(line, "+CPMS:"))
			isRead(line, "+CREG:")
			reference([]string{line})
			for _, g := range groups(line, "+CNMI:") {
				allows(g, 1)
			}
		}
		heads := 0
		for _, line := range lines {
			if strings.HasPrefix(strings.TrimSpace(line), "+CMGL:") {
				heads++
			}
		}
		out, _ := m.listed(lines, "ME")
		if n := len(out); n > heads {
			t.Errorf("%d messages of %d headers", n, heads)
		}
	})
}

func TestASubmitOnAClosedSessionWasNotSent(t *testing.T) {
	opened(t, Config{}, plainModem(nil), func(t *testing.T, m *Modem, _ error) {
		m.Close()
		_, err := m.Submit(context.Background(), "tag", []byte{1, 0})
		if Classify(err).Kind != Sick || !Classify(err).NoTry {
			t.Fatalf("got %v, %+v", err, Classify(err))
		}
	})
}
