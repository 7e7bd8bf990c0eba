package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestInboundRulesAreReadInTheirOrder(t *testing.T) {
	c, err := Parse(`
[[inbound]]
name = "b"
action = "opt_out"
body = "(?i)r|退"
answer = true
[[inbound]]
name = "a"
action = "capture"
sender = "[0-9]+"
body = ".*code is ([0-9]{6}).*"
`)
	if err != nil || len(c.Inbound) != 2 || c.Inbound[0].Name != "b" || !c.Inbound[0].Answer || c.Inbound[1].Action != "capture" {
		t.Fatalf("%+v %v", c.Inbound, err)
	}
	if sender, body := c.Inbound[0].Patterns(); sender != nil || !body.MatchString("R") || body.MatchString("Rr") || body.MatchString("no R here") {
		t.Error("a pattern has to fit the whole text")
	}
	if _, body := c.Inbound[1].Patterns(); !body.MatchString("first line\nthe code is 123456, so\nthe last") {
		t.Error("a text has several lines")
	}
	if c, err := Parse("inbound = []"); err != nil || c.Inbound == nil || len(c.Inbound) != 0 {
		t.Errorf("no rules at all: %#v %v", c.Inbound, err)
	}
	if c, err := Parse(""); err != nil || c.Inbound != nil {
		t.Errorf("the built-in rules: %#v %v", c.Inbound, err)
	}
}

func TestWhatIsWrongWithAnInboundRuleIsToldByItsPath(t *testing.T) {
	_, err := Parse(`
[inbox]
opt_out_stops = "urgent"
[[inbound]]
action = "reply"
[[inbound]]
name = "x y"
action = "reply"
[[inbound]]
name = "a"
action = "delete"
sender = "a)|(b"
body = "[z-a]"
[[inbound]]
name = "a"
action = "forward"
answer = true
body = "(x)"
[[inbound]]
name = "big"
action = "forward"
body = "(?:abcdefghij){0,200}"
[[inbound]]
name = "long"
action = "forward"
sender = "` + strings.Repeat("a", 1001) + `"
[[inbound]]
name = "groups"
action = "capture"
body = "(1)(2)"
bodi = ""
`)
	var told *Error
	if !errors.As(err, &told) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"inbox.opt_out_stops: unknown key since an opt-out stops everything but codes", "inbound[1].name: is missing", "inbound[2].name: want", "inbound.a.action: want", "inbound.a.sender: is no regular expression",
		"inbound.a.body: is no regular expression", "inbound.a.name: another", "inbound.a.answer: ", "inbound.a.body: has a group", "inbound.big.body: is too large",
		"inbound.long.sender: has 1001", "inbound.groups.body: has 2 groups", "inbound.groups.bodi: unknown key; did you mean body?",
	} {
		if !slices.ContainsFunc(told.Faults, func(f string) bool { return strings.HasPrefix(f, want) }) {
			t.Errorf("nothing is told as %q:\n%s", want, err)
		}
	}
	if len(told.Faults) != 13 {
		t.Errorf("%d faults: %v", len(told.Faults), err)
	}
	if _, err := Parse("[inbound]\nname = \"x\""); err == nil || !strings.Contains(err.Error(), "two brackets") {
		t.Error(err)
	}
}

func TestAReloadTakesInboundRulesOverAndTellsWhichChanged(t *testing.T) {
	rules := func(names ...string) Config {
		c := Default()
		for _, n := range names {
			c.Inbound = append(c.Inbound, InboundRule{Name: n, Action: "forward"})
		}
		return c
	}
	changed := rules("a", "b")
	changed.Inbound[1].Body = "x"
	none := Default()
	none.Inbound = []InboundRule{}
	for _, one := range []struct {
		from, to Config
		want     string
	}{
		{rules("a", "b"), rules("a", "b"), ""},
		{rules("a", "b"), changed, "inbound.b.body"},
		{rules("a", "b"), rules("b", "a"), "inbound.*"},
		{rules("a", "b"), rules("b", "c"), "inbound.a inbound.c"},
		{Default(), none, "inbound.*"},
	} {
		var keys []string
		for _, c := range Diff(one.from, one.to) {
			keys = append(keys, c.Key)
			if c.Restart {
				t.Errorf("%s needs a restart", c.Key)
			}
		}
		if got := strings.Join(keys, " "); got != one.want {
			t.Errorf("changed: %q, want %q", got, one.want)
		}
	}
}

func TestARuleThatNeverDoesAnythingIsWarnedOf(t *testing.T) {
	c := Default()
	c.Inbound = []InboundRule{{Name: "r", Action: "reply"}, {Name: "all", Action: "forward"}}
	all := strings.Join(c.Warnings(), "\n")
	if !strings.Contains(all, "inbound.r: with verify.replies off") || !strings.Contains(all, "inbound.all: takes every text") {
		t.Error(all)
	}
	c.Verify.Replies, c.Inbound = true, c.Inbound[1:]
	if all := strings.Join(c.Warnings(), "\n"); !strings.Contains(all, "verify.replies: no [[inbound]]") {
		t.Error(all)
	}
	c.Inbound = nil
	if all := strings.Join(c.Warnings(), "\n"); strings.Contains(all, "inbound") {
		t.Error(all)
	}
}

// A pattern is bounded when it is read, so a text that somebody sends on purpose cannot hold the gateway up.
func FuzzAPatternIsRefusedOrDoneSoon(f *testing.F) {
	for _, p := range []string{"(a*)*b", "(?:a?){500}a{500}", "(?i)(退订|td?|stop)", "(.*)(.*)", "a)|(b", `\pL+`, "(?:x{0,9}y{0,9}){0,9}", "\xff", "[[:^alpha:]]"} {
		f.Add(p, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := wholePattern(pattern)
		if err != nil || re == nil {
			return
		}
		if len(text) > 0 {
			text = strings.Repeat(text, 1+2000/len(text))[:2000]
		}
		began := time.Now()
		if loc := re.FindStringIndex(text); loc != nil && (loc[0] != 0 || loc[1] != len(text)) {
			t.Fatalf("%q took a part of the text: %v", pattern, loc)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("%q took %s", pattern, took)
		}
	})
}
