package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"pgregory.net/rapid"
)

var errCrash = errors.New("the process died before COMMIT")

// world is several filings that share phones, and everything that can happen to them in any order.
type world struct {
	*bench
	rt      *rapid.T
	ended   map[string]string      // what was terminal, and how: it must stay so
	order   []string               // filings, as they came
	refiled map[string][]time.Time // by phone, when it was filed again
	claimed map[string]struct{}    // challenges that a 3 or 31 was answered for
}

var phones = []string{phoneA, phoneB, "13700137000"}
var tails = []string{tailA, tailB, "654321"}

// maybeCrash has the next transaction run and then not commit.
func (w *world) maybeCrash() bool {
	if rapid.IntRange(0, 9).Draw(w.rt, "crash") == 0 {
		w.m.fail = errCrash
		return true
	}
	return false
}

func (w *world) run(fn func(Tx) error) bool {
	err := w.try(fn)
	if err != nil && !errors.Is(err, errCrash) {
		w.rt.Fatal(err)
	}
	return err == nil
}

// try is a transaction that is perhaps not committed, or that does not even come to its end.
func (w *world) try(fn func(Tx) error) error {
	crash, after := w.maybeCrash(), 0
	if crash && rapid.Bool().Draw(w.rt, "amidst") {
		after = rapid.IntRange(1, 12).Draw(w.rt, "statements until then")
	}
	err := w.m.Update(context.Background(), func(tx Tx) error {
		if after > 0 {
			tx = &dyingTx{Tx: tx, left: after}
		}
		return fn(tx)
	})
	w.m.fail = nil
	if crash { // and starts again, with nothing but what is stored
		w.s = &Service{store: w.m, vault: openVault{}, policy: w.s.policy, templates: w.s.templates, draw: w.s.draw}
	}
	return err
}

// dyingTx fails from one of its writes on.
type dyingTx struct {
	Tx
	left int
}

func (t *dyingTx) dead() error {
	if t.left--; t.left <= 0 {
		return errCrash
	}
	return nil
}

func (t *dyingTx) UpdateChallenge(ctx context.Context, c Challenge) error {
	return errors.Join(t.Tx.UpdateChallenge(ctx, c), t.dead())
}

func (t *dyingTx) InsertChallenge(ctx context.Context, c Challenge) error {
	return errors.Join(t.Tx.InsertChallenge(ctx, c), t.dead())
}

func (t *dyingTx) UpdateFiling(ctx context.Context, f Filing) error {
	return errors.Join(t.Tx.UpdateFiling(ctx, f), t.dead())
}

func (t *dyingTx) UpdatePerson(ctx context.Context, p Person) error {
	return errors.Join(t.Tx.UpdatePerson(ctx, p), t.dead())
}

func (t *dyingTx) Emit(ctx context.Context, typ, subject, owner string, data any) error {
	return errors.Join(t.Tx.Emit(ctx, typ, subject, owner, data), t.dead())
}

func (w *world) file(rt *rapid.T) {
	w.rt = rt
	r := FilingRequest{Owner: "platform", Type: "first", Reference: rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(rt, "reference")}
	if rapid.IntRange(0, 2).Draw(rt, "supersedes") == 0 {
		r.Supersedes = w.anyFiling(rt)
	}
	for i := range rapid.IntRange(1, 2).Draw(rt, "sites") + 1 {
		p := PersonRequest{Role: "website_head", Site: fmt.Sprint("s", i), Mobile: rapid.SampledFrom(phones).Draw(rt, "mobile"), CertificateTail: rapid.SampledFrom(tails).Draw(rt, "tail")}
		if i == 0 {
			p.Role, p.Site = "entity_head", ""
		}
		r.Persons = append(r.Persons, p)
	}
	in, err := receive(r, w.s.policy)
	if err != nil {
		rt.Fatal(err)
	}
	id := ""
	err = w.try(func(tx Tx) error {
		f, created, err := w.s.create(context.Background(), tx, in, w.now)
		if created {
			id = f.ID
		}
		return err
	})
	var many TooManyFilings
	switch {
	case errors.Is(err, errCrash), errors.Is(err, ErrReferenceConflict), errors.Is(err, ErrSuperseded), errors.Is(err, ErrNotSupersedable), errors.As(err, &many):
		return
	case err != nil:
		rt.Fatal(err)
	case id == "": // it was there
		return
	}
	w.order = append(w.order, id)
	if in.Supersedes == "" {
		return
	}
	for _, group := range byPhone(in) {
		phone := in.Persons[group[0]].E164
		w.refiled[phone] = append(w.refiled[phone], w.now)
	}
	if old := w.m.rows.filings[in.Supersedes]; old.State != FilingRejected || old.By != id {
		rt.Fatalf("superseded, and %s, by %q", old.State, old.By)
	}
}

