package queue_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/msisdn"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/pdu"
	"attestd/queue"
)

// rig is a queue over a real SQLite file.
type rig struct {
	t     testing.TB
	dir   string
	keys  *seal.Keyring
	store *store.Store
	q     *queue.Queue
	p     queue.Policy

	mu     sync.Mutex
	states map[string][]queue.State // what the observer was told, by message
}

func newRig(t testing.TB, change ...func(*queue.Policy)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), keys: seal.Random(), p: queue.DefaultPolicy(), states: map[string][]queue.State{}}
	for _, c := range change {
		c(&r.p)
	}
	r.open()
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) open() {
	r.t.Helper()
	var err error
	r.store, err = store.Open(context.Background(), store.Options{URL: "sqlite://" + filepath.Join(r.dir, "q.db"), Keys: r.keys})
	if err != nil {
		r.t.Fatal(err)
	}
	r.q = queue.New(r.store.Queue(), r.p, func(_ context.Context, _ queue.Tx, m queue.Message) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.states[m.ID] = append(r.states[m.ID], m.State)
		return nil
	})
}

// restart closes the database and opens it again, as a new process would.
func (r *rig) restart() {
	r.t.Helper()
	if err := r.store.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
	if err := r.q.Recover(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func number(t testing.TB, i int) msisdn.Number {
	t.Helper()
	n, err := msisdn.Parse(fmt.Sprintf("+86138%08d", i), "86")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (r *rig) enqueue(d queue.Draft) queue.Message {
	r.t.Helper()
	if d.To.IsZero() {
		d.To = number(r.t, 138000)
	}
	if d.Text == "" {
		d.Text = "your code is 123456"
	}
	m, err := r.q.Enqueue(context.Background(), d)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// told is what the observer was told of a message.
func (r *rig) told(id string) []queue.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.states[id])
}

func (r *rig) message(id string) queue.Message {
	r.t.Helper()
	m, err := r.store.Message(context.Background(), queue.Everyone, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

func (r *rig) attempts(id string) []queue.Attempt {
	r.t.Helper()
	all, err := r.store.Attempts(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func (r *rig) expect(id string, want queue.State) queue.Message {
	r.t.Helper()
	m := r.message(id)
	if m.State != want {
		r.t.Fatalf("the message is %s (%s), want %s; parts %+v", m.State, m.Reason, want, m.Parts)
	}
	return m
}

// report sends a status report in for the message's nth attempt.
func (r *rig) report(sim string, mr byte, to msisdn.Number, status pdu.Status) bool {
	r.t.Helper()
	now := time.Now()
	matched, err := r.q.Report(context.Background(), queue.Report{
		SIM: sim, MR: mr, Recipient: to.E164(), Status: status, SCTS: now.Truncate(time.Second), Discharge: now.Truncate(time.Second), Received: now,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return matched
}

// running is a dispatcher at work, with its sweeper.
type running struct {
	*queue.Dispatcher
	stop func()
}

// dispatch starts a dispatcher and a sweeper; they end with the test, or with stop.
func (r *rig) dispatch() running {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	work, unwatch := r.store.Watch(store.TopicWork)
	times, unwatchTimes := r.store.Watch(store.TopicWork)
	d := queue.NewDispatcher(r.q, work, nil)
	var group sync.WaitGroup
	group.Go(func() {
		if err := d.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	group.Go(func() { r.sweep(ctx, times) })
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			group.Wait()
			unwatch()
			unwatchTimes()
		})
	}
	r.t.Cleanup(stop)
	return running{Dispatcher: d, stop: stop}
}

// sweep sweeps when something is due, as the daemon does.
func (r *rig) sweep(ctx context.Context, changed <-chan struct{}) {
	for {
		next, err := r.q.Sweep(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			r.t.Error(err)
		}
		wait := 1000 * time.Hour
		if !next.IsZero() {
			wait = time.Until(next)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// radio is a pretend modem: it counts references up and answers as told.
type radio struct {
	mu  sync.Mutex
	mr  byte
	log aired
	// answer decides about the nth submit, from 0; nil accepts all.
	answer func(n int, info *pdu.SubmitInfo) queue.Outcome
	// takes is how long a submit lasts.
	takes time.Duration
}

// aired is what a radio sent, in order.
type aired struct {
	outcomes []queue.Outcome
	at       []time.Time
	tpdus    [][]byte
	texts    []string
}

func (m *radio) submit(_ context.Context, s queue.Submission) queue.Outcome {
	tpdu := s.TPDU
	if m.takes > 0 {
		time.Sleep(m.takes)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	read, err := pdu.Decode(tpdu, pdu.MO)
	if err != nil {
		panic(err)
	}
	n := len(m.log.texts)
	o := queue.Outcome{Kind: queue.OutcomeAccepted}
	if m.answer != nil {
		o = m.answer(n, read.Submit)
	}
	if o.Kind != queue.OutcomeNotSent {
		m.mr++
	}
	if o.Kind == queue.OutcomeAccepted {
		o.MR = m.mr
	}
	m.log.outcomes = append(m.log.outcomes, o)
	m.log.at = append(m.log.at, time.Now())
	m.log.tpdus = append(m.log.tpdus, tpdu)
	m.log.texts = append(m.log.texts, read.Submit.Text)
	return o
}

func (m *radio) count() int { return len(m.sent().texts) }

// sent is what was sent until now.
func (m *radio) sent() aired {
	m.mu.Lock()
	defer m.mu.Unlock()
	return aired{slices.Clone(m.log.outcomes), slices.Clone(m.log.at), slices.Clone(m.log.tpdus), slices.Clone(m.log.texts)}
}

func (m *radio) line(station string) queue.Line {
	return queue.Line{Station: station, IMEI: "imei-" + station, SIM: "sim-" + station, Submit: m.submit}
}

// bubble runs a test in fake time.
func bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, fn)
}
