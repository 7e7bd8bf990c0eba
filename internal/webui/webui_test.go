package webui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/proof"
	"attestd/verify"
)

// desk answers what it is told to, and remembers what it was asked.
type desk struct {
	answer  verify.Answer
	checks  []verify.CheckRequest
	resends []verify.ResendRequest
	refused []verify.Result
	lang    string
	more    int // zero bits that the whole site asks for besides
}

func (d *desk) Check(_ *http.Request, q verify.CheckRequest) verify.Answer {
	d.checks = append(d.checks, q)
	return d.answer
}

func (d *desk) Resend(_ *http.Request, q verify.ResendRequest) verify.Answer {
	d.resends = append(d.resends, q)
	return d.answer
}

func (d *desk) Refuse(r verify.Result) verify.Answer {
	d.refused = append(d.refused, r)
	return verify.Answer{Result: r, OK: r.OK(), Message: r.Message()}
}

func (d *desk) Bits() int { return proof.Bits + d.more }

func (d *desk) Language(*http.Request) string { return d.lang }

func rules() Rules { return Rules{Life: 24 * time.Hour, MaxWrong: 5} }

// site is a page on a mux.
func site(d *desk, o Options) (*Page, http.Handler) {
	o.Rules = rules
	if o.Repeat == 0 {
		o.Repeat = 10 * time.Second
	}
	p, mux := New(d, o), http.NewServeMux()
	p.Mount(mux.Handle)
	return p, mux
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func post(h http.Handler, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, one := range headers {
		name, value, _ := strings.Cut(one, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var passOf = regexp.MustCompile(`name="page" value="([^"]+)"`)

// filled is the form of a page, filled in; its work done if done.
func filled(t *testing.T, h http.Handler, path string, done bool) url.Values {
	t.Helper()
	m := passOf.FindStringSubmatch(get(h, path).Body.String())
	if m == nil {
		t.Fatal("no pass in the page")
	}
	form := url.Values{"page": {m[1]}, "code": {"048213"}, "mobile": {"13800138000"}, "certificate_tail": {"31002X"}}
	if done {
		form.Set("proof", solve(m[1]))
	}
	return form
}

func solve(pass string) string {
	for n := 0; ; n++ {
		if number := strconv.Itoa(n); proof.Work(pass, number) >= proof.Bits {
			return number
		}
	}
}

func result(w *httptest.ResponseRecorder) string {
	if m := regexp.MustCompile(`data-result="(\d+)"`).FindStringSubmatch(w.Body.String()); m != nil {
		return m[1]
	}
	return "none"
}

var allResults = []verify.Result{
	verify.ResultPassed, verify.ResultVerified, verify.ResultAlready, verify.ResultWrong, verify.ResultFinal, verify.ResultNoRecord, verify.ResultFailed,
	verify.ResultNothingToSend, verify.ResultSent, verify.ResultSendCap, verify.ResultWait, verify.ResultRateLimited, verify.ResultProofRequired, verify.ResultUnavailable,
}

func TestEveryResultIsToldInBothLanguagesWithItsNextStep(t *testing.T) {
	d := &desk{}
	_, h := site(d, Options{})
	for _, r := range allResults {
		for _, lang := range []string{"zh", "en"} {
			d.answer = verify.Answer{Result: r, OK: r.OK()}
			w := post(h, "/verify?lang="+lang, filled(t, h, "/verify", false))
			said, ok := languages[lang].results[r]
			if !ok || said.title == "" || said.text == "" && r != verify.ResultWrong || said.next == "" {
				t.Errorf("%d has no words in %s", r, lang)
			}
			body := w.Body.String()
			if w.Code != 200 || result(w) != strconv.Itoa(int(r)) || !strings.Contains(body, said.title) || !strings.Contains(body, said.next) {
				t.Errorf("%d in %s: %d %s", r, lang, w.Code, result(w))
			}
			if form := strings.Contains(body, "<form"); form == (r == 3 || r == 31 || r == 20 || r == 21 || r == 100 || r == 101 || r == 102) {
				t.Errorf("%d: form shown %v", r, form)
			}
		}
	}
}

func TestTriesAreToldOnlyWhenVerifyTellsThem(t *testing.T) {
	d := &desk{lang: "en"}
	_, h := site(d, Options{})
	three, one := 3, 1
	for _, c := range []struct {
		left *int
		says string
	}{{&three, "3 tries are left."}, {&one, "One try is left"}, {nil, ""}} {
		d.answer = verify.Answer{Result: verify.ResultWrong, TriesLeft: c.left}
		body := post(h, "/verify", filled(t, h, "/", false)).Body.String()
		if c.says != "" && !strings.Contains(body, c.says) || c.left == nil && strings.Contains(body, "tries are left") {
			t.Errorf("want %q", c.says)
		}
	}
}

func TestTheReasonOfAFailureAndTheWaitAreTold(t *testing.T) {
	d := &desk{lang: "en"}
	_, h := site(d, Options{})
	for _, reason := range []string{verify.ReasonExpired, verify.ReasonTooManyAttempts, verify.ReasonUndeliverable, verify.ReasonFilingClosed, verify.ReasonCancelled, verify.ReasonSuperseded, verify.ReasonAmended} {
		d.answer = verify.Answer{Result: verify.ResultFinal, Reason: reason}
		for tag, w := range languages {
			why := w.reasons[reason]
			body := post(h, "/verify?lang="+tag, filled(t, h, "/", false)).Body.String()
			if why.text == "" || !strings.Contains(body, why.text) || !strings.Contains(body, or(why.next, w.results[verify.ResultFinal].next)) {
				t.Errorf("%s is not told in %s, with what to do", reason, tag)
			}
		}
	}
	left := 4
	d.answer = verify.Answer{Result: verify.ResultWrong, TriesLeft: &left, Deadline: time.Now().Add(90*time.Minute + 30*time.Second)}
	if body := post(h, "/verify", filled(t, h, "/", false)).Body.String(); !strings.Contains(body, "another 1 h 30 min.") {
		t.Error("the time left is not told")
	}
	d.answer = verify.Answer{Result: verify.ResultWait, Wait: 245 * time.Second}
	w := post(h, "/resend", filled(t, h, "/resend", false))
	if !strings.Contains(w.Body.String(), "4 min 5 s") || !strings.Contains(w.Body.String(), `data-seconds="245"`) || w.Header().Get("Retry-After") != "245" {
		t.Error(w.Body.String())
	}
	for d, want := range map[time.Duration]string{0: "0秒", time.Second: "1秒", time.Minute: "1分", 3661 * time.Second: "1小时1分1秒", 24 * time.Hour: "24小时"} {
		if got := chinese.span(d); got != want {
			t.Errorf("%s is %q", d, got)
		}
	}
}

func TestWhatIsMalformedIsMarkedAtItsField(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultFailed, Fields: []verify.FieldError{{Field: "mobile", Message: "x"}}}}
	_, h := site(d, Options{})
	body := post(h, "/verify", filled(t, h, "/", false)).Body.String()
	if !strings.Contains(body, `aria-describedby="mobile-fault" aria-invalid="true"`) || !strings.Contains(body, chinese.MobileFault) || strings.Contains(body, chinese.CodeFault) {
		t.Error(body)
	}
	if !strings.Contains(body, `value="048213"`) {
		t.Error("what was not judged must be kept")
	}
}

func TestACodeThatWasJudgedIsNotRepeatedAndNothingStandsInAnAddress(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultWrong}}
	_, h := site(d, Options{})
	w := post(h, "/verify?lang=en", filled(t, h, "/", false))
	body := w.Body.String()
	if strings.Contains(body, "048213") {
		t.Error("the code is in the answer")
	}
	for _, m := range regexp.MustCompile(`(href|action|src)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if strings.ContainsAny(m[2], "&:") || strings.Contains(m[2], "138") || strings.Contains(m[2], "?") && !strings.Contains(m[2], "?lang=") {
			t.Errorf("address %q", m[2])
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Content-Security-Policy": policy, "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "Content-Language": "en", "Vary": "Accept-Language"} {
		if w.Header().Get(name) != want {
			t.Errorf("%s is %q", name, w.Header().Get(name))
		}
	}
	if w.Header().Get("Set-Cookie") != "" {
		t.Error("a cookie was set")
	}
}

func TestWhatIsTypedIsShownAsTextOnly(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultNoRecord}}
	_, h := site(d, Options{Name: `<b>"n"</b>`, Help: "<script>1</script>"})
	form := filled(t, h, "/", false)
	form.Set("mobile", `"><script>alert(1)</script>`)
	body := post(h, "/verify", form).Body.String()
	if strings.Contains(body, "<script>") || strings.Contains(body, "<b>") {
		t.Error(body)
	}
}

func TestAFormWithoutProofOrWithAnothersIsAskedForOne(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultVerified}}
	p, h := site(d, Options{Work: true})
	form := filled(t, h, "/", false)
	if w := post(h, "/verify", form); result(w) != "903" || !strings.Contains(w.Body.String(), `id="sum"`) || strings.Contains(w.Body.String(), "<noscript>") {
		t.Error("no proof: ", result(w))
	}
	form.Set("proof", "1")
	if w := post(h, "/verify", form); result(w) != "903" {
		t.Error("wrong proof: ", result(w))
	}
	form.Set("page", strings.Repeat("A", 43))
	if w := post(h, "/verify", form); result(w) != "903" || !strings.Contains(w.Body.String(), chinese.staleTitle) {
		t.Error("forged pass: ", result(w))
	}
	if len(d.checks) != 0 {
		t.Fatal("verify was asked")
	}
	form = filled(t, h, "/", true)
	if w := post(h, "/verify", form); result(w) != "31" || d.checks[0].Code != "048213" || d.checks[0].Mobile != "13800138000" || d.checks[0].Tail != "31002X" || d.checks[0].Via != "web" || d.checks[0].Work < proof.Bits {
		t.Error("right proof: ", result(w), d.checks)
	}
	form = filled(t, h, "/", false)
	a, b := p.passes.Sum(form.Get("page"))
	form.Set("sum", " "+string(rune('０'+(a+b)/10))+strconv.Itoa((a+b)%10))
	if w := post(h, "/verify", form); result(w) != "31" {
		t.Error("right sum, full width: ", result(w))
	}
}

