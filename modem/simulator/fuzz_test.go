package simulator

import (
	"io"
	"testing"
	"time"
)

// silent is a port that swallows what the modem says.
type silent struct{}

func (silent) Read([]byte) (int, error)    { return 0, io.EOF }
func (silent) Write(b []byte) (int, error) { return len(b), nil }
func (silent) Close() error                { return nil }

// FuzzNoInputBreaksAModem types anything at modems of every profile.
func FuzzNoInputBreaksAModem(f *testing.F) {
	for _, seed := range []string{
		"AT\r", "ATE0V1Q0\rAT+CMGF=1;+CSCS=\"UCS2\"\r", "AT+CMGS=20\r0011000B91\x1a", "AT+CMGS=19\r0011000D91683108108300F000000005\x1a\x1b",
		"A/A/AT+CMGL=4\rA/", "AT+CMGF=1\rAT+CMGS=\"+8613800138000\"\rhi\rthere\x1a", "AT+CMGW=3\r00010203\x1aAT+CMSS=1,\"1\"\r",
		"AT+CPMS=\"MT\",\"ME\",\"SM\"\rAT+CMGR=55\rAT+CMGD=1,4\r", "AT+CNMI=2,2,0,2,1;+CSMS=1\rAT+CNMA=1,3\r000102\x1a", "ATS3=10\nAT\n",
		"AT+CFUN=1,1\rAT\r", "AT+CPIN=\"1\",\"2\"\rAT+CLCK=\"SC\",1,\"x\"\r", "AT+CSMP=255,255,255,255;+CMGF=1\rAT+CMGS=\"1\"\rFF\x1a",
	} {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(3))
	}
	names := Profiles()
	f.Fuzz(func(t *testing.T, input []byte, which uint8) {
		n, err := New(Config{Profile: names[int(which)%len(names)], PIN: map[bool]string{true: "1234"}[which&0x80 != 0]})
		if err != nil {
			t.Fatal(err)
		}
		m := n.Modem(0)
		n.mu.Lock()
		m.port = newPort(silent{}, 0) // without its goroutines: only the interpreter
		m.port.out = make([]byte, 0, outLimit)
		n.mu.Unlock()
		if err := n.Inject(0, "10086", "hello"); err != nil {
			t.Fatal(err)
		}
		hung := time.AfterFunc(5*time.Second, func() { panic("an input hangs the modem") })
		defer hung.Stop()
		for i := range input {
			n.mu.Lock()
			m.input(input[i : i+1])
			n.mu.Unlock()
		}
		n.mu.Lock()
		whole := len(m.inbuf) <= inLimit && len(m.line) <= lineLimit+1
		n.mu.Unlock()
		if !whole {
			t.Error("a buffer has no bound")
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
