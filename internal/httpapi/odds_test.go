package httpapi

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/config"
	"attestd/verify"
)

func TestTheLimitsOfCallersAreTheConfigurations(t *testing.T) {
	c := config.Default()
	l, a := c.Verify.Limits, c.Abuse
	if got := (Limits{ChecksPerIPPerMinute: l.ChecksPerIPPerMinute, ChecksPerIPPerHour: l.ChecksPerIPPerHour, ResendsPerIPPerHour: l.ResendsPerIPPerHour,
		RequestsPerSecond: c.HTTP.RequestsPerSecond, Proof: a.APIProof == "work", Repeat: c.Verify.RepeatWindow, BrakeStep: a.WrongLeast, BrakeWindow: a.WrongWindow}); got != defaultLimits {
		t.Errorf("%+v", got)
	}
}

// attack has somebody guess from as many addresses as there are, who never rests, and counts the guesses that were
// compared. Of
// the wrong ones in between nobody else's right ones are counted against.
func attack(span, every time.Duration, address func(i int) netip.Addr, n int) (guesses int) {
	g, began := newGuard(defaultLimits, nil), time.Now()
	for first := 0; time.Since(began) < span; time.Sleep(every) {
		refused := 0
		for i := range n { // the first that are refused say that the networks around them are used up, where they have one
			t, wait := g.check(address((first + i) % n))
			if wait > 0 {
				if refused++; refused > 70 && n > 5000 {
					break
				}
				continue
			}
			t.ended(verify.ResultWrong)
			guesses++
		}
		first = (first + 97) % n
	}
	return guesses
}

func TestTheOddsOfGuessingOverManyFilingsAreThoseThatThePageOfThreatsStates(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "threats.md"))
	if err != nil {
		t.Fatal(err)
	}
	of48 := func(i int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 1, 2, byte(i), byte(i >> 8)})
	}
	of32 := func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i), byte(i >> 8)}) }
	scattered := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{byte(1 + i>>8), byte(i), 7, 9}) }
	one := func(int) netip.Addr { return netip.MustParseAddr("192.0.2.1") }
	for _, who := range []struct {
		name    string
		address func(int) netip.Addr
		n       int
	}{{"one address", one, 1}, {"one /48 of IPv6", of48, 65536}, {"one /32 of IPv6", of32, 65536}, {"100 scattered addresses", scattered, 100}, {"1,000 scattered addresses", scattered, 1000}} {
		var line string
		synctest.Test(t, func(*testing.T) {
			minute, day := attack(time.Minute, 5*time.Second, who.address, who.n), attack(24*time.Hour, time.Minute, who.address, who.n)
			odds := func(guesses int) float64 { return 1 - math.Pow(1-1e-6, float64(guesses)) }
			line = fmt.Sprintf("| %s | %d | %.2g %% | %d | %.2g %% |", who.name, minute, 100*odds(minute), day, 100*odds(day))
		})
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/threats.md states other odds than\n%s", line)
		}
	}
}

// A person whose code is right is let in at once however hard the brake is pulled, and one who was wrong may try again
// soon.
func TestTheBrakeLocksNobodyOutWhoHasTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(defaultLimits, nil)
		for i := range 5000 {
			checked(g, netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 8), 1}))
		}
		if g.level() != mostBrake || g.bits() != 22 {
			t.Fatalf("level %d, %d bits", g.level(), g.bits())
		}
		a := netip.MustParseAddr("192.0.2.1")
		for range 20 { // many behind one address
			right, wait := g.check(a)
			if wait > 0 {
				t.Fatalf("waits %s", wait)
			}
			right.ended(verify.ResultVerified)
		}
		if checked(g, a) != 0 {
			t.Fatal("the first wrong entry")
		}
		if _, wait := g.check(a); wait <= 0 || wait > time.Minute {
			t.Errorf("after a wrong entry the next one waits %s", wait)
		}
		time.Sleep(time.Minute)
		if right, wait := g.check(a); wait > 0 {
			t.Error("and then is not taken")
		} else {
			right.ended(verify.ResultPassed)
		}
		time.Sleep(minutes * time.Minute)
		if g.level() != 0 {
			t.Errorf("level %d when it is over", g.level())
		}
	})
}

func TestABusySiteWhoseEntriesAreMostlyRightIsNotBraked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(defaultLimits, nil)
		for i := range 20_000 {
			grant, _ := g.check(netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 8), 1}))
			if i%3 == 0 {
				grant.ended(verify.ResultWrong)
			} else {
				grant.ended(verify.ResultVerified)
			}
			if g.level() != 0 {
				t.Fatalf("braked after %d", i)
			}
			time.Sleep(50 * time.Millisecond)
		}
		off := defaultLimits
		off.BrakeStep = 0
		g.set(off)
		g.restore(nil, 10_000, 10_000)
		if g.level() != 0 {
			t.Error("turned off, and braked")
		}
		g.set(defaultLimits)
		if g.level() == 0 {
			t.Error("a restart lets go of the brake")
		}
	})
}
