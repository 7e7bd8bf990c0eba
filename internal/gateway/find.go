package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"attestd/modem"
)

// finder knows which station has which tty, and which module answers on the ttys that nobody has. One serves the whole fleet, so
// that no two stations talk to one port, and no port is asked twice.
//
// A probe is a goroutine of its own: it holds a claim on its port, ends by itself within probeLimit, and tells the stations that
// wait. The fleet waits for the last of them.
type finder struct {
	pace  Pace
	log   *slog.Logger
	sysfs string
	probe func(context.Context, modem.Config) (modem.Identity, error)
	tasks sync.WaitGroup

	mu       sync.Mutex // guards what follows, and is held for no longer than it takes to look
	changed  chan struct{}
	stations []StationConfig
	claims   map[string]string    // which station has a device; its name, or "" for a probe
	sights   map[string]*sighting // what was found on a device
	homes    map[string]string    // module and card to the station without imei and sim that they served last
}

// sighting is what a probe of a port has told.
type sighting struct {
	node  string
	id    modem.Identity
	err   error
	until time.Time // then it is asked again, if somebody still searches
	tries int       // without an answer
}

// Probes are short: a port that is AT answers at once, but for one that was just plugged in, and that one is asked again.
const (
	probeAnswer = 5 * time.Second
	probeLimit  = 30 * time.Second
	stillHere   = time.Minute // how long an identified module is believed to be the same without being asked
)

func newFinder(o Options) *finder {
	return &finder{
		pace: o.Pace, log: o.Logger, sysfs: "/sys", probe: modem.Probe, stations: o.Stations,
		changed: make(chan struct{}), claims: map[string]string{}, sights: map[string]*sighting{}, homes: map[string]string{},
	}
}

// news is closed when anything has changed since: a port came, went or was released, a probe has ended.
func (f *finder) news() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *finder) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tellLocked()
}

func (f *finder) tellLocked() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// configure says which stations there are: what one is told to use no other may probe.
func (f *finder) configure(all []StationConfig) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stations = all
	f.tellLocked()
}

