package simulator

import "strings"

// parsed is one command of a line.
type parsed struct {
	name string // in upper case, with its prefix: "+CMGS", "&F", "E"
	op   op
	args string
	rest string // of the line
}

const extendedPrefixes = "+^*#!%$\\"

// nextCommand takes the first command off a line, V.250 5.3 and 5.4. more is false when only separators were left.
func nextCommand(s string) (p parsed, more, good bool) {
	s = strings.TrimLeft(s, " ;")
	if s == "" {
		return parsed{}, false, true
	}
	if strings.IndexByte(extendedPrefixes, s[0]) >= 0 {
		return extended(s)
	}
	return basic(s)
}

// extended reads +NAME, +NAME?, +NAME=?, +NAME=args, up to a ; that is not in quotes.
func extended(s string) (parsed, bool, bool) {
	end := 1
	for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || s[end] == '_') {
		end++
	}
	if end == 1 {
		return parsed{}, false, false
	}
	p := parsed{name: upper(s[:end])}
	body, rest := cutOutsideQuotes(s[end:])
	p.rest = rest
	body = strings.TrimSpace(body)
	switch {
	case body == "":
		p.op = opExec
	case body == "?":
		p.op = opRead
	case body == "=?":
		p.op = opTest
	case body[0] == '=':
		p.op, p.args = opSet, body[1:]
	default:
		return parsed{}, false, false
	}
	return p, true, true
}

// basic reads E0, &F, S3=13, S3?, Z and D...
func basic(s string) (parsed, bool, bool) {
	start := 0
	if s[0] == '&' {
		start = 1
	}
	if len(s) <= start || !isLetter(s[start]) {
		return parsed{}, false, false
	}
	p := parsed{name: upper(s[:start+1]), op: opExec}
	rest := s[start+1:]
	if p.name == "D" {
		p.args, p.rest = rest, ""
		return p, true, true
	}
	digits := 0
	for digits < len(rest) && isDigit(rest[digits]) {
		digits++
	}
	p.args, p.rest = rest[:digits], rest[digits:]
	if p.name == "S" {
		p.args = rest[:digits]
		switch {
		case strings.HasPrefix(p.rest, "?"):
			p.op, p.rest = opRead, p.rest[1:]
		case strings.HasPrefix(p.rest, "="):
			value := 1
			for value < len(p.rest) && isDigit(p.rest[value]) {
				value++
			}
			p.op, p.args, p.rest = opSet, p.args+","+p.rest[1:value], p.rest[value:]
		}
	}
	return p, true, true
}

func cutOutsideQuotes(s string) (before, after string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// parseArgs splits parameters at commas outside quotes.
func parseArgs(s string) []arg {
	if s == "" {
		return nil
	}
	var args []arg
	for {
		i, quoted := 0, false
		for ; i < len(s) && (quoted || s[i] != ','); i++ {
			if s[i] == '"' {
				quoted = !quoted
			}
		}
		field := strings.TrimSpace(s[:i])
		a := arg{text: field, present: field != ""}
		if len(field) >= 2 && field[0] == '"' && field[len(field)-1] == '"' {
			a.text, a.quoted = field[1:len(field)-1], true
		}
		args = append(args, a)
		if i >= len(s) {
			return args
		}
		s = s[i+1:]
	}
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
