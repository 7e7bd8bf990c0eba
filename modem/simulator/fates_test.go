package simulator

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// told runs one submit to a fate and returns what came after Ctrl-Z within a minute, the fate's submits and results.
func told(t *testing.T, n *Network, h *host, suffix string) (after string, submits []Entry) {
	t.Helper()
	to := "+86138001" + suffix
	tpdu := encode(t, to, "code 1234")[0]
	if got := h.ask("AT+CMGS=" + itoa(len(tpdu))); !strings.HasSuffix(got, "> ") {
		t.Fatalf("no prompt: %q", got)
	}
	_, _ = h.conn.Write([]byte("00" + upper(hexOf(tpdu)) + "\x1a"))
	after = h.heard()
	time.Sleep(time.Minute)
	after += h.heard()
	for _, e := range entries(n, KindSubmit) {
		if e.To == to {
			submits = append(submits, e)
		}
	}
	return after, submits
}

// TestEachFateDoesWhatTheTableSays holds for every row what the host is told, what is on air, and what it is told when
// it sends again.
func TestEachFateDoesWhatTheTableSays(t *testing.T) {
	const sent = "\r\n+CMGS: 0\r\n\r\nOK\r\n"
	again := strings.Replace(sent, " 0", " 1", 1)
	for _, c := range []struct {
		suffix string
		first  string // a regular expression
		onAir  bool
		second string // literally; "" if it is not tried
	}{
		{"99038", `^\r\n\+CMS ERROR: 38\r\n$`, false, "\r\n+CMS ERROR: 38\r\n"},
		{"99331", `^\r\n\+CMS ERROR: 331\r\n$`, false, "\r\n+CMS ERROR: 331\r\n"},
		{"99601", `^\r\n\+CMS ERROR: 41\r\n$`, false, again},
		{"99602", `^\r\n\+CMS ERROR: 42\r\n$`, false, "\r\n+CMS ERROR: 42\r\n"},
		{"99603", `^\r\nERROR\r\n$`, false, sent},
		{"99604", `^\r\n\+CMS ERROR: 500\r\n$`, true, ""},
		{"99605", `^\r\n\+CMS ERROR: 332\r\n$`, true, ""},
		{"99610", `^$`, false, sent},
		{"99611", `^$`, true, ""},
		{"99612", `^\r\n\+CMGS: 0\r\n\r\nOK\r\n$`, true, again},
		{"99613", `^\r\n\+CMGS: 0\r\n\r\nOK\r\n$`, true, again},
		{"99614", `^\r\n\+CMS ERROR: 38\r\n$`, false, ""},
		{"99615", `^\r\nOK\r\n$`, false, sent},
		{"99616", `^\r\nOK\r\n$`, true, ""},
		{"99617", `^\r\n\+CMGS: 0\r\n$`, true, ""},
		{"99618", `^\r\n\+CMG$`, true, ""},
		{"99619", `^\r\n\+CM\r\n\r\nOK\r\n$`, true, ""},
		{"99620", `(?s)GS~~ 7.*\r\n\+CMGS: 0\r\n\r\nOK\r\n$`, true, ""},
		{"99901", `(?s)\+CREG: 1.*\+CMGS: 0\r\n\r\n\+CREG: 1\r\n.*\r\nOK\r\n$`, true, ""},
		{"99902", `^\r\n\+CMTI: "SM",1\r\n\r\n\+CMGS: 0\r\n\r\nOK\r\n$`, true, ""},
		{"99903", `^\r\n\+CMGS: 0\r\n\r\nOK\r\n$`, true, again},
		{"99905", `(?s)RING.*NO CARRIER.*\+CMGS: 0`, true, ""},
		{"99906", `(?s)\+CUSD: 0,"Your balance is\r\nOK\r\n.*\+CMGS: 0`, true, ""},
		{"99907", `\x00\r\n\+CMGS: 0\r\n\r\nOK\r\n\x00$`, true, ""},
	} {
		t.Run(c.suffix, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{})
				n.Modem(0).SetReference(0)
				h := connect(t, n, 0).quiet()
				h.ask("AT+CNMI=2,1,0,0,0")
				first, submits := told(t, n, h, c.suffix)
				if !regexp.MustCompile(c.first).MatchString(first) {
					t.Errorf("told %q, want %q", first, c.first)
				}
				if len(submits) != 1 || submits[0].Accepted != c.onAir || submits[0].Fate == "" {
					t.Errorf("ledger %+v", submits)
				}
				if c.second == "" {
					return
				}
				if second, _ := told(t, n, h, c.suffix); second != c.second {
					t.Errorf("told again %q, want %q", second, c.second)
				}
			})
		})
	}
}

