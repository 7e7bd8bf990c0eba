package faults

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"attestd/internal/client"
	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// patience bounds every wait of a run.
const patience = 90 * time.Second

// scene is one run of one fault: a gateway with one modem, and what was asked of it.
type scene struct {
	Fault
	ctx     context.Context
	network *simulator.Network
	api     *client.Client
	mu      sync.Mutex
	ledger  []simulator.Entry // as far as it was watched
	changed chan struct{}     // closed and replaced at each entry

	sent     []*message
	injected []string
	over     []time.Time // when the fault was over, each time it struck
	result   Result
}

// message is one that the platform sent.
type message struct {
	id, to, text string
	struck       bool // it meets the fault itself
	repeatable   bool
	state        string
	reason       string
	parts        []part
}

func newScene(ctx context.Context, f Fault) *scene {
	return &scene{ctx: ctx, Fault: f, changed: make(chan struct{}), result: Result{Fault: f.Name, Within: f.within(), Struck: map[string]int{}}}
}

// Try runs one fault.
func Try(ctx context.Context, f Fault, o Options) (Result, error) {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	s := newScene(bounded, f)
	r, err := s.start(o)
	if err == nil {
		err = s.play()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", f.Name, err)
	}
	if r != nil {
		if o.Ledger != nil && s.network != nil {
			o.Ledger(f.Name, s.network.Ledger())
		}
		err = errors.Join(err, r.Close())
	}
	s.result.Took = time.Since(began)
	return s.result, err
}

type logTo func([]byte)

func (w logTo) Write(b []byte) (int, error) { w(b); return len(b), nil }

