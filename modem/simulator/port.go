package simulator

import (
	"io"
	"time"
)

// outLimit bounds what waits for a host that does not read; beyond it the modem drops, as a real one does.
const outLimit = 64 << 10

// A port is one life of a connection between host and modem: from plugging in to unplugging. Two goroutines serve
// it, a reader and a writer; everything else happens under the network's lock.
type port struct {
	rwc     io.ReadWriteCloser
	out     []byte
	marks   []mark
	queued  int64 // bytes ever put into out
	done    int64 // bytes ever written
	writing bool  // the writer has bytes in hand
	reading bool  // the reader is at work, and will write what is said
	// try writes what goes without waiting, for the reader to answer at once; nil where that cannot be known.
	try     func([]byte) int
	wake    chan struct{}
	gone    chan struct{} // closed when the port vanishes
	stalled chan struct{} // while not nil the reader waits for it to close
	dropped int
	line    time.Duration // of one byte, 0 unpaced
	single  bool          // one byte a write until the queue is empty
}

// A mark calls then, with the lock held, once all bytes queued before it have been written.
type mark struct {
	at   int64
	then func()
}

func newPort(rwc io.ReadWriteCloser, baud int) *port {
	p := &port{rwc: rwc, wake: make(chan struct{}, 1), gone: make(chan struct{}), try: unwaiting(rwc)}
	if baud > 0 {
		p.line = 10 * time.Second / time.Duration(baud) // start bit, eight, stop bit
	}
	return p
}

// attach gives the modem a port and starts its goroutines. The lock is held.
func (m *Modem) attach(p *port) {
	m.port = p
	m.echoLost = false
	m.inbuf = m.inbuf[:0]
	m.leaveEntry()
	if m.pulled {
		m.powerOn(m.net.config.Boot)
	}
	m.net.wg.Add(2)
	go func() {
		defer m.net.wg.Done()
		m.write(p)
	}()
	go func() {
		defer m.net.wg.Done()
		m.read(p)
	}()
}

// detach takes the port away, as a pulled plug does. The lock is held.
func (m *Modem) detach(why string) {
	p := m.port
	if p == nil {
		return
	}
	m.port = nil
	close(p.gone)
	p.rwc.Close()
	if m.tty != nil {
		m.tty.withdraw()
	}
	m.note(KindPort, why)
}

func (m *Modem) read(p *port) {
	buf := make([]byte, 4096)
	var due time.Time
	for {
		n, err := p.rwc.Read(buf)
		if n > 0 {
			due = p.pace(due, n)
			if !m.take(p, buf[:n]) {
				return
			}
		}
		if err != nil {
			m.hangUp(p)
			return
		}
	}
}

// take hands bytes to the modem, after waiting out a stall.
func (m *Modem) take(p *port, b []byte) bool {
	for {
		m.net.mu.Lock()
		if m.port != p {
			m.net.mu.Unlock()
			return false
		}
		stalled := p.stalled
		if stalled == nil {
			if m.garble {
				garble(b)
			}
			p.reading = p.try != nil
			m.input(b)
			p.reading = false
			m.answerAtOnce(p)
			m.net.mu.Unlock()
			return true
		}
		m.net.mu.Unlock()
		select {
		case <-stalled:
		case <-p.gone:
			return false
		}
	}
}

// hangUp notes that the other end closed the connection. A pty never gets here: its slave end stays open.
func (m *Modem) hangUp(p *port) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if m.port == p {
		m.detach("closed by the host")
	}
}

func (m *Modem) write(p *port) {
	var due time.Time
	buf := make([]byte, 0, 4096)
	for {
		select {
		case <-p.wake:
		case <-p.gone:
			return
		}
		for {
			m.net.mu.Lock()
			buf = p.next(buf[:0])
			p.writing = len(buf) > 0
			m.net.mu.Unlock()
			if len(buf) == 0 {
				break
			}
			due = p.pace(due, len(buf))
			if _, err := p.rwc.Write(buf); err != nil {
				return // the reader tells
			}
			m.net.mu.Lock()
			m.wrote(p, len(buf))
			m.net.mu.Unlock()
		}
	}
}

