package simulator

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/pdu"
)

// A host is the other end of the line: it writes, and collects what the modem says.
type host struct {
	t    *testing.T
	conn net.Conn
	got  chan []byte
	all  bytes.Buffer
}

// connect attaches a pipe to modem i. It must run in a synctest bubble.
func connect(t *testing.T, n *Network, i int) *host {
	t.Helper()
	near, far := net.Pipe()
	go n.Modem(i).ServeConn(far)
	h := &host{t: t, conn: near, got: make(chan []byte, 10000)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := near.Read(buf)
			if n > 0 {
				h.got <- bytes.Clone(buf[:n])
			}
			if err != nil {
				close(h.got)
				return
			}
		}
	}()
	synctest.Wait()
	return h
}

func network(t *testing.T, c Config) *Network {
	t.Helper()
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// heard is what the modem has said until it has nothing more to say at this moment of fake time.
func (h *host) heard() string {
	synctest.Wait()
	var b bytes.Buffer
	for {
		select {
		case piece, open := <-h.got:
			if !open {
				return b.String()
			}
			b.Write(piece)
			h.all.Write(piece)
			synctest.Wait()
		default:
			return b.String()
		}
	}
}

func (h *host) write(s string) {
	h.t.Helper()
	if _, err := io.WriteString(h.conn, s); err != nil {
		h.t.Fatalf("write %q: %v", s, err)
	}
}

// ask writes a command line and returns what came.
func (h *host) ask(line string) string {
	h.t.Helper()
	h.write(line + "\r")
	return h.heard()
}

// wants asks and compares.
func (h *host) wants(line, want string) {
	h.t.Helper()
	if got := h.ask(line); got != want {
		h.t.Errorf("%s\n got %q\nwant %q", line, got, want)
	}
}

// quiet switches the echo off and to PDU mode.
func (h *host) quiet() *host {
	h.t.Helper()
	if got := h.ask("ATE0+CMGF=0;+CMEE=1"); !strings.HasSuffix(got, "\r\nOK\r\n") {
		h.t.Fatalf("ATE0: %q", got)
	}
	return h
}

// submit sends a text in as many messages as it needs and returns all that came.
func (h *host) submit(to, text string) string {
	h.t.Helper()
	var all strings.Builder
	for _, s := range encode(h.t, to, text) {
		all.WriteString(h.ask("AT+CMGS=" + itoa(len(s))))
		h.write(pdu.Frame("", s) + "\x1a")
		all.WriteString(h.heard())
	}
	return all.String()
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func encode(t *testing.T, to, text string) [][]byte {
	t.Helper()
	submits, err := pdu.Encode(pdu.Message{To: to, Text: text, StatusReport: true, Ref: 77})
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, s := range submits {
		all = append(all, s.TPDU)
	}
	return all
}

func entries(n *Network, kind string) []Entry {
	var all []Entry
	for _, e := range n.Ledger() {
		if e.Kind == kind {
			all = append(all, e)
		}
	}
	return all
}

func TestAModemEchoesUntilItIsToldNotTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, network(t, Config{}), 0)
		h.wants("AT", "AT\r\r\nOK\r\n")
		h.wants("ATE0", "ATE0\r\r\nOK\r\n")
		h.wants("AT", "\r\nOK\r\n")
		h.wants("ATV0", "0\r")
		h.wants("AT+NOSUCH", "4\r")
		h.wants("ATV1Q1", "")
		h.wants("ATQ0", "\r\nOK\r\n")
		h.wants("garbage at+cmee=1;+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n")
		h.wants("AT+CPIN=1", "\r\n+CME ERROR: 3\r\n")
		h.wants("AT+CMEE=2;+CPIN=1", "\r\n+CME ERROR: operation not allowed\r\n")
		h.wants("ATZ", "\r\nOK\r\n")
		h.wants("AT+CPIN=1", "AT+CPIN=1\r\r\nERROR\r\n")
	})
}

