package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/inbox"
	"attestd/internal/msisdn"
	"attestd/pdu"
	"attestd/queue"
	"attestd/verify"
)

var errDied = errors.New("the process died here")

// death is a failpoint: the process dies at the nth time that it reaches a boundary, and stays dead until it is revived.
type death struct {
	mu    sync.Mutex
	where boundary
	nth   int // 0 for never
	count int
	dead  bool
}

func (d *death) reach(b boundary) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dead && b == d.where {
		d.count++
		d.dead = d.count == d.nth
	}
	if d.dead {
		return errDied
	}
	return nil
}

func (d *death) struck() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

func (d *death) revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead, d.nth = false, 0
}

// flight is a submit that went on air.
type flight struct {
	attempt, to, text string
	mr                byte
	at                time.Time
	reported          bool
}

// mortal is rules, queue, inbox and store in a process that dies once, and a world outside it that does not.
type mortal struct {
	*rig
	death *death
	inbox *inbox.Inbox
	died  bool
	said  map[string]string // what was terminal once, and how

	mu  sync.Mutex
	air []*flight
}

func newMortal(t *testing.T, where boundary, nth int) *mortal {
	m := &mortal{death: &death{where: where}, said: map[string]string{}}
	m.rig = newRig(t, nil)
	m.rig.stop()
	m.rig.fail, m.rig.submit = m.death.reach, m.fly
	m.rig.start(true)
	m.inbox = inbox.New(m.s.Inbox(), inbox.Policy{}, nil)
	synctest.Wait()
	m.death.mu.Lock()
	m.death.count, m.death.nth = 0, nth // its life begins here
	m.death.mu.Unlock()
	return m
}

// fly is the modem and the network: what comes here is on air. Invariant 1: the attempt is on disk before.
func (m *mortal) fly(ctx context.Context, s queue.Submission) queue.Outcome {
	attempt, tpdu := s.AttemptID, s.TPDU
	var open int
	if err := m.s.readRow(ctx, `SELECT count(*) FROM attempts WHERE id = $1 AND result = ''`, attempt).Scan(&open); err != nil || open != 1 {
		m.t.Errorf("on air without a committed attempt: %d, %v", open, err)
	}
	p, err := pdu.Decode(tpdu, pdu.MO)
	if err != nil {
		m.t.Error(err)
		return queue.Outcome{Kind: queue.OutcomeRefused}
	}
	m.mu.Lock()
	f := &flight{attempt: attempt, to: "+" + p.Submit.To.Digits, text: p.Submit.Text, mr: byte(len(m.air) + 1), at: time.Now()}
	m.air = append(m.air, f)
	m.mu.Unlock()
	time.Sleep(2 * time.Second)
	return queue.Outcome{Kind: queue.OutcomeAccepted, MR: f.mr}
}

func (m *mortal) flights() []*flight {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*flight(nil), m.air...)
}

// attempt does one thing as somebody outside does it: again, if the answer was lost with the process.
func (m *mortal) attempt(what string, do func() error) {
	m.t.Helper()
	err := do()
	if m.death.struck() {
		m.reborn()
		if errors.Is(err, errDied) {
			err = do()
		}
	}
	if err != nil {
		m.t.Errorf("%s: %v", what, err)
	}
}

// pass lets time pass, with the reports and sweeps that belong to it.
func (m *mortal) pass(d time.Duration) {
	for range 4 {
		time.Sleep(d / 4)
		synctest.Wait()
		if m.death.struck() {
			m.reborn()
		}
		for _, f := range m.flights() {
			if !f.reported {
				m.attempt("report", func() error {
					_, err := m.q.Report(context.Background(), queue.Report{
						SIM: "sim0", Station: "m0", MR: f.mr, Recipient: f.to, SCTS: f.at.Truncate(time.Second), Discharge: f.at, Received: time.Now(),
					})
					f.reported = err == nil // only then is it acknowledged
					return err
				})
			}
		}
		m.attempt("sweep", func() error {
			_, err := m.q.Sweep(context.Background(), time.Now())
			_, other := m.v.Sweep(context.Background(), time.Now())
			return errors.Join(err, other)
		})
	}
}

