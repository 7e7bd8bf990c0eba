package httpapi

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/verify"

	"pgregory.net/rapid"
)

// defaultLimits are those of a configuration that says nothing; TestTheLimitsOfCallersAreTheConfigurations holds it.
var defaultLimits = Limits{ChecksPerIPPerMinute: 10, ChecksPerIPPerHour: 60, ResendsPerIPPerHour: 5, RequestsPerSecond: 500,
	Proof: true, Repeat: 10 * time.Second, BrakeStep: 50, BrakeWindow: 15 * time.Minute}

// checked is a check that was wrong.
func checked(g *guard, from netip.Addr) time.Duration {
	t, wait := g.check(from)
	if wait == 0 {
		t.ended(verify.ResultWrong)
	}
	return wait
}

func resent(g *guard, from netip.Addr) time.Duration {
	_, wait := g.resend(from)
	return wait
}

func TestTheEleventhCheckOfAMinuteIsAnswered902AndNotCompared(t *testing.T) {
	w := new(world)
	o := options()
	o.Limits = defaultLimits
	o.Limits.Proof = false
	w.answer.Result = verify.ResultNoRecord
	h := New(w.services(), o)
	var last got
	for i := range 11 {
		last = do(h, "POST", "/v1/public/verify", fmt.Sprintf(`{"code":"123456","mobile":"1380013%04d"}`, i), "Authorization: ")
	}
	var a Answer
	last.decode(t, &a)
	if a.Result != 902 || a.OK || a.WaitSeconds < 1 || a.WaitSeconds > 60 || last.status != 200 || last.header.Get("Retry-After") == "" {
		t.Error(last)
	}
	if len(w.checks) != 10 {
		t.Errorf("%d were compared", len(w.checks))
	}
}

func TestLimitsAreSlidingWindowsPerCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, a := newGuard(defaultLimits, nil), netip.MustParseAddr("192.0.2.1")
		for range 10 {
			if checked(g, a) != 0 {
				t.Fatal("refused early")
			}
			time.Sleep(time.Second)
		}
		if wait := checked(g, a); wait != 50*time.Second {
			t.Errorf("wait %s", wait)
		}
		time.Sleep(50 * time.Second)
		if checked(g, a) != 0 {
			t.Error("refused after the wait that was told")
		}
		for range 5 {
			if resent(g, a) != 0 {
				t.Fatal("re-send refused early")
			}
		}
		if resent(g, a) == 0 {
			t.Error("a sixth re-send")
		}
	})
}

func TestARightCodeCostsItsCallerNothingAndAWrongOrMalformedOneDoes(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	for result, free := range map[verify.Result]bool{
		verify.ResultPassed: true, verify.ResultVerified: true, verify.ResultAlready: true, verify.ResultProofRequired: true, verify.ResultWait: true,
		verify.ResultUnavailable: true, verify.ResultWrong: false, verify.ResultNoRecord: false, verify.ResultFinal: false, verify.ResultFailed: false,
	} {
		g := newGuard(Limits{ChecksPerIPPerHour: 3}, nil)
		done := 0
		for range 10 {
			if t, wait := g.check(a); wait == 0 {
				t.ended(result)
				done++
			}
		}
		if done != map[bool]int{true: 10, false: 3}[free] {
			t.Errorf("%d: %d of 10", result, done)
		}
	}
}

// A carrier's NAT: thousands behind one address, who mostly enter what they got.
func TestManyHonestPeopleBehindOneAddressAreNotEachOthersLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, a := newGuard(defaultLimits, nil), netip.MustParseAddr("100.64.0.1")
		for i := range 5000 {
			grant, wait := g.check(a)
			if wait > 0 {
				t.Fatalf("the %dth waits %s", i, wait)
			}
			if i%100 == 99 { // one in a hundred mistypes
				grant.ended(verify.ResultWrong)
			} else {
				grant.ended(verify.ResultVerified)
			}
			time.Sleep(720 * time.Millisecond)
		}
	})
}

