package webui_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// gateway is a whole gateway on simulated modems, without the limits by caller: all tests are one caller.
func gateway(t *testing.T, edit func(*config.Config)) *rig.Rig {
	t.Helper()
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1, Radio: 5 * time.Millisecond}, Edit: func(c *config.Config) {
		l := &c.Verify.Limits
		l.ChecksPerIPPerMinute, l.ChecksPerIPPerHour, l.ChecksPerPhonePerHour, l.ResendsPerIPPerHour = 0, 0, 0, 0
		l.SMSGap, c.Verify.ResendWait = 0, 0
		if edit != nil {
			edit(c)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

const tail = "02531X"

// file makes a filing with these phones and gives the code that came to each.
func file(t *testing.T, r *rig.Rig, mobiles ...string) map[string]string {
	t.Helper()
	var persons []map[string]any
	for i, m := range mobiles {
		p := map[string]any{"role": "website_head", "name": "李强", "mobile": m, "certificate_tail": tail, "site": fmt.Sprintf("site%d.cn", i)}
		if i == 0 {
			p["role"] = "entity_head"
			delete(p, "site")
		}
		persons = append(persons, p)
	}
	if len(persons) == 1 {
		persons = append(persons, map[string]any{"role": "website_head", "name": "李强", "mobile": mobiles[0], "certificate_tail": tail, "site": "site.cn"})
	}
	return submit(t, r, map[string]any{"type": "first", "persons": persons}, mobiles...)
}

// submit makes a filing and gives the code that came to each of these phones.
func submit(t *testing.T, r *rig.Rig, filing map[string]any, mobiles ...string) map[string]string {
	t.Helper()
	heard, stop := r.Network.Watch(1024)
	defer stop()
	body, err := json.Marshal(filing)
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), "POST", r.URL+"/v1/filings", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.Token)
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if text, _ := io.ReadAll(a.Body); a.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", a.StatusCode, text)
	}
	codes := map[string]string{}
	for deadline := time.After(30 * time.Second); len(codes) < len(mobiles); {
		select {
		case e := <-heard:
			if to := strings.TrimPrefix(e.To, "+86"); e.Kind == simulator.KindSubmit && e.Accepted && slices.Contains(mobiles, to) {
				codes[to] = regexp.MustCompile(`\d{6}`).FindString(e.Text)
			}
		case <-deadline:
			t.Fatalf("%d of %d codes came", len(codes), len(mobiles))
		}
	}
	return codes
}

// wrong is another code.
func wrong(code string, i int) string {
	n := (code[5]-'0'+byte(i)+1)%10 + '0'
	return code[:5] + string(n)
}

func TestTwoPersonsVerifyInEachLanguageAtEachSizeWithAndWithoutJavaScript(t *testing.T) {
	browser := chromium(t)
	r := gateway(t, nil)
	for i, s := range seats() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			one, other := fmt.Sprintf("1371234%02d01", i), fmt.Sprintf("1371234%02d11", i)
			codes := file(t, r, one, other)
			b := open(t, browser, s, r.URL)
			say := func(zh, en string) string { return map[string]string{"zh": zh, "en": en}[s.lang] }

			b.visit("/")
			b.check("1-start")
			b.fill("code", "12345", "mobile", one, "certificate_tail", tail)
			if got := b.send(); got != "0" {
				t.Fatalf("a short code: %s", got)
			}
			b.shows(say("请填写短信中的六位数字验证码", "Enter the 6 digits"))
			b.check("2-malformed")
			b.fill("code", wrong(codes[one], 0), "mobile", one, "certificate_tail", "11111X")
			if got := b.send(); got != "4" {
				t.Fatalf("another tail: %s", got)
			}
			b.shows(say("没有找到待核验的记录", "No such record"))
			b.hides(say("还可以尝试", "tries are left"), say("小时", " h "))
			b.check("3-no-record")
			b.fill("code", wrong(codes[one], 1), "mobile", one, "certificate_tail", tail)
			if got := b.send(); got != "2" {
				t.Fatalf("a wrong code: %s", got)
			}
			b.shows(say("还可以尝试4次", "4 tries are left")) // the wrong tail was charged to the phone
			b.shows(say("验证码还有23小时5", "valid for another 23 h 5"))
			b.check("4-wrong")
			// As people type: spaces, +86, small letters.
			b.fill("code", codes[one][:3]+" "+codes[one][3:], "mobile", "+86 "+one, "certificate_tail", strings.ToLower(tail))
			if got := b.send(); got != "31" {
				t.Fatalf("the right code: %s", got)
			}
			b.shows(say("正在等待其他负责人", "waits for the other persons"))
			b.check("5-verified")

			b.follow("a.go")
			b.follow(".tabs a")
			b.fill("mobile", other, "certificate_tail", tail)
			if got := b.send(); got != "101" {
				t.Fatalf("send again: %s", got)
			}
			b.check("6-sent-again")
			b.follow("a.go")
			b.fill("code", codes[other], "mobile", other, "certificate_tail", tail)
			if got := b.send(); got != "3" {
				t.Fatalf("the last one: %s", got)
			}
			b.check("7-passed")
		})
	}
}

