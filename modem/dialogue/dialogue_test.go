package dialogue

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestADialogueThatIsWrittenReadsAsItWas(t *testing.T) {
	files, _ := filepath.Glob("../testdata/*.at")
	for _, file := range append(files, "plain.at") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var again strings.Builder
		if err := d.Write(&again); err != nil {
			t.Fatal(err)
		}
		same, err := Read(strings.NewReader(again.String()))
		if err != nil || !reflect.DeepEqual(unnumbered(d), unnumbered(same)) {
			t.Errorf("%s: %v; written as\n%s", file, err, again.String())
		}
	}
}

// unnumbered is a dialogue without the numbers of its lines.
func unnumbered(d Dialogue) Dialogue {
	bare := func(all []Exchange) (out []Exchange) {
		for _, x := range all {
			x.Line = 0
			out = append(out, x)
		}
		return out
	}
	d.Habits = bare(d.Habits)
	for i, a := range d.Acts {
		d.Acts[i] = Act{Verb: a.Verb, Args: a.Args, Exchanges: bare(a.Exchanges)}
	}
	return d
}

func TestWhatIsWrongInADialogueIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"# x\n< OK":               "line 2: what the modem says needs a > before it, or a verb",
		"\n\n>":                   "line 3: > needs what the driver writes",
		"open\n~ soon":            `line 2: ~ needs a duration like 3s, not "soon"`,
		"open\n<< OK":             `line 2: << needs a quoted string, not "OK"`,
		"AT+CSQ":                  `line 1: "AT+CSQ" is neither >, <, <<, ~, # nor a verb`,
		"> AT\n< OK\nopen\n=> AT": `line 4: "=>" is neither >, <, <<, ~, # nor a verb`,
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestThePeerTellsWhatCameOutOfTurnAndWhatCannotBeTakenBack(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	d, err := Read(strings.NewReader("> AT\n< OK\n> AT\n< READY\n> AT+CMGS=...\n< >\nopen\n> AT+CMGR=1\n< OK\n> AT+CMGD=1\n< OK\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := NewPeer(theirs, d.Habits)
	had := p.Expect(d.Acts[0].Exchanges)
	say := func(line, want string) {
		t.Helper()
		b := make([]byte, 64)
		if _, err := ours.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if n, err := ours.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("%q is answered by %q, not %q (%v)", line, b[:n], want, err)
		}
	}
	say("AT\r", "\r\nOK\r\n")
	say("AT\r", "\r\nREADY\r\n")
	say("\x1bAT\r", "\r\nREADY\r\n")
	say("AT+CMGD=1\r", "\r\nERROR\r\n")
	say("AT+CMGS=12\r", "\r\n> ")
	say("AT+CMGR=1\r", "\r\nOK\r\n")
	if due := p.Due(); due != "line 10: AT+CMGD=1" {
		t.Errorf("due is %q", due)
	}
	say("AT+CMGD=1\r", "\r\nOK\r\n")
	<-had
	if wrong := p.Wrong(); len(wrong) != 2 || !strings.Contains(wrong[0], "came before line 8") || !strings.Contains(wrong[1], "does not have it") {
		t.Errorf("told %q", wrong)
	}
}
