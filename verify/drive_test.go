package verify

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

var sixDigits = regexp.MustCompile(`\d{6,}`)

// bench is a service over memory with a clock of the test's own.
type bench struct {
	t   testing.TB
	m   *memory
	s   *Service
	now time.Time
}

func newBench(t testing.TB, change func(*Policy)) *bench {
	p := DefaultPolicy()
	p.SMSPerDay, p.SMSGap = 0, 0
	p.ChecksPerHour, p.WrongTails = 0, 0
	if change != nil {
		change(&p)
	}
	m := newMemory()
	s, err := New(m, openVault{}, p, Templates{})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, m, s, time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
}

func (b *bench) pass(d time.Duration) { b.now = b.now.Add(d) }

func (b *bench) tx(fn func(Tx) error) {
	if err := b.m.Update(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) create(r FilingRequest) (f Filing) {
	in, err := receive(r, b.s.policy)
	if err != nil {
		b.t.Fatal(err)
	}
	b.tx(func(tx Tx) (err error) {
		f, _, err = b.s.create(context.Background(), tx, in, b.now)
		return err
	})
	return f
}

func (b *bench) check(code, mobile, tail string) (a Answer) {
	in, faults := b.s.readCheck(CheckRequest{Code: code, Mobile: mobile, Tail: tail})
	if faults != nil {
		b.t.Fatal(faults)
	}
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.check(context.Background(), tx, in, b.now)
		return err
	})
	return a
}

func (b *bench) resend(mobile, tail string) (a Answer) {
	in, faults := b.s.read(mobile, tail, "", false)
	if faults != nil {
		b.t.Fatal(faults)
	}
	in.door = "resend"
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.resend(context.Background(), tx, in, b.now)
		return err
	})
	return a
}

// network says what became of the newest SMS of a challenge.
func (b *bench) network(c Challenge, state string, accepted, delivered time.Time) {
	b.tell(b.lastSMS(c).id, c.ID, state, accepted, delivered)
}

func (b *bench) tell(id, challenge, state string, accepted, delivered time.Time) {
	b.tx(func(tx Tx) error {
		for i := range b.m.rows.texts {
			if b.m.rows.texts[i].id == id {
				b.m.rows.texts[i].state = state
			}
		}
		_, err := b.s.messageChanged(context.Background(), tx, challenge, SMS{id, state, accepted, delivered}, b.now)
		return err
	})
}

func (b *bench) accept(c Challenge) { b.network(c, "submitted", b.now, time.Time{}) }

func (b *bench) deliver(c Challenge) { b.network(c, "delivered", b.now, b.now) }

func (b *bench) lastSMS(c Challenge) text {
	for i := len(b.m.rows.texts) - 1; i >= 0; i-- {
		if s := b.m.rows.texts[i]; s.ChallengeID == c.ID && !s.Answer {
			return s
		}
	}
	b.t.Fatal("no SMS was queued")
	return text{}
}

// code reads the code where a person does: in the SMS.
func (b *bench) code(c Challenge) string { return sixDigits.FindString(b.lastSMS(c).Text) }

// wrong is a code that is none of the phone's.
func (b *bench) wrong(i int) string {
	for n := i; ; n++ {
		code := fmt.Sprintf("%06d", n*7919%1000000)
		taken := false
		for _, s := range b.m.rows.texts {
			taken = taken || strings.Contains(s.Text, code)
		}
		if !taken {
			return code
		}
	}
}

// noted is how much was noted under a kind, of all phones.
func (b *bench) noted(kind string) (n int) {
	for _, s := range b.m.rows.sent {
		if s.kind == kind {
			n++
		}
	}
	return n
}

func (b *bench) challenge(id string) Challenge { return b.m.rows.challenges[id] }

func (b *bench) state(f Filing) (FilingState, string) {
	now := b.m.rows.filings[f.ID]
	return now.State, now.Reason
}

func (b *bench) sweep() (next time.Time) {
	next, err := b.s.Sweep(context.Background(), b.now)
	if err != nil {
		b.t.Fatal(err)
	}
	return next
}

const (
	phoneA, tailA = "13800138000", "01123X"
	phoneB, tailB = "13900139000", "456(7)"
)

// two is a first filing with two persons on two phones.
func two() FilingRequest {
	return FilingRequest{Owner: "platform", Type: "first", Persons: []PersonRequest{
		{Role: "entity_head", Name: "王五", Mobile: phoneA, CertificateTail: tailA},
		{Role: "website_head", Name: "赵六", Mobile: phoneB, CertificateTail: tailB, Site: "a.example"},
	}}
}

// one is a filing with one person.
func one() FilingRequest {
	return FilingRequest{Owner: "platform", Type: "change", Changes: []Change{{Part: PartEntity}}, Persons: []PersonRequest{
		{Role: "entity_head", Name: "王五", Mobile: phoneA, CertificateTail: tailA},
	}}
}

func expect(t testing.TB, what string, a Answer, want Result) {
	t.Helper()
	if a.Result != want {
		t.Fatalf("%s: got %d, want %d (%+v)", what, a.Result, want, a)
	}
}