// view is what a station sees of the ports that it may use; it differs when another try may end otherwise.
func (f *finder) view(c StationConfig) string {
	p := placeOf(c)
	if p.fixed != "" {
		one, _ := portAt(p.fixed, f.sysfs)
		return one.target + one.node
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, stick := range p.ports(f.sysfs) {
		for _, one := range stick {
			fmt.Fprintf(&b, "%s %s %s\n", one.path, one.node, f.claims[one.target])
		}
	}
	return b.String()
}

// acquire finds the port on which the station's modem answers now, and keeps the others off it until release. Names are resolved
// anew each time.
func (f *finder) acquire(ctx context.Context, c StationConfig) (path string, release func(), err error) {
	p := placeOf(c)
	if p.fixed != "" {
		release, err = f.claim(p.fixed, c.Name)
		return p.fixed, release, err
	}
	for {
		news := f.news()
		found, pending, seen := f.match(ctx, c, p)
		if found.path != "" {
			return found.path, func() { f.release(found.target) }, nil
		}
		if !pending {
			return "", nil, f.explain(c, p, seen)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
	}
}

func (f *finder) claim(path, station string) (release func(), err error) {
	one, ok := portAt(path, f.sysfs)
	if !ok {
		return func() {}, nil // a serial server, or a port that is not there: opening it will tell
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if other, taken := f.claims[one.target]; taken {
		if other == "" {
			other = "the search for modems"
		}
		return nil, fmt.Errorf("%w: %s is %s, which %s uses now", modem.ErrPortBusy, path, one.target, other)
	}
	f.claims[one.target] = station
	return func() { f.release(one.target) }, nil
}

func (f *finder) release(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, target)
	f.tellLocked()
}

// match gives a claimed port with the station's modem, if there is one. pending: probes are under way that may find it.
func (f *finder) match(ctx context.Context, c StationConfig, p place) (found port, pending bool, seen []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.takenLocked(c)
	for _, stick := range p.ports(f.sysfs) {
		if slices.ContainsFunc(stick, func(one port) bool { _, is := taken[one.target]; return is }) {
			for _, one := range stick {
				pending = pending || f.isProbed(one)
			}
			seen = append(seen, stick[0].path+" is in use")
			continue
		}
		for _, one := range stick { // one after the other, until one answers
			s := f.sights[one.target]
			if s == nil || s.node != one.node || time.Now().After(s.until) {
				f.probeLocked(ctx, c, one)
				pending = true
				break
			}
			if s.err != nil {
				seen = append(seen, one.path+": "+s.err.Error())
				continue
			}
			if f.wantedLocked(c, s.id) {
				f.claims[one.target] = c.Name
				return one, false, nil
			}
			seen = append(seen, fmt.Sprintf("%s has IMEI %s, SIM %s", one.path, s.id.IMEI, s.id.ICCID))
			break
		}
	}
	return port{}, pending, seen
}

// takenLocked are the devices that are not there for a station to be probed: claimed, the configured port of another,
// or, for one that
// takes any, what the pattern of another fits that has no port yet.
func (f *finder) takenLocked(c StationConfig) map[string]bool {
	taken := map[string]bool{}
	for target := range f.claims {
		taken[target] = true
	}
	for _, other := range f.stations {
		p := placeOf(other)
		switch {
		case p.fixed != "":
			if one, ok := portAt(p.fixed, f.sysfs); ok {
				taken[one.target] = true
			}
		case c.Modem.Port == Auto && other.Modem.Port != Auto && other.IMEI == "" && other.SIM == "" && !f.hasPortLocked(other.Name):
			for _, stick := range p.ports(f.sysfs) {
				for _, one := range stick {
					taken[one.target] = true
				}
			}
		}
	}
	return taken
}

func (f *finder) isProbed(one port) bool {
	station, claimed := f.claims[one.target]
	return claimed && station == ""
}

// wantedLocked says whether a module is the station's. A station that names none takes any that no other names or had last.
func (f *finder) wantedLocked(c StationConfig, id modem.Identity) bool {
	if c.IMEI != "" || c.SIM != "" {
		return names(c, id)
	}
	for _, other := range f.stations {
		if other.Name != c.Name && names(other, id) {
			return false
		}
	}
	home, has := f.homes[homeKey(id)]
	return !has || home == c.Name || f.hasPortLocked(home)
}

// hasPortLocked says whether a station has a port at the moment: then it waits for no modem. Sticks of one maker may
// all say the
// same IMEI.
func (f *finder) hasPortLocked(station string) bool {
	for _, holder := range f.claims {
		if holder == station {
			return true
		}
	}
	return false
}

func homeKey(id modem.Identity) string { return id.IMEI + " " + id.ICCID }

// sameModule compares IMEIs by their first 14 digits: what follows is a check digit, a version (IMEISV), or left out
// (TS 23.003 6.2).
func sameModule(a, b string) bool {
	const serial = 14
	return len(a) >= serial && len(b) >= serial && a[:serial] == b[:serial] || a == b
}

// names says whether a configuration names this module or card.
func names(c StationConfig, id modem.Identity) bool {
	return (c.IMEI != "" || c.SIM != "") && (c.IMEI == "" || sameModule(c.IMEI, id.IMEI)) && (c.SIM == "" || c.SIM == id.ICCID)
}

func (f *finder) probeLocked(ctx context.Context, c StationConfig, one port) {
	f.claims[one.target] = ""
	tries := 0
	if s := f.sights[one.target]; s != nil && s.node == one.node {
		tries = s.tries
	}
	f.tasks.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, probeLimit)
		defer cancel()
		id, err := f.probe(bounded, modem.Config{
			Port: one.path, Baud: c.Modem.Baud, AnswerWait: probeAnswer, CommandTimeout: c.Modem.CommandTimeout, Trace: c.Modem.Trace,
		})
		s := &sighting{node: one.node, id: id, err: err, until: time.Now().Add(stillHere)}
		if err != nil {
			s.until = time.Now().Add(min(f.pace.ReopenMin<<min(tries, 20), f.pace.ReopenMax))
			s.tries = tries + 1
			f.log.Debug("a port was probed, and has no modem to offer", "port", one.path, "error", err)
		} else {
			f.log.Info("a modem was found", "port", one.path, "imei", id.IMEI, "sim", id.ICCID)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.claims, one.target)
		if ctx.Err() == nil { // a station that was stopped leaves no verdict
			f.sights[one.target] = s
		}
		f.tellLocked()
	})
}

// learn keeps who answered on a port when it was opened; an error forgets it, so that the stick's other ports are asked next.
func (f *finder) learn(c StationConfig, path string, id modem.Identity, err error) {
	one, ok := portAt(path, f.sysfs)
	if !ok || placeOf(c).fixed != "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(err, modem.ErrNotAModem) {
		delete(f.sights, one.target)
	}
	if err != nil {
		return
	}
	f.sights[one.target] = &sighting{node: one.node, id: id, until: time.Now().Add(stillHere)}
	if c.IMEI == "" && c.SIM == "" && id.IMEI != "" {
		f.homes[homeKey(id)] = c.Name
	}
}

func (f *finder) explain(c StationConfig, p place, seen []string) error {
	what := "no modem that is not another's"
	switch {
	case c.IMEI != "" && c.SIM != "":
		what = "no modem with IMEI " + c.IMEI + " and SIM " + c.SIM
	case c.IMEI != "":
		what = "no modem with IMEI " + c.IMEI
	case c.SIM != "":
		what = "no modem with SIM " + c.SIM
	}
	found := "nothing is there that could be asked"
	if len(seen) > 0 {
		found = strings.Join(seen, "; ")
	}
	return fmt.Errorf("%w: %s on %s (%s); is it plugged in?", modem.ErrPortMissing, what, strings.Join(p.globs, ", "), found)
}

// Locate finds the ports of stations without keeping them, for those who want to look at modems while no gateway runs. It gives a
// path or an error for each name.
func Locate(ctx context.Context, stations []StationConfig) (paths map[string]string, errs map[string]error) {
	o := Options{Stations: stations, Logger: slog.New(slog.DiscardHandler)}
	o.Pace.fill()
	f := newFinder(o)
	defer f.tasks.Wait()
	paths, errs = map[string]string{}, map[string]error{}
	for _, c := range stations {
		if path, _, err := f.acquire(ctx, c); err != nil {
			errs[c.Name] = err
		} else {
			paths[c.Name] = path
		}
	}
	return paths, errs
}
