package simulator

import (
	"fmt"
	"strconv"
	"strings"
)

// op is the form of a command: AT+X, AT+X=..., AT+X?, AT+X=?.
type op uint8

const (
	opExec op = iota
	opSet
	opRead
	opTest
)

// A call is one command with its arguments.
type call struct {
	m    *Modem
	name string
	args []arg
	raw  string // everything after the =
	last bool   // no command follows on the line
}

// An arg is one parameter; it is absent if nothing stands between its commas.
type arg struct {
	text    string
	quoted  bool
	present bool
}

// num returns parameter i as a number, or otherwise if it is absent. ok is false if it is no number.
func (c call) num(i, otherwise int) (v int, ok bool) {
	if i >= len(c.args) || !c.args[i].present {
		return otherwise, true
	}
	v, err := strconv.Atoi(c.args[i].text)
	return v, err == nil && !c.args[i].quoted
}

// text returns parameter i as text, "" if it is absent.
func (c call) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	return c.args[i].text
}

// A final is the final result of a command.
type final struct {
	kind finalKind
	code int
}

type finalKind uint8

const (
	finalOK finalKind = iota
	finalError
	finalCME
	finalCMS
	finalLater   // a prompt is open, or m.busy is set; finish will be called
	finalSilent  // nothing more is said
	finalUnknown // no such command
)

var (
	ok     = final{}
	failed = final{kind: finalError}
	later  = final{kind: finalLater}
)

func cme(code int) final { return final{kind: finalCME, code: code} }
func cms(code int) final { return final{kind: finalCMS, code: code} }

type handler func(c call) final

// A command is what the modem does for each form of one command name.
type command struct {
	exec, set, read, test handler
	values                string // the answer to the test form after "+X: ", if test is nil
	sim                   bool   // needs a SIM that is ready: +CME errors
	sms                   bool   // the same, with +CMS errors
}

func (cmd command) form(o op) handler {
	switch o {
	case opExec:
		return cmd.exec
	case opSet:
		return cmd.set
	case opRead:
		return cmd.read
	}
	if cmd.test == nil && cmd.values != "" {
		return func(c call) final {
			c.m.info(c.name + ": " + cmd.values)
			return ok
		}
	}
	return cmd.test
}

// runLine runs a command line, V.250 5.2.1. Everything before the prefix AT is noise.
func (m *Modem) runLine(line string) {
	i := prefixAt(line)
	if i < 0 {
		return
	}
	m.last = line
	m.lineAt = m.net.ledger.now()
	if m.net.config.Commands {
		m.note(KindAT, line[i:])
	}
	m.inLine = true
	m.rest = line[i+2:]
	if len(line) > lineLimit {
		m.rest = ""
		m.finish(failed)
		return
	}
	m.runRest()
}

// prefixAt finds AT in either case, -1 if there is none. Bytes that are no UTF-8 are bytes.
func prefixAt(line string) int {
	for i := 0; i+1 < len(line); i++ {
		if line[i]|0x20 == 'a' && line[i+1]|0x20 == 't' {
			return i
		}
	}
	return -1
}

// runRest runs the commands left on the line until one takes its time or fails, or none is left.
func (m *Modem) runRest() {
	for {
		p, more, good := nextCommand(m.rest)
		if !good {
			m.finish(failed)
			return
		}
		if !more {
			m.finish(ok)
			return
		}
		m.rest = p.rest
		result := m.run(p)
		switch result.kind {
		case finalOK:
			if m.rest == "" {
				m.finish(ok)
				return
			}
		case finalLater:
			return
		default:
			m.finish(result)
			return
		}
	}
}

func (m *Modem) run(p parsed) final {
	cmd, known := m.commands[p.name]
	if !known {
		return final{kind: finalUnknown}
	}
	h := cmd.form(p.op)
	if h == nil {
		return failed
	}
	if p.op != opTest {
		if f := m.barred(cmd); f.kind != finalOK {
			return f
		}
	}
	c := call{m: m, name: p.name, raw: p.args, last: strings.Trim(p.rest, "; ") == ""}
	if p.op == opSet || p.op == opExec {
		c.args = parseArgs(p.args)
	}
	return h(c)
}

// finish says the final result of the line and goes on with what the host sent meanwhile.
func (m *Modem) finish(f final) {
	m.rest = ""
	m.busy = false
	m.inLine = false
	m.result(f)
	m.flushURCs()
	m.afterLine()
	m.pump()
}

// result says a final result code, V.250 5.7.1, TS 27.007 9.2, TS 27.005 3.2.5.
func (m *Modem) result(f final) {
	if m.set.quiet {
		return
	}
	switch f.kind {
	case finalOK:
		m.code("OK", "0")
	case finalError:
		m.code("ERROR", "4")
	case finalUnknown:
		m.code(m.profile.unknown, "4")
	case finalCME:
		switch m.set.cmee {
		case 0:
			m.code("ERROR", "4")
		case 1:
			m.code(fmt.Sprintf("+CME ERROR: %d", f.code), "")
		default:
			m.code("+CME ERROR: "+cmeText(f.code), "")
		}
	case finalCMS:
		if m.set.cmee == 2 {
			m.code("+CMS ERROR: "+cmsText(f.code), "")
		} else {
			m.code(fmt.Sprintf("+CMS ERROR: %d", f.code), "")
		}
	}
}

func (m *Modem) code(verbose, numeric string) {
	m.aside()
	switch {
	case m.set.verbose:
		m.say("\r\n" + verbose + "\r\n")
	case numeric != "":
		m.say(numeric + "\r")
	default:
		m.say(verbose + "\r\n")
	}
}

// resultText is a final result as the ledger names it.
func resultText(f final) string {
	switch f.kind {
	case finalOK:
		return "OK"
	case finalCME:
		return fmt.Sprintf("+CME ERROR: %d", f.code)
	case finalCMS:
		return fmt.Sprintf("+CMS ERROR: %d", f.code)
	}
	return "ERROR"
}
