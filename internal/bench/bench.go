// Package bench measures the gateway as it is run: the whole daemon with its durable database (synchronous=FULL), its API
// and its AT driver, over ptys to simulated modems in the same process. docs/performance.md says what each figure means.
package bench

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// Figure is one measured number.
type Figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target string  `json:"target,omitempty"` // what we hold ourselves to
	Peer   string  `json:"peer,omitempty"`   // the best of the others, measured on a machine of the same kind
	Missed bool    `json:"missed,omitempty"`
}

// Options say what to measure.
type Options struct {
	Only []string     // names of scenarios; empty means all
	Tell func(string) // progress; may be nil
	Size float64      // scales the number of messages; 0 means 1
}

// Scenario is one run with its figures.
type Scenario struct {
	Name, About string
	run         func(context.Context, *bench) error
}

// Scenarios lists what can be measured, in the order in which it is.
func Scenarios() []Scenario {
	return []Scenario{
		{"idle", "from POST /v1/messages to AT+CMGS on a gateway with nothing to do", idle},
		{"one", "a backlog through one modem whose network takes no time", func(ctx context.Context, b *bench) error { return b.backlog(ctx, "one", 1, 2000) }},
		{"four", "the same through four", func(ctx context.Context, b *bench) error { return b.backlog(ctx, "four", 4, 4000) }},
		{"radio", "one modem whose network takes 2.5 s a message: how much of that time it is kept busy", radio},
		{"faults", "1,000 messages through four modems, one recipient in twenty with a fault: lost and doubled", faults},
		{"sick", "three modems beside a dead one, one recipient in ten refused for good: what is left of their throughput", sick},
		{"mixed", "one modem with a backlog, while clients hand in more than it can send", mixed},
		{"api", "filings taken in and codes checked over HTTP, no modem taking part", api},
	}
}

type bench struct {
	o       Options
	figures []Figure
}

// Run measures and returns the figures in order.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	if o.Size == 0 {
		o.Size = 1
	}
	b := &bench{o: o}
	known := map[string]bool{}
	for _, s := range Scenarios() {
		known[s.Name] = true
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.Name) {
			continue
		}
		o.Tell(s.Name + ": " + s.About)
		if err := s.run(ctx, b); err != nil {
			return b.figures, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for _, name := range o.Only {
		if !known[name] {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
	}
	return b.figures, nil
}

func (b *bench) size(n int) int { return max(4, int(float64(n)*b.o.Size)) }

// atMost and atLeast record a figure with its target.
func (b *bench) atMost(name string, value float64, unit string, target float64, peer string) {
	b.figures = append(b.figures, Figure{name, value, unit, fmt.Sprintf("<= %g", target), peer, value > target})
}

func (b *bench) atLeast(name string, value float64, unit string, target float64, peer string) {
	b.figures = append(b.figures, Figure{name, value, unit, fmt.Sprintf(">= %g", target), peer, value < target})
}

func (b *bench) just(name string, value float64, unit, peer string) {
	b.figures = append(b.figures, Figure{Name: name, Value: value, Unit: unit, Peer: peer})
}

// start makes a gateway whose modems have no limits, and a client for it.
func start(ctx context.Context, c simulator.Config, edit func(*config.Config)) (*rig.Rig, error) {
	return rig.Start(ctx, rig.Options{Simulator: c, Edit: func(cfg *config.Config) {
		for i := range cfg.Modem {
			cfg.Modem[i].RatePerMinute = 0
		}
		cfg.HTTP.MaxConnections = max(cfg.HTTP.MaxConnections, 64)
		if edit != nil {
			edit(cfg)
		}
	}})
}

var poster = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 30 * time.Second}

// post sends one message through the API; a durable answer takes a commit.
func post(ctx context.Context, r *rig.Rig, to, text string) error {
	body := fmt.Sprintf(`{"to":%q,"text":%q,"report":true,"priority":"normal"}`, to, text)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := poster.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("POST /v1/messages: %s", resp.Status)
	}
	return nil
}

// postAll sends n messages over a few connections at once.
func postAll(ctx context.Context, r *rig.Rig, n int, to func(i int) string) error {
	work := make(chan int)
	errs := make(chan error, 8)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range work {
				if err := post(ctx, r, to(i), textOf(i)); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func textOf(i int) string { return fmt.Sprintf("Benchmark message %06d, code 314159.", i) }

// plain is a recipient whom no fate befalls.
func plain(i int) string { return fmt.Sprintf("+86139%03d1%04d", i/10_000%1000, i%10_000) }

// percentile of sorted values.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// cpu is the processor time that this process has used, simulator and client included.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakRSS is the most memory that this process ever held, in MiB.
func peakRSS() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Maxrss) / 1024
}
