package inbox

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"attestd/internal/msisdn"
)

func pattern(s string) *regexp.Regexp { return regexp.MustCompile(`\A(?s:` + s + `)\z`) }

// taken is the first of the rules whose patterns fit.
func taken(rules []Rule, from, text string) (name, code string) {
	seen := See(from, text, "86")
	for _, r := range rules {
		if code, ok := r.Matches(seen); ok {
			return r.Name, code
		}
	}
	return "", ""
}

func TestWhichTextsTheBuiltInRulesAreFor(t *testing.T) {
	const phone, service = "+8613800138000", "106987654321012381"
	for _, one := range []struct{ from, text, rule, code string }{
		{"12381", "【工信部】验证码123456，24小时内有效。", "official", "123456"},
		{service, "验证码：012345", "official", "012345"},
		{"+86" + service, "code 012345", "official", "012345"},
		{"8612381", "code 012345.", "official", "012345"},
		{"12381", "验证码１２３４５６", "official", "123456"},
		{"12381", "123456, again: 123456", "official", "123456"},
		{"12381", "123456 or 654321", "replies", ""}, // nobody can tell which
		{"12381", "1234567 and 12345", "replies", ""},
		{"12381", "TD", "replies", ""}, // no subscriber
		// Nearly official.
		{"123810", "code 123456", "replies", ""}, {"0012381", "code 123456", "replies", ""},
		{"1069876543212381", "code 123456", "replies", ""}, {"10698765432101112381", "code 123456", "replies", ""},
		{"106987654321012381x", "code 123456", "replies", ""}, {"12381\n", "code 123456", "official", "123456"},
		{"MIIT12381", "code 123456", "replies", ""}, {phone, "code 123456", "replies", ""},

		{phone, "T", "stop", ""}, {phone, "td", "stop", ""}, {phone, " T D ", "stop", ""}, {phone, "ＴＤ", "stop", ""}, {phone, "n", "stop", ""},
		{phone, "退订", "stop", ""}, {phone, "退订。", "stop", ""}, {phone, "“退订”", "stop", ""}, {phone, "拒收", "stop", ""}, {phone, "Stop!", "stop", ""},
		{"13800138000", "unsubscribe", "stop", ""}, {"008613800138000", "T", "stop", ""}, {"+85291234567", "STOP", "stop", ""},
		{phone, "START", "start", ""}, {phone, "恢复", "start", ""},
		{phone, "to", "replies", ""}, {phone, "TT", "replies", ""}, {phone, "no", "replies", ""}, {phone, "please stop", "replies", ""},
		{phone, "退订了吗", "replies", ""}, {phone, "", "replies", ""}, {phone, "。", "replies", ""},
		{"10086", "TD", "replies", ""}, {"106575550000", "T", "replies", ""}, {"Bank", "STOP", "replies", ""}, {"", "T", "replies", ""},
		{"+861065755500001", "T", "replies", ""}, {"+8675512345678", "T", "replies", ""},
	} {
		if rule, code := taken(DefaultRules(), one.from, one.text); rule != one.rule || code != one.code {
			t.Errorf("%q from %q: %q %q, want %q %q", one.text, one.from, rule, code, one.rule, one.code)
		}
	}
}

func TestPatternsHaveToFitTheWholeSenderAndTheWholeText(t *testing.T) {
	rules := []Rule{
		{Name: "a", Action: Forward, Sender: pattern(`955\d\d`), Body: pattern(`余额.*`)},
		{Name: "b", Action: Capture, Sender: pattern(`Shop`), Body: pattern(`.*单(\d+)，.*`)},
		{Name: "c", Action: OptOut, Body: pattern(`(?i)r|quit`)},
		{Name: "d", Action: Forward, Sender: pattern(`\+8613[0-9]{9}`), Body: pattern(`余额：.`)},
	}
	for _, one := range []struct{ from, text, rule, code string }{
		{"95588", "余额 1\n2", "a", ""}, {"955881", "余额 1", "", ""}, {"95588", "您的余额", "", ""}, {"９５５８８", "余额", "a", ""},
		{"Shop", "单123456，好", "b", "123456"}, {"Shop", "单1234567，好", "", ""}, {"Shop", "单123456", "", ""}, {"shop", "单123456，好", "", ""},
		{"13800138000", "QUIT", "c", ""}, {"13800138000", "Ｒ", "c", ""}, {"13800138000", "rr", "", ""}, {"13800138000", "TD", "", ""},
		{"13800138000", "余额：1", "d", ""}, {"13800138000", "余额:1", "", ""},
	} {
		if rule, code := taken(rules, one.from, one.text); rule != one.rule || code != one.code {
			t.Errorf("%q from %q: %q %q, want %q %q", one.text, one.from, rule, code, one.rule, one.code)
		}
	}
}

