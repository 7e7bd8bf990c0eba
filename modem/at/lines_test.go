package at

import (
	"slices"
	"strings"
	"testing"
)

// tokens feeds the parts and gives what came out, the prompt as ">".
func tokens(armed bool, parts ...[]byte) []string {
	var s splitter
	s.armed = armed
	var got []string
	for _, part := range parts {
		s.push(part)
		for {
			t, ok := s.next()
			if !ok {
				break
			}
			if t.kind == tokenPrompt {
				got = append(got, ">")
				continue
			}
			got = append(got, "="+t.line)
		}
	}
	return got
}

func TestLinesEndInEveryWayThatTheFieldKnows(t *testing.T) {
	for _, c := range []struct {
		in    string
		armed bool
		want  string
	}{
		{in: "\r\nOK\r\n", want: "=OK"},
		{in: "AT\r\r\nOK\r\n", want: "=AT =OK"},
		{in: "+CSQ: 1,2\nOK\n", want: "=+CSQ: 1,2 =OK"},
		{in: "+CMT:\r0791\r\n", want: "=+CMT: =0791"},
		{in: "\x00\x00\r\nO\x00K\r\n", want: "=OK"},
		{in: "  OK \r\n", want: "=OK"},
		{in: "\r\n> ", armed: true, want: ">"},
		{in: "\r\n>\r\n", armed: true, want: ">"},
		{in: "AT+CMGS=20\r>", armed: true, want: "=AT+CMGS=20 >"},
		{in: "\r\n> AB\x1a\r\n", armed: true, want: "> =AB"},
		{in: "\r\n> x\r\n", want: "=> x"},
		{in: "+CUSD: 0,\"a > b\"\r\n> ", armed: true, want: "=+CUSD: 0,\"a > b\" >"},
		{in: strings.Repeat("x", 5000) + "\r\nOK\r\n", want: "=OK"},
		{in: "OK", want: ""},
	} {
		if got := strings.Join(tokens(c.armed, []byte(c.in)), " "); got != c.want {
			t.Errorf("%.40q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// FuzzLines: where reads split the bytes makes no difference to the lines.
func FuzzLines(f *testing.F) {
	f.Add([]byte("\r\n+CMTI: \"SM\",1\r\n> 0011\x1a\r\n+CMGS: 7\r\n\r\nOK\r\n"), []byte{3, 1, 9}, true)
	f.Add([]byte("AT\r\r\nOK\r\n\x00\x00\r\r\r\n"), []byte{1, 1, 1, 1}, false)
	f.Add([]byte("+CMT:\r0791\n>\n> > \r"), []byte{5}, true)
	f.Add(append([]byte(strings.Repeat("z", maxLine+2)), "\rOK\r"...), []byte{200, 200, 200}, true)
	f.Fuzz(func(t *testing.T, in, cuts []byte, armed bool) {
		whole := tokens(armed, in)
		var parts [][]byte
		rest := in
		for _, cut := range cuts {
			n := min(int(cut), len(rest))
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		parts = append(parts, rest)
		if got := tokens(armed, parts...); !slices.Equal(got, whole) {
			t.Fatalf("whole %q, in parts %q", whole, got)
		}
		var bytewise [][]byte
		for i := range in {
			bytewise = append(bytewise, in[i:i+1])
		}
		if got := tokens(armed, bytewise...); !slices.Equal(got, whole) {
			t.Fatalf("whole %q, bytewise %q", whole, got)
		}
		for _, line := range whole {
			if line == "=" || strings.ContainsAny(line, "\r\n\x00") || len(line) > maxLine+1 {
				t.Fatalf("no line: %q", line)
			}
		}
	})
}
