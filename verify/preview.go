package verify

import (
	"fmt"
	"time"
)

// Preview is a template filled in with the longest that the rules put in.
type Preview struct {
	Language string // zh, en
	Key      string // code, code_site, resend
	Template string
	Text     string
	Fault    string // what is wrong with it; "" for nothing
}

// longest is the longest that goes into a template of a language. Names of sites that are longer are shortened to fit.
func (t Templates) longest(language string) fill {
	f := fill{code: worstCode, site: "中文网站名称八字", deadline: time.Date(2026, 12, 30, 23, 59, 0, 0, t.Zone), life: 719*time.Hour + 59*time.Minute}
	if language == "en" {
		f.site = "a.example"
	}
	return f
}

// Previews fills in every template, empty ones being the default ones.
func (t Templates) Previews() (all []Preview) {
	t = t.withDefaults()
	for _, language := range []string{"zh", "en"} {
		texts, worst := t.in(language), t.longest(language)
		for _, one := range []struct{ key, text string }{{"code", texts.Code}, {"code_site", texts.CodeSite}, {"resend", texts.Resend}} {
			all = append(all, Preview{language, one.key, one.text, t.put(one.text, language, worst), t.fault(one.text, language, worst)})
		}
	}
	return all
}

func (p Preview) path() string { return fmt.Sprintf("verify.templates.%s.%s", p.Language, p.Key) }
