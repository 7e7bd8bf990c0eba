package httpapi

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var defaultLimits = Limits{ChecksPerIPPerMinute: 10, ChecksPerIPPerHour: 60, ChecksPerPhonePerHour: 20, ResendsPerIPPerHour: 5}

func checked(g *guard, from netip.Addr, mobile string) time.Duration {
	_, wait := g.check(from, mobile)
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
	h := New(w.services(), o)
	var last got
	for i := range 11 {
		last = do(h, "POST", "/v1/public/verify", fmt.Sprintf(`{"code":"123456","mobile":"1380013%04d"}`, i))
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

func TestLimitsAreSlidingWindowsPerCallerAndPerPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, a, phone := newGuard(defaultLimits, nil), netip.MustParseAddr("192.0.2.1"), "13800138000"
		for range 10 {
			if checked(g, a, "") != 0 {
				t.Fatal("refused early")
			}
			time.Sleep(time.Second)
		}
		if wait := checked(g, a, ""); wait != 50*time.Second {
			t.Errorf("wait %s", wait)
		}
		time.Sleep(50 * time.Second)
		if checked(g, a, "") != 0 {
			t.Error("refused after the wait that was told")
		}
		for i := range 20 {
			// The same phone, however written, from as many addresses.
			written := []string{phone, "+86" + phone, "0086 " + phone, "１３８00138000"}[i%4]
			if checked(g, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), written) != 0 {
				t.Fatalf("phone refused at %d", i)
			}
		}
		if wait := checked(g, netip.MustParseAddr("203.0.113.1"), phone); wait != time.Hour {
			t.Errorf("phone: wait %s", wait)
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

func TestAnIPv6SubscriberIsHisSlash64(t *testing.T) {
	g := newGuard(Limits{ResendsPerIPPerHour: 1}, nil)
	if resent(g, netip.MustParseAddr("2001:db8:1:2::1")) != 0 || resent(g, netip.MustParseAddr("2001:db8:1:2:ffff::2")) == 0 || resent(g, netip.MustParseAddr("2001:db8:1:3::1")) != 0 {
		t.Error("not by /64")
	}
	if resent(g, netip.MustParseAddr("192.0.2.1")) != 0 || resent(g, netip.MustParseAddr("::ffff:192.0.2.1")) == 0 {
		t.Error("an IPv4 address in IPv6 clothes is another caller")
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
				if checked(g, netip.MustParseAddr("192.0.2.1"), "") == 0 {
					passed = append(passed, time.Now())
				}
			}
			for i := range passed {
				for _, w := range []window{{limits.ChecksPerIPPerMinute, time.Minute}, {limits.ChecksPerIPPerHour, time.Hour}} {
					if j := i + w.most; j < len(passed) && passed[j].Sub(passed[i]) < w.span {
						rt.Fatalf("%d within %s", w.most+1, passed[j].Sub(passed[i]))
					}
				}
			}
		})
	})
}

func TestAFloodOfCallersDoesNotFillTheMemory(t *testing.T) {
	g := newGuard(defaultLimits, nil)
	for i := range 3 * mostCallers {
		resent(g, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(g.seen) > mostCallers+1 {
		t.Errorf("%d callers are remembered", len(g.seen))
	}
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