// reborn is a new process on the same file. What holds must hold at once.
func (m *mortal) reborn() {
	m.t.Helper()
	if m.died {
		m.t.Fatal("it died twice")
	}
	m.died = true
	m.rig.stop()
	m.death.revive()
	m.rig.start(true)
	m.inbox = inbox.New(m.s.Inbox(), inbox.Policy{}, nil)
	m.holds()
}

// holds asserts what is true between any two transactions.
func (m *mortal) holds() {
	m.t.Helper()
	ctx := context.Background()
	count := func(query string) (n int) {
		if err := m.s.readRow(ctx, query).Scan(&n); err != nil {
			m.t.Fatal(err)
		}
		return n
	}
	if n := count(`SELECT count(*) FROM challenges c WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.origin = 'challenge:' || c.id)`); n != 0 {
		m.t.Errorf("%d challenges without a message", n)
	}
	if n := count(`SELECT count(*) FROM messages m WHERE m.origin LIKE 'challenge:%' AND NOT EXISTS (SELECT 1 FROM challenges c WHERE m.origin = 'challenge:' || c.id)`); n != 0 {
		m.t.Errorf("%d messages without their challenge", n)
	}
	messages, _, err := m.s.Messages(ctx, queue.Filter{Owner: queue.Everyone, Limit: 100})
	if err != nil {
		m.t.Fatal(err)
	}
	onAir := map[string]int{} // by attempt
	for _, f := range m.flights() {
		onAir[f.attempt]++
	}
	for _, one := range messages {
		m.messageHolds(one, onAir)
	}
	if len(onAir) > 0 {
		m.t.Errorf("on air without being on record: %v", onAir)
	}
}

