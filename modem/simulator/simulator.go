package simulator

import (
	"fmt"
	"sync"
	"time"
)

// A Network is the radio network, its message centre, the handsets in it and the modems on it.
//
// One mutex guards all of it: a pretend network is one world, its modems write to each other, and no critical
// section does more than a few microseconds of work.
type Network struct {
	mu       sync.Mutex
	config   Config
	ledger   *ledger
	modems   []*Modem
	byNumber map[string]*Modem
	handsets map[string]func(string) (string, time.Duration)
	partial  map[partKey]*assembly // long messages on their way to handsets
	strikes  map[string]int        // how often a fate has struck, per recipient
	submits  int
	ref      uint8         // concatenation reference of inbound messages
	skew     time.Duration // of the message centre's clock
	timers   map[*time.Timer]struct{}
	closed   bool
	wg       sync.WaitGroup
}

// New builds a network. Its modems are switched on and registered; each answers once Listen or ServeConn gives it a port.
func New(c Config) (*Network, error) {
	if err := c.defaults(); err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	n := &Network{
		config:   c,
		ledger:   newLedger(c.Ledger, c.Keep),
		byNumber: map[string]*Modem{},
		handsets: map[string]func(string) (string, time.Duration){},
		partial:  map[partKey]*assembly{},
		strikes:  map[string]int{},
		timers:   map[*time.Timer]struct{}{},
	}
	for i := range c.Modems {
		m := newModem(n, i)
		n.modems = append(n.modems, m)
		n.byNumber[subscriber(m.card.number)] = m
		m.chatter()
	}
	return n, nil
}

// Close unplugs every modem, ends every goroutine and waits for them.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	for t := range n.timers {
		t.Stop()
	}
	clear(n.timers)
	for _, m := range n.modems {
		m.detach("closed")
	}
	for w := range n.ledger.watch {
		close(w.c)
	}
	clear(n.ledger.watch)
	n.mu.Unlock()
	n.wg.Wait()
	return n.LedgerError()
}

// Modems is how many modems there are.
func (n *Network) Modems() int { return len(n.modems) }

// Modem returns modem i, counted from 0.
func (n *Network) Modem(i int) *Modem { return n.modems[i] }

func (n *Network) modem(i int) (*Modem, error) {
	if i < 0 || i >= len(n.modems) {
		return nil, fmt.Errorf("modem: there is no modem %d; the last is %d", i, len(n.modems)-1)
	}
	return n.modems[i], nil
}

// clock is what the message centre stamps.
func (n *Network) clock() time.Time { return time.Now().Add(n.skew) }

// after runs f with the lock held, d from now, unless the network is closed first.
func (n *Network) after(d time.Duration, f func()) {
	if n.closed {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if _, ok := n.timers[t]; !ok {
			return
		}
		delete(n.timers, t)
		f()
	})
	n.timers[t] = struct{}{}
}

func (n *Network) point(m *Modem, name, to string, mr int) {
	if n.config.Hook != nil {
		n.config.Hook(Point{Modem: m.index, Name: name, To: to, MR: mr})
	}
}
