package verify

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"attestd/internal/claim"
)

// Texts are the SMS texts of one language. {code}, {site}, {deadline} and {life} are filled in.
type Texts struct {
	Code     string
	CodeSite string // when the phone has several filings
	Resend   string
}

// Templates are the texts of all codes. An empty text stands for the default one.
type Templates struct {
	ZH, EN   Texts
	Zone     *time.Location        // of {deadline}; nil for China's
	WebOTP   string                // a host: adds the line "@host #code" (origin-bound one-time codes)
	Segments func(text string) int // how many SMS a text takes; nil for a count of our own
	Long     bool                  // a text may take more than one SMS
}

// DefaultTemplates are the texts of a configuration that says nothing.
func DefaultTemplates() Templates {
	return Templates{
		ZH: Texts{
			Code:     "备案核验码：{code}，请在收到后{life}内填写，勿告诉他人。",
			CodeSite: "{site}备案核验码：{code}，请在收到后{life}内填写，勿告诉他人。",
			Resend:   "{site}备案核验码：{code}（重发），{deadline}前有效，勿告诉他人。",
		},
		EN: Texts{
			Code:     "Filing code: {code}. Enter it within {life} of receipt. Share it with nobody.",
			CodeSite: "Filing code for {site}: {code}. Enter it within {life} of receipt. Share it with nobody.",
			Resend:   "Filing code for {site}: {code} (sent again). Valid until {deadline}, Beijing time. Share it with nobody.",
		},
	}
}

func (t Templates) withDefaults() Templates {
	d := DefaultTemplates()
	for _, p := range []struct {
		text *string
		or   string
	}{
		{&t.ZH.Code, d.ZH.Code}, {&t.ZH.CodeSite, d.ZH.CodeSite}, {&t.ZH.Resend, d.ZH.Resend},
		{&t.EN.Code, d.EN.Code}, {&t.EN.CodeSite, d.EN.CodeSite}, {&t.EN.Resend, d.EN.Resend},
	} {
		if strings.TrimSpace(*p.text) == "" {
			*p.text = p.or
		}
	}
	if t.Zone == nil {
		t.Zone = time.FixedZone("CST", 8*60*60)
	}
	if t.Segments == nil {
		t.Segments = segments
	}
	return t
}

// fill is what goes into a template.
type fill struct {
	code, site string
	deadline   time.Time
	life       time.Duration
}

// unread is the same without the digits of the code, which may well be those of a number.
func (f fill) unread() fill {
	f.code = "{code}"
	return f
}

// check fills every template with the longest that the rules put in and sees that the rules hold.
func (t Templates) check() error {
	var errs []error
	for _, p := range t.Previews() {
		if p.Fault != "" {
			errs = append(errs, fmt.Errorf("%s: %s", p.path(), p.Fault))
		}
	}
	for _, language := range []string{"zh", "en"} {
		for r, text := range resultTexts {
			if t.Segments(text.In(language)) != 1 {
				errs = append(errs, fmt.Errorf("verify: the %s text of result %d takes more than one SMS", language, r))
			}
		}
	}
	return errors.Join(errs...)
}

func (t Templates) fault(template, language string, worst fill) string {
	text := t.put(template, language, worst)
	rest := strings.NewReplacer("{code}", "", "{site}", "", "{deadline}", "", "{life}", "").Replace(template)
	switch {
	case strings.Count(template, "{code}") != 1:
		return "must have {code} in it, once"
	case strings.ContainsAny(rest, "{}"):
		return "has braces round something else than {code}, {site}, {deadline} or {life}"
	case claim.Ministry(t.put(template, language, worst.unread())):
		return "claims to come from the ministry: name your own service"
	case !onlyCode(text, worst.code):
		return "has another run of six digits or more beside the code"
	case !t.fits(text):
		return fmt.Sprintf("takes %d SMS when filled in; shorten it to 70 characters (160 if all are in the GSM alphabet), or allow it with verify.templates.long = true", t.Segments(text))
	}
	return ""
}

// fits says whether a text is as long as it may be: one SMS, unless more were allowed.
func (t Templates) fits(text string) bool { return t.Long || t.Segments(text) == 1 }

func (t Templates) in(language string) Texts {
	if language == "en" {
		return t.EN
	}
	return t.ZH
}

// render makes the text of a code's SMS. A site whose name does not fit one SMS is shortened, then replaced.
func (t Templates) render(template, language string, f fill) string {
	site := plainSite(f.site)
	if claim.Ministry(site) { // half of its name reads as the whole
		site = ""
	}
	for short := site; short != ""; short = shorten(short) {
		f.site = short
		if text := t.put(template, language, f); t.fits(text) && onlyCode(text, f.code) && !claim.Ministry(t.put(template, language, f.unread())) {
			return text
		}
	}
	f.site = ""
	return t.put(template, language, f)
}

func (t Templates) put(template, language string, f fill) string {
	deadline := f.deadline.In(t.Zone)
	when := deadline.Format("1月2日15:04")
	if language == "en" {
		when = deadline.Format("15:04 on 2 Jan")
	}
	if f.site == "" {
		f.site = Text{ZH: "网站", EN: "your site"}.In(language)
	}
	text := strings.NewReplacer("{code}", f.code, "{site}", f.site, "{deadline}", when, "{life}", lifeText(f.life).In(language)).Replace(template)
	if t.WebOTP != "" {
		text += "\n@" + t.WebOTP + " #" + f.code
	}
	return text
}

// lifeText says a span in whole hours, or in minutes where it is none; rounded down, never more than there is.
func lifeText(d time.Duration) Text {
	if hours := int(d / time.Hour); hours > 0 && (d%time.Hour == 0 || hours >= 24) {
		return Text{ZH: fmt.Sprintf("%d小时", hours), EN: plural(hours, "hour")}
	}
	minutes := int(d / time.Minute)
	return Text{ZH: fmt.Sprintf("%d分钟", minutes), EN: plural(minutes, "minute")}
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// plainSite keeps what a site's name can be in a text: no control characters, and no run of digits that a phone or a
// person could take for the code.
func plainSite(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
	var b strings.Builder
	digits := 0
	for _, r := range s {
		if digits++; !unicode.IsDigit(r) {
			digits = 0
		}
		if digits < codeLength {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shorten takes a rune off and marks the place; it comes to "" in the end.
func shorten(s string) string {
	s = strings.TrimSuffix(s, "…")
	_, size := utf8.DecodeLastRuneInString(s)
	s = s[:len(s)-size]
	if s == "" {
		return ""
	}
	return s + "…"
}

// onlyCode says whether every run of six digits or more is the code, so that a phone offers the right one.
func onlyCode(text, code string) bool {
	found := false
	for _, run := range strings.FieldsFunc(claim.Digits(text), func(r rune) bool { return !unicode.IsDigit(r) }) {
		if utf8.RuneCountInString(run) < codeLength {
			continue
		}
		if run != code {
			return false
		}
		found = true
	}
	return found
}

// The GSM 7-bit default alphabet and its extension table, TS 23.038 6.2.1.
const (
	gsmBasic     = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// segments counts the SMS of a text: 160 septets or 70 UTF-16 units in one, 153 or 67 in each of several.
func segments(text string) int {
	septets := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			septets++
		case strings.ContainsRune(gsmExtension, r):
			septets += 2
		default:
			return parts(len(utf16.Encode([]rune(text))), 70, 67)
		}
	}
	return parts(septets, 160, 153)
}

func parts(units, one, each int) int {
	if units <= one {
		return 1
	}
	return (units + each - 1) / each
}
