package at

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// dialogue is a command and the lines of its answer, as a modem writes them.
type dialogue struct {
	cmd    Command
	answer []string
	want   []string
	err    error
}

const somePDU = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"

var dialogues = []dialogue{
	{cmd: Command{Line: "AT+CSQ", Prefix: "+CSQ:"}, answer: []string{"+CSQ: 20,99", "OK"}, want: []string{"+CSQ: 20,99"}},
	{cmd: Command{Line: "AT+CGMI", Bare: true}, answer: []string{"Quectel", "OK"}, want: []string{"Quectel"}},
	{cmd: Command{Line: "AT+CMGL=4", Prefix: "+CMGL:", Body: true},
		answer: []string{"+CMGL: 0,1,,24", somePDU, "+CMGL: 3,0,,24", somePDU, "OK"},
		want:   []string{"+CMGL: 0,1,,24", somePDU, "+CMGL: 3,0,,24", somePDU}},
	{cmd: Command{Line: "AT+CMGR=3", Prefix: "+CMGR:", Body: true}, answer: []string{"+CMGR: ,,24", somePDU, "OK"},
		want: []string{"+CMGR: ,,24", somePDU}},
	{cmd: Command{Line: "AT+CMGR=9", Prefix: "+CMGR:", Body: true}, answer: []string{"+CMS ERROR: 321"}, err: CMSError{321, "invalid memory index"}},
	{cmd: Command{Line: "AT+CMGF=0"}, answer: []string{"OK"}},
	{cmd: Command{Line: "AT+X"}, answer: []string{"ERROR"}, err: ErrError},
}

// unsolicited are what modems say between any two lines; the last part of each is its body.
var unsolicited = [][]string{
	{`+CMTI: "SM",3`}, {"RING"}, {"^RSSI: 20"}, {"+CREG: 1"}, {"+CMT: ,24", somePDU}, {"+CDS: 25", somePDU}, {"NO CARRIER"},
}

func TestUnsolicitedLinesAnywhereChangeNoResultAndArriveInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(rapid.SampledFrom(dialogues), 1, 4).Draw(rt, "script")
		echo := rapid.Bool().Draw(rt, "echo")
		var spoken []string
		type step struct {
			d   dialogue
			out string
		}
		var steps []step
		for _, d := range script {
			var out strings.Builder
			inject := func() {
				for range rapid.IntRange(0, 2).Draw(rt, "n") {
					u := rapid.SampledFrom(unsolicited).Draw(rt, "unsolicited")
					spoken = append(spoken, strings.Join(u, " "))
					fmt.Fprintf(&out, "\r\n%s\r\n", strings.Join(u, "\r\n"))
				}
			}
			if echo {
				out.WriteString(d.cmd.Line + "\r")
			}
			for _, line := range d.answer {
				inject()
				out.WriteString("\r\n" + line + "\r\n")
			}
			inject()
			steps = append(steps, step{d, out.String()})
		}
		size := rapid.IntRange(1, 40).Draw(rt, "bytes a write")
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			c := New(ours, Options{URC: testURC})
			events := collect(c)
			go func() {
				in := bufio.NewReader(theirs)
				for _, s := range steps {
					if _, err := in.ReadString('\r'); err != nil {
						return
					}
					for out := s.out; out != ""; {
						n := min(size, len(out))
						if _, err := theirs.Write([]byte(out[:n])); err != nil {
							return
						}
						out = out[n:]
					}
				}
			}()
			for _, s := range steps {
				res, err := c.Do(context.Background(), s.d.cmd)
				if !slices.Equal(res.Lines, s.d.want) || !errors.Is(err, s.d.err) {
					rt.Errorf("%s: got %q %v, want %q %v", s.d.cmd.Line, res.Lines, err, s.d.want, s.d.err)
				}
			}
			synctest.Wait()
			var got []string
			for _, e := range *events {
				got = append(got, strings.TrimSpace(e.Line+" "+e.Body))
			}
			if !slices.Equal(got, spoken) {
				rt.Errorf("told %q\nspoken %q", got, spoken)
			}
			c.Close()
			theirs.Close()
			time.Sleep(time.Hour) // whatever the modem still had in mind
		})
	})
}

// slow is a modem that needs its time for each submit, and meanwhile keeps what it is told, or does not hear it.
type slow struct {
	conn  net.Conn
	delay []time.Duration
	deaf  bool
	lose  []bool // the final result of this submit never comes
}

func (m *slow) run() {
	in := bufio.NewReader(m.conn)
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for {
			line, err := in.ReadString('\r')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "AT+CMGS") {
				m.conn.Write([]byte("\r\n> "))
				if _, err = in.ReadString(0x1a); err != nil {
					return
				}
			}
			lines <- strings.Trim(line, "\x1b\r")
		}
	}()
	n := 0
	for line := range lines {
		if !strings.HasPrefix(line, "AT+CMGS") {
			m.conn.Write([]byte("\r\nOK\r\n"))
			continue
		}
		time.Sleep(m.delay[n])
		for m.deaf && len(lines) > 0 {
			<-lines
		}
		if !m.lose[n] {
			fmt.Fprintf(m.conn, "\r\n+CMGS: %d\r\n\r\nOK\r\n", n+1)
		}
		n++
	}
}

// Each reference belongs to the submit that asked for it, in its answer or in a late result with its tag, whenever it comes.
func TestEachReferenceReachesTheSubmitThatAskedForIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const n = 4
		m := &slow{deaf: rapid.Bool().Draw(rt, "deaf")}
		for range n {
			seconds := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(170, 260)).Draw(rt, "seconds")
			m.delay = append(m.delay, time.Duration(seconds)*time.Second)
			m.lose = append(m.lose, rapid.IntRange(0, 4).Draw(rt, "lose") == 0)
		}
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			c := New(ours, Options{URC: testURC})
			m.conn = theirs
			go m.run()
			events := collect(c)
			for i := range n {
				tag := fmt.Sprint(i + 1)
				res, err := c.Do(context.Background(), submit(tag))
				for errors.Is(err, ErrNotAnswering) {
					res, err = c.Do(context.Background(), submit(tag))
				}
				if len(res.Lines) > 0 && res.Lines[0] != "+CMGS: "+tag {
					rt.Errorf("submit %s was given %q", tag, res.Lines)
				}
				if err == nil && len(res.Lines) == 0 {
					rt.Errorf("submit %s was given an OK that is not its own", tag)
				}
				if m.delay[i] < 180*time.Second && !m.lose[i] && err != nil {
					rt.Errorf("submit %s: %v", tag, err)
				}
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			for _, e := range *events {
				if e.Late == nil || !slices.Equal(e.Late.Result.Lines, []string{"+CMGS: " + e.Late.Tag}) {
					rt.Errorf("told %+v %+v", e, e.Late)
				}
			}
			c.Close()
			theirs.Close()
			time.Sleep(time.Hour) // whatever the modem still had in mind
		})
	})
}
