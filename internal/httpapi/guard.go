package httpapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"attestd/internal/access"
	"attestd/internal/proof"
	"attestd/verify"

	"golang.org/x/time/rate"
)

// guard holds the limits that depend on who asks: sliding windows over the last hour, for an address and for the
// networks
// around it. It decides in memory, and what it grants is written down with the answer (access.Charge), so that a new
// process
// goes on where the old one was. It knows callers by a keyed hash; no address is kept. What a phone may is verify's: in
// rows.
//
// A right code costs its caller nothing: what was granted for it is given back. Many honest people behind one address
// (a
// carrier's NAT) are not each other's limit, and one who guesses is wrong nearly always.
type guard struct {
	hash func(purpose string, parts ...[]byte) [][]byte // under every live key, the current one first

	mu      sync.Mutex
	limits  Limits
	callers callers
	brake   brake
	tokens  map[string]*rate.Limiter // by name
}

func newGuard(l Limits, hash func(string, ...[]byte) [][]byte) *guard {
	if hash == nil {
		hash = ephemeral()
	}
	return &guard{hash: hash, limits: l, callers: newCallers(), brake: newBrake(), tokens: map[string]*rate.Limiter{}}
}

// ephemeral is a keyed hash that only this process knows.
func ephemeral() func(string, ...[]byte) [][]byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return func(purpose string, parts ...[]byte) [][]byte {
		h := hmac.New(sha256.New, key)
		for _, part := range append([][]byte{[]byte(purpose)}, parts...) {
			h.Write(part)
			h.Write([]byte{0})
		}
		return [][]byte{h.Sum(nil)}
	}
}

func (g *guard) set(l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.RequestsPerSecond != g.limits.RequestsPerSecond {
		clear(g.tokens)
	}
	g.limits = l
}

// restore takes in what was used before a restart, oldest first, and how many checks there were in the brake's window.
func (g *guard) restore(uses []access.Use, all, wrong int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for _, u := range uses {
		g.callers.add(u.Key, now.Add(u.At.Sub(now))) // from now on by the monotonic clock, as all others
	}
	g.brake.add(now, all-wrong, wrong, g.limits)
}

// grant is what a caller was let do. The zero grant is for whom no limit holds.
type grant struct {
	guard *guard
	uses  []access.Use
}

// ended hears what came of it: it counts for the brake, and is given back where the caller did nothing wrong.
func (t grant) ended(r verify.Result) {
	if t.guard == nil {
		return
	}
	g := t.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	switch r {
	case verify.ResultWrong, verify.ResultNoRecord, verify.ResultFinal:
		g.brake.add(time.Now(), 0, 1, g.limits)
		return
	case verify.ResultPassed, verify.ResultVerified:
		g.brake.add(time.Now(), 1, 0, g.limits)
	case verify.ResultFailed:
		return // malformed: what reaches no database still costs its caller
	}
	for _, u := range t.uses {
		if u.WhenWrong {
			g.callers.remove(u.Key, u.At)
		}
	}
}

// check charges a check of a code to the caller's address and its networks. It returns how long to wait when one of
// them has
// used up its share; then nothing is charged.
func (g *guard) check(from netip.Addr) (grant, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	level := g.brake.level(time.Now(), g.limits)
	return g.take("caller check", from, true, []window{
		{g.limits.ChecksPerIPPerMinute, time.Minute, 1}, {g.limits.ChecksPerIPPerHour, time.Hour, 2},
	}, level)
}

// resend charges a request to send again to the caller's address and its networks.
func (g *guard) resend(from netip.Addr) (grant, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take("caller resend", from, false, []window{{g.limits.ResendsPerIPPerHour, time.Hour, 1}}, 0)
}

func (g *guard) now() Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits
}

// bits are the zero bits that a proof of work needs just now.
func (g *guard) bits() int { return proof.Bits + g.level() }

// level is how hard the brake is pulled.
func (g *guard) level() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.brake.level(time.Now(), g.limits)
}

// token lets a token make one more request, or says how long it must wait.
func (g *guard) token(name string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	most := g.limits.RequestsPerSecond
	if most <= 0 {
		return 0
	}
	l, ok := g.tokens[name]
	if !ok {
		l = rate.NewLimiter(rate.Limit(most), 2*most)
		g.tokens[name] = l
	}
	r := l.Reserve()
	wait := r.Delay()
	if wait > 0 {
		r.Cancel()
	}
	return wait
}

// take charges one use to the address and to every network around it, or to none.
func (g *guard) take(purpose string, from netip.Addr, whenWrong bool, windows []window, level int) (grant, time.Duration) {
	now := time.Now()
	var wait time.Duration
	nets := networks(from)
	keys := make([][]string, len(nets))
	for i, n := range nets {
		keys[i] = g.key(purpose, n.name)
		for _, w := range windows {
			wait = max(wait, g.callers.wait(keys[i], w.of(n.share, level), now))
		}
	}
	if wait > 0 {
		return grant{}, wait
	}
	t := grant{guard: g}
	if !anyLimit(windows) {
		return t, 0
	}
	for _, k := range keys {
		g.callers.charge(k, now)
		t.uses = append(t.uses, access.Use{Key: k[0], At: now, WhenWrong: whenWrong})
	}
	return t, 0
}

func (g *guard) key(purpose, caller string) []string {
	hashes := g.hash(purpose, []byte(caller))
	keys := make([]string, len(hashes))
	for i, h := range hashes {
		keys[i] = string(h)
	}
	return keys
}
