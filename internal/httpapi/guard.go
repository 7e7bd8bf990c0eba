package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"attestd/internal/access"
	"attestd/internal/msisdn"

	"golang.org/x/time/rate"
)

// guard holds the limits that hang on who asks: sliding windows over the last hour. It decides in memory, and what it
// grants is written down with the answer (access.Charge), so that a new process goes on where the old one was. It knows
// callers by a keyed hash; no address and no number is kept.
type guard struct {
	hash func(purpose string, parts ...[]byte) [][]byte // under every live key, the current one first

	mu     sync.Mutex
	limits Limits
	seen   map[string][]time.Time // by hash of purpose and caller; ascending, at most an hour old
	swept  time.Time
	tokens map[string]*rate.Limiter // by name
}

// window is at most so many in a span.
type window struct {
	most int // 0: no limit
	span time.Duration
}

const (
	// mostCallers bounds the memory that callers can take: beyond it half of them are forgotten.
	mostCallers = 20_000
	// MostUses is how many uses of before a restart are worth remembering.
	MostUses = 10 * mostCallers
)

func newGuard(l Limits, hash func(string, ...[]byte) [][]byte) *guard {
	if hash == nil {
		hash = ephemeral()
	}
	return &guard{hash: hash, limits: l, seen: map[string][]time.Time{}, tokens: map[string]*rate.Limiter{}}
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

// restore takes in what was used before a restart, oldest first.
func (g *guard) restore(uses []access.Use) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for _, u := range uses {
		u.At = now.Add(u.At.Sub(now)) // from now on by the monotonic clock, as all others
		g.seen[u.Key] = append(g.seen[u.Key], u.At)
	}
}

// check charges a check of a code to the caller's address and to the phone, and says what is to be written down. It
// returns how long to wait when either has used up its share; then nothing is charged.
func (g *guard) check(from netip.Addr, mobile string) (uses []access.Use, wait time.Duration) {
	address := g.key("caller check", network(from))
	var phone []string // none for what is no number: it is a form error, and all of them would be one phone
	if n, err := msisdn.Parse(mobile, "86"); err == nil {
		phone = g.key("caller phone", n.E164())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.limits
	return g.take(time.Now(),
		share{address, []window{{l.ChecksPerIPPerMinute, time.Minute}, {l.ChecksPerIPPerHour, time.Hour}}},
		share{phone, []window{{l.ChecksPerPhonePerHour, time.Hour}}})
}

// resend charges a request to send again to the caller's address.
func (g *guard) resend(from netip.Addr) (uses []access.Use, wait time.Duration) {
	address := g.key("caller resend", network(from))
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take(time.Now(), share{address, []window{{g.limits.ResendsPerIPPerHour, time.Hour}}})
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

// share is a caller, under the hashes of all live keys, and the windows that hold for it. No hash: nobody.
type share struct {
	keys    []string
	windows []window
}

func (g *guard) key(purpose, caller string) []string {
	hashes := g.hash(purpose, []byte(caller))
	keys := make([]string, len(hashes))
	for i, h := range hashes {
		keys[i] = string(h)
	}
	return keys
}

// take charges one use to every share, or to none.
func (g *guard) take(now time.Time, shares ...share) (uses []access.Use, wait time.Duration) {
	for _, s := range shares {
		wait = max(wait, g.wait(s, now))
	}
	if wait > 0 {
		return nil, wait
	}
	for _, s := range shares {
		if g.charge(s, now) {
			uses = append(uses, access.Use{Key: s.keys[0], At: now})
		}
	}
	return uses, 0
}

// times are the uses of a caller, ascending. A key that has just been replaced still counts.
func (g *guard) times(s share) (times []time.Time) {
	for i, key := range s.keys {
		times = append(times, g.seen[key]...)
		if i > 0 {
			slices.SortFunc(times, time.Time.Compare)
		}
	}
	return times
}

// wait is how long until one more fits into every window.
func (g *guard) wait(s share, now time.Time) (wait time.Duration) {
	times := g.times(s)
	for _, w := range s.windows {
		if w.most <= 0 || len(times) < w.most {
			continue
		}
		wait = max(wait, times[len(times)-w.most].Add(w.span).Sub(now))
	}
	return wait
}

func (g *guard) charge(s share, now time.Time) bool {
	var keep int
	for _, w := range s.windows {
		keep = max(keep, w.most)
	}
	if keep == 0 || len(s.keys) == 0 {
		return false
	}
	times := append(g.times(s), now)
	for _, key := range s.keys[1:] {
		delete(g.seen, key)
	}
	g.seen[s.keys[0]] = slices.Clone(times[max(0, len(times)-keep):])
	if len(g.seen) > mostCallers || now.Sub(g.swept) > 10*time.Minute {
		g.sweep(now)
	}
	return true
}

// sweep forgets those whose hour is over, and when that is not enough, half of the rest: a flood of addresses must
// not fill the memory, and forgetting costs less than refusing everybody.
func (g *guard) sweep(now time.Time) {
	g.swept = now
	for key, times := range g.seen {
		if now.Sub(times[len(times)-1]) > time.Hour {
			delete(g.seen, key)
		}
	}
	if len(g.seen) <= mostCallers {
		return
	}
	for key := range g.seen {
		if len(g.seen) <= mostCallers/2 {
			return
		}
		delete(g.seen, key)
	}
}

// network is what counts as one caller: an IPv4 address, or the /64 that a subscriber of IPv6 has to himself.
func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		p, err := a.WithZone("").Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return a.String()
}

type clientKey struct{}

func clientOf(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(clientKey{}).(netip.Addr)
	return a
}

// language chooses zh or en by Accept-Language (RFC 9110 12.5.4): the one with the higher weight, the earlier one
// among equals.
func language(accept, otherwise string) string {
	best, weight := otherwise, 0.0
	for _, item := range strings.Split(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if primary != "zh" && primary != "en" {
			continue
		}
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(value, 64); err != nil {
				q = 0
			}
		}
		if q > weight {
			best, weight = primary, q
		}
	}
	if best == "" {
		return "zh"
	}
	return best
}