func TestAnIPv6SubscriberIsHisSlash64(t *testing.T) {
	g := newGuard(Limits{ResendsPerIPPerHour: 1}, nil)
	if resent(g, netip.MustParseAddr("2001:db8:1:2::1")) != 0 || resent(g, netip.MustParseAddr("2001:db8:1:2:ffff::2")) == 0 || resent(g, netip.MustParseAddr("2001:db8:1:3::1")) != 0 {
		t.Error("not by /64")
	}
	if resent(g, netip.MustParseAddr("192.0.2.1")) != 0 || resent(g, netip.MustParseAddr("::ffff:192.0.2.1")) == 0 {
		t.Error("an IPv4 address in IPv6 clothes is another caller")
	}
}

func TestTheNetworksAroundACallerHaveSharesOfTheirOwn(t *testing.T) {
	for name, c := range map[string]struct {
		most  int                  // of 100 an hour for one caller
		other func(i int) [16]byte // the ith caller of the network
	}{
		"/56": {200, func(i int) [16]byte { return [16]byte{0x20, 1, 0xd, 0xb8, 1, 2, 3, byte(i)} }},
		"/48": {400, func(i int) [16]byte { return [16]byte{0x20, 1, 0xd, 0xb8, 1, 2, byte(i), byte(i >> 8)} }},
		"/32": {2000, func(i int) [16]byte { return [16]byte{0x20, 1, 0xd, 0xb8, byte(i), byte(i >> 8)} }},
		"IPv4 /24": {1000, func(i int) [16]byte {
			return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).As16()
		}},
	} {
		g, n := newGuard(Limits{ChecksPerIPPerHour: 100}, nil), 0
		for i := range 4000 {
			if checked(g, netip.AddrFrom16(c.other(i))) == 0 {
				n++
			}
		}
		if n != c.most {
			t.Errorf("%s: %d, want %d", name, n, c.most)
		}
	}
}

func TestNoInterleavingOfCallersExceedsAWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			limits := Limits{ChecksPerIPPerMinute: rapid.IntRange(1, 4).Draw(rt, "minute"), ChecksPerIPPerHour: rapid.IntRange(1, 8).Draw(rt, "hour")}
			g := newGuard(limits, nil)
			var passed []time.Time
			for range rapid.IntRange(1, 60).Draw(rt, "tries") {
				time.Sleep(time.Duration(rapid.IntRange(0, 400).Draw(rt, "pause")) * time.Second)
				if checked(g, netip.MustParseAddr("192.0.2.1")) == 0 {
					passed = append(passed, time.Now())
				}
			}
			for i := range passed {
				for _, w := range []window{{limits.ChecksPerIPPerMinute, time.Minute, 0}, {limits.ChecksPerIPPerHour, time.Hour, 0}} {
					if j := i + w.most; j < len(passed) && passed[j].Sub(passed[i]) < w.span {
						rt.Fatalf("%d within %s", w.most+1, passed[j].Sub(passed[i]))
					}
				}
			}
		})
	})
}

func TestAFloodOfCallersDoesNotFillTheMemoryAndForgivesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(Limits{ChecksPerIPPerHour: 60}, nil)
		guilty := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:1:2::1")}
		for _, a := range guilty {
			for range 60 {
				checked(g, a)
			}
			if checked(g, a) == 0 {
				t.Fatal("no limit")
			}
		}
		for i := range 2 * mostCallers {
			checked(g, netip.AddrFrom4([4]byte{byte(10 + i>>16), byte(i), byte(i >> 8), 1}))
		}
		if n := len(g.callers.seen); n > mostCallers+1 {
			t.Errorf("%d callers are remembered", n)
		}
		for _, a := range guilty {
			if checked(g, a) == 0 {
				t.Errorf("%s was forgiven because others came", a)
			}
		}
	})
}

func TestAnyAcceptLanguageChoosesOneOfOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if l := language(rapid.String().Draw(t, "accept"), rapid.SampledFrom([]string{"", "zh", "en"}).Draw(t, "default")); l != "zh" && l != "en" {
			t.Fatal(l)
		}
	})
	if language("en;q=0", "zh") != "zh" || language("EN-us", "zh") != "en" || language(strings.Repeat(",", 1000), "en") != "en" {
		t.Error("weights, case or emptiness")
	}
}
