package webui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"attestd/verify"
)

func TestAPathThatThereIsNotIsToldInBothLanguagesAndLeadsBackFromAnyDepth(t *testing.T) {
	d := &desk{lang: "zh"}
	p, _ := site(d, Options{Name: "云备案", NameEN: "Cloud Filing", Help: "客服：400-000-0000", Logo: []byte("<svg/>"), LogoType: "image/svg+xml"})
	for path, up := range map[string]string{"/nothing": "", "/a/b/c": "../../", "/": ""} {
		for lang, words := range languages {
			w := httptest.NewRecorder()
			p.Nowhere().ServeHTTP(w, httptest.NewRequest("GET", path+"?lang="+lang, nil))
			body := w.Body.String()
			if w.Code != http.StatusNotFound || !strings.Contains(body, "<h1>"+words.NowhereHead+"</h1>") || !strings.Contains(body, `href="`+up+"verify?lang="+lang+`"`) ||
				!strings.Contains(body, `href="`+up+"assets/") || !strings.Contains(body, map[string]string{"zh": "云备案", "en": "Cloud Filing"}[lang]) || strings.Contains(body, "<form") {
				t.Errorf("%s in %s: %d %s", path, lang, w.Code, body)
			}
			if w.Header().Get("Content-Security-Policy") != policy {
				t.Error(w.Header())
			}
		}
	}
}

func TestTheResultIsTheOneTitleAndTheFocusGoesToWhatIsToBeCorrected(t *testing.T) {
	d := &desk{lang: "en"}
	_, h := site(d, Options{})
	two := 2
	for _, one := range []struct {
		answer  verify.Answer
		focus   string // the field that has it, "" for the result
		invalid bool
	}{
		{verify.Answer{Result: 2, TriesLeft: &two}, "code", true}, {verify.Answer{Result: 4}, "mobile", false},
		{verify.Answer{Result: 0, Fields: []verify.FieldError{{Field: "certificate_tail"}}}, "certificate_tail", true},
		{verify.Answer{Result: 901, Wait: 1e9}, "", false}, {verify.Answer{Result: 21}, "", false}, {verify.Answer{Result: 31}, "", false},
	} {
		d.answer = one.answer
		body := post(h, "/verify", filled(t, h, "/", false)).Body.String()
		title := english.results[one.answer.Result].title
		if strings.Count(body, "<h1>") != 1 || !strings.Contains(body, "<h1>"+title+"</h1>") || !strings.Contains(body, "<title>"+title+" - ") || strings.Count(body, "autofocus") != 1 {
			t.Errorf("%d: %s", one.answer.Result, body)
		}
		if one.focus == "" {
			if !strings.Contains(body, `tabindex="-1" autofocus`) {
				t.Errorf("%d: the result has not the focus", one.answer.Result)
			}
			continue
		}
		field := body[strings.Index(body, `<input id="`+one.focus+`"`):]
		field = field[:strings.Index(field, ">")]
		if !strings.Contains(field, "autofocus") || strings.Contains(field, "aria-invalid") != one.invalid || one.answer.Result != 0 && !strings.Contains(field, `aria-describedby="told `) {
			t.Errorf("%d: %s", one.answer.Result, field)
		}
	}
}

func TestTheCodeFieldIsShapedForSixDigitsAndWhoseThePageIsIsSaid(t *testing.T) {
	_, h := site(&desk{}, Options{Name: "云备案", Help: "客服：400-000-0000"})
	body := get(h, "/").Body.String()
	for _, want := range []string{`<div class="cells"><input id="code"`, `inputmode="numeric" autocomplete="one-time-code"`, "本页由云备案提供", "客服：400-000-0000", "<h1>" + chinese.HeadVerify + "</h1>"} {
		if !strings.Contains(body, want) {
			t.Errorf("it lacks %q:\n%s", want, body)
		}
	}
	if strings.Index(body, `id="code"`) > strings.Index(body, `id="mobile"`) || strings.Contains(get(h, "/?lang=en").Body.String(), "certificate ") {
		t.Error("the code is not first, or a certificate is spoken of")
	}
}
