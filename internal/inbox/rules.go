package inbox

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"attestd/internal/msisdn"
)

// Action is what a rule does with a text.
type Action string

// The actions.
const (
	Reply   Action = "reply"   // offer it to the rules of verification, as code and tail of an open challenge
	Capture Action = "capture" // take the code out of an official text, sealed
	OptOut  Action = "opt_out" // no texts to the sender any more
	OptIn   Action = "opt_in"  // and again
	Forward Action = "forward" // tell of it by an event; whoever is told reads the text through the API
)

// Rule says which texts are what. The first that takes a text is the only one.
type Rule struct {
	Name string
	// Sender and Body are patterns of the whole sender and the whole text. Nil is what the action is for: any sender, save
	// the official ones for Capture; any text, save the keywords for OptOut and OptIn.
	Sender, Body *regexp.Regexp
	Action       Action
	Answer       bool // confirm OptOut and OptIn by SMS
}

// DefaultRules are those of a gateway that was told none.
func DefaultRules() []Rule {
	return []Rule{
		{Name: "official", Action: Capture},
		{Name: "stop", Action: OptOut},
		{Name: "start", Action: OptIn},
		{Name: "replies", Action: Reply},
	}
}

// official is who sends the ministry's codes: 12381, or 106, ten digits and 12381. Some networks put 86 before short numbers.
var official = regexp.MustCompile(`^(?:\+?86)?(?:12381|106[0-9]{10}12381)$`)

// The keywords, as msisdn.Fold leaves them.
var (
	outWords = map[string]bool{"T": true, "TD": true, "N": true, "退订": true, "拒收": true, "STOP": true, "UNSUBSCRIBE": true}
	inWords  = map[string]bool{"START": true, "恢复": true}
)

// longest is how much of a text the rules look at: what a person or an office writes fits many times. Patterns take time
// with the length of the text, in a transaction that others wait for.
const longest = 2000

// Seen is a text as rules see it.
type Seen struct {
	Sender string        // a mainland mobile as +86..., anybody else as the network named him
	Number msisdn.Number // the sender as a subscriber; zero for short numbers, services and names
	Text   string        // UTF-8, without blanks at its ends, at most 2000 characters
	Body   string        // the same with full-width characters narrowed
}

// See brings a text to the form that rules look at; country is the code of numbers without one.
func See(from, text, country string) Seen {
	s := Seen{Sender: strings.TrimSpace(strings.Map(narrow, strings.ToValidUTF8(from, "\uFFFD")))}
	if n, err := msisdn.Parse(s.Sender, country); err == nil && (n.MainlandMobile() || !strings.HasPrefix(n.E164(), "+86")) {
		s.Number = n
		if n.MainlandMobile() {
			s.Sender = n.E164()
		}
	}
	if short, ok := strings.CutPrefix(strings.TrimPrefix(s.Sender, "+"), "86"); ok && country == "86" && len(short) >= 3 && len(short) <= 6 && s.Number.IsZero() {
		s.Sender = short // some networks put 86 before short codes, as before 12381
	}
	if len(text) > longest*utf8.UTFMax {
		text = text[:longest*utf8.UTFMax]
	}
	s.Text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(s.Text); len(runes) > longest {
		s.Text = string(runes[:longest])
	}
	s.Body = strings.TrimSpace(strings.Map(narrow, s.Text))
	return s
}

// narrow folds the full-width forms of Chinese keyboards to ASCII.
func narrow(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == 0x3000:
		return ' '
	}
	return r
}

