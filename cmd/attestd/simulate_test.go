package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/modem/simulator"
)

func simulate(ctx context.Context, out, errs io.Writer, args ...string) int {
	return run(&app{ctx: ctx, stdin: strings.NewReader(""), stdout: out, stderr: errs}, append([]string{"simulate"}, args...))
}

func TestSimulateHelpHoldsTheFatesTheFaultsAndTheControlInterface(t *testing.T) {
	var out, errs bytes.Buffer
	if code := simulate(t.Context(), &out, &errs, "--help"); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	for line := range strings.Lines(simulator.FateTable() + simulator.ControlHelp) {
		if !strings.Contains(out.String(), strings.TrimSpace(line)) {
			t.Errorf("the help lacks %q", line)
		}
	}
	for _, f := range simulator.Faults() {
		if !strings.Contains(out.String(), f.Meaning) {
			t.Errorf("the help lacks the fault %s", f.Name)
		}
	}
}

func TestSimulateOffersModemsUntilItIsToldToEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := filepath.Join(t.TempDir(), "ports")
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	told, tell := io.Pipe()
	announced, announce := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- simulate(ctx, announce, tell, "--modems", "2", "--dir", dir, "--profile", "quectel", "--ledger", file, "--control", "127.0.0.1:0")
		tell.Close()
	}()
	fragment := make([]byte, 4096)
	n, _ := io.ReadAtLeast(announced, fragment, 2*len("[[modem]]\nname = \"m0\"\nport = \"\"\n\n")+2*len(dir))
	want := fmt.Sprintf("[[modem]]\nname = \"m0\"\nport = %q\n", filepath.Join(dir, "modem0"))
	if !strings.HasPrefix(string(fragment[:n]), want) {
		t.Errorf("the fragment is %q, want %q", fragment[:n], want)
	}
	go func() { _, _ = io.Copy(io.Discard, announced) }()
	var address string
	if _, err := fmt.Fscanf(told, "control interface on %s\n", &address); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		b, _ := io.ReadAll(told)
		lines <- string(b)
	}()
	port, err := os.OpenFile(filepath.Join(dir, "modem1"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := port.WriteString("ATE0+CMGF=0;+CNMI=2,1,0,0,0\r"); err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(address+"/inject", "application/json", strings.NewReader(`{"modem":1,"from":"10086","text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	var got string
	buf := make([]byte, 1000)
	for !strings.Contains(got, `"ME",`) {
		if err := port.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := port.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got += string(buf[:n])
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
	if story := <-lines; !strings.Contains(story, `inbound from 10086, stored ME: "hello"`) {
		t.Errorf("told %q", story)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	ledger, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(ledger)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("ledger line %q", line)
		}
	}
}

func TestSimulateSaysInOneLineWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{}, "--dir", 2},
		{[]string{"--dir", dir, "--profile", "nokia"}, "nokia", 2},
		{[]string{"--dir", dir, "--modems", "0x"}, "--modems", 2},
		{[]string{"--dir", dir, "--modems=-1"}, "between 1 and 1000", 1},
		{[]string{"--dir", dir, "--pin", "12"}, "4 to 8 digits", 1},
		{[]string{"--dir", dir, "--ledger", filepath.Join(dir, "no", "such")}, "--ledger", 1},
		{[]string{"--dir", dir, "--control", "nowhere:x"}, "--control", 1},
		{[]string{"--dir", filepath.Join("/dev/null", "x")}, "--dir", 1},
	} {
		var out, errs bytes.Buffer
		if code := simulate(t.Context(), &out, &errs, c.args...); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: exit %d, %q", c.args, code, errs.String())
		}
	}
}

func TestAStatusIsShownWithItsMeaning(t *testing.T) {
	status, reference := 0x62, 7
	if got := narrate(simulator.Entry{Kind: simulator.KindReport, Status: &status, MR: &reference, To: "+8613800138000"}); !strings.Contains(got, "0x62 (no response from the phone, given up)") {
		t.Error(got)
	}
	if _, errs, code := say("", "loopback", "--to", "+8613800099701"); code == 0 || !strings.Contains(errs, "0x43 (not obtainable)") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