// wrote counts bytes that are on the wire, and calls who waited for them. The lock is held.
func (m *Modem) wrote(p *port, n int) {
	p.done += int64(n)
	for m.port == p && len(p.marks) > 0 && p.marks[0].at <= p.done {
		then := p.marks[0].then
		p.marks = p.marks[1:]
		then()
	}
}

// answerAtOnce writes what is queued from the reader itself, which saves waking the writer, as far as it goes without
// waiting. The lock is held.
func (m *Modem) answerAtOnce(p *port) {
	if m.port != p || len(p.out) == 0 {
		return
	}
	if p.try != nil && !p.writing && !p.single && p.line == 0 {
		n := p.try(p.out)
		p.out = append(p.out[:0], p.out[n:]...)
		m.wrote(p, n)
	}
	if len(p.out) > 0 {
		p.rouse()
	}
}

// rouse wakes the writer.
func (p *port) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// next takes what the next Write shall carry off the queue.
func (p *port) next(buf []byte) []byte {
	n := len(p.out)
	switch {
	case p.single && n > 0:
		n = 1
	case p.line > 0:
		n = min(n, max(1, int(time.Millisecond/p.line)))
	}
	buf = append(buf, p.out[:n]...)
	p.out = append(p.out[:0], p.out[n:]...)
	if len(p.out) == 0 {
		p.single = false
	}
	return buf
}

// pace waits until n bytes have had their time on the line, and returns when the line is free again.
func (p *port) pace(due time.Time, n int) time.Time {
	if p.line == 0 {
		return due
	}
	if now := time.Now(); due.Before(now) {
		due = now
	}
	due = due.Add(time.Duration(n) * p.line)
	if wait := time.Until(due); wait > 200*time.Microsecond {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.gone:
		}
	}
	return due
}

// say queues bytes for the host. The lock is held.
func (m *Modem) say(s string) {
	p := m.port
	if p == nil || m.mute || s == "" {
		return
	}
	if len(p.out)+len(s) > outLimit {
		p.dropped += len(s)
		return
	}
	p.single = p.single || m.dribble
	at := len(p.out)
	p.out = append(p.out, s...)
	if m.garble {
		garble(p.out[at:])
	}
	p.queued += int64(len(s))
	if !p.reading {
		p.rouse()
	}
}

// garble makes of bytes what a UART of another speed reads.
func garble(b []byte) {
	for i, c := range b {
		b[i] = c<<3 ^ c>>2 | 0x80
	}
}

// onceWritten calls then when all that has been said so far is on the wire; never, if the port vanishes first.
func (m *Modem) onceWritten(then func()) {
	if m.port != nil && !m.mute {
		m.port.marks = append(m.port.marks, mark{at: m.port.queued, then: then})
	}
}

// stall makes the modem read nothing for a while, so that the host's writes block in the end.
func (m *Modem) stall(d time.Duration) {
	p := m.port
	if p == nil || p.stalled != nil {
		return
	}
	c := make(chan struct{})
	p.stalled = c
	m.net.after(d, func() {
		p.stalled = nil
		close(c)
	})
}

// ServeConn attaches the modem to a connection (net.Pipe, TCP) and serves it until either end closes or the modem
// is unplugged; the modem itself stays on. An earlier port is unplugged first.
func (m *Modem) ServeConn(rwc io.ReadWriteCloser) {
	p := newPort(rwc, m.net.config.Baud)
	m.net.mu.Lock()
	if m.net.closed {
		m.net.mu.Unlock()
		rwc.Close()
		return
	}
	m.detach("replaced by another connection")
	m.attach(p)
	m.note(KindPort, "connected")
	m.deliverNext()
	m.net.mu.Unlock()
	<-p.gone
}
