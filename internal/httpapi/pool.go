package httpapi

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// pool bounds how many connections are open at once, in all and of one address with the networks around it. The gateway
// must
// stay far below 1024 descriptors: the serial library's select() cannot go beyond. When there is no place, the
// connection
// goes that has been idle the longest, so that nobody keeps others out by keeping connections open; only where every
// connection has a request under way does a new one wait.
type pool struct {
	most, perAddress int // 0: no limit
	exempt           func(net.Addr) bool

	mu     sync.Mutex
	open   map[*pooled]struct{}
	of     map[string]int // by address and network
	freed  chan struct{}  // has an element when a place may have become free
	closed chan struct{}
	once   sync.Once
}

// startGrace is how long a connection that has sent nothing yet is left alone.
const startGrace = time.Second

func newPool(most, perAddress int, exempt func(net.Addr) bool) *pool {
	return &pool{most: most, perAddress: perAddress, exempt: exempt, open: map[*pooled]struct{}{}, of: map[string]int{},
		freed: make(chan struct{}, 1), closed: make(chan struct{})}
}

// pooled is a connection with its place.
type pooled struct {
	net.Conn
	pool *pool
	nets []network // that it counts for
	idle bool      // no request is under way
	used bool      // there was one
	from time.Time // when it became so
}

func (c *pooled) Close() error {
	c.pool.mu.Lock()
	c.pool.leave(c)
	c.pool.mu.Unlock()
	return c.Conn.Close()
}

// leave gives the place back, once. The pool is locked.
func (p *pool) leave(c *pooled) {
	if _, ok := p.open[c]; !ok {
		return
	}
	delete(p.open, c)
	for _, n := range c.nets {
		if p.of[n.name]--; p.of[n.name] <= 0 {
			delete(p.of, n.name)
		}
	}
	p.wake()
}

func (p *pool) wake() {
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

// state is http.Server.ConnState.
func (p *pool) state(c net.Conn, s http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	mine, ok := c.(*pooled)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	mine.idle, mine.from = s == http.StateIdle || s == http.StateNew, time.Now()
	mine.used = mine.used || s == http.StateActive
	if mine.idle {
		p.wake()
	}
}

// enter gives a connection a place, and makes one where it can. It waits while there is none; false says that the
// address has too
// many, all of them at work.
func (p *pool) enter(conn net.Conn) (*pooled, bool) {
	c := &pooled{Conn: conn, pool: p, idle: true, from: time.Now()}
	if p.perAddress > 0 && (p.exempt == nil || !p.exempt(conn.RemoteAddr())) {
		c.nets = networks(nodeAddr(conn.RemoteAddr().String()))
	}
	for {
		fits, evicted := p.try(c)
		for _, old := range evicted {
			_ = old.Conn.Close()
		}
		switch fits {
		case placed:
			return c, true
		case tooMany:
			return nil, false
		}
		select {
		case <-p.freed:
		case <-time.After(startGrace): // one that has sent nothing may have had its time
		case <-p.closed:
			return nil, false
		}
	}
}

type fit int

const (
	placed  fit = iota
	full        // for now
	tooMany     // of one address
)

func (p *pool) try(c *pooled) (f fit, evicted []*pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	evict := func(of string) bool {
		old := p.oldest(of)
		if old == nil {
			return false
		}
		p.leave(old)
		evicted = append(evicted, old)
		return true
	}
	for _, n := range c.nets {
		for p.of[n.name] >= p.perAddress*n.share {
			if !evict(n.name) {
				return tooMany, evicted
			}
		}
	}
	for p.most > 0 && len(p.open) >= p.most {
		if !evict("") {
			return full, evicted
		}
	}
	p.open[c] = struct{}{}
	for _, n := range c.nets {
		p.of[n.name]++
	}
	return placed, evicted
}

// oldest is the connection of a network ("": of all) that has been idle the longest; one that has not sent anything yet
// gets a moment.
func (p *pool) oldest(of string) (found *pooled) {
	for c := range p.open {
		switch {
		case !c.idle || found != nil && !c.from.Before(found.from):
		case !c.used && time.Since(c.from) < startGrace:
		case of != "" && !c.in(of):
		default:
			found = c
		}
	}
	return found
}

func (c *pooled) in(name string) bool {
	for _, n := range c.nets {
		if n.name == name {
			return true
		}
	}
	return false
}

// listener hands out connections that have a place.
type listener struct {
	net.Listener
	pool *pool
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, ok := l.pool.enter(conn); ok {
			return c, nil
		}
		_ = conn.Close()
		select {
		case <-l.pool.closed:
			return nil, net.ErrClosed
		default:
		}
	}
}

func (l *listener) Close() error {
	l.pool.once.Do(func() { close(l.pool.closed) })
	return l.Listener.Close()
}
