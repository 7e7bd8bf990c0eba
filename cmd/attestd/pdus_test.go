package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"attestd/pdu"
)

// say runs a command that needs nothing but its standard streams.
func say(stdin string, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(&app{ctx: context.Background(), stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}, args)
	return out.String(), errs.String(), code
}

func objects(t *testing.T, lines string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, v)
	}
	return all
}

const (
	hello  = "0891683108100005F0040D91683108108300F000006211429080702305E8329BFD06"
	report = "0891683108100005F0062A0D91683108108300F0621142908070236211429080302346"
)

func TestDecodePrintsTheFieldsThatOthersScriptAgainst(t *testing.T) {
	out, _, code := say("", "decode", "--json", hello, report, "00"+hello[18:42]+"00000000000000"+"05E8329BFD06")
	want := `{"type":"deliver","smsc":"+8613800100500","number":"+8613800138000","text":"hello","alphabet":"gsm7","dcs":0,"timestamp":"2026-11-24T09:08:07+08:00","discharge":null,"mr":null,"status":null,"status_class":null,"concat":null,"class":null,"data":null,"damaged":false}
{"type":"status-report","smsc":"+8613800100500","number":"+8613800138000","text":"","alphabet":null,"dcs":null,"timestamp":"2026-11-24T09:08:07+08:00","discharge":"2026-11-24T09:08:03+08:00","mr":42,"status":70,"status_class":"failed","concat":null,"class":null,"data":null,"damaged":false}
{"type":"deliver","smsc":"","number":"+8613800138000","text":"hello","alphabet":"gsm7","dcs":0,"timestamp":null,"discharge":null,"mr":null,"status":null,"status_class":null,"concat":null,"class":null,"data":null,"damaged":false}
`
	if code != 0 || out != want {
		t.Fatalf("%d\n%s\nwant\n%s", code, out, want)
	}
}

func TestDecodeReadsALineAtATimeAndNoBadLineStopsIt(t *testing.T) {
	lines := []string{hello, "nonsense", "", "07", strings.Repeat("A", 200_000), "  " + strings.ToLower(hello) + "\r", hello}
	out, _, code := say(strings.Join(lines, "\n"), "decode", "-")
	got := objects(t, out)
	if code != 0 || len(got) != len(lines) {
		t.Fatalf("%d: %d lines for %d", code, len(got), len(lines))
	}
	for i, v := range got {
		if good := i == 0 || i >= 5; good != (v["text"] == "hello") || good == (v["error"] != nil) {
			t.Errorf("line %d: %v", i+1, v)
		}
	}
	if out, _, code := say("", "decode", "-"); out != "" || code != 0 {
		t.Fatal(out, code)
	}
}

func TestDecodeAnswersEachLineAtOnceAndAnInterruptEndsIt(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	stdin, type_ := io.Pipe()
	screen, stdout := io.Pipe()
	done := make(chan int)
	go func() {
		done <- run(&app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: io.Discard}, []string{"decode", "-"})
	}()
	if _, err := fmt.Fprintln(type_, hello); err != nil {
		t.Fatal(err)
	}
	if answer, err := bufio.NewReader(screen).ReadString('\n'); err != nil || !strings.Contains(answer, `"text":"hello"`) {
		t.Fatal(answer, err)
	}
	interrupt() // while it waits for the next line
	if code := <-done; code != 130 {
		t.Fatal(code)
	}
}

func TestDecodeTellsAPersonWhatAPDUSays(t *testing.T) {
	out, errs, code := say("", "decode", hello, "zz")
	want := `SMS-DELIVER: a message to this phone
  from       +8613800138000
  sent       2026-11-24 09:08:07 +08:00
  text       "hello"
  alphabet   gsm7 (DCS 0x00)
  SMSC       +8613800100500
`
	if out != want || code != 1 || !strings.Contains(errs, "not hexadecimal") {
		t.Fatalf("%d %s\n%s", code, errs, out)
	}
}

func TestEncodeShowsPartsAlphabetUnitsCostAndPDUs(t *testing.T) {
	out, _, code := say("", "encode", "--to", "+86 138 0013 8000", "--text", "hello")
	want := `to        +8613800138000
alphabet  gsm7 (160 septets in one part, 153 in each of several)
length    5 characters: 5 septets in 1 part
cost      1 SMS; room for 155 septets more before the next

part 1 of 1, 5 septets: AT+CMGS=19
0001000D91683108108300F0000005E8329BFD06
`
	if out != want || code != 0 {
		t.Fatalf("%d\n%s", code, out)
	}
	out, _, _ = say("", "encode", "--to", "10086", "--text", "it’s", "--json")
	if v := objects(t, out)[0]; v["alphabet"] != "ucs2" || v["segments"] != 1.0 || v["units"] != 4.0 || v["room"] != 66.0 {
		t.Fatal(v)
	}
	out, _, _ = say("", "encode", "--to", "10086", "--text", "it’s")
	if !strings.Contains(out, "because of '’' U+2019") {
		t.Fatal(out)
	}
}

func TestEncodeRefusesWithOneLineThatSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--to", "abc", "--text", "x"}, "attestd: --to: has a character that is no digit, write digits with an optional + in front\n"},
		{[]string{"--to", "10086", "--text", strings.Repeat("x", 255*153+1)}, "attestd: --text: needs more than 255 parts, shorten it\n"},
		{[]string{"--to", "10086", "--text", "字", "--alphabet", "gsm7"}, "attestd: --text: has a character that the chosen alphabet lacks, choose ucs2 or leave the choice open\n"},
		{[]string{"--to", "10086", "--text", "x", "--validity=-1s"}, "attestd: --validity: is already over, give a later deadline\n"},
		{[]string{"--to", "10086", "--text", "x", "--ref", "256"}, "attestd: --ref: 256 does not fit into 8 bits, add --wide-ref\n"},
		{[]string{"--to", "10086", "--text", "x", "--smsc", "home"}, "attestd: --smsc: is no number, write it as +8613800100500\n"},
	} {
		if out, errs, code := say("", append([]string{"encode"}, c.args...)...); out != "" || errs != c.want || code != 1 {
			t.Errorf("%d %s%s", code, out, errs)
		}
	}
}

func TestWhatEncodePrintsDecodeAndJoinRead(t *testing.T) {
	text := strings.Repeat("您的验证码是 123456 😀 ", 20)
	pdus, _, code := say("", "encode", "--to", "+8613800138000", "--text", text, "--pdu", "--ref", "300", "--wide-ref", "--report", "--flash")
	if code != 0 || strings.Count(pdus, "\n") < 3 {
		t.Fatal(code, pdus)
	}
	decoded, _, _ := say(pdus, "decode", "--direction", "mo", "-")
	for i, v := range objects(t, decoded) {
		concat := v["concat"].(map[string]any)
		if v["type"] != "submit" || v["class"] != 0.0 || concat["ref"] != 300.0 || concat["bits"] != 16.0 || concat["seq"] != float64(i+1) {
			t.Fatal(v)
		}
	}
	joined, _, _ := say(pdus, "join", "--direction", "mo", "-")
	if v := objects(t, joined); len(v) != 1 || v[0]["text"] != text || v[0]["complete"] != true {
		t.Fatal(joined)
	}
}

func TestJoinPrintsWholeMessagesAndWhatIsMissingAtTheEnd(t *testing.T) {
	lines := func(from, text string, ref uint16, at time.Time) (all []string) {
		tpdus, err := pdu.EncodeDeliver(pdu.DeliverOptions{From: from, Text: text, Ref: ref, SCTS: at})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range tpdus {
			all = append(all, pdu.Frame("", b))
		}
		return all
	}
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	whole, half := lines("106900", strings.Repeat("alpha ", 60), 7, at), lines("106901", strings.Repeat("bravo ", 60), 7, at)
	again := lines("106900", strings.Repeat("gamma ", 60), 7, at.Add(24*time.Hour))
	short := lines("Bank", "hello", 0, at)
	in := strings.Join([]string{whole[2], half[1], "bad", whole[0], whole[0], short[0], again[1], report, whole[1], again[0], again[2]}, "\n")
	out, errs, code := say(in, "join", "--json", "-")
	var got []string
	for _, v := range objects(t, out) {
		if v["error"] != nil {
			got = append(got, fmt.Sprint("error in line ", v["line"]))
			continue
		}
		got = append(got, fmt.Sprintf("%s %.5s %v/%v %v %v", v["number"], v["text"], v["parts"], v["total"], v["complete"], v["missing"]))
	}
	want := []string{
		"error in line 3",
		"Bank hello 1/1 true <nil>",
		"106900 alpha 3/3 true <nil>",
		"106900 gamma 3/3 true <nil>",
		"106901 vo br 1/3 false [1 3]",
	}
	if code != 0 || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) || !strings.Contains(errs, "1 status report left out") {
		t.Fatalf("%d %s\n got %q\nwant %q", code, errs, got, want)
	}
	out, _, _ = say("", "join", half[0])
	if !strings.Contains(out, "106901, sent 2026-11-24 09:00:00 +00:00, 1 of 3 parts, incomplete: [2 3] missing") {
		t.Fatal(out)
	}
}
