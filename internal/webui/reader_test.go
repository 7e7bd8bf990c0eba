package webui_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/webui"
	"attestd/verify"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// spoken is the page as Chromium gives it to a screen reader: role, name and description of whatever is told.
func (b *tab) spoken() string {
	b.t.Helper()
	tree, err := chromedp.Run(b.ctx, chromedp.Action[[]*accessibility.Node](func(ctx context.Context, target *chromedp.Target) ([]*accessibility.Node, error) {
		got, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		return got.Nodes, err
	}))
	if err != nil {
		b.t.Fatal(err)
	}
	text := func(v *accessibility.Value) (s string) {
		if v != nil {
			_ = json.Unmarshal(v.Value, &s)
		}
		return s
	}
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range tree {
		byID[n.NodeID] = n
	}
	var lines []string
	var tell func(n *accessibility.Node)
	tell = func(n *accessibility.Node) {
		role := text(n.Role)
		switch {
		case n.Ignored:
		case role == "StaticText":
			if parent := byID[n.ParentID]; parent == nil || !strings.Contains("heading link button LabelText", text(parent.Role)) {
				lines = append(lines, text(n.Name))
			}
		case strings.Contains("banner navigation main heading link textbox button alert status contentinfo image region", role):
			line := role + ": " + text(n.Name)
			for _, p := range n.Properties {
				if p.Name == "invalid" && text(p.Value) == "true" {
					line += " (invalid)"
				}
			}
			if d := text(n.Description); d != "" {
				line += " (" + d + ")"
			}
			lines = append(lines, line)
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				tell(child)
			}
		}
	}
	tell(tree[0])
	return strings.Join(lines, "\n")
}

func TestAScreenReaderIsToldEverythingInOrder(t *testing.T) {
	browser := chromium(t)
	o := &oracle{}
	b := open(t, browser, seats()[0], gallery(t, o, webui.Options{}))
	b.visit("/")
	want := `banner: 
备案短信核验
navigation: 语言
link: English
main: 
heading: 填写短信验证码
主体负责人、互联网信息服务负责人收到短信后，请在此核验。
textbox: 短信验证码 (短信中的六位数字)
短信中的六位数字
textbox: 手机号码 (备案时填写的手机号码，共十一位)
备案时填写的手机号码，共十一位
textbox: 证件号码后六位 (末位的字母X和括号也要填写)
末位的字母X和括号也要填写
button: 提交核验
navigation: 办理事项
没有收到验证码？
link: 重新发送
联系方式自查？
link: 无需填写证件`
	if got := b.spoken(); !strings.HasPrefix(got, want) {
		t.Errorf("the start page is told as\n%s", got)
	}
	four := 4
	b.ask(o, verify.Answer{Result: verify.ResultWrong, TriesLeft: &four, Deadline: time.Now().Add(time.Hour + 30*time.Second)})
	want = `alert: 
heading: 验证码不正确
请对照最近一条短信重新填写。
还可以尝试4次。
验证码还有1小时有效。
textbox: 短信验证码 (invalid) (验证码不正确 请对照最近一条短信重新填写。 还可以尝试4次。 验证码还有1小时有效。 短信中的六位数字)`
	if got := b.spoken(); !strings.Contains(got, want) {
		t.Errorf("a wrong code is told as\n%s", got)
	}
	b.ask(o, verify.Answer{Result: verify.ResultFailed, Fields: []verify.FieldError{{Field: "mobile"}}})
	if got, want := b.spoken(), "textbox: 手机号码 (invalid) (请填写以1开头的十一位手机号码。)"; !strings.Contains(got, want) {
		t.Errorf("a malformed number is told as\n%s", got)
	}
}

// axe finds axe-core, which deploy/test-deps.sh fetches where it can.
func axe(t *testing.T) string {
	t.Helper()
	home, _ := os.UserCacheDir()
	for _, path := range []string{os.Getenv("ATTESTD_AXE"), filepath.Join(home, "attestd-tests", "node_modules", "axe-core", "axe.min.js")} {
		if text, err := os.ReadFile(path); err == nil {
			return string(text)
		}
	}
	t.Skip("axe-core is not here: make deps fetches it where there is npm, and ATTESTD_AXE names axe.min.js; the other tests do not need it")
	return ""
}

func TestAxeFindsNothing(t *testing.T) {
	library := axe(t)
	browser := chromium(t)
	for _, s := range []seat{
		{name: "axe-phone-zh", lang: "zh", width: 390, height: 844},
		{name: "axe-desktop-en-dark", lang: "en", width: 1280, height: 800, dark: true},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := &oracle{}
			b := open(t, browser, s, gallery(t, o, branded))
			look := func(what string) {
				t.Helper()
				eval[bool](b, library+"; true")
				found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run().then((r) => r.violations.map((v) => v.impact + ': ' + v.id + ': ' + v.help + ': ' + v.nodes.map((n) => n.html).join(' ')))`, chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatal(err)
				}
				for _, one := range found {
					t.Errorf("%s: %s", what, one)
				}
			}
			for _, path := range []string{"/", "/resend", "/contact"} {
				b.visit(path)
				look(path)
			}
			for i, a := range everyAnswer() {
				if s.dark && i%3 > 0 {
					continue // the same page in other words
				}
				b.ask(o, a)
				look(a.Result.Message().EN)
			}
		})
	}
}

func TestWithoutABrowserTheTestsFailWhereNothingMaySkip(t *testing.T) {
	if os.Getenv("PATH") == "/nonexistent" {
		chromium(t)
		return
	}
	for _, c := range []struct {
		require string
		fails   bool
	}{{"1", true}, {"", false}} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWithoutABrowserTheTestsFailWhereNothingMaySkip$", "-test.v")
		cmd.Env = append(os.Environ(), "PATH=/nonexistent", "ATTESTD_REQUIRE_PEERS="+c.require)
		out, err := cmd.CombinedOutput()
		if (err != nil) != c.fails || !strings.Contains(string(out), "Chromium") {
			t.Errorf("required %q: %v\n%s", c.require, err, out)
		}
	}
}