// change amends any person of any filing.
func (w *world) change(rt *rapid.T) {
	w.rt = rt
	id := w.anyFiling(rt)
	if id == "" {
		return
	}
	r := AmendRequest{}
	if rapid.Bool().Draw(rt, "phone") {
		r.Mobile = rapid.SampledFrom(phones).Draw(rt, "mobile")
	}
	if r.Mobile == "" || rapid.Bool().Draw(rt, "certificate") {
		r.CertificateTail = rapid.SampledFrom(tails).Draw(rt, "tail")
	}
	in, err := w.s.readAmendment(r)
	if err != nil {
		rt.Fatal(err)
	}
	people := w.m.rows.filings[id].Persons
	who := people[rapid.IntRange(0, len(people)-1).Draw(rt, "person")]
	before := w.m.rows.filings[id]
	var refused error
	if !w.run(func(tx Tx) (err error) {
		_, refused, err = w.s.amend(context.Background(), tx, AmendRequest{Owner: Everyone, FilingID: id, PersonID: who.ID}, in, w.now)
		return err
	}) {
		return
	}
	after := w.m.rows.filings[id].Persons[who.Index]
	if (before.State.Terminal() || who.State != PersonWaiting) && refused == nil || refused != nil && after.Amended != who.Amended {
		rt.Fatalf("a person who is %s in a filing that is %s: refused %v, amended %d", who.State, before.State, refused, after.Amended)
	}
}

// entry draws what a person enters: often a code that was sent, to the right phone or another.
func (w *world) entry(rt *rapid.T) submission {
	code := w.wrong(rapid.IntRange(1, 50).Draw(rt, "wrong"))
	mobile, tail := rapid.SampledFrom(phones).Draw(rt, "mobile"), rapid.SampledFrom(append(tails, "999999")).Draw(rt, "tail")
	if n := len(w.m.rows.texts); n > 0 && rapid.Bool().Draw(rt, "use a code") {
		s := w.m.rows.texts[rapid.IntRange(0, n-1).Draw(rt, "of")]
		code = sixDigits.FindString(s.Text)
		if rapid.IntRange(0, 3).Draw(rt, "own phone") > 0 {
			mobile = s.To.National()
		}
	}
	in, faults := w.s.readCheck(CheckRequest{Code: code, Mobile: mobile, Tail: tail})
	if faults != nil {
		rt.Fatal(faults)
	}
	if f := w.anyFiling(rt); f != "" && rapid.IntRange(0, 3).Draw(rt, "named") == 0 {
		in.filing = f
	}
	return in
}

func (w *world) anyFiling(rt *rapid.T) string {
	if len(w.order) == 0 {
		return ""
	}
	return w.order[rapid.IntRange(0, len(w.order)-1).Draw(rt, "filing")]
}

func (w *world) enter(rt *rapid.T) {
	w.rt = rt
	w.submit(rt, w.entry(rt))
}

// somebody is a person who waits, with what their newest SMS says.
func (w *world) somebody(rt *rapid.T) (in submission, ok bool) {
	open := memoryTx{w.m}.pick(func(c Challenge) bool { return !c.State.Terminal() && c.Sends > 0 })
	if len(open) == 0 {
		return in, false
	}
	c := open[rapid.IntRange(0, len(open)-1).Draw(rt, "challenge")]
	s := w.lastSMS(c)
	for _, tail := range tails {
		in, faults := w.s.readCheck(CheckRequest{Code: sixDigits.FindString(s.Text), Mobile: s.To.National(), Tail: tail})
		if faults != nil {
			rt.Fatal(faults)
		}
		if fits, _ := w.s.hash(in.number, in.tail, in.code).matches(c); fits {
			return in, true
		}
	}
	rt.Fatal("nobody's tail is accepted")
	return in, false
}