// Matches says whether a text is the rule's, as far as its patterns tell; code is what a Capture found in it. It is pure.
func (r Rule) Matches(s Seen) (code string, ok bool) {
	switch {
	case r.Sender != nil && !r.Sender.MatchString(s.Sender):
		return "", false
	case r.Sender == nil && r.Action == Capture && !official.MatchString(s.Sender):
		return "", false
	case (r.Action == OptOut || r.Action == OptIn) && s.Number.IsZero():
		return "", false
	}
	switch {
	case r.Action == Capture:
		if code = codeIn(r.Body, s.Text); code == "" && s.Body != s.Text {
			code = codeIn(r.Body, s.Body)
		}
		return code, code != ""
	case r.Body != nil: // a pattern may have been copied from a text as it is
		return "", r.Body.MatchString(s.Text) || s.Body != s.Text && r.Body.MatchString(s.Body)
	case r.Action == OptOut:
		return "", outWords[keyword(s.Body)]
	case r.Action == OptIn:
		return "", inWords[keyword(s.Body)]
	}
	return "", true
}

// keyword is a text of one word without what people put round it.
func keyword(body string) string {
	if len(body) > 64 {
		return ""
	}
	return strings.Trim(msisdn.Fold(body), `.,!?;:"'()[]。、，！？“”‘’【】「」`)
}

// codeIn finds the code: what the pattern's group holds, or the one run of exactly six digits that there is. Where there
// are several nobody can tell which is meant, and none is taken.
func codeIn(pattern *regexp.Regexp, body string) string {
	if pattern != nil {
		found := pattern.FindStringSubmatch(body)
		if found == nil {
			return ""
		}
		if len(found) > 1 {
			return sixDigits(found[1])
		}
	}
	code := ""
	for _, run := range strings.FieldsFunc(body, func(r rune) bool { return r < '0' || r > '9' }) {
		if sixDigits(run) == "" || run == code {
			continue
		}
		if code != "" {
			return ""
		}
		code = run
	}
	return code
}

func sixDigits(s string) string {
	if len(s) != 6 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// Mark is which rule took an item. It is kept with the item.
type Mark struct {
	Rule   string
	Action Action
	Failed bool   // what the rule was to do could not be done; the text is there all the same
	Code   string // that Capture found
}

// Judge lets the rules have a stored item, in the transaction that stored it, and marks it with the one that took it. do does
// what a rule is for, and says whether it took the text: a reply to no challenge goes on to the next rule. When do fails,
// what it did is undone and the item stays, marked; failed says why. Only a database that cannot be written undoes the
// item as well: then the modem keeps the text.
func Judge(ctx context.Context, tx Tx, rules []Rule, it Item, country string, do func(Rule, Seen) (took bool, err error)) (m Mark, failed, err error) {
	if !it.Complete || !it.Readable {
		return Mark{}, nil, nil // half a text may say the opposite of the whole
	}
	seen := See(it.From, it.Text, country)
	for _, r := range rules {
		code, ok := r.Matches(seen)
		if !ok {
			continue
		}
		took := false
		if failed, err = tx.Try(ctx, func() (err error) { took, err = do(r, seen); return err }); err != nil {
			return Mark{}, failed, err
		}
		if !took && failed == nil {
			continue
		}
		m = Mark{Rule: r.Name, Action: r.Action, Failed: failed != nil, Code: code}
		return m, failed, mark(ctx, tx, it, m)
	}
	return Mark{}, nil, nil
}

func mark(ctx context.Context, tx Tx, it Item, m Mark) error {
	if err := tx.MarkItem(ctx, it.ID, m); err != nil {
		return err
	}
	typ := "inbox." + string(m.Action)
	if m.Failed {
		typ = "inbox.rule_failed"
	}
	return tx.Emit(ctx, typ, it.ID, Everyone, map[string]any{
		"rule": m.Rule, "action": m.Action, "from": msisdn.Redact(it.From), "modem": it.Modem,
	})
}

// OptOutEntry is one who wants no texts.
type OptOutEntry struct {
	ID      string
	Number  msisdn.Number // zero when it was wiped
	Source  string        // BySMS or ByAPI
	Maker   string        // the rule's name, or the token's
	Item    string        // the text that asked for it
	Created time.Time
}

// Where an opt-out came from.
const (
	BySMS = "sms"
	ByAPI = "api"
)

// ErrNoOptOut says that the list has no such entry.
var ErrNoOptOut = errors.New("there is no such opt-out: GET /v1/optouts lists those there are")
