package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// InboundRule is one [[inbound]]: what a received text is, and what is done with it. The first that takes a text is the
// only one; inbox.Rule says what each action does.
type InboundRule struct {
	Name   string `toml:"name"`
	Sender string `toml:"sender"` // pattern of the whole sender; "" is what the action is for
	Body   string `toml:"body"`   // pattern of the whole text; "" is what the action is for
	Action string `toml:"action"`
	Answer bool   `toml:"answer"` // confirm an opt_out or opt_in by SMS
}

// The actions of an inbound rule, and the priorities that an opt-out can stop.
var (
	inboundActions = []string{"reply", "capture", "opt_out", "opt_in", "forward"}
)

const (
	mostInbound = 32
	// longestPattern and largestPattern bound what a text can cost: the time a pattern takes is its size times the text's,
	// never more (RE2), and a text is matched while others wait to write.
	longestPattern = 1000
	largestPattern = 1000 // instructions
)

var inboundType = reflect.TypeFor[[]InboundRule]()

// Patterns are the rule's patterns, nil where it has none; validation has seen them.
func (r InboundRule) Patterns() (sender, body *regexp.Regexp) {
	sender, _ = wholePattern(r.Sender)
	body, _ = wholePattern(r.Body)
	return sender, body
}

// wholePattern compiles a pattern that has to fit the whole of a text, of several lines too; nil for none.
func wholePattern(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > longestPattern {
		return nil, fmt.Errorf("has %d characters, the most is %d", len(text), longestPattern)
	}
	tree, err := syntax.Parse(text, syntax.Perl|syntax.DotNL)
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("is no regular expression (RE2): %s: %s", wrong.Code, wrong.Expr)
	} else if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > largestPattern {
		return nil, errors.New("is too large when its repetitions are written out: a text would take too long")
	}
	return regexp.Compile(`\A(?s:` + text + `)\z`)
}

// inbound reads the list of [[inbound]]; inbound = [] is a list without rules, where no list is the built-in one.
func (b *binder) inbound(path string, data any, v reflect.Value) {
	rules := v.Addr().Interface().(*[]InboundRule)
	list, ok := data.([]map[string]any)
	if !ok {
		if inline, isList := data.([]any); isList && len(inline) == 0 {
			*rules = []InboundRule{}
			return
		}
		b.fault(path, "write each rule under its own [[inbound]], with two brackets")
		return
	}
	for i, table := range list {
		var r InboundRule
		b.table(inboundPath(i, table["name"]), table, reflect.ValueOf(&r).Elem())
		*rules = append(*rules, r)
	}
}

func inboundPath(i int, name any) string {
	if s, ok := name.(string); ok && modemName.MatchString(s) {
		return "inbound." + s
	}
	return fmt.Sprintf("inbound[%d]", i+1)
}

func (b *binder) inboundList(rules []InboundRule) {
	if len(rules) > mostInbound {
		b.fault("inbound", "has %d rules, the most is %d", len(rules), mostInbound)
	}
	names := map[string]bool{}
	for i, r := range rules {
		path := inboundPath(i, r.Name)
		switch {
		case r.Name == "":
			b.fault(path+".name", `is missing: name the rule as you want to see it in lists and events, as name = "news"`)
		case !modemName.MatchString(r.Name):
			b.fault(path+".name", "want 1 to 32 of the characters a-z A-Z 0-9 . _ -, beginning with a letter or digit")
		case names[r.Name]:
			b.fault(path+".name", "another rule has this name")
		}
		names[r.Name] = true
		b.oneOf(path+".action", r.Action, inboundActions...)
		if _, err := wholePattern(r.Sender); err != nil {
			b.fault(path+".sender", "%v", err)
		}
		body, err := wholePattern(r.Body)
		switch {
		case err != nil:
			b.fault(path+".body", "%v", err)
		case body != nil && body.NumSubexp() > 1:
			b.fault(path+".body", "has %d groups: one at most, round the code; write the others as (?:...)", body.NumSubexp())
		case body != nil && body.NumSubexp() == 1 && r.Action != "capture":
			b.fault(path+".body", "has a group, which only a capture has a use for: write it as (?:...)")
		}
		if r.Answer && r.Action != "opt_out" && r.Action != "opt_in" {
			b.fault(path+".answer", "only an opt_out and an opt_in are confirmed; replies are answered by verify.replies")
		}
	}
}

// diffInbound says which rules came, went, changed, or stand in another order.
func diffInbound(from, to []InboundRule, add func(string)) {
	names := func(rules []InboundRule) (all []string) {
		for _, r := range rules {
			all = append(all, r.Name)
		}
		return all
	}
	old, now := names(from), names(to)
	for i, name := range old {
		j := slices.Index(now, name)
		if j < 0 {
			add("inbound." + name)
		} else {
			diff("inbound."+name, reflect.ValueOf(from[i]), reflect.ValueOf(to[j]), add)
		}
	}
	for _, name := range now {
		if !slices.Contains(old, name) {
			add("inbound." + name)
		}
	}
	common := func(all, others []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(all), func(n string) bool { return !slices.Contains(others, n) }), " ")
	}
	if common(old, now) != common(now, old) || (from == nil) != (to == nil) && len(from)+len(to) == 0 {
		add("inbound.*") // the order of the rules; or the built-in ones for none
	}
}

// inboundWarnings are rules that never do anything.
func inboundWarnings(c Config) (all []string) {
	replies := c.Inbound == nil // the built-in rules have one
	for _, r := range c.Inbound {
		replies = replies || r.Action == "reply"
		if r.Action == "reply" && !c.Verify.Replies {
			all = append(all, "inbound."+r.Name+": with verify.replies off, no text is taken as a reply")
		}
		if r.Sender == "" && r.Body == "" && r.Action == "forward" {
			all = append(all, "inbound."+r.Name+": takes every text; rules behind it get none")
		}
	}
	if c.Verify.Replies && !replies {
		all = append(all, `verify.replies: no [[inbound]] has action = "reply", so no text is taken as one`)
	}
	return all
}
