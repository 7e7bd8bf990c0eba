package verify

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// entered is a check with what came with it.
func (b *bench) entered(code, mobile, tail string, work int, trusted bool) (a Answer) {
	in, faults := b.s.readCheck(CheckRequest{Code: code, Mobile: mobile, Tail: tail, Work: work, Trusted: trusted})
	if faults != nil {
		b.t.Fatal(faults)
	}
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.check(b.t.Context(), tx, in, b.now)
		return err
	})
	return a
}

func TestNobodyEndsAFilingWithWrongTails(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	b.deliver(f.Challenges[0])
	code := b.code(f.Challenges[0])
	for i := range 500 {
		guess := b.wrong(i)
		if i%100 == 0 {
			guess = code // by chance
		}
		tail := fmt.Sprintf("%05dX", i)
		if i < 4 || i%100 != 0 {
			expect(t, tail, b.check(guess, phoneA, tail), ResultNoRecord)
			expect(t, tail, b.resend(phoneA, tail), ResultNoRecord)
		}
		b.pass(2 * time.Minute)
	}
	if state, reason := b.state(f); state != FilingVerifying || b.challenge(f.Challenges[0].ID).Wrong != 0 {
		t.Fatalf("%s %s", state, reason)
	}
	expect(t, "the person", b.check(code, phoneA, tailA), ResultPassed)
}

func TestPastItsAllowanceOfWrongTailsAPhoneAsksForWorkThatGrowsAndForTime(t *testing.T) {
	for _, mobile := range []string{phoneA, phoneB} { // somebody waits at the one and nobody at the other
		b := newBench(t, func(p *Policy) { p.WrongTails = 5 })
		b.create(one())
		for i := range 5 {
			expect(t, "within", b.entered("123456", mobile, fmt.Sprintf("00000%d", i), 0, false), ResultNoRecord)
		}
		for i, want := range []struct {
			work int
			wait time.Duration
		}{{18, 30 * time.Second}, {19, time.Minute}, {20, 2 * time.Minute}, {21, 4 * time.Minute}, {22, 5 * time.Minute}, {22, 5 * time.Minute}} {
			tail := fmt.Sprintf("00001%d", i)
			if a := b.entered("123456", mobile, tail, 64, false); a.Result != ResultWait || a.Wait != want.wait || a.Work != want.work {
				t.Fatalf("%s, %d: %+v", mobile, i, a)
			}
			if a := b.resend(mobile, tail); a.Result != ResultWait {
				t.Fatalf("%s: send again is the way round: %+v", mobile, a)
			}
			b.pass(want.wait)
			if a := b.entered("123456", mobile, tail, want.work-1, false); a.Result != ResultProofRequired || a.Work != want.work {
				t.Fatalf("%s, %d: %+v", mobile, i, a)
			}
			if n := b.noted(sentTail); n != 5+i {
				t.Fatalf("what was refused is charged: %d", n)
			}
			expect(t, tail, b.entered("123456", mobile, tail, want.work, false), ResultNoRecord)
		}
		// Who comes with a token neither works nor waits; the phone's hour holds for all.
		expect(t, "with a token", b.entered("123456", mobile, "000020", 0, true), ResultNoRecord)
		b.pass(day)
		expect(t, "a day later", b.entered("123456", mobile, "000030", 0, false), ResultNoRecord)
	}
}

func TestAPhoneHasItsChecksInAnHourWhoeverAsks(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.ChecksPerHour = 20 })
	b.create(one())
	for i := range 20 {
		expect(t, "within", b.entered("123456", phoneA, fmt.Sprintf("0000%02d", i), 0, i%2 == 0), ResultNoRecord)
		b.pass(time.Minute)
	}
	if a := b.entered("123456", phoneA, tailA, 0, true); a.Result != ResultRateLimited || a.Wait != 40*time.Minute {
		t.Errorf("%+v", a)
	}
	expect(t, "another phone", b.entered("123456", phoneB, tailA, 0, false), ResultNoRecord)
	b.pass(40 * time.Minute)
	expect(t, "an hour after the first", b.entered("123456", phoneA, tailA, 0, false), ResultWrong)
}

