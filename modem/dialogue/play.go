package dialogue

import (
	_ "embed" // plain.at
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

//go:embed plain.at
var plain string

// Plain are the habits of a modem that does nothing odd.
func Plain() []Exchange {
	d, err := Read(strings.NewReader(plain))
	if err != nil {
		panic("modem/dialogue/plain.at: " + err.Error())
	}
	return d.Habits
}

// careful are the commands that cannot be taken back: a dialogue in which the driver writes one has it.
var careful = []string{"AT+CMGD=", "AT+CNMA", "AT+CMGS=", "AT+CMGW", "AT+CMSS", "AT+CPIN=", "ATD"}

// Peer plays the modem's side on a connection. It ends when the connection does.
type Peer struct {
	conn io.ReadWriter
	says chan []Say

	mu     sync.Mutex
	habits map[string][]Exchange // by the driver's line; the last one stays
	due    []Exchange
	idle   chan struct{} // closed when nothing is due
	heard  []string
	wrong  []string
}

// NewPeer begins to play. Later habits take the place of earlier ones for the same command, list by list.
func NewPeer(conn io.ReadWriter, habits ...[]Exchange) *Peer {
	p := &Peer{conn: conn, says: make(chan []Say, 1024), habits: map[string][]Exchange{}}
	for _, list := range habits {
		seen := map[string]bool{}
		for _, x := range list {
			if !seen[x.Driver] {
				p.habits[x.Driver], seen[x.Driver] = nil, true
			}
			p.habits[x.Driver] = append(p.habits[x.Driver], x)
		}
	}
	go p.listen()
	go p.speak()
	return p
}

// Expect has the driver's next lines answered by these exchanges, in this order. The channel is closed when all were
// had.
func (p *Peer) Expect(all []Exchange) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due, p.idle = all, make(chan struct{})
	if len(all) == 0 {
		close(p.idle)
	}
	return p.idle
}

// Say says something unasked.
func (p *Peer) Say(all []Say) { p.says <- all }

// Due is the line that the driver should write next; empty for none.
func (p *Peer) Due() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.due) == 0 {
		return ""
	}
	return fmt.Sprintf("line %d: %s", p.due[0].Line, p.due[0].Driver)
}

// Heard are the lines that the driver has written.
func (p *Peer) Heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.heard...)
}

// Wrong is what the driver wrote that it should not have written.
func (p *Peer) Wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.wrong...)
}

// listen takes the driver's lines. Its ESC drops what is typed, and asks for nothing.
func (p *Peer) listen() {
	defer close(p.says)
	b := make([]byte, 512)
	var line []byte
	for {
		n, err := p.conn.Read(b)
		for _, c := range b[:n] {
			switch {
			case c == 0x1b:
				line = line[:0]
			case c == 0x1a:
				p.take(string(line) + "<SUB>")
				line = line[:0]
			case c == '\r':
				if len(line) > 0 {
					p.take(string(line))
				}
				line = line[:0]
			default:
				line = append(line, c)
			}
		}
		if err != nil {
			return
		}
	}
}

// speak says one thing after the other: what takes its time does not keep the driver from writing.
func (p *Peer) speak() {
	for all := range p.says {
		for _, s := range all {
			time.Sleep(s.After)
			if _, err := io.WriteString(p.conn, s.Bytes); err != nil {
				for range p.says { // nobody listens any more
				}
				return
			}
		}
	}
}

// take answers one line.
func (p *Peer) take(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, line)
	if len(p.due) > 0 && fits(p.due[0].Driver, line) {
		p.says <- p.due[0].Says
		if p.due = p.due[1:]; len(p.due) == 0 {
			close(p.idle)
		}
		return
	}
	for _, x := range p.due {
		if fits(x.Driver, line) {
			p.wrong = append(p.wrong, fmt.Sprintf("line %d: %s came before line %d: %s", x.Line, line, p.due[0].Line, p.due[0].Driver))
		}
	}
	if says, ok := p.habit(line); ok {
		p.says <- says
		return
	}
	for _, c := range careful {
		if strings.HasPrefix(line, c) {
			p.wrong = append(p.wrong, fmt.Sprintf("%s was written, and the dialogue does not have it here", line))
		}
	}
	p.says <- []Say{{Bytes: "\r\nERROR\r\n"}}
}

// habit is what the modem says to a line whenever it comes: by that line itself, else by one with "...".
func (p *Peer) habit(line string) ([]Say, bool) {
	key := line
	if len(p.habits[key]) == 0 {
		for pattern := range p.habits {
			if pattern != line && fits(pattern, line) {
				key = pattern
			}
		}
	}
	list := p.habits[key]
	if len(list) == 0 {
		return nil, false
	}
	if len(list) > 1 {
		p.habits[key] = list[1:]
	}
	return list[0].Says, true
}

// fits compares a line with what a dialogue has, in which "..." stands for anything.
func fits(pattern, line string) bool {
	before, after, open := strings.Cut(pattern, "...")
	if !open {
		return pattern == line
	}
	return len(line) >= len(before)+len(after) && strings.HasPrefix(line, before) && strings.HasSuffix(line, after)
}
