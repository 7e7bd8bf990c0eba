package at

// maxLine is what a line may hold; what is longer is noise, and dropped to its end. The longest honest line is a PDU of
// about 360 digits, or a vendor's list of bands.
const maxLine = 4096

type tokenKind uint8

const (
	tokenLine tokenKind = iota
	tokenPrompt
	tokenTimer
	tokenCancel
	tokenRequest
	tokenHurry
	tokenEnd
)

type token struct {
	kind    tokenKind
	line    string
	request *request
	hurry   hurry
}

// splitter cuts bytes into lines. CR, LF and any run of them end a line and empty lines do not exist, which makes one thing of
// CR LF, CR CR LF (echo on), CR alone (`+CMT:` CR PDU) and bare LF. NULs, which some modems send at power-up, are dropped. The
// sequence of its lines does not depend on how the bytes were split into reads.
type splitter struct {
	in       []byte // not looked at yet
	line     []byte // the unfinished line
	overlong bool   // the unfinished line is being dropped
	armed    bool   // a > at the start of a line is the prompt (TS 27.005 3.5.1)
	space    bool   // the space that belongs to a prompt may follow
}

func (s *splitter) push(b []byte) { s.in = append(s.in, b...) }

// arm has the next > at the start of a line taken for the prompt.
func (s *splitter) arm()    { s.armed = true }
func (s *splitter) disarm() { s.armed = false }

// next gives the next line or prompt, if the bytes so far hold one.
func (s *splitter) next() (token, bool) {
	for i, b := range s.in {
		if s.space {
			s.space = false
			if b == ' ' {
				continue
			}
		}
		switch {
		case b == 0:
		case b == '\r' || b == '\n':
			line := string(trim(s.line))
			whole := !s.overlong
			s.line, s.overlong = s.line[:0], false
			if whole && line != "" {
				s.consume(i + 1)
				return token{kind: tokenLine, line: line}, true
			}
		case b == '>' && s.armed && len(s.line) == 0 && !s.overlong:
			s.armed, s.space = false, true
			s.consume(i + 1)
			return token{kind: tokenPrompt}, true
		case len(s.line) >= maxLine:
			s.overlong = true
		default:
			s.line = append(s.line, b)
		}
	}
	s.in = s.in[:0]
	return token{}, false
}

func (s *splitter) consume(n int) {
	s.in = s.in[n:]
	if len(s.in) == 0 {
		s.in = s.in[:0:0]
	}
}

// glued reports whether the unfinished line ends in a prompt, glued behind something else. Only silence can tell it from text
// that has a > in it.
func (s *splitter) glued() bool {
	t := trim(s.line)
	return s.armed && !s.overlong && len(t) > 1 && t[len(t)-1] == '>'
}

// cut makes a line and a prompt of an unfinished line that is glued.
func (s *splitter) cut() {
	if !s.glued() {
		return
	}
	t := trim(s.line)
	rest := s.in
	s.in = append([]byte{}, t[:len(t)-1]...)
	s.in = append(s.in, '\r', '>')
	s.in = append(s.in, rest...)
	s.line = s.line[:0]
}

// unread puts lines back before what has not been looked at.
func (s *splitter) unread(lines []string) {
	var b []byte
	for _, line := range lines {
		b = append(append(b, line...), '\r')
	}
	if !s.overlong {
		b = append(b, s.line...)
	}
	s.in = append(b, s.in...)
	s.line, s.overlong = s.line[:0], false
}

// trim drops blanks, and the Ctrl-Z and ESC that are echoed at the ends of lines.
func trim(b []byte) []byte {
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == 0x1a || c == 0x1b }
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// isHex reports whether the line is hexadecimal digits, at least n of them.
func isHex(line string, n int) bool {
	if len(line) < n {
		return false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
