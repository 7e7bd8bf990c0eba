package verify

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"attestd/internal/claim"

	"pgregory.net/rapid"
)

func TestEveryTextIsOneSMSWithOneCodeInItWhateverTheSiteIsCalled(t *testing.T) {
	templates := Templates{}.withDefaults()
	rapid.Check(t, func(rt *rapid.T) {
		f := fill{
			code:     newCode(),
			site:     rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9]{1,80}\.example`), rapid.StringMatching(`[网站备案核验中心]{1,60}`), rapid.SampledFrom([]string{"工信部官网", "12381", "123456.com", "a{code}b"})).Draw(rt, "site"),
			deadline: time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "deadline"), 0), life: 24 * time.Hour,
		}
		for _, language := range []string{"zh", "en"} {
			texts := templates.in(language)
			for _, template := range []string{texts.Code, texts.CodeSite, texts.Resend} {
				text := templates.render(template, language, f)
				if templates.Segments(text) != 1 || !onlyCode(text, f.code) || claim.Ministry(strings.ReplaceAll(text, f.code, "")) || strings.Count(text, f.code) != 1 {
					rt.Fatalf("%q for the site %q and the code %s", text, f.site, f.code)
				}
				if strings.ContainsFunc(text, unicode.IsControl) {
					rt.Fatalf("%q", text)
				}
			}
		}
	})
}

func TestABadTemplateIsRefusedAtTheStartByItsKey(t *testing.T) {
	for _, one := range []struct {
		text, want string
	}{
		{"没有验证码", "must have {code} in it, once"},
		{"{code} {code}", "once"},
		{"{code} {name}", "braces round something else"},
		{"工信部核验码{code}", "claims to come from the ministry"},
		{"{code}，客服电话4001234567", "another run of six digits"},
		{"{code} ①②③④⑤⑥", "another run of six digits"},
		{"{code} 123\u200b456", "another run of six digits"},
		{"{code}" + strings.Repeat("长", 65), "takes 2 SMS"},
	} {
		_, err := New(newMemory(), openVault{}, DefaultPolicy(), Templates{ZH: Texts{Resend: one.text}})
		if err == nil || !strings.Contains(err.Error(), "verify.templates.zh.resend: ") || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%q: %v", one.text, err)
		}
	}
}

func TestNoFormOfTheMinistrysNameComesIntoATextAndOtherNamesAreSentAsWritten(t *testing.T) {
	b := newBench(t, nil)
	for _, name := range []string{"工\u200b信\u200b部", "ＭＩＩＴ", "⼯信部", "エ信部", "工 信 部", "1 2 3 8 1", "М\u0406\u0406Т", "①②③⑧①"} {
		if _, err := New(newMemory(), openVault{}, DefaultPolicy(), Templates{ZH: Texts{Code: name + "{code}"}}); err == nil || !strings.Contains(err.Error(), "ministry") {
			t.Errorf("%q passes in a template: %v", name, err)
		}
		if _, err := b.s.CreateChallenge(t.Context(), ChallengeRequest{Origin: "p", To: phoneA, Template: name + Placeholder, AsIs: true}); err == nil || !strings.Contains(err.Error(), "ministry") {
			t.Errorf("%q passes in a general template: %v", name, err)
		}
		templates := Templates{}.withDefaults()
		if text := templates.render(templates.ZH.CodeSite, "zh", fill{code: "012345", site: name, life: time.Hour}); !strings.HasPrefix(text, "网站") {
			t.Errorf("%q passes as a site: %q", name, text)
		}
	}
	templates := Templates{}.withDefaults()
	for _, name := range []string{"Ｅｘａｍｐｌｅ商城", "ｴｸｾﾙ", "Café①"} {
		if text := templates.render(templates.ZH.CodeSite, "zh", fill{code: "012345", site: name, life: time.Hour}); !strings.HasPrefix(text, name) {
			t.Errorf("%q is not sent as it was written: %q", name, text)
		}
	}
	// A code that is part of the ministry's number says nothing about the site.
	if text := templates.render(templates.ZH.CodeSite, "zh", fill{code: "123810", site: "a.example", life: time.Hour}); !strings.HasPrefix(text, "a.example") {
		t.Errorf("the code is taken for a claim: %q", text)
	}
}

func TestABadPolicyIsRefusedWithEveryFaultByItsKey(t *testing.T) {
	_, err := New(newMemory(), openVault{}, Policy{}, Templates{})
	for _, key := range []string{"default_language", "region", "life", "undeliverable_after", "max_sends", "max_wrong", "reject_on_lock"} {
		if err == nil || !strings.Contains(err.Error(), "verify."+key+": ") {
			t.Errorf("%s is not told: %v", key, err)
		}
	}
}

func TestTheSMSNamesTheSiteWhenThePhoneHasSeveralFilings(t *testing.T) {
	b := newBench(t, nil)
	r := two()
	r.Persons[0].Mobile = phoneB // one challenge, for a.example
	first := b.create(r).Challenges[0]
	r.Persons[1].Site = "第二个.example"
	second := b.create(r).Challenges[0]
	if strings.Contains(b.lastSMS(first).Text, "a.example") || !strings.Contains(b.lastSMS(second).Text, "第二个.example") {
		t.Errorf("%q, %q", b.lastSMS(first).Text, b.lastSMS(second).Text)
	}
}

func TestTheLifeOfACodeIsSaidInWordsAndNeverRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]Text{
		24 * time.Hour:                {"24小时", "24 hours"},
		time.Hour:                     {"1小时", "1 hour"},
		90 * time.Minute:              {"90分钟", "90 minutes"},
		time.Minute:                   {"1分钟", "1 minute"},
		119*time.Second + 30:          {"1分钟", "1 minute"},
		47*time.Hour + 59*time.Minute: {"47小时", "47 hours"},
	} {
		if got := lifeText(d); got != want {
			t.Errorf("%s: %+v", d, got)
		}
	}
}

func TestAWebOTPLineRepeatsTheCodeForTheBrowser(t *testing.T) {
	templates := Templates{WebOTP: "verify.example"}.withDefaults()
	if err := templates.check(); err != nil {
		t.Fatal(err)
	}
	text := templates.render(templates.ZH.Code, "zh", fill{code: "012345", life: time.Hour})
	if !strings.HasSuffix(text, "\n@verify.example #012345") || !onlyCode(text, "012345") || templates.Segments(text) != 1 {
		t.Errorf("%q", text)
	}
}

func TestOurOwnCountOfSegmentsKnowsBothAlphabets(t *testing.T) {
	for _, one := range []struct {
		text string
		want int
	}{
		{"", 1},
		{strings.Repeat("a", 160), 1}, {strings.Repeat("a", 161), 2}, {strings.Repeat("a", 307), 3},
		{strings.Repeat("€", 80), 1}, {strings.Repeat("€", 81), 2},
		{strings.Repeat("码", 70), 1}, {strings.Repeat("码", 71), 2}, {strings.Repeat("码", 135), 3},
		{strings.Repeat("😀", 35), 1}, {strings.Repeat("😀", 36), 2},
	} {
		if got := segments(one.text); got != one.want {
			t.Errorf("%d runes of %.4q: %d, want %d", len([]rune(one.text)), one.text, got, one.want)
		}
	}
}

func TestEveryResultHasWordsInBothLanguages(t *testing.T) {
	for _, r := range []Result{3, 31, 20, 2, 21, 4, 0, 100, 101, 102, 901, 902, 903, 904} {
		if m := r.Message(); m.ZH == "" || m.EN == "" || m.In("en-GB") != m.EN || m.In("zh-CN") != m.ZH {
			t.Errorf("%d: %+v", r, m)
		}
	}
}
