package modem_test

import (
	"bytes"
	"context"
	"net"
	"testing"

	"attestd/modem"
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