func TestFiveWrongCodesLockAndSendsEndAtTheirCapInTheBrowser(t *testing.T) {
	browser := chromium(t)
	r := gateway(t, func(c *config.Config) { c.Verify.MaxSends, c.Verify.RepeatWindow = 2, 0 })
	for i, s := range seats() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			mobile := fmt.Sprintf("1381234%02d01", i)
			code := file(t, r, mobile)[mobile]
			b := open(t, browser, s, r.URL)
			for n, want := range []string{"101", "102"} {
				b.visit("/resend")
				b.fill("mobile", mobile, "certificate_tail", tail)
				if got := b.send(); got != want {
					t.Fatalf("re-send %d: %s", n+1, got)
				}
			}
			b.check("8-cap")
			b.visit("/")
			for n, want := range []string{"2", "2", "2", "2", "21"} {
				b.fill("code", wrong(code, n), "mobile", mobile, "certificate_tail", tail)
				if got := b.send(); got != want {
					t.Fatalf("wrong code %d: %s", n+1, got)
				}
				if n == 3 {
					b.check("9-last-try")
				}
			}
			b.shows(map[string]string{"zh": "填错次数已达上限", "en": "entered wrongly too often"}[s.lang])
			b.check("10-locked")
			b.follow("a.go")
			b.fill("code", code, "mobile", mobile, "certificate_tail", tail)
			if got := b.send(); got != "21" {
				t.Fatalf("the right code after the lock: %s", got)
			}
		})
	}
}

func TestTheLanguageCanBeSwitchedAndStays(t *testing.T) {
	browser := chromium(t)
	r := gateway(t, func(c *config.Config) { c.Page.Proof = "off" })
	s := seats()[0]
	b := open(t, browser, s, r.URL)
	b.visit("/")
	b.follow(".languages a[lang=en]")
	b.seat.lang = "en"
	b.check("switched")
	b.follow(".tabs a")
	b.fill("mobile", "13812345678", "certificate_tail", tail)
	if got := b.send(); got != "4" {
		t.Errorf("nobody's phone: %s", got)
	}
	b.shows("No such record")
	b.check("switched-answer")
}

func TestTheWholePageCanBeUsedWithTheKeyboardAlone(t *testing.T) {
	browser := chromium(t)
	r := gateway(t, nil)
	for i, s := range []seat{seats()[1], seats()[3]} { // with JavaScript and without
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			mobile := fmt.Sprintf("1361234%02d01", i)
			code := file(t, r, mobile)[mobile]
			b := open(t, browser, s, r.URL)
			b.visit("/")
			want := []string{"English", "code", "mobile", "certificate_tail", "sum", "send"}
			if !s.noScript {
				want = slices.DeleteFunc(want, func(one string) bool { return one == "sum" })
			}
			for _, one := range want {
				b.key("\t")
				if got := eval[string](b, `document.activeElement.id || document.activeElement.textContent`); got != one {
					t.Fatalf("the next is %s, want %s", got, one)
				}
				if !eval[bool](b, `getComputedStyle(document.activeElement).outlineStyle !== 'none'`) {
					t.Errorf("the focus on %s cannot be seen", one)
				}
				switch one {
				case "code":
					b.key(code)
				case "mobile":
					b.key(mobile)
				case "certificate_tail":
					b.key(tail)
				case "sum":
					b.key(b.sum())
				}
			}
			b.press("\r")
			if got := eval[string](b, `document.querySelector('#outcome').dataset.result`); got != "3" {
				t.Errorf("result %s", got)
			}
		})
	}
}

