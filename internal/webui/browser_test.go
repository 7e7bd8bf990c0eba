package webui_test

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the browser, or the end of the test where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("ATTESTD_REQUIRE_PEERS") != "" {
			t.Fatal("no Chromium: deploy/test-deps.sh installs it")
		}
		t.Skip("no Chromium is installed")
	}
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "attestd-chromium-"); shared.err != nil {
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(shared.dir), chromedp.WSURLReadTimeout(2*time.Minute)) // a loaded machine is slow to start it
		if os.Getuid() == 0 {
			options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root; what it loads here is ours
		}
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		shared.ctx, shared.stop = ctx, func() { _ = chromedp.Cancel(ctx); cancel(); stop() }
		shared.err = chromedp.Do(ctx)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

// shared is the one browser of all tests; each opens a private window in it.
var shared struct {
	once sync.Once
	ctx  context.Context
	stop func()
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// seat is someone before a browser.
type seat struct {
	name, lang    string // zh, en
	width, height int64
	noScript      bool
	dark          bool
}

func (s seat) String() string { return s.name }

// seats are both sizes in both languages, with JavaScript and without.
func seats() (all []seat) {
	for _, lang := range []string{"zh", "en"} {
		for _, noScript := range []bool{false, true} {
			script := map[bool]string{false: "js", true: "nojs"}[noScript]
			all = append(all,
				seat{name: "phone-" + lang + "-" + script, lang: lang, width: 390, height: 844, noScript: noScript},
				seat{name: "desktop-" + lang + "-" + script, lang: lang, width: 1280, height: 800, noScript: noScript})
		}
	}
	return all
}

// tab is a page of a browser that watches what happens on it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	seat seat
	base string

	mu      sync.Mutex
	faults  []string
	asked   []string // addresses
	posts   int
	carried float64
	least   float64
}

func open(t *testing.T, browser context.Context, s seat, base string) *tab {
	t.Helper()
	b := &tab{t: t, seat: s, base: base, least: 21}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.hear))
	bounded, stop := context.WithTimeout(ctx, 8*time.Minute)
	b.ctx = bounded
	t.Cleanup(func() { stop(); _ = chromedp.Cancel(ctx); cancel() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	var viewport []chromedp.EmulateViewportOption
	if os.Getenv("ATTESTD_SHOTS") != "" {
		viewport = append(viewport, chromedp.EmulateScale(2))
	}
	if s.width < 600 {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.EmulateViewport(s.width, s.height, viewport...), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		accept := map[string]string{"zh": "zh-CN,zh;q=0.9", "en": "en-GB,en;q=0.9"}[s.lang]
		_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (attestd test)", AcceptLanguage: accept})
		if err == nil {
			_, err = cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s.noScript})
		}
		if err == nil {
			_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		}
		if err == nil {
			_, err = cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		}
		if err == nil {
			_, err = cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		}
		return err
	}))
	return b
}