// honest is a person who enters what their newest SMS says; guess is one who does not know it.
func (w *world) honest(rt *rapid.T) {
	w.rt = rt
	if in, ok := w.somebody(rt); ok {
		w.submit(rt, in)
	}
}

func (w *world) guess(rt *rapid.T) {
	w.rt = rt
	if in, ok := w.somebody(rt); ok {
		in.code = w.wrong(rapid.IntRange(1, 50).Draw(rt, "wrong"))
		w.submit(rt, in)
	}
}

func (w *world) submit(rt *rapid.T, in submission) {
	before := maps.Clone(w.m.rows.challenges)
	var a Answer
	if !w.run(func(tx Tx) (err error) {
		a, err = w.s.check(context.Background(), tx, in, w.now)
		return err
	}) || a.Result != ResultPassed && a.Result != ResultVerified {
		return
	}
	for id, c := range w.m.rows.challenges {
		was, ok := before[id]
		if !ok || was.State == c.State || c.State != ChallengeVerified {
			continue
		}
		if _, twice := w.claimed[id]; twice {
			rt.Fatal("one challenge was verified twice")
		}
		w.claimed[id] = struct{}{}
		h := w.s.hash(in.number, in.tail, in.code)
		if tail, code := h.matches(was); !tail || !code || was.State.Terminal() || !w.now.Before(was.Deadline) || was.Wrong >= was.MaxWrong {
			rt.Fatalf("verified with tail %t, code %t, in state %s, %s before the deadline, after %d wrong", tail, code, was.State, was.Deadline.Sub(w.now), was.Wrong)
		}
		return
	}
	rt.Fatalf("answered %d and verified nothing", a.Result)
}

func (w *world) again(rt *rapid.T) {
	w.rt = rt
	in, _ := w.s.read(rapid.SampledFrom(phones).Draw(rt, "mobile"), rapid.SampledFrom(tails).Draw(rt, "tail"), "", false)
	if who, ok := w.somebody(rt); ok && rapid.Bool().Draw(rt, "who waits") {
		in = submission{number: who.number, tail: who.tail}
	}
	in.door = "resend"
	w.run(func(tx Tx) error {
		_, err := w.s.resend(context.Background(), tx, in, w.now)
		return err
	})
}

// news is a report about any SMS, early, late, twice or out of order.
func (w *world) news(rt *rapid.T) {
	w.rt = rt
	n := len(w.m.rows.texts)
	if n == 0 {
		return
	}
	i := rapid.IntRange(0, n-1).Draw(rt, "sms")
	for j := range n { // often one that still matters
		if k := (i + j) % n; !w.m.rows.challenges[w.m.rows.texts[k].ChallengeID].State.Terminal() && rapid.Bool().Draw(rt, "open") {
			i = k
			break
		}
	}
	s := w.m.rows.texts[i]
	sms := SMS{MessageID: s.id, State: rapid.SampledFrom([]string{"submitting", "unknown", "submitted", "delivered", "rejected"}).Draw(rt, "state")}
	if sms.State == "submitted" || sms.State == "delivered" {
		sms.Accepted = w.now.Add(-time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(rt, "accepted ago")))
	}
	if sms.State == "delivered" {
		sms.Delivered = w.now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(rt, "delivered")))
	}
	w.run(func(tx Tx) error {
		if !s.cancelled {
			w.m.rows.texts[i].state = sms.State
		}
		_, err := w.s.messageChanged(context.Background(), tx, s.ChallengeID, sms, w.now)
		return err
	})
}

func (w *world) wait(rt *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 11 * time.Second, 5 * time.Minute, time.Hour, 8 * time.Hour, 24 * time.Hour, -time.Hour, -25 * time.Hour}).Draw(rt, "wait")
	w.now = w.now.Add(d)
}

func (w *world) clean(rt *rapid.T) {
	w.rt = rt
	w.run(func(tx Tx) error {
		if _, err := w.s.sweep(context.Background(), tx, w.now); err != nil {
			return err
		}
		_, err := w.s.tidy(context.Background(), tx, w.now)
		return err
	})
}

func (w *world) withdraw(rt *rapid.T) {
	w.rt = rt
	if id := w.anyFiling(rt); id != "" && rapid.IntRange(0, 3).Draw(rt, "really") == 0 {
		w.run(func(tx Tx) error {
			_, err := w.s.cancel(context.Background(), tx, Everyone, id, "", w.now)
			return err
		})
	}
}
