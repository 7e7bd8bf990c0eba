package modem_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"
	"attestd/pdu"
)

// respond is the plainest modem: it prompts, gives a reference, and says OK to everything else.
func respond(conn net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		said := "\r\nOK\r\n"
		switch in := b[:n]; {
		case bytes.HasPrefix(in, []byte("AT+CMGS")):
			said = "\r\n> "
		case in[n-1] == 0x1a:
			said = "\r\n+CMGS: 7\r\n\r\nOK\r\n"
		}
		if _, err := conn.Write([]byte(said)); err != nil {
			return
		}
	}
}

// BenchmarkSubmit is what the driver adds to one message: AT+CMGS, prompt, PDU with Ctrl-Z, +CMGS, OK, with a modem that takes no time.
func BenchmarkSubmit(b *testing.B) {
	ours, theirs := net.Pipe()
	go respond(theirs)
	m, err := modem.OpenOn(context.Background(), ours, modem.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	message := bytes.Repeat([]byte{0x11}, 150)
	for b.Loop() {
		if mr, err := m.Submit(context.Background(), "tag", message); err != nil || mr != 7 {
			b.Fatal(mr, err)
		}
	}
}

// BenchmarkSubmitOnTerminal is the same over a real terminal, with the simulator as the modem: what is measured has the kernel and
// the simulator in it.
func BenchmarkSubmitOnTerminal(b *testing.B) {
	n, err := simulator.New(simulator.Config{NoReports: true, Keep: 10})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	path, err := n.Modem(0).Listen(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	m, err := modem.Open(context.Background(), modem.Config{Port: path, Registration: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	parts, err := pdu.Encode(pdu.Message{To: "+8613800138000", Text: "hello"})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Submit(context.Background(), "tag", parts[0].TPDU); err != nil {
			b.Fatal(err)
		}
	}
}