// messageHolds asserts that no attempt was made without a reason, none twice, and that an end is an end. It takes what it
// knows out of onAir.
func (m *mortal) messageHolds(one queue.Message, onAir map[string]int) {
	m.t.Helper()
	attempts, err := m.s.Attempts(context.Background(), one.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	before, doubts := map[int]queue.Attempt{}, map[int]int{}
	for _, a := range attempts {
		if onAir[a.ID] > 1 {
			m.t.Errorf("attempt %d of %s went on air %d times", a.N, one.IdempotencyKey, onAir[a.ID])
		}
		if a.Result == queue.ResultNotSent && onAir[a.ID] > 0 {
			m.t.Errorf("attempt %d of %s is said not to have been sent, and went on air", a.N, one.IdempotencyKey)
		}
		delete(onAir, a.ID)
		if last, again := before[a.Seq]; again {
			switch last.Result {
			case queue.ResultNotSent: // its neighbours' references prove it
			case queue.ResultUnknown:
				if doubts[a.Seq]++; doubts[a.Seq] > 1 || !one.Repeatable {
					m.t.Errorf("%s was repeated %d times in doubt, repeatable %t", one.IdempotencyKey, doubts[a.Seq], one.Repeatable)
				}
			default:
				m.t.Errorf("attempt %d of %s follows one that ended %q", a.N, one.IdempotencyKey, last.Result)
			}
		}
		before[a.Seq] = a
	}
	if was, ended := m.said[one.ID]; ended && was != string(one.State) {
		m.t.Errorf("%s became %s", was, one.State)
	}
	if one.State.Terminal() && one.State != queue.Unreported { // whose end is only that nothing was heard
		m.said[one.ID] = string(one.State)
	}
}

// life is a send, a receive, a filing, a wrong check, a re-send, a cancel, reports, and the right check.
func (m *mortal) life() {
	ctx, reference := context.Background(), onePerson()
	reference.Reference = "r1"
	to, _ := msisdn.Parse("13700137000", "86")
	plain := queue.Draft{To: to, Text: strings.Repeat("two parts ", 20), Report: true, Origin: "platform", IdempotencyKey: "plain"}
	pinned := queue.Draft{To: to, Text: "never sent", Origin: "platform", IdempotencyKey: "pinned", Modem: "absent"}
	var filing verify.Filing
	m.attempt("file", func() (err error) {
		filing, _, err = m.v.CreateFiling(ctx, reference)
		return err
	})
	m.attempt("send", func() error { _, err := m.q.Enqueue(ctx, plain); return err })
	m.pass(12 * time.Minute) // long enough for the repetition of what is in doubt
	tpdus := append(partsOf(m.t, sender, twoParts("inbound"), time.Now()), partsOf(m.t, sender, "short", time.Now())...)
	for _, tpdu := range tpdus { // the modem keeps each until it is acknowledged
		m.attempt("receive", func() error {
			_, _, err := m.inbox.Receive(ctx, inbox.Received{Station: "m0", SIM: sim, TPDU: tpdu, At: time.Now()})
			return err
		})
	}
	entered := func(code string) (a verify.Answer) {
		m.attempt("check", func() (err error) {
			a, err = m.v.Check(ctx, verify.CheckRequest{Code: code, Mobile: phoneA, Tail: tailA})
			return err
		})
		return a
	}
	entered(other(m.newest(), 1))
	m.attempt("re-send", func() error {
		_, err := m.v.Resend(ctx, verify.ResendRequest{Mobile: phoneA, Tail: tailA})
		return err
	})
	m.attempt("enqueue and cancel", func() error {
		made, err := m.q.Enqueue(ctx, pinned)
		if err != nil {
			return err
		}
		if _, err = m.q.Cancel(ctx, queue.Everyone, made.ID); errors.Is(err, queue.ErrNotCancellable) && made.State == queue.Cancelled {
			err = nil // the first time did it
		}
		return err
	})
	m.pass(12 * time.Minute)
	// Whoever did not learn of the first answer, and asks again when it is no longer kept, hears that it is done.
	if a := entered(m.newest()); a.Result != verify.ResultPassed && (a.Result != verify.ResultAlready || !a.OK) {
		m.t.Errorf("the right code was answered with %d", a.Result)
	}
	m.pass(27 * time.Hour)
	m.ended(filing.ID)
}

func (m *mortal) newest() (code string) {
	for _, f := range m.flights() {
		if strings.HasSuffix(f.to, phoneA) {
			code = codeIn.FindString(f.text)
		}
	}
	if code == "" {
		m.t.Fatal("no code went on air")
	}
	return code
}

// ended asserts what must have come of it, wherever it died.
func (m *mortal) ended(filing string) {
	m.holds()
	f := m.rig.filing(filing)
	if n := m.rig.events("filing.passed", filing); f.State != verify.FilingPassed || n != 1 {
		m.t.Errorf("the filing is %s with %d passed events", f.State, n)
	}
	if c := f.Challenges[0]; len(f.Challenges) != 1 || c.Wrong != 1 || c.Sends != 2 {
		m.t.Errorf("%d challenges, %d wrong, %d sends", len(f.Challenges), c.Wrong, c.Sends)
	}
	messages, _, err := m.s.Messages(context.Background(), queue.Filter{Owner: queue.Everyone, Limit: 100})
	if err != nil || len(messages) != 4 {
		m.t.Errorf("%d messages, %v", len(messages), err)
	}
	parts := map[string]int{}
	for _, f := range m.flights() {
		parts[f.text]++
	}
	for _, one := range messages {
		switch {
		case one.IdempotencyKey == "pinned":
			if one.State != queue.Cancelled || parts[""] > 0 {
				m.t.Errorf("what was cancelled is %s", one.State)
			}
		case one.IdempotencyKey == "plain" && one.State == queue.Unreported && m.died: // in doubt, and said to be
		case one.State != queue.Delivered:
			m.t.Errorf("%s is %s: %s", one.Origin, one.State, one.Reason)
		}
	}
	if all := items(m.t, m.s); len(all) != 2 || !all[0].Complete || !all[1].Complete {
		m.t.Errorf("%d texts in the inbox: %+v", len(all), all)
	}
	if wrong, err := m.s.Recount(m.t.Context()); err != nil || wrong > 0 {
		m.t.Errorf("%d counts are not those of the rows: %v", wrong, err)
	}
}

func TestWhereverTheProcessDiesAroundACommitNothingIsLostDoubledOrHalfDone(t *testing.T) {
	for where, name := range map[boundary]string{beforeCommit: "before COMMIT", afterCommit: "after COMMIT"} {
		t.Run(name, func(t *testing.T) {
			deaths, step := 0, 1
			if testing.Short() { // the race detector needs no death at every commit
				step = 12
			}
			for nth := 1; ; nth += step {
				var died bool
				ok := t.Run(fmt.Sprint(nth), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						m := newMortal(t, where, nth)
						m.life()
						died = m.died
					})
				})
				if !ok || !died || nth > 400 {
					break
				}
				deaths++
			}
			if deaths < 25/step {
				t.Errorf("only %d commits: the life is too short to show anything", deaths)
			}
			t.Logf("died at %d commits", deaths)
		})
	}
}

