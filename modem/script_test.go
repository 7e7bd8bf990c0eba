package modem

import (
	"bufio"
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// script is a modem that answers from a table: the command line to what it says, and ERROR to everything else. An answer that begins
// with a line of its own is written as it stands, with OK after it unless it has a final result.
type script struct {
	mu      sync.Mutex
	answers map[string][]string // one after the other, the last again and again
	heard   []string
	conn    net.Conn
}

const aPDU = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"

// plainModem knows what every modem knows.
func plainModem(more map[string]string) *script {
	s := &script{answers: map[string][]string{}}
	for _, line := range []string{"AT", "ATQ0V1E0", "ATE0", "ATV1", "ATQ0", "AT+CMEE=1", "AT+CMGF=0", "AT+CSMS=0"} {
		s.answers[line] = []string{"OK"}
	}
	for line, said := range map[string]string{
		"AT+CGMI": "ACME", "AT+CGMM": "M1", "AT+CGMR": "1.0", "AT+CGSN": "356938035643809", "AT+CPIN?": "+CPIN: READY", "AT+CIMI": "460001234567890",
		"AT+CCID": "+CCID: 89860012345678901234", "AT+CMGF?": "+CMGF: 0", "AT+CNMI=2,1,0,1,0": "OK", "AT+CFUN?": "+CFUN: 1",
		"AT+CPMS=?": `+CPMS: ("ME","SM"),("ME","SM"),("ME","SM")`, `AT+CPMS="ME","ME","ME"`: "+CPMS: 0,23,0,23,0,23",
		`AT+CPMS="ME"`: "+CPMS: 0,23,0,23,0,23", `AT+CPMS="SM"`: "+CPMS: 0,20,0,23,0,23", "AT+CMGL=4": "OK",
	} {
		s.answers[line] = []string{said}
	}
	for line, said := range more {
		s.answers[line] = strings.Split(said, "|")
	}
	return s
}

func (s *script) run() {
	in := bufio.NewReader(s.conn)
	for {
		line, err := in.ReadString('\r')
		if err != nil {
			return
		}
		line = strings.Trim(line, "\x1b\r")
		if line == "" {
			continue
		}
		s.mu.Lock()
		s.heard = append(s.heard, line)
		said := "ERROR"
		if a := s.answers[line]; len(a) > 0 {
			said = a[0]
			if len(a) > 1 {
				s.answers[line] = a[1:]
			}
		}
		s.mu.Unlock()
		if said == "-" {
			continue
		}
		s.say(said)
		if prompt := strings.HasSuffix(said, "> "); prompt {
			if _, err := in.ReadString(0x1a); err != nil {
				return
			}
			s.say(s.answers["PDU"][0])
		}
	}
}

func (s *script) say(said string) {
	final := false
	for _, word := range []string{"OK", "ERROR", "> ", "NOT SUPPORT", "-"} {
		final = final || strings.Contains(said, word)
	}
	said = strings.ReplaceAll(said, "\n", "\r\n")
	switch {
	case strings.HasSuffix(said, "> "):
		said = "\r\n> "
	case final:
		said = "\r\n" + strings.TrimSuffix(said, "-") + "\r\n"
	default:
		said = "\r\n" + said + "\r\n\r\nOK\r\n"
	}
	s.conn.Write([]byte(said))
}

func (s *script) did(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.heard, line)
}

func (s *script) count(line string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.heard {
		if h == line {
			n++
		}
	}
	return n
}

// opened runs f with a session on the scripted modem, in fake time.
func opened(t *testing.T, c Config, s *script, f func(t *testing.T, m *Modem, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		s.conn = theirs
		go s.run()
		m, err := OpenOn(context.Background(), ours, c)
		if m != nil {
			defer m.Close()
		}
		f(t, m, err)
		theirs.Close()
		ours.Close()
	})
}

// next gives the next received message.
func next(t *testing.T, m *Modem) Event {
	t.Helper()
	for {
		select {
		case e := <-m.Events():
			if e.Kind == Received {
				return e
			}
		case <-time.After(time.Minute):
			t.Fatal("no message was told")
		}
	}
}

func TestVendorsDialoguesAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		vendor string
		more   map[string]string
		id     Identity
		did    []string
	}{
		{"Quectel EC25", map[string]string{
			"AT+CGMI": "Quectel", "AT+CGMM": "EC25", "AT+CGMR": "EC25EFAR06A03M4G", "AT+CCID": "ERROR", "AT+QCCID": "+QCCID: 8986001234567890123F",
			"AT+CSCA?": `+CSCA: "+8613800100500",145`, "AT+CNMI=?": "+CNMI: (0-2),(0-3),(0,2),(0,1,2),(0,1)",
			"AT+CNUM": `+CNUM: ,"+8613800138000",145`, "AT+CPIN?": "+CPIN: READY\n\nOK\n+QUSIM: 1\n-",
		}, Identity{Manufacturer: "Quectel", Model: "EC25", Revision: "EC25EFAR06A03M4G", ICCID: "8986001234567890123", SMSC: "+8613800100500", OwnNumber: "+8613800138000"},
			[]string{"AT+CNMI=2,1,0,1,0", `AT+CPMS="ME","ME","ME"`}},
		{"Qualcomm that refuses what it offers", map[string]string{
			"AT+CNMI=?": "+CNMI: (2),(1),(0,2),(1),(0)", "AT+CNMI=2,1,0,1,0": "ERROR", "AT+CNMI=2,1,2,2,0": "OK",
		}, Identity{}, []string{"AT+CNMI=2,1,0,1,0", "AT+CNMI=2,1,2,1,0", "AT+CNMI=2,1,2,2,0"}},
		{"Huawei E173", map[string]string{
			"ATE0": "ATE0\n\nOK", "AT+CGMI": "huawei", "AT+CGMM": "E173", "AT+CCID": "COMMAND NOT SUPPORT", "AT^ICCID?": "^ICCID: 98680021436587092143",
			"AT^CURC=0": "OK", "AT+CSCA?": `+CSCA: "002B0038003600310033003800300030",145`, "AT+CSQ": "^RSSI: 20\n\n+CSQ: 20,99",
			"AT+CNMI=2,1,0,1,0": "+CMS ERROR: 303", "AT+CNMI=2,1,0,2,0": "OK", "AT+CNMI=?": "+CNMI: (0,1,2),(0,1),(0),(0,2),(0,1)",
		}, Identity{Manufacturer: "huawei", Model: "E173", ICCID: "89860012345678901234", SMSC: "+8613800"},
			[]string{"AT^CURC=0", "AT+CNMI=2,1,0,2,0"}},
		{"SIMCom SIM7600", map[string]string{
			"AT+CGMI": "SIMCOM INCORPORATED", "AT+CGMR": "+CGMR: LE20B03SIM7600M22", "AT+CCID": "ERROR", "AT+ICCID": "+ICCID: 898600MF123456789012\n\nOK",
			"AT+CPMS=?":                `+CPMS: ("ME","MT","SM","SR"),("ME","MT","SM","SR"),("ME","MT","SM","SR")`,
			"AT+CRSM=176,12258,0,0,10": `+CRSM: 144,0,"98680021436587092143"`,
		}, Identity{Manufacturer: "SIMCOM INCORPORATED", Revision: "LE20B03SIM7600M22", ICCID: "89860012345678901234"}, nil},
		{"ZTE MF190", map[string]string{
			"AT+CGMI": "ZTE INCORPORATED", "AT+CGSN": `+CGSN: "356938035643809"`, "AT+CGMM": "+ZUSIMR:2\n\nMF190", "AT+CIMI": "460001234567890\n\nOK\n+ZPASR: \"UMTS\"\n-",
		}, Identity{Manufacturer: "ZTE INCORPORATED", Model: "MF190"}, nil},
		{"Siemens TC35", map[string]string{
			"AT+CGMI": "SIEMENS", "AT+CGMM": "TC35", "AT+CCID": "ERROR", "AT^SCID": "^SCID: 89860012345678901234", "AT^SM20=0,0": "OK",
			"AT+CNMI=?": "+CNMI: (3),(0-3),(0,2,3),(0-2),(1)", "AT+CNMI=3,1,0,1,1": "OK", "AT+CNMI=2,1,0,1,0": "ERROR",
			"AT+CPMS=?": `+CPMS: ("MT","SM","ME"),("SM","ME"),("MT","SM")`, `AT+CPMS="SM","SM","SM"`: "+CPMS: 1,20,1,20,1,20",
		}, Identity{Manufacturer: "SIEMENS", Model: "TC35", ICCID: "89860012345678901234"}, []string{"AT^SM20=0,0", "AT+CNMI=3,1,0,1,1", `AT+CPMS="SM","SM","SM"`}},
		{"Cinterion MC75i, which refuses three memories", map[string]string{
			`AT+CPMS="ME","ME","ME"`: "ERROR", `AT+CPMS="ME","ME"`: "+CPMS: 0,100,0,100,0,20", "AT+CNMI=?": "+CNMI: (0-2),(0,1),(0,2),(0-2),(1)",
			"AT+CNMI=2,1,0,1,0": "ERROR", "AT+CNMI=2,1,0,1,1": "OK",
		}, Identity{}, []string{`AT+CPMS="ME","ME"`, "AT+CNMI=2,1,0,1,1"}},
		{"Wavecom, which answers AT+CPIN? without OK", map[string]string{"AT+CPIN?": "+CPIN: READY\n-"}, Identity{}, nil},
		{"a modem whose card is busy at first", map[string]string{"AT+CPIN?": "+CME ERROR: 14|+CME ERROR: SIM busy|+CPIN: NOT READY|+CPIN: READY"}, Identity{}, nil},
		{"a modem in flight mode, left in UCS2", map[string]string{"AT+CFUN?": "+CFUN: 4", "AT+CFUN=1": "OK", `AT+CSCS="00470053004D"`: "OK"},
			Identity{}, []string{"AT+CFUN=1", `AT+CSCS="00470053004D"`}},
		{"iWOW, whose memories have no parentheses", map[string]string{"AT+CPMS=?": `+CPMS: "SM","SM","SM"`, `AT+CPMS="SM","SM","SM"`: "+CPMS: 0,20,0,20,0,20"},
			Identity{}, []string{`AT+CPMS="SM","SM","SM"`}},
	} {
		t.Run(c.vendor, func(t *testing.T) {
			s := plainModem(c.more)
			opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
				if err != nil {
					t.Fatal(err)
				}
				got := m.Identity()
				for what, pair := range map[string][2]string{
					"manufacturer": {c.id.Manufacturer, got.Manufacturer}, "model": {c.id.Model, got.Model}, "revision": {c.id.Revision, got.Revision},
					"ICCID": {c.id.ICCID, got.ICCID}, "SMSC": {c.id.SMSC, got.SMSC}, "own number": {c.id.OwnNumber, got.OwnNumber},
					"IMEI": {"356938035643809", got.IMEI}, "IMSI": {"460001234567890", got.IMSI},
				} {
					if pair[0] != "" && pair[0] != pair[1] {
						t.Errorf("%s %q, want %q", what, pair[1], pair[0])
					}
				}
				for _, line := range c.did {
					if !s.did(line) {
						t.Errorf("never said %s", line)
					}
				}
			})
		})
	}
}
