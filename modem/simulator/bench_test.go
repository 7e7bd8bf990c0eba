package simulator

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"attestd/pdu"
)

// BenchmarkABareLoopOverAPty is the limit of whatever sends through a simulated modem: no queue, no database, only the
// dialogue of AT+CMGS.
func BenchmarkABareLoopOverAPty(b *testing.B) {
	n, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	path, err := n.Modem(0).Listen(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	port, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer port.Close()
	buf := make([]byte, 4096)
	expect := func(want string) {
		var got []byte
		for !bytes.Contains(got, []byte(want)) {
			k, err := port.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			got = append(got, buf[:k]...)
		}
	}
	say := func(s string) {
		if _, err := port.WriteString(s); err != nil {
			b.Fatal(err)
		}
	}
	say("ATE0+CMGF=0\r")
	expect("OK\r\n")
	submits, err := pdu.Encode(pdu.Message{To: "+8613800138000", Text: "Your code is 482913."})
	if err != nil {
		b.Fatal(err)
	}
	command := fmt.Sprintf("AT+CMGS=%d\r", len(submits[0].TPDU))
	text := pdu.Frame("", submits[0].TPDU) + "\x1a"
	for b.Loop() {
		say(command)
		expect("> ")
		say(text)
		expect("OK\r\n")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
