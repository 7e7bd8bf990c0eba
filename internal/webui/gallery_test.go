package webui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"attestd/internal/webui"
	"attestd/verify"

	"github.com/chromedp/chromedp"
)

// oracle gives every submission the same answer.
type oracle struct {
	mu     sync.Mutex
	answer verify.Answer
	asked  int
}

func (o *oracle) give() verify.Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	return o.answer
}

func (o *oracle) set(a verify.Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = a
}

func (o *oracle) Check(*http.Request, verify.CheckRequest) verify.Answer   { return o.give() }
func (o *oracle) Resend(*http.Request, verify.ResendRequest) verify.Answer { return o.give() }
func (o *oracle) Refuse(r verify.Result) verify.Answer                     { return verify.Answer{Result: r} }
func (o *oracle) Language(r *http.Request) string {
	if r.Header.Get("Accept-Language")[:2] == "en" {
		return "en"
	}
	return "zh"
}

func gallery(t *testing.T, o *oracle, options webui.Options) string {
	t.Helper()
	options.Rules = func() webui.Rules { return webui.Rules{Life: 24 * time.Hour, MaxWrong: 5} }
	options.Repeat = 10 * time.Second
	mux := http.NewServeMux()
	webui.New(o, options).Mount(mux.Handle)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestEveryResultCanBeReadAndTappedInBothLanguagesAndSchemes(t *testing.T) {
	browser := chromium(t)
	o := &oracle{}
	base := gallery(t, o, webui.Options{
		Name: "云启备案中心", NameEN: "Yunqi Filing Centre", Help: "咨询电话：400-000-0000（工作日9:00至18:00）", HelpEN: "Questions? Call 400-000-0000 on working days, 9:00 to 18:00.",
		Logo:     []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#c0392b"/></svg>`),
		LogoType: "image/svg+xml",
	})
	two := 2
	answers := []verify.Answer{
		{Result: verify.ResultPassed, OK: true}, {Result: verify.ResultVerified, OK: true}, {Result: verify.ResultAlready}, {Result: verify.ResultWrong, TriesLeft: &two},
		{Result: verify.ResultFinal, Reason: "too_many_attempts"}, {Result: verify.ResultNoRecord},
		{Result: verify.ResultFailed, Fields: []verify.FieldError{{Field: "code"}, {Field: "mobile"}, {Field: "certificate_tail"}}},
		{Result: verify.ResultNothingToSend}, {Result: verify.ResultSent, OK: true}, {Result: verify.ResultSendCap},
		{Result: verify.ResultWait, Wait: 245 * time.Second}, {Result: verify.ResultRateLimited, Wait: 3700 * time.Second},
		{Result: verify.ResultProofRequired}, {Result: verify.ResultUnavailable, Wait: 5 * time.Second},
	}
	for _, s := range []seat{
		{name: "gallery-phone-zh", lang: "zh", width: 390, height: 844},
		{name: "gallery-phone-en-dark", lang: "en", width: 390, height: 844, dark: true},
		{name: "gallery-small-en", lang: "en", width: 320, height: 568}, // WCAG 2.2 1.4.10: 320 pixels without scrolling sideways
		{name: "gallery-desktop-zh-dark", lang: "zh", width: 1280, height: 800, dark: true},
	} {
		b := open(t, browser, s, base)
		b.visit("/")
		b.check("start")
		b.visit("/resend")
		b.check("resend")
		for _, a := range answers {
			o.set(a)
			path := "/verify"
			if a.Result >= verify.ResultNothingToSend && a.Result <= verify.ResultSendCap {
				path = "/resend"
			}
			b.visit(path)
			if path == "/verify" {
				b.fill("code", "048213")
			}
			b.fill("mobile", "13800138000", "certificate_tail", "31002X")
			if got := b.send(); got != strconv.Itoa(int(a.Result)) {
				t.Errorf("%s: result %s, want %d", s, got, a.Result)
			}
			if !eval[bool](b, `document.activeElement.id === 'outcome'`) {
				t.Errorf("%s: %d does not take the focus, so a screen reader does not tell it", s, a.Result)
			}
			b.check(fmt.Sprint(int(a.Result)))
		}
	}
}

func TestThePageAsksForLittle(t *testing.T) {
	browser := chromium(t)
	b := open(t, browser, seats()[0], gallery(t, &oracle{}, webui.Options{Work: true}))
	b.visit("/")
	b.check("weight")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.carried == 0 || b.carried > 60_000 || len(b.asked) > 4 {
		t.Errorf("%.0f bytes, %v", b.carried, b.asked)
	}
	t.Logf("%.0f bytes with headers, %d requests", b.carried, len(b.asked))
}

func TestAViolationOfThePolicyWouldBeSeen(t *testing.T) {
	browser := chromium(t)
	b := open(t, browser, seats()[0], gallery(t, &oracle{}, webui.Options{}))
	b.visit("/")
	eval[bool](b, `(() => { const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s); return true })()`)
	if eval[bool](b, `window.ran === true`) {
		t.Error("an inline script ran")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) == 0 {
		t.Error("the tests hear nothing of violations")
	}
}

func TestADoubleClickSendsOnceAndAWaitIsCountedDown(t *testing.T) {
	browser := chromium(t)
	o := &oracle{answer: verify.Answer{Result: verify.ResultWait, Wait: 2 * time.Second}}
	b := open(t, browser, seats()[0], gallery(t, o, webui.Options{Work: true}))
	b.visit("/")
	b.fill("code", "048213", "mobile", "13800138000", "certificate_tail", "31002X")
	b.follow("#send") // the pass of the first page is spent
	if !eval[bool](b, `document.getElementById('send').disabled`) {
		t.Error("the button must wait")
	}
	b.do(chromedp.WaitEnabled(chromedp.CSS("#send")))
	b.shows("现在可以重新提交")
	before := o.asked
	eval[bool](b, `(() => { const s = document.getElementById('send'); setTimeout(() => { s.click(); s.click(); s.click() }, 50); return true })()`)
	b.do(chromedp.WaitVisible(chromedp.CSS("#wait strong")))
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.asked != before+1 || b.posts != 2 {
		t.Errorf("asked %d times, %d posts", o.asked-before, b.posts-1)
	}
}