func TestSettingsAreKeptByAmpersandWAndRestoredByZAndF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		h := connect(t, n, 0)
		h.ask("ATE0+CMEE=1;+CNMI=2,1,0,1,0;&W")
		h.ask("AT+CMEE=2;+CNMI=1,0")
		h.wants("ATZ", "\r\nOK\r\n")
		h.wants("AT+CMEE?;+CNMI?", "\r\n+CMEE: 1\r\n\r\n+CNMI: 2,1,0,1,0\r\n\r\nOK\r\n")
		h.wants("AT&F", "\r\nOK\r\n")
		h.wants("AT+CMEE?", "AT+CMEE?\r\r\n+CMEE: 0\r\n\r\nOK\r\n")
		n.Modem(0).Restart()
		time.Sleep(time.Second)
		if got := h.heard(); !strings.Contains(got, "RDY") || !strings.Contains(got, "SMS Ready") {
			t.Errorf("no banner: %q", got)
		}
		h.wants("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n")
	})
}

func TestASubmitIsAnsweredWithTheNextReferenceOfTheSIM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{Radio: 2500 * time.Millisecond})
		n.Modem(0).SetReference(254)
		h := connect(t, n, 0).quiet()
		for i, want := range []string{"254", "255", "0", "1"} {
			if got := h.submit("+8613800138000", "hello"); got != "\r\n> " {
				t.Fatalf("prompt: %q", got)
			}
			time.Sleep(2500 * time.Millisecond)
			if got := h.heard(); got != "\r\n+CMGS: "+want+"\r\n\r\nOK\r\n" {
				t.Errorf("submit %d: %q", i, got)
			}
		}
		for _, e := range entries(n, KindSubmit) {
			if e.Text != "hello" || e.To != "+8613800138000" || !e.Accepted || e.Air-e.CtrlZ != 2500000 {
				t.Errorf("ledger: %+v", e)
			}
		}
		if results := entries(n, KindResult); len(results) != 4 || results[3].Result != "+CMGS: 1" || results[3].US == 0 {
			t.Errorf("results: %+v", results)
		}
	})
}

func TestALongTextInUCS2IsWholeInTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		text := strings.Repeat("验证码🔑", 40)
		h := connect(t, n, 0).quiet()
		h.submit("+8613800138000", text)
		all := entries(n, KindSubmit)
		if last := all[len(all)-1]; len(all) != 3 || last.Whole != text || last.Part != 3 || last.Parts != 3 {
			t.Errorf("%d entries, last %+v", len(all), last)
		}
	})
}

func TestAnOrderedFateStrikesThatPartOfAMessageToThatNumberAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		if err := n.Fault(Fault{Fault: "fate", Value: "refused-1", To: "+8613800138000", Part: 2}); err != nil {
			t.Fatal(err)
		}
		h := connect(t, n, 0).quiet()
		long := strings.Repeat("0123456789", 40)
		h.submit("+8613800138001", long)
		h.submit("+8613800138000", "short")
		h.submit("+8613800138000", long)
		h.submit("+8613800138000", long)
		got := ""
		for _, e := range entries(n, KindSubmit) {
			if got += itoa(e.Part); !e.Accepted {
				got += "refused"
			}
		}
		if want := "123" + "0" + "12refused3" + "123"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestAHeldLinkMakesTheSecondMessageFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{Radio: 2500 * time.Millisecond, LinkedRadio: 1500 * time.Millisecond})
		h := connect(t, n, 0).quiet()
		h.ask("AT+CMMS=2")
		for range 3 {
			h.submit("+8613800138000", "x")
			time.Sleep(2500 * time.Millisecond)
			h.heard()
		}
		time.Sleep(linkHold)
		h.submit("+8613800138000", "x")
		time.Sleep(2500 * time.Millisecond)
		h.heard()
		var took []int64
		for _, e := range entries(n, KindSubmit) {
			took = append(took, e.Air-e.CtrlZ)
		}
		if len(took) != 4 || took[0] != 2500000 || took[1] != 1500000 || took[2] != 1500000 || took[3] != 2500000 {
			t.Errorf("radio times %v", took)
		}
	})
}
