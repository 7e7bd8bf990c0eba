package webui_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"attestd/internal/proof"
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
func (o *oracle) Bits() int                                                { return proof.Bits }
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
	page := webui.New(o, options)
	page.Mount(mux.Handle)
	mux.Handle("/", page.Nowhere())
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// branded is a page as an operator may have it.
var branded = webui.Options{
	Name: "云启备案中心", NameEN: "Yunqi Filing Centre", Help: "咨询电话：400-000-0000（工作日9:00至18:00）", HelpEN: "Questions? Call 400-000-0000 on working days, 9:00 to 18:00.",
	Logo:     []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#c0392b"/></svg>`),
	LogoType: "image/svg+xml",
}

// everyAnswer is every result, with what can come with it; those that leave the form first.
func everyAnswer() []verify.Answer {
	two, soon := 2, time.Now().Add(23*time.Hour)
	return []verify.Answer{
		{Result: verify.ResultWrong, TriesLeft: &two, Deadline: soon}, {Result: verify.ResultNoRecord},
		{Result: verify.ResultFailed, Fields: []verify.FieldError{{Field: "code"}, {Field: "mobile"}, {Field: "certificate_tail"}}},
		{Result: verify.ResultProofRequired}, {Result: verify.ResultUnavailable},
		{Result: verify.ResultWait, Wait: 245 * time.Second}, {Result: verify.ResultRateLimited, Wait: 3700 * time.Second},
		{Result: verify.ResultPassed, OK: true}, {Result: verify.ResultVerified, OK: true}, {Result: verify.ResultAlready},
		{Result: verify.ResultFinal, Reason: "too_many_attempts"},
		{Result: verify.ResultNothingToSend}, {Result: verify.ResultSent, OK: true, Deadline: soon}, {Result: verify.ResultSendCap},
	}
}

// ask submits a form that gets this answer.
func (b *tab) ask(o *oracle, a verify.Answer) {
	b.t.Helper()
	o.set(a)
	resend := a.Result >= verify.ResultNothingToSend && a.Result <= verify.ResultSendCap
	if resend || !eval[bool](b, `location.pathname === '/verify' && document.getElementById('send')?.disabled === false`) {
		b.visit(map[bool]string{false: "/verify", true: "/resend"}[resend])
	}
	if !resend {
		b.enter("code", "048213")
	}
	b.enter("mobile", "13800138000")
	b.enter("certificate_tail", "31002X")
	if got := b.send(); got != strconv.Itoa(int(a.Result)) {
		b.t.Errorf("%s: result %s, want %d", b.seat, got, a.Result)
	}
}

func TestEveryResultCanBeReadAndTappedInBothLanguagesAndSchemes(t *testing.T) {
	browser := chromium(t)
	for _, s := range []seat{
		{name: "gallery-phone-zh", lang: "zh", width: 390, height: 844},
		{name: "gallery-phone-en-dark", lang: "en", width: 390, height: 844, dark: true},
		{name: "gallery-small-en", lang: "en", width: 320, height: 568}, // WCAG 2.2 1.4.10: 320 pixels without scrolling sideways
		{name: "gallery-small-zh-dark", lang: "zh", width: 320, height: 568, dark: true},
		{name: "gallery-desktop-zh-dark", lang: "zh", width: 1280, height: 800, dark: true},
		{name: "gallery-desktop-en-nojs", lang: "en", width: 1280, height: 800, noScript: true},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := &oracle{}
			b := open(t, browser, s, gallery(t, o, branded))
			for _, path := range []string{"/", "/resend", "/contact"} {
				b.visit(path)
				b.check("start" + strings.ReplaceAll(path, "/", "-"))
				b.stretch()
			}
			for _, a := range everyAnswer() {
				b.ask(o, a)
				// So that a screen reader tells it: the result has the focus, or the field that it is about and is
				// described by it.
				b.do(chromedp.WaitVisible(chromedp.CSS("#outcome:focus, [aria-describedby^=told]:focus, [aria-invalid]:focus")))
				b.check(fmt.Sprint(int(a.Result)))
				if s.width < 600 || a.Result == verify.ResultWrong {
					b.stretch()
				}
			}
			t.Logf("the lowest contrast of text is %.2f", b.least)
		})
	}
}

func TestThePageAsksForLittle(t *testing.T) {
	browser := chromium(t)
	largest := bytes.Repeat([]byte(" "), 24<<10) // config.Page takes no larger logo
	copy(largest, branded.Logo)
	for name, c := range map[string]struct {
		options  webui.Options
		requests int
	}{
		"plain":                 {webui.Options{Work: true}, 4}, // page, style, script, icon
		"with the largest logo": {webui.Options{Work: true, Name: "云启备案中心", Help: branded.Help, Logo: largest, LogoType: branded.LogoType}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, browser, seats()[0], gallery(t, &oracle{answer: verify.Answer{Result: verify.ResultWrong}}, c.options))
			b.visit("/")
			b.check("weight")
			first := b.weight()
			if len(b.asked) > c.requests || first == 0 || first > 60_000 {
				t.Errorf("%.0f bytes, %v", first, b.asked)
			}
			b.fill("code", "048213", "mobile", "13800138000", "certificate_tail", "31002X")
			b.send()
			b.follow(".tabs a")
			b.fill("mobile", "13800138000", "certificate_tail", "31002X")
			b.send()
			all := b.weight()
			if all > 60_000 {
				t.Errorf("%.0f bytes for both tabs and two answers", all)
			}
			t.Logf("%.0f bytes with headers at first, %.0f for both tabs and two answers", first, all)
		})
	}
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