func TestAProofIsGoodForOneSubmissionAndForItsSecondClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{answer: verify.Answer{Result: verify.ResultWrong}}
		_, h := site(d, Options{Work: true})
		form := filled(t, h, "/", true)
		for range 2 {
			if w := post(h, "/verify", form); result(w) != "2" {
				t.Error(result(w))
			}
		}
		other, _ := url.ParseQuery(form.Encode())
		other.Set("code", "048214")
		if w := post(h, "/verify", other); result(w) != "903" {
			t.Error("another guess with the same proof: ", result(w))
		}
		if w := post(h, "/resend", form); result(w) != "903" {
			t.Error("the other tab with the same proof: ", result(w))
		}
		time.Sleep(10 * time.Second)
		if w := post(h, "/verify", form); result(w) != "903" {
			t.Error("the answer reloaded later must cost no try: ", result(w))
		}
		if len(d.checks) != 2 {
			t.Errorf("%d checks", len(d.checks))
		}
		form = filled(t, h, "/", true)
		time.Sleep(proof.Life + time.Second)
		if w := post(h, "/verify", form); result(w) != "903" || !strings.Contains(w.Body.String(), chinese.staleTitle) {
			t.Error("an old form: ", result(w))
		}
	})
}

func TestSumsAreTakenOnlySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{answer: verify.Answer{Result: verify.ResultNoRecord}}
		p, h := site(d, Options{Work: true})
		answered := func() string {
			form := filled(t, h, "/", false)
			a, b := p.passes.Sum(form.Get("page"))
			form.Set("sum", strconv.Itoa(a+b))
			return result(post(h, "/verify", form))
		}
		for range proof.SumsMinute {
			if r := answered(); r != "4" {
				t.Fatal(r)
			}
		}
		if r := answered(); r != "901" {
			t.Error("one too many: ", r)
		}
		if w := post(h, "/verify", filled(t, h, "/", true)); result(w) != "4" {
			t.Error("work is not limited by it: ", result(w))
		}
		time.Sleep(2 * time.Second)
		if r := answered(); r != "4" {
			t.Error("later: ", r)
		}
	})
}

