package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"attestd/internal/gateway"
	"attestd/internal/httpapi"
	"attestd/internal/store"
)

const (
	probeEvery    = 2 * time.Second // how old the outcome of a trial write may be
	probePatience = time.Second     // how long who asks waits for it
)

// prober tries whether the database takes writes: at most one trial at a time, and one every probeEvery, however many
// ask.
type prober struct {
	write func(context.Context) error

	mu    sync.Mutex
	at    time.Time
	err   error
	tried chan struct{} // closed when the trial under way has ended; nil for none
	all   sync.WaitGroup
}

var errNoAnswer = errors.New("a trial write has not ended: another process holds the database, or the disk does not answer")

// ask gives the outcome of a trial that is recent enough.
func (p *prober) ask(ctx context.Context) error {
	p.mu.Lock()
	if p.tried == nil && time.Since(p.at) >= probeEvery {
		tried := make(chan struct{})
		p.tried = tried
		p.all.Go(func() {
			err := p.write(context.WithoutCancel(ctx))
			p.mu.Lock()
			p.at, p.err, p.tried = time.Now(), err, nil
			p.mu.Unlock()
			close(tried)
		})
	}
	tried := p.tried
	p.mu.Unlock()
	if tried != nil {
		late := time.NewTimer(probePatience)
		defer late.Stop()
		select {
		case <-tried:
		case <-late.C:
			return errNoAnswer
		case <-ctx.Done():
			return errNoAnswer
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// ready says why a code cannot be stored or sent now; nothing when it can.
func (d *Daemon) ready(ctx context.Context) (reasons []httpapi.Reason) {
	if d.stopping.Load() {
		reasons = append(reasons, httpapi.Reason{Code: "stopping", Detail: "the gateway is stopping"})
	}
	if err := d.probe.ask(ctx); err != nil {
		reasons = append(reasons, httpapi.Reason{Code: "store", Detail: storeFault(err)})
	}
	var configured, sending int
	var why []string
	for _, m := range d.fleet.Status() {
		configured++
		if m.State == gateway.Ready {
			sending++
		} else {
			why = append(why, string(m.Name+" is "+string(m.State)))
		}
	}
	switch {
	case configured == 0:
		reasons = append(reasons, httpapi.Reason{Code: "no_modem", Detail: "no modem is configured: what is taken in waits"})
	case sending == 0:
		reasons = append(reasons, httpapi.Reason{Code: "no_modem_ready", Detail: "no modem can send now, what is taken in waits: " + strings.Join(why, ", ")})
	}
	return reasons
}

// storeFault is what anybody may read of it: no path, and no words of the database's own.
func storeFault(err error) string {
	for _, one := range []error{store.ErrFull, store.ErrReadOnly, store.ErrCorrupt, store.ErrBusy, errNoAnswer} {
		if errors.Is(err, one) {
			return one.Error()
		}
	}
	return "the database takes no writes: the log of the gateway says more"
}

// up says whether a modem answers: only then what it said last is still true.
func up(s gateway.Status) bool {
	return s.State == gateway.Ready || s.State == gateway.Searching || s.State == gateway.Refused
}

// problemOf is a reason for people who look at the gateway.
func problemOf(r httpapi.Reason) string { return fmt.Sprintf("not ready (%s): %s", r.Code, r.Detail) }