func TestStrikesTakeThePortOrTheModemAtTheirMoment(t *testing.T) {
	for _, c := range []struct {
		suffix string
		onAir  bool
		detail string
		closed bool
	}{
		{"99801", false, "before Ctrl-Z", true},
		{"99802", false, "before it was on air", true},
		{"99803", true, "", true},
		{"99804", true, "", true},
		{"99805", false, "restarted before", false},
		{"99806", true, "", false},
		{"99807", true, "", false},
	} {
		t.Run(c.suffix, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{Radio: time.Second})
				h := connect(t, n, 0).quiet()
				after, submits := told(t, n, h, c.suffix)
				if strings.Contains(after, "CMGS") {
					t.Errorf("told %q", after)
				}
				if len(submits) != 1 || submits[0].Accepted != c.onAir || !strings.Contains(submits[0].Detail, c.detail) {
					t.Errorf("ledger %+v", submits)
				}
				_, err := h.conn.Write([]byte("\r"))
				if (err != nil) != c.closed {
					t.Errorf("closed: %v, want %v", err, c.closed)
				}
				if c.closed { // it has power again, and starts
					h = connect(t, n, 0)
					time.Sleep(time.Second)
					if got := h.heard(); !strings.HasPrefix(got, "\r\nRDY\r\n") {
						t.Errorf("the banner: %q", got)
					}
				}
				if got := h.quiet().ask("AT"); got != "\r\nOK\r\n" {
					t.Errorf("afterwards: %q", got)
				}
				h.submit("+86138001"+c.suffix, "again")
				time.Sleep(time.Second)
				if got := h.heard(); !strings.Contains(got, "+CMGS: ") {
					t.Errorf("the second attempt: %q", got)
				}
			})
		})
	}
}

func TestReportsComeAsTheirFateHasThem(t *testing.T) {
	const one = `\r\n\+CDS: \d+\r\n[0-9A-F]+`
	for suffix, want := range map[string]string{ // C is +CMGS and OK
		"00000": `^C` + one + `00\r\n$`,
		"99701": `^C` + one + `43\r\n$`,
		"99702": `^C` + one + `46\r\n$`,
		"99703": `^C` + one + `62\r\n$`,
		"99704": `^C` + one + `30\r\n` + one + `00\r\n$`,
		"99705": `^C$`,
		"99706": `^` + one + `00\r\nC$`,
		"99707": `^C` + one + `00\r\n` + one + `00\r\n$`,
		"99708": `^C\r\n\+CDS: \d+\r\n[0-9A-F]{18}06800D91[0-9A-F]+41\r\n` + one + `00\r\n$`,
		"99709": `^C\r\n\+CDS: \d+\r\n[0-9A-F]{18}06000B8131`,
		"99710": `^C` + one + `00\r\n$`,
		"99711": `^C\r\n\+CDS: 6\r\n[0-9A-F]+\r\n` + one + `00\r\n$`,
	} {
		t.Run(suffix, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{ReportDelay: time.Second})
				n.Modem(0).SetReference(0)
				h := connect(t, n, 0).quiet()
				h.ask("AT+CNMI=2,1,0,1,0")
				got, _ := told(t, n, h, suffix)
				got = strings.Replace(got, "\r\n+CMGS: 0\r\n\r\nOK\r\n", "C", 1)
				if !regexp.MustCompile(want).MatchString(got) {
					t.Errorf("told %q, want %q", got, want)
				}
			})
		})
	}
}

func TestThePackageCommentAndTheTableAreOne(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for line := range strings.Lines(FateTable()) {
		want.WriteString("//\t" + line)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("doc.go does not hold the table of fates; put this in:\n%s", want.String())
	}
}

func TestSuffixesAndNamesOfFatesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fates() {
		if seen[f.Suffix] || seen[f.Name] || f.Meaning == "" {
			t.Errorf("%+v", f)
		}
		seen[f.Suffix], seen[f.Name] = true, true
	}
	for _, seed := range []int64{0, 1, 99, 5999, 8999} {
		n := network(t, Config{Modems: 1000, Seed: seed})
		for i := range n.Modems() {
			if f := fateOf(n.Modem(i).Number()); f != ordinary || len(n.Modem(i).Number()) != 14 {
				t.Fatalf("modem %d has the number %s with the fate %s", i, n.Modem(i).Number(), f.Name)
			}
		}
	}
	for number, want := range map[string]string{
		"+8613800199611": "silent-sent", "13800199038": "refused-38", "+8613800199600": "", "99611": "", "+8613800138000": "", "+8613800199000": "",
	} {
		if got := fateOf(number).Name; got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}