func TestAFormAsksForAsMuchWorkAsThePhoneAndTheSiteNeed(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultWait, Wait: time.Minute, Work: 20}}
	_, h := site(d, Options{Work: true})
	for _, r := range []verify.Result{verify.ResultWait, verify.ResultProofRequired} {
		d.answer.Result = r
		if body := post(h, "/verify", filled(t, h, "/", true)).Body.String(); !strings.Contains(body, `data-bits="20"`) {
			t.Errorf("%d: the next form asks for less than the phone needs", r)
		}
	}
	d.more = 4
	if body := get(h, "/").Body.String(); !strings.Contains(body, `data-bits="21"`) {
		t.Error("a form asks for less than the site needs")
	}
	form := filled(t, h, "/", false)
	for n := 0; form.Get("proof") == ""; n++ {
		if work := proof.Work(form.Get("page"), strconv.Itoa(n)); work >= proof.Bits && work < proof.Bits+4 {
			form.Set("proof", strconv.Itoa(n))
		}
	}
	if w := post(h, "/verify", form); result(w) != "903" {
		t.Error("too little work: ", result(w))
	}
}

func TestFormsThatAnotherSiteSendsAreRefused(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultVerified}}
	_, h := site(d, Options{})
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"} {
		if w := post(h, "/verify", filled(t, h, "/", false), header); w.Code != 403 || result(w) != "903" {
			t.Error(header, w.Code, result(w))
		}
	}
	if w := post(h, "/verify", filled(t, h, "/", false), "Sec-Fetch-Site: same-origin"); w.Code != 200 || result(w) != "31" {
		t.Error(w.Code, result(w))
	}
	if len(d.checks) != 1 {
		t.Error("verify was asked")
	}
}

