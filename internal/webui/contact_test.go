package webui

import (
	"net/url"
	"strings"
	"testing"

	"attestd/verify"
)

func TestAContactCheckIsEnteredWithoutATailInBothLanguages(t *testing.T) {
	for lang, want := range map[string][3]string{
		"zh": {"无需填写证件号码", "自查已经完成", "自查记录不符"},
		"en": {"No ID document is asked for", "The contact check is complete", "no contact check that waits"},
	} {
		d := &desk{answer: verify.Answer{Result: verify.ResultPassed, OK: true}}
		_, h := site(d, Options{})
		path := "/contact?lang=" + lang
		form := get(h, path).Body.String()
		if !strings.Contains(form, want[0]) || strings.Contains(form, "certificate_tail") || !strings.Contains(form, `action="contact?lang=`+lang+`"`) {
			t.Errorf("%s: the form is\n%s", lang, form)
		}
		if start := get(h, "/?lang="+lang).Body.String(); !strings.Contains(start, `href="contact?lang=`+lang+`"`) || !strings.Contains(start, `name="certificate_tail"`) {
			t.Errorf("%s: the start page does not lead there\n%s", lang, start)
		}
		entries := filled(t, h, path, false) // whatever a program hands in as a tail
		w := post(h, path, entries)
		if got := w.Body.String(); !strings.Contains(got, want[1]) || !strings.Contains(got, `href="contact?lang=`+lang+`"`) {
			t.Errorf("%s: passed is told as\n%s", lang, got)
		}
		if len(d.checks) != 1 || !d.checks[0].NoTail || d.checks[0].Tail != "" || d.checks[0].Code != "048213" {
			t.Errorf("%s: asked %+v", lang, d.checks)
		}
		d.answer = verify.Answer{Result: verify.ResultNoRecord}
		again := url.Values{"page": filled(t, h, path, false)["page"], "code": {"048214"}, "mobile": {"13800138000"}}
		if got := post(h, path, again).Body.String(); !strings.Contains(got, want[2]) || strings.Contains(got, "certificate_tail") {
			t.Errorf("%s: no record is told as\n%s", lang, got)
		}
		if ordinary := post(h, "/verify?lang="+lang, filled(t, h, "/", false)); result(ordinary) != "4" || d.checks[len(d.checks)-1].NoTail {
			t.Errorf("%s: the other form says that no tail is asked for", lang)
		}
	}
}