// hear notes what a page must not do: complain (a violation of the policy is told on the console), fail, or ask others.
func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level != "verbose" && e.Entry.Level != "info" {
			b.faults = append(b.faults, fmt.Sprintf("console: %s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, "console: "+string(e.Type))
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "exception: "+e.ExceptionDetails.Text)
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
		if e.Request.Method == "POST" {
			b.posts++
		}
	case *network.EventLoadingFinished:
		b.carried += e.EncodedDataLength
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// centre scrolls to something and says where its middle is.
const centre = `(() => {
  const e = document.querySelector(%q);
  e.scrollIntoView({ block: 'center', behavior: 'instant' });
  const r = e.getBoundingClientRect();
  return [r.x + r.width / 2, r.y + r.height / 2];
})()`

// click is a finger on a phone and a mouse elsewhere.
func (b *tab) click(selector string) {
	b.t.Helper()
	at := eval[[2]float64](b, fmt.Sprintf(centre, selector))
	if b.seat.width < 600 {
		b.do(chromedp.TapXY(at[0], at[1]))
		return
	}
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// follow clicks on what leads to another page, and waits for it.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.leave(func() { b.click(selector) })
}

// leave does what leads to another page, and waits for it.
func (b *tab) leave(do func()) {
	b.t.Helper()
	loaded := chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Func(func(context.Context, *chromedp.Target) error { do(); return nil }))
	if _, err := chromedp.Run(b.ctx, loaded); err != nil {
		b.t.Fatal(err)
	}
}

// enter puts a text into a field as a keyboard of a phone does: at once. That it can be typed key by key is a test of its own.
func (b *tab) enter(field, text string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.focus(); e.select(); return true })()`, field))
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// fill fills fields in: name, value, name, value.
func (b *tab) fill(pairs ...string) {
	b.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		b.enter(pairs[i], pairs[i+1])
	}
	if b.seat.noScript {
		b.enter("sum", b.sum())
	}
}

var numberWords = map[string]int{
	"二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
	"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}

var question = regexp.MustCompile(`^(?:What is )?(\S+?)(?:加| plus )(\S+?)(?:等于几？|\?)$`)

// sum is the answer to what is asked where there is no JavaScript.
func (b *tab) sum() string {
	b.t.Helper()
	asked := eval[string](b, `document.querySelector('label[for=sum]').textContent`)
	m := question.FindStringSubmatch(asked)
	if m == nil {
		b.t.Fatalf("the sum is asked as %q", asked)
	}
	return strconv.Itoa(numberWords[m[1]] + numberWords[m[2]])
}

func (b *tab) key(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// press is a key that leads to another page.
func (b *tab) press(key string) {
	b.t.Helper()
	b.leave(func() { b.key(key) })
}

// send submits the form and gives the result that the page tells.
func (b *tab) send() string {
	b.t.Helper()
	b.follow("#send")
	return eval[string](b, `document.querySelector('#outcome')?.dataset.result ?? 'none'`)
}

// shows says what stands on the page.
func (b *tab) shows(text string) {
	b.t.Helper()
	if all := eval[string](b, `document.body.innerText`); !strings.Contains(all, text) {
		b.t.Errorf("%s: %q is not shown in:\n%s", b.seat, text, all)
	}
}

// audit is what can be measured of whether everybody can use the page.
//
//go:embed testdata/audit.js
var audit string

// audited is what it gives.
type audited struct {
	Faults []string `json:"faults"`
	Least  float64  `json:"least"` // the lowest contrast of text
}

// hides says what must not stand on the page.
func (b *tab) hides(texts ...string) {
	b.t.Helper()
	all := eval[string](b, `document.querySelector('.card').innerText`)
	for _, text := range texts {
		if strings.Contains(all, text) {
			b.t.Errorf("%s: %q is shown in:\n%s", b.seat, text, all)
		}
	}
}

// weight is what was carried so far, headers included.
func (b *tab) weight() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.carried
}

// stretch measures the page again as people see it who need it larger: all text at 200 % (WCAG 2.2 1.4.4), then set as
// wide as 1.4.12 wants.
func (b *tab) stretch() {
	b.t.Helper()
	eval[bool](b, `(() => { document.documentElement.style.fontSize = '200%'; return true })()`)
	b.measure("at 200 %")
	eval[bool](b, `(() => { document.documentElement.style.fontSize = ''; document.styleSheets[0].insertRule('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }'); document.styleSheets[0].insertRule('p { margin-bottom: 2em !important }'); return true })()`)
	b.measure("with wide text")
}

// measure says what is wrong with the page as it stands.
func (b *tab) measure(what string) {
	b.t.Helper()
	a := eval[audited](b, audit)
	for _, fault := range a.Faults {
		b.t.Errorf("%s %s: %s", b.seat, what, fault)
	}
	b.least = min(b.least, a.Least)
}

// check measures the page and what it did so far, and keeps a picture where ATTESTD_SHOTS names a folder.
func (b *tab) check(shot string) {
	b.t.Helper()
	b.measure(shot)
	want := map[string]string{"zh": "zh-CN", "en": "en"}[b.seat.lang]
	if got := eval[string](b, `document.documentElement.lang`); got != want {
		b.t.Errorf("%s %s: language %s", b.seat, shot, got)
	}
	if cookies := eval[string](b, `document.cookie`); cookies != "" {
		b.t.Errorf("%s: cookies %q", b.seat, cookies)
	}
	b.mu.Lock()
	for _, f := range b.faults {
		b.t.Errorf("%s %s: %s", b.seat, shot, f)
	}
	b.faults = nil
	for _, a := range b.asked {
		u, err := url.Parse(a)
		if err != nil || !strings.HasPrefix(a, b.base+"/") || u.RawQuery != "" && !slices.Contains([]string{"lang=zh", "lang=en"}, u.RawQuery) {
			b.t.Errorf("%s %s: asked for %s", b.seat, shot, a)
		}
	}
	b.mu.Unlock()
	if dir := os.Getenv("ATTESTD_SHOTS"); dir != "" {
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, b.seat.name+"-"+shot+".png"), picture, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}
