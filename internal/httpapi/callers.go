package httpapi

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

const (
	// mostCallers bounds the memory that callers can take.
	mostCallers = 50_000
	// MostUses is how many uses of before a restart are worth remembering.
	MostUses = 4 * mostCallers
)

// network is a caller, or a network of callers, and how many times one caller's share it has.
type network struct {
	name  string
	share int
}

// networks are those that an address counts for. One subscriber of IPv6 has a /64 to himself, and often a /56 or a /48
// (RFC 6177);
// a /32 is a provider. Without the larger ones he would be as many callers as he has /64s. An IPv4 address may be a
// carrier's
// NAT with thousands behind it, so the /24 around it has ten shares: a carrier's pool holds many such addresses, and
// only
// wrong entries are charged at all.
func networks(a netip.Addr) []network {
	a = a.Unmap().WithZone("")
	sizes := []struct{ bits, share int }{{32, 1}, {24, 10}}
	if a.Is6() {
		sizes = []struct{ bits, share int }{{64, 1}, {56, 2}, {48, 4}, {32, 20}}
	}
	var all []network
	for _, s := range sizes {
		p, err := a.Prefix(s.bits)
		switch {
		case err != nil: // no address at all: they are all one caller
			return []network{{"unknown", 1}}
		case a.Is4() && s.bits == 32:
			all = append(all, network{a.String(), s.share})
		default:
			all = append(all, network{p.String(), s.share})
		}
	}
	return all
}

// window is at most so many in a span; braked, still at least so many.
type window struct {
	most  int // 0: no limit
	span  time.Duration
	least int
}

// of is the window of a network, with the brake pulled so hard: each level halves it.
func (w window) of(share, level int) window {
	if w.most > 0 {
		w.most = min(w.most*share, max(w.most*share>>level, w.least))
	}
	return w
}

func anyLimit(all []window) bool {
	return slices.ContainsFunc(all, func(w window) bool { return w.most > 0 })
}

// horizon is how far back any window looks.
const horizon = time.Hour

// callers remembers when they did something, within the last hour. Beyond mostCallers it forgets those who did least,
// the
// longest ago first: whoever is near a limit stays, and so do the networks, which have counted what is forgotten. So
// nobody
// is forgiven because others come.
type callers struct {
	seen  map[string][]time.Time // by hash of purpose and caller; ascending
	swept time.Time
}

func newCallers() callers { return callers{seen: map[string][]time.Time{}} }

// times are the uses of a caller, ascending. A key that has just been replaced still counts.
func (c *callers) times(keys []string) []time.Time {
	times := c.seen[keys[0]]
	for _, key := range keys[1:] {
		if old := c.seen[key]; len(old) > 0 {
			times = append(slices.Clone(times), old...)
			slices.SortFunc(times, time.Time.Compare)
		}
	}
	return times
}

// wait is how long until one more fits into a window.
func (c *callers) wait(keys []string, w window, now time.Time) time.Duration {
	times := c.times(keys)
	if w.most <= 0 || len(times) < w.most {
		return 0
	}
	return times[len(times)-w.most].Add(w.span).Sub(now)
}

// charge notes a use, under the current key.
func (c *callers) charge(keys []string, now time.Time) {
	times := c.times(keys)
	for _, key := range keys[1:] {
		delete(c.seen, key)
	}
	c.seen[keys[0]] = times
	c.add(keys[0], now)
	if len(c.seen) > mostCallers || now.Sub(c.swept) > 10*time.Minute {
		c.sweep(now)
	}
}

func (c *callers) add(key string, at time.Time) {
	times := c.seen[key]
	for len(times) > 0 && at.Sub(times[0]) > horizon {
		times = times[1:]
	}
	c.seen[key] = append(times, at)
}

// remove takes one use back.
func (c *callers) remove(key string, at time.Time) {
	times := c.seen[key]
	i := slices.IndexFunc(times, at.Equal)
	switch {
	case i < 0:
	case len(times) == 1:
		delete(c.seen, key)
	default:
		c.seen[key] = slices.Delete(slices.Clone(times), i, i+1)
	}
}

func (c *callers) sweep(now time.Time) {
	c.swept = now
	for key, times := range c.seen {
		if now.Sub(times[len(times)-1]) > horizon {
			delete(c.seen, key)
		}
	}
	if len(c.seen) <= mostCallers {
		return
	}
	keys := make([]string, 0, len(c.seen))
	for key := range c.seen {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		x, y := c.seen[a], c.seen[b]
		return cmp.Or(cmp.Compare(len(x), len(y)), x[len(x)-1].Compare(y[len(y)-1]))
	})
	for _, key := range keys[:len(keys)-mostCallers*9/10] {
		delete(c.seen, key)
	}
}