func TestALargeOrForeignBodyIsRefusedWithAFreshForm(t *testing.T) {
	d := &desk{}
	_, h := site(d, Options{})
	if w := post(h, "/verify", url.Values{"code": {strings.Repeat("1", mostForm)}}); w.Code != 400 || !strings.Contains(w.Body.String(), "<form") {
		t.Error(w.Code)
	}
	r := httptest.NewRequest("POST", "/verify", strings.NewReader(`{"code":"1"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 400 {
		t.Error(w.Code)
	}
	if len(d.checks) != 0 {
		t.Error("verify was asked")
	}
}

func TestTheLanguageIsTheBrowsersUntilItIsChosen(t *testing.T) {
	d := &desk{lang: "en"}
	_, h := site(d, Options{Name: "云备案", Help: "客服：400-000-0000", HelpEN: "Help: 400-000-0000"})
	for path, tag := range map[string]string{"/": "en", "/?lang=zh": "zh-CN", "/resend": "en", "/resend?lang=zh": "zh-CN", "/?lang=fr": "en"} {
		body := get(h, path).Body.String()
		if !strings.Contains(body, `<html lang="`+tag+`">`) || !strings.Contains(body, "云备案") {
			t.Errorf("%s is not in %s", path, tag)
		}
		if chosen := strings.Contains(path, "lang=zh"); strings.Contains(body, `?lang=zh">`) != chosen {
			// the form and the tabs keep a choice, and make none
			t.Errorf("%s: choice kept %v", path, !chosen)
		}
		if strings.Contains(body, "Help: 400") != (tag == "en") {
			t.Errorf("%s: help line", path)
		}
	}
}

func TestWhatTheOperatorChangesShowsAtOnceAndOpenFormsStayGood(t *testing.T) {
	d := &desk{answer: verify.Answer{Result: verify.ResultVerified}}
	p, h := site(d, Options{Name: "云备案", Logo: []byte("<svg/>"), LogoType: "image/svg+xml"})
	open := filled(t, h, "/", false)
	p.Reconfigure(Options{Name: "新名称", Help: "客服：400-000-0000", Work: true, Repeat: 10 * time.Second, Rules: rules})
	body := get(h, "/").Body.String()
	if !strings.Contains(body, "新名称") || !strings.Contains(body, "400-000-0000") || strings.Contains(body, "<img") || !strings.Contains(body, "data-work") {
		t.Error(body)
	}
	open.Set("proof", solve(open.Get("page")))
	if w := post(h, "/verify", open); result(w) != "31" {
		t.Error("a form from before, with the proof that is asked for now: ", result(w))
	}
}

func TestFilesAreKeptForEverUnderTheirHashAndALogoCannotRun(t *testing.T) {
	_, h := site(&desk{}, Options{Logo: []byte("<svg/>"), LogoType: "image/svg+xml"})
	body := get(h, "/").Body.String()
	names := regexp.MustCompile(`"(assets/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(names) != 4 {
		t.Fatal(names)
	}
	for _, m := range names {
		w := get(h, "/"+m[1])
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Error(m[1], w.Code, w.Header())
		}
		if strings.HasSuffix(m[1], "logo") && !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Error("a logo that is opened by itself could run scripts")
		}
	}
	if w := get(h, "/assets/none"); w.Code != 404 {
		t.Error(w.Code)
	}
}