// passIn finds what a form carries.
var passIn = regexp.MustCompile(`name="page" value="([^"]+)"`)

func TestTwoClicksAtOnceAreOneTryAndOneVerification(t *testing.T) {
	r := gateway(t, func(c *config.Config) { c.Page.Proof = "off" })
	const mobile = "13512345601"
	code := file(t, r, mobile)[mobile]
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	text := func(a *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		all, _ := io.ReadAll(a.Body)
		return string(all)
	}
	twice := func(code string) map[string]int {
		form := url.Values{"page": {passIn.FindStringSubmatch(text(client.Get(r.URL + "/")))[1]}, "code": {code}, "mobile": {mobile}, "certificate_tail": {tail}}
		var mu sync.Mutex
		var wait sync.WaitGroup
		got := map[string]int{}
		for range 2 {
			wait.Go(func() {
				a, err := client.PostForm(r.URL+"/verify", form)
				if err != nil {
					t.Error(err)
					return
				}
				defer a.Body.Close()
				all, _ := io.ReadAll(a.Body)
				mu.Lock()
				defer mu.Unlock()
				got[regexp.MustCompile(`data-result="(\d+)"`).FindStringSubmatch(string(all))[1]+strings.Join(regexp.MustCompile(`还可以尝试\d次`).FindAllString(string(all), 1), "")]++
			})
		}
		wait.Wait()
		return got
	}
	if got := twice(wrong(code, 0)); got["2还可以尝试4次"] != 2 {
		t.Errorf("wrong: %v", got)
	}
	if got := twice(code); got["3"] != 1 || got["20"] != 1 {
		t.Errorf("right: %v", got)
	}
	if u, _ := url.Parse(r.URL); len(jar.Cookies(u)) != 0 {
		t.Error("cookies were set")
	}
}

func TestThePageIsOffWithThePublicEndpointsAndSharesTheirLimits(t *testing.T) {
	r := gateway(t, func(c *config.Config) {
		c.Page.Proof, c.Abuse.APIProof, c.Verify.Limits.ChecksPerIPPerMinute = "off", "off", 2
	})
	check := func() string {
		t.Helper()
		a, err := http.Get(r.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(a.Body)
		_ = a.Body.Close()
		a, err = http.PostForm(r.URL+"/verify", url.Values{"page": {passIn.FindStringSubmatch(string(all))[1]}, "code": {"123456"}, "mobile": {"13812345678"}, "certificate_tail": {tail}})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		all, _ = io.ReadAll(a.Body)
		return regexp.MustCompile(`data-result="(\d+)"`).FindStringSubmatch(string(all))[1]
	}
	if got := check(); got != "4" {
		t.Fatal(got)
	}
	a, err := http.Post(r.URL+"/v1/public/verify", "application/json", strings.NewReader(`{"code":"123456","mobile":"13812345679","certificate_tail":"02531X"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	if got := check(); got != "902" {
		t.Errorf("the page has limits of its own: %s", got)
	}

	off := gateway(t, func(c *config.Config) { c.HTTP.Public = false })
	if a, err = http.Get(off.URL + "/verify"); err != nil || a.StatusCode != http.StatusNotFound {
		t.Error(a.StatusCode, err)
	}
	_ = a.Body.Close()
}

func TestThePageIsTheOnlyDoorWhereTheOperatorWantsThat(t *testing.T) {
	r := gateway(t, func(c *config.Config) { c.HTTP.PublicAPI = false })
	a, err := http.Post(r.URL+"/v1/public/verify", "application/json", strings.NewReader(`{"code":"123456","mobile":"13812345679","certificate_tail":"02531X"}`))
	if err != nil || a.StatusCode != http.StatusNotFound {
		t.Error(a, err)
	}
	_ = a.Body.Close()
	a, err = http.Get(r.URL + "/")
	if err != nil || a.StatusCode != http.StatusOK {
		t.Error(a, err)
	}
	_ = a.Body.Close()
}