func TestNoMemberOfASharedCommitIsToldOfSuccessWhenItDiedThere(t *testing.T) {
	for where, want := range map[boundary]int64{beforeCommit: 0, afterCommit: 20} {
		d := &death{where: where}
		r := newRig(t, nil)
		r.stop()
		r.fail = d.reach
		r.start(false)
		d.mu.Lock()
		d.count, d.nth = 0, 1
		d.mu.Unlock()
		errs := share(t, r.s, 20, func(tx *Tx, i int) error { return tx.Emit(t.Context(), "n", fmt.Sprint(i), "", nil) })
		for i, err := range errs {
			if !errors.Is(err, errDied) {
				t.Errorf("member %d was told %v", i, err)
			}
		}
		r.stop()
		d.revive()
		r.start(false)
		if n, err := r.s.LastEvent(t.Context()); err != nil || n != want {
			t.Errorf("%d of 20 stand, want %d (%v)", n, want, err)
		}
	}
}

func TestNoMemberOfASharedCommitIsToldOfSuccessWhenSQLiteRefusesIt(t *testing.T) {
	s := open(t)
	errs := share(t, s, 20, func(tx *Tx, i int) error {
		if err := tx.Emit(t.Context(), "n", fmt.Sprint(i), "", nil); err != nil || i != 7 {
			return err
		}
		// A reference into nothing that is looked at by COMMIT, so that COMMIT itself fails.
		if _, err := tx.exec(t.Context(), `PRAGMA defer_foreign_keys = on`); err != nil {
			return err
		}
		_, err := tx.exec(t.Context(), `INSERT INTO attempts VALUES ('a', 'nowhere', 1, 1, '', '', '', 0, 0, '', -1, 0, '', -1, 0, 0, 0, FALSE, FALSE)`)
		return err
	})
	for i, err := range errs {
		if err == nil {
			t.Errorf("member %d was told of success", i)
		}
	}
	if n, err := s.LastEvent(t.Context()); err != nil || n != 0 {
		t.Errorf("%d stand (%v)", n, err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.Emit(t.Context(), "n", "x", "", nil) }); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

// share has n transactions wait for each other and end in one COMMIT.
func share(t *testing.T, s *Store, n int, fn func(tx *Tx, i int) error) []error {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	hold(s)
	for i := range n {
		all.Go(func() { errs[i] = s.Update(t.Context(), func(tx *Tx) error { return fn(tx, i) }) })
	}
	for s.turns.waiting() < n {
	}
	s.pass(context.Background())
	all.Wait()
	return errs
}