// Somebody with another's phone in hand has the code: the tail is all that stands in the way.
func TestWhoHoldsThePhoneHasFiveTriesAtTheCertificateAndTheFilingStands(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(one())
	b.deliver(f.Challenges[0])
	code := b.code(f.Challenges[0])
	for i := range 5 {
		expect(t, "guess", b.check(code, phoneA, fmt.Sprintf("00000%d", i)), ResultNoRecord)
		b.pass(time.Hour)
	}
	for _, entered := range []string{code, b.wrong(1)} {
		if a := b.check(entered, phoneA, tailA); a.Result != ResultFinal || a.Reason != ReasonTooManyAttempts || a.OK {
			t.Errorf("%+v", a)
		}
	}
	if state, _ := b.state(f); state != FilingVerifying {
		t.Error(state)
	}
	in, err := b.s.readAmendment(AmendRequest{CertificateTail: tailB})
	if err != nil {
		t.Fatal(err)
	}
	b.tx(func(tx Tx) error {
		_, refused, err := b.s.amend(t.Context(), tx, AmendRequest{Owner: Everyone, FilingID: f.ID, PersonID: f.Persons[0].ID}, in, b.now)
		if refused != nil {
			t.Error(refused)
		}
		return err
	})
	for _, c := range b.m.rows.challenges {
		if !c.State.Terminal() {
			expect(t, "with a new code", b.check(b.code(c), phoneA, tailB), ResultPassed)
			return
		}
	}
	t.Error("no challenge is open")
}

// guesses is how many tails somebody gets judged at one phone in a time, who never rests.
func guesses(p Policy, span time.Duration, trusted bool) (n int) {
	var checks, tails []time.Time
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	within := func(all []time.Time, d time.Duration) []time.Time {
		for len(all) > 0 && !all[0].After(now.Add(-d)) {
			all = all[1:]
		}
		return all
	}
	for end := now.Add(span); now.Before(end); n++ {
		checks, tails = within(checks, time.Hour), within(tails, day)
		if _, wait := p.toll(tails, now); wait > 0 && !trusted {
			now = now.Add(wait)
		}
		if checks = within(checks, time.Hour); p.ChecksPerHour > 0 && len(checks) >= p.ChecksPerHour {
			now = checks[len(checks)-p.ChecksPerHour].Add(time.Hour)
		}
		if !now.Before(end) {
			break
		}
		checks, tails = append(checks, now), append(tails, now)
		now = now.Add(time.Microsecond)
	}
	return n
}

func TestTheOddsOfGuessingTailAndCodeAreThoseThatThePageOfThreatsStates(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "threats.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := DefaultPolicy()
	open, token := guesses(p, p.HardEnd, false), guesses(p, p.HardEnd, true)
	// The last six of a resident ID: day of birth, sequence, check digit (GB 11643).
	const nothing, birthday = 31 * 1000 * 11, 500 * 11
	lines := []string{
		fmt.Sprintf("| without a token | %d | %.2g | %.2g | %.1g |", open, float64(open)/nothing, float64(open)/birthday, float64(open)/nothing*float64(p.MaxWrong)*1e-6),
		fmt.Sprintf("| with a token | %d | %.2g | %.2g | %.1g |", token, float64(token)/nothing, float64(token)/birthday, float64(token)/nothing*float64(p.MaxWrong)*1e-6),
		fmt.Sprintf("| with the phone in hand | %d | %.2g | %.2g | %.2g |", p.MaxWrong, float64(p.MaxWrong)/nothing, float64(p.MaxWrong)/birthday, float64(p.MaxWrong)/nothing),
	}
	for _, line := range lines {
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/threats.md states other odds than\n%s", line)
		}
	}
	if worst := float64(p.MaxWrong) * 1e-6; worst > 5e-6 || math.IsNaN(worst) {
		t.Errorf("who knows the tail finds the code with %g", worst)
	}
}