// start makes the gateway. All its times are those of production, but for the back-off and the evidence window, so that it is soon seen where messages rest.
func (s *scene) start(o Options) (*rig.Rig, error) {
	sim := simulator.Config{Radio: 20 * time.Millisecond, ReportDelay: 50 * time.Millisecond, Late: 1500 * time.Millisecond, Commands: true}
	if s.radio != nil {
		s.radio(&sim)
	}
	log := slog.New(slog.DiscardHandler)
	if o.Log != nil {
		log = slog.New(slog.NewTextHandler(logTo(func(b []byte) { o.Log(s.Name, b) }), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	r, err := rig.Start(s.ctx, rig.Options{Simulator: sim, Logger: log, Edit: func(c *config.Config) {
		c.Queue.Backoff = 200 * time.Millisecond
		c.Queue.EvidenceWindow = time.Minute
		for i := range c.Modem {
			m := &c.Modem[i]
			m.RegistrationWait = 0
			m.HoldLink = false
		}
		if s.house != nil {
			s.house(c)
		}
	}})
	if err != nil {
		return r, err
	}
	s.network = r.Network
	s.watch()
	s.api, err = client.New(r.URL, r.Token)
	return r, err
}

// watch follows the ledger. It ends with the network.
func (s *scene) watch() {
	entries, _ := s.network.Watch(1 << 14)
	go func() {
		for e := range entries {
			s.mu.Lock()
			s.ledger = append(s.ledger, e)
			close(s.changed)
			s.changed = make(chan struct{})
			s.mu.Unlock()
		}
	}()
}

// await waits for the first entry after a time that fits.
func (s *scene) await(what string, after time.Time, fits func(simulator.Entry) bool) (simulator.Entry, error) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for at := 0; ; {
		s.mu.Lock()
		changed := s.changed
		for ; at < len(s.ledger); at++ {
			if e := s.ledger[at]; e.At.After(after) && fits(e) {
				s.mu.Unlock()
				return e, nil
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-limit.C:
			return simulator.Entry{}, fmt.Errorf("%s: did not happen within %v", what, patience)
		case <-s.ctx.Done():
			return simulator.Entry{}, fmt.Errorf("%s: %w", what, context.Cause(s.ctx))
		}
	}
}

// fault lets one of the simulator's faults strike now.
func (s *scene) fault(f simulator.Fault) error { return s.network.Fault(f) }

// send asks the gateway for a message to a recipient whose number ends in suffix; "" is an ordinary one.
func (s *scene) send(suffix string, repeatable bool) (*message, error) {
	m := s.draft(suffix, repeatable)
	return m, s.post(m)
}

// draft is a message that is yet to be sent.
func (s *scene) draft(suffix string, repeatable bool) *message {
	n := len(s.sent)
	m := &message{to: fmt.Sprintf("+86139%08d", 1000*(n+1)+1), text: fmt.Sprintf("%s, message %d.", s.Name, n), repeatable: repeatable, struck: suffix != ""}
	if suffix != "" && suffix != "struck" {
		m.to = fmt.Sprintf("+86139%03d%s", n, suffix)
	}
	return m
}

// post hands it to the gateway.
func (s *scene) post(m *message) error {
	var answer client.Message
	err := s.api.Do(s.ctx, http.MethodPost, "/v1/messages", client.NewMessage{To: m.to, Text: m.text, Repeatable: m.repeatable}, &answer)
	m.id, m.parts = answer.ID, make([]part, answer.Segments)
	s.sent = append(s.sent, m)
	return err
}

// sendAll asks for n messages, every second one repeatable.
func (s *scene) sendAll(n int, suffix string) error {
	for i := range n {
		if _, err := s.send(suffix, i%2 == 1); err != nil {
			return err
		}
	}
	return nil
}

// inject sends a text to us.
func (s *scene) inject(text string) error {
	text = s.Name + ", " + text
	s.injected = append(s.injected, text)
	return s.network.Inject(0, "+8613700000001", text)
}

// play is the run: before, the fault, after.
func (s *scene) play() error {
	if err := s.sendAll(2, ""); err != nil {
		return err
	}
	if err := s.inject("before"); err != nil {
		return err
	}
	if err := s.rest("before the fault"); err != nil {
		return err
	}
	if err := s.strike(s); err != nil {
		return err
	}
	if err := s.inject("after"); err != nil {
		return err
	}
	if err := s.sendAll(2, ""); err != nil {
		return err
	}
	for _, over := range s.over {
		next, err := s.await("back to normal", over, func(e simulator.Entry) bool { return e.Kind == simulator.KindSubmit && e.Accepted })
		if err != nil {
			s.result.Broken = append(s.result.Broken, err.Error())
			break
		}
		if slices.ContainsFunc(s.over, func(again time.Time) bool { return again.After(over) && again.Before(next.At) }) {
			continue // it struck again before anything could be sent
		}
		s.result.Back = max(s.result.Back, next.At.Sub(over))
	}
	if err := s.rest("after the fault"); err != nil {
		s.result.Broken = append(s.result.Broken, err.Error())
	}
	return s.count()
}

// rest waits until every message is where it may rest, and every text in the inbox.
func (s *scene) rest(when string) error {
	limit := time.Now().Add(patience)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		left, err := s.look()
		if err == nil && left == "" {
			return nil
		}
		if time.Now().After(limit) || s.ctx.Err() != nil {
			return fmt.Errorf("%s: %s", when, errors.Join(err, errors.New(left)))
		}
		time.Sleep(pause)
	}
}

// look reads what the API says, and names one thing that is not yet as it should be.
func (s *scene) look() (left string, err error) {
	for _, m := range s.sent {
		if m.state == "delivered" {
			continue
		}
		var now status
		if err := s.api.Get(s.ctx, "/v1/messages/"+m.id, nil, &now); err != nil {
			return "", err
		}
		m.state, m.reason, m.parts = now.State, now.Reason, now.Parts
		if !slices.Contains(s.ends(m), m.state) {
			return fmt.Sprintf("%q is %s (%s)", m.text, m.state, m.reason), nil
		}
	}
	came, err := s.inbox()
	for _, text := range s.injected {
		if came[text] == 0 {
			left = fmt.Sprintf("%q is not in the inbox", text)
		}
	}
	return left, err
}

func (s *scene) ends(m *message) []string {
	var ends []string
	if m.struck {
		ends = s.Ends
	}
	if s.Deaf {
		ends = append([]string{"submitted"}, ends...)
	}
	if s.Deaf || ends == nil {
		ends = append([]string{"delivered"}, ends...)
	}
	return ends
}

func (s *scene) inbox() (map[string]int, error) {
	came := map[string]int{}
	for cursor := ""; ; {
		var page client.List[client.InboxItem]
		if err := s.api.Get(s.ctx, "/v1/inbox", map[string][]string{"limit": {"1000"}, "cursor": {cursor}}, &page); err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			came[it.Text]++
		}
		if cursor = page.Next; cursor == "" {
			return came, nil
		}
	}
}

// count compares the ledger with what the API says.
func (s *scene) count() error {
	r := &s.result
	s.countParts()
	came, err := s.inbox()
	for _, text := range s.injected {
		r.Received++
		switch n := came[text]; {
		case n == 0:
			r.Missing++
		case n > 1:
			r.Twice++
		}
	}
	for what, n := range map[string]int{
		"lost without a word": r.Lost, "sent twice": r.Doubled, "repeated beyond what the table allows": max(0, r.Repeated-s.Repeats),
		"texts not in the inbox": r.Missing, "texts in the inbox twice": r.Twice,
	} {
		if n > 0 {
			r.Broken = append(r.Broken, fmt.Sprintf("%s: %d", what, n))
		}
	}
	if r.Back > r.Within {
		r.Broken = append(r.Broken, fmt.Sprintf("back after %v, and the target is %v", r.Back.Round(time.Millisecond), r.Within))
	}
	return err
}
