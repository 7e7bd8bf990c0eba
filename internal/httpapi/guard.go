package httpapi

import (
	"context"
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"attestd/internal/msisdn"
)

// guard holds the limits that hang on who asks: sliding windows over the last hour, in memory. It knows callers by a
// hash under a key of this process; no address and no number is kept.
type guard struct {
	seed maphash.Seed

	mu     sync.Mutex
	limits Limits
	seen   map[uint64][]time.Time // by hash of purpose and caller; ascending, at most an hour old
	swept  time.Time
}

// window is at most so many in a span.
type window struct {
	most int // 0: no limit
	span time.Duration
}

// mostCallers bounds the memory that callers can take: beyond it half of them are forgotten.
const mostCallers = 20_000

func newGuard(l Limits) *guard {
	return &guard{seed: maphash.MakeSeed(), limits: l, seen: map[uint64][]time.Time{}}
}

func (g *guard) set(l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = l
}

// check charges a check of a code to the caller's address and to the phone. It returns how long to wait when either
// has used up its share; then nothing is charged.
func (g *guard) check(from netip.Addr, mobile string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, now := g.limits, time.Now()
	address := g.key("check", network(from))
	byAddress := []window{{l.ChecksPerIPPerMinute, time.Minute}, {l.ChecksPerIPPerHour, time.Hour}}
	var phone uint64
	var byPhone []window // none for what is no number: it is a form error, and all of them would be one phone
	if n, err := msisdn.Parse(mobile, "86"); err == nil {
		phone, byPhone = g.key("phone", n.E164()), []window{{l.ChecksPerPhonePerHour, time.Hour}}
	}
	if wait := max(g.wait(address, now, byAddress), g.wait(phone, now, byPhone)); wait > 0 {
		return wait
	}
	g.charge(address, now, byAddress)
	g.charge(phone, now, byPhone)
	return 0
}

// resend charges a request to send again to the caller's address.
func (g *guard) resend(from netip.Addr) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	address, windows, now := g.key("resend", network(from)), []window{{g.limits.ResendsPerIPPerHour, time.Hour}}, time.Now()
	if wait := g.wait(address, now, windows); wait > 0 {
		return wait
	}
	g.charge(address, now, windows)
	return 0
}

func (g *guard) key(purpose, caller string) uint64 {
	return maphash.String(g.seed, purpose+"\x00"+caller)
}

// wait is how long until one more fits into every window.
func (g *guard) wait(key uint64, now time.Time, windows []window) (wait time.Duration) {
	times := g.seen[key]
	for _, w := range windows {
		if w.most <= 0 || len(times) < w.most {
			continue
		}
		wait = max(wait, times[len(times)-w.most].Add(w.span).Sub(now))
	}
	return wait
}

func (g *guard) charge(key uint64, now time.Time, windows []window) {
	var keep int
	for _, w := range windows {
		keep = max(keep, w.most)
	}
	if keep == 0 {
		return
	}
	times := append(g.seen[key], now)
	g.seen[key] = slices.Clone(times[max(0, len(times)-keep):])
	if len(g.seen) > mostCallers || now.Sub(g.swept) > 10*time.Minute {
		g.sweep(now)
	}
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

// clientIP is who asks: the peer, or, when the peer is a trusted proxy, the last address in X-Forwarded-For that is
// none. What stands before that is the client's own claim.
func clientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	client, _ := netip.ParseAddr(host)
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && trusts(trusted, client); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(forwarded[i]))
		if err != nil {
			break
		}
		client = next
	}
	return client
}

func trusts(trusted []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
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