// Whoever can send a text can send any octets: rules answer soon, and never with what stands in no text.
func FuzzWhateverComesInIsJudgedSoonAndAlike(f *testing.F) {
	for _, text := range []string{
		"", "T", "123456", "１２３４５６", "\xff\xfe\x00", "退订\xe9", strings.Repeat("a", 5000) + "!", strings.Repeat("123456 ", 3000),
		strings.Repeat("﷽", 4000), "T\u200b", "\u202eDT", "123456\x00654321", strings.Repeat("\xff", 9000),
	} {
		f.Add("12381", text)
		f.Add("+8613800138000", text)
	}
	f.Add("\xff", "T")
	f.Add(strings.Repeat("1", 5000), "T")
	rules := append(DefaultRules(),
		Rule{Name: "worst", Action: Forward, Sender: pattern(`(?:a*)*b`), Body: pattern(`(?:a?){200}(?:a*)*(?:.*x)?(?:.*y)?b`)},
		Rule{Name: "group", Action: Capture, Sender: pattern(`.*`), Body: pattern(`.*?(\d{6}).*`)},
	)
	f.Fuzz(func(t *testing.T, from, text string) {
		began := time.Now()
		seen := See(from, text, "86")
		for _, r := range rules {
			code, ok := r.Matches(seen)
			if ok && r.Action == Capture && sixDigits(code) == "" || !ok && code != "" {
				t.Fatalf("%s: %q %t", r.Name, code, ok)
			}
			if code != "" && !strings.Contains(seen.Body, code) {
				t.Fatalf("%s found %q, which stands nowhere", r.Name, code)
			}
			if again, still := r.Matches(seen); again != code || still != ok {
				t.Fatalf("%s: two answers", r.Name)
			}
			if ok && (r.Action == OptOut || r.Action == OptIn) && seen.Number.IsZero() {
				t.Fatalf("%s: nobody opts out", r.Name)
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("took %s", took)
		}
		if !utf8.ValidString(seen.Sender+seen.Text+seen.Body) || utf8.RuneCountInString(seen.Text) > longest || utf8.RuneCountInString(seen.Body) > longest {
			t.Fatal("the form that rules look at is not what it says")
		}
	})
}

func TestAKeywordIsFoundHoweverItIsTypedAndNeverInASentence(t *testing.T) {
	words := []string{"T", "TD", "N", "退订", "拒收", "STOP", "UNSUBSCRIBE", "START", "恢复"}
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.SampledFrom(words).Draw(rt, "word")
		want := "stop"
		if word == "START" || word == "恢复" {
			want = "start"
		}
		typed := strings.Map(func(r rune) rune {
			switch {
			case r > 'Z':
			case rapid.Bool().Draw(rt, "wide"):
				return r + 0xFEE0
			case rapid.Bool().Draw(rt, "lower"):
				return r + 'a' - 'A'
			}
			return r
		}, word)
		round := rapid.SampledFrom([]string{"", " ", "。", "！", "\n", "."})
		if rule, _ := taken(DefaultRules(), "+8613800138000", round.Draw(rt, "before")+typed+round.Draw(rt, "behind")); rule != want {
			rt.Fatalf("%q is %q", typed, rule)
		}
		sentence := typed + rapid.StringMatching(`[a-zA-Z一-十]{1,9}`).Draw(rt, "more")
		if rule, _ := taken(DefaultRules(), "+8613800138000", sentence); rule != "replies" && !outWords[msisdn.Fold(sentence)] && !inWords[msisdn.Fold(sentence)] {
			rt.Fatalf("%q is %q", sentence, rule)
		}
	})
}

func TestTheDocsNameEveryKeywordAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../../docs/inbound.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, words := range map[string]map[string]bool{"| out | ": outWords, "| in again | ": inWords} {
		_, list, ok := strings.Cut(string(page), row)
		list, _, _ = strings.Cut(list, " |\n")
		if !ok || strings.Count(list, "`") != 2*len(words) {
			t.Errorf("%q lists %q", row, list)
		}
		for word := range words {
			if !strings.Contains(list, "`"+word+"`") {
				t.Errorf("%q does not list %s", row, word)
			}
		}
	}
}
