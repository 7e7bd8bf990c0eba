package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// item is a received text as the API shows it.
type item struct {
	ID, From, Text, Rule, Action, Code string
}

// outside is the network and the platform of a gateway for received texts.
type outside struct {
	t *testing.T
	*rig.Rig
	log   *shared
	taken int // texts that the gateway has stored, and deleted from its modem
}

func newOutside(t *testing.T, edit func(*config.Config)) *outside {
	o := &outside{t: t, log: &shared{}}
	o.Rig = start(t, rig.Options{
		Simulator: simulator.Config{Modems: 2}, Logger: slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Edit: edit,
	})
	o.awake()
	return o
}

func (o *outside) awake() { o.ready(2) }

// ready waits until so many modems are.
func (o *outside) ready(modems int) {
	o.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ready(o.t, o.Rig) < modems; time.Sleep(10 * time.Millisecond) { // readiness is a state, not an event
		if time.Now().After(deadline) {
			o.t.Fatal("the modems are not ready")
		}
	}
}

func (o *outside) restart() {
	o.t.Helper()
	if err := o.Halt(); err != nil {
		o.t.Fatal(err)
	}
	if err := o.Boot(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	o.awake()
}

// settled waits until a message has come to a state.
func (o *outside) settled(id, state string) {
	o.t.Helper()
	var m struct{ State string }
	for deadline := time.Now().Add(30 * time.Second); m.State != state; time.Sleep(10 * time.Millisecond) {
		if call(o.t, o.Rig, "GET", "/v1/messages/"+id, nil, &m); time.Now().After(deadline) {
			o.t.Fatalf("the message is %s, not %s", m.State, state)
		}
	}
}

// text sends a text to the gateway, and returns what the inbox shows of it.
func (o *outside) text(from, text string) item {
	o.t.Helper()
	if err := o.Network.Inject(0, from, text); err != nil {
		o.t.Fatal(err)
	}
	o.taken++
	until(o.t, o.Rig, "the text is stored", func(l []simulator.Entry) bool {
		n := 0
		for _, e := range l {
			if e.Kind == simulator.KindDelete {
				n++
			}
		}
		return n >= o.taken
	})
	var list struct{ Items []item }
	call(o.t, o.Rig, "GET", "/v1/inbox?limit=1", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Text != text && list.Items[0].Action != "reply" { // that of a reply is wiped soon
		o.t.Fatalf("the newest text is %+v", list.Items)
	}
	return list.Items[0]
}

// open gives the database beside the gateway.
func (o *outside) open() *store.Store {
	o.t.Helper()
	keys, _, err := seal.LoadOrCreate(o.Config.Store.KeyFile)
	if err != nil {
		o.t.Fatal(err)
	}
	s, err := store.Open(o.t.Context(), store.Options{URL: o.Config.Store.URL, Keys: keys})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = s.Close() })
	return s
}

// events are those of a type, "type subject data".
func (o *outside) events(typ string) (all []string) {
	o.t.Helper()
	events, err := o.open().Events(context.Background(), 0, "", 10_000)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range events {
		if strings.HasPrefix(e.Type, typ) {
			all = append(all, e.Type+" "+e.Subject+" "+string(e.Data))
		}
	}
	return all
}

func (o *outside) send(priority, text string) (status int, id string) {
	o.t.Helper()
	var m struct{ ID string }
	status = call(o.t, o.Rig, "POST", "/v1/messages", map[string]any{"to": "138 0013 8000", "text": text, "priority": priority, "modem": "m1"}, &m)
	return status, m.ID
}

// necessary sends a text that its recipient must get.
func (o *outside) necessary(text string) (status int, id string) {
	o.t.Helper()
	var m struct{ ID string }
	status = call(o.t, o.Rig, "POST", "/v1/messages", map[string]any{"to": "13800138000", "text": text, "modem": "m1", "necessary": true}, &m)
	return status, m.ID
}

func TestAnOfficialCodeIsReadThroughTheAPIAndStandsNowhereElse(t *testing.T) {
	o := newOutside(t, nil)
	const code, service = "730418", "106987654321012381"
	got := o.text(service, "【工信部】验证码730418，24小时内有效，请登录填写。")
	if got.Rule != "official" || got.Action != "capture" || got.Code != code {
		t.Errorf("%+v", got)
	}
	// Who is no official sender may write what he likes.
	if other := o.text("+8613900000001", "【工信部】验证码730418，24小时内有效。"); other.Action != "" || other.Code != "" {
		t.Errorf("%+v", other)
	}
	if events := o.events("inbox.capture"); len(events) != 1 || !strings.Contains(events[0], got.ID) || !strings.Contains(events[0], `"rule":"official"`) {
		t.Errorf("%q", events)
	}
	o.restart()
	var one item
	if status := call(t, o.Rig, "GET", "/v1/inbox/"+got.ID, nil, &one); status != 200 || one.Code != code || one.Text != got.Text {
		t.Errorf("%d %+v", status, one)
	}
	var list struct{ Items []item }
	if call(t, o.Rig, "GET", "/v1/inbox?action=capture", nil, &list); len(list.Items) != 1 || list.Items[0].Code != code {
		t.Errorf("%+v", list.Items)
	}
	if status := call(t, o.Rig, "GET", "/v1/inbox/none", nil, nil); status != 404 {
		t.Error(status)
	}
	r, err := http.Get(o.URL + "/v1/inbox/" + got.ID)
	if err != nil || r.StatusCode != 401 {
		t.Errorf("without a token: %v %v", r, err)
	}
	_ = r.Body.Close()
	if all := strings.Join(o.events(""), "\n"); strings.Contains(all, code) || strings.Contains(all, service) {
		t.Errorf("an event tells it:\n%s", all)
	}
	if err := o.Halt(); err != nil {
		t.Fatal(err)
	}
	if log := o.log.String(); strings.Contains(log, code) || strings.Contains(log, service) || !strings.Contains(log, "official") {
		t.Errorf("the log:\n%s", log)
	}
	_ = filepath.WalkDir(o.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, plain := range []string{code, service, "工信部"} {
			if bytes.Contains(raw, []byte(plain)) {
				t.Errorf("%s holds %q", filepath.Base(path), plain)
			}
		}
		return err
	})
}

// slow has the second modem send one text in an hour and a half, so that what is sent through it waits.
func slow(c *config.Config) { c.Modem[1].RatePerMinute, c.Modem[1].Burst = 0.01, 1 }

func TestAnOptOutStopsEverythingButCodesAnswersAndWhatIsNecessary(t *testing.T) {
	o := newOutside(t, slow)
	o.send("bulk", "the first goes out")
	until(t, o.Rig, "the first text", func(l []simulator.Entry) bool { return len(texts(l)) == 1 })
	ids := map[string]string{}
	for _, priority := range []string{"bulk", "normal", "urgent"} {
		_, ids[priority] = o.send(priority, "news")
	}
	_, needed := o.necessary("your site will be shut")
	if got := o.text("+8613800138000", "td。"); got.Rule != "stop" || got.Action != "opt_out" {
		t.Errorf("%+v", got)
	}
	var m struct {
		State, Reason string
		Necessary     bool
	}
	for priority, id := range ids {
		if call(t, o.Rig, "GET", "/v1/messages/"+id, nil, &m); m.State != "cancelled" || !strings.Contains(m.Reason, "opted out") {
			t.Errorf("what was queued as %s: %+v", priority, m)
		}
	}
	if call(t, o.Rig, "GET", "/v1/messages/"+needed, nil, &m); m.State == "cancelled" || !m.Necessary {
		t.Errorf("what is necessary: %+v", m)
	}
	o.restart()
	for priority := range ids {
		if status, _ := o.send(priority, "news"); status != 422 {
			t.Errorf("a new one, %s: %d", priority, status)
		}
	}
	if status, _ := o.necessary("your contract ends"); status != 202 {
		t.Errorf("a necessary one: %d", status)
	}
	var log struct {
		Items []struct{ Action, Name, Subject string }
	}
	if call(t, o.Rig, "GET", "/v1/audit?action=message.necessary", nil, &log); len(log.Items) != 2 || log.Items[1].Subject != needed || log.Items[1].Name == "" {
		t.Errorf("the declarations are not in the audit log: %+v", log)
	}
	before := len(texts(o.Network.Ledger()))
	if status := call(t, o.Rig, "POST", "/v1/challenges", map[string]any{"to": "13800138000", "template": "Code: {{code}}"}, nil); status != 201 {
		t.Errorf("a code: %d", status)
	}
	until(t, o.Rig, "the code is sent", func(l []simulator.Entry) bool { return len(texts(l)) > before })
	if events := o.events("optout."); len(events) != 1 || !strings.Contains(events[0], `"stopped":3`) || strings.Contains(strings.Join(o.events(""), ""), "13800138000") {
		t.Errorf("%q", events)
	}
	if got := o.text("+8613800138000", "恢复"); got.Action != "opt_in" {
		t.Errorf("%+v", got)
	}
	if status, _ := o.send("bulk", "news"); status != 202 {
		t.Errorf("after opting in again: %d", status)
	}
}

func TestAnOptOutIsConfirmedWhereTheRuleSaysSoAndAnswersStillCome(t *testing.T) {
	o := newOutside(t, func(c *config.Config) {
		slow(c)
		c.Inbound = []config.InboundRule{{Name: "r", Action: "opt_out", Body: "(?i)r|退", Answer: true}, {Name: "in", Action: "opt_in", Answer: true}}
	})
	o.send("bulk", "the first goes out")
	until(t, o.Rig, "the first text", func(l []simulator.Entry) bool { return len(texts(l)) == 1 })
	if got := o.text("+8613800138000", "TD"); got.Action != "" {
		t.Errorf("the rule has its own words: %+v", got)
	}
	answered := func(text string) int { return texts(o.Network.Ledger())[text] }
	const out, in = "您已退订，只会再收到验证码和必要通知。回复“恢复”可重新接收。", "You get our texts again. Reply STOP to end them."
	o.text("+8613800138000", "Ｒ") // full-width
	until(t, o.Rig, "the confirmation", func([]simulator.Entry) bool { return answered(out) == 1 })
	if status, _ := o.send("normal", "news"); status != 422 {
		t.Error(status)
	}
	if status, _ := o.necessary("your house is on fire"); status != 202 {
		t.Error(status)
	}
	o.text("+8613800138000", "退") // once is enough, and is confirmed once
	o.text("+8613800138000", "start")
	until(t, o.Rig, "the other confirmation", func([]simulator.Entry) bool { return answered(in) == 1 })
	o.text("+8613800138000", "R")
	until(t, o.Rig, "the third answer", func([]simulator.Entry) bool { return answered(out) == 2 })
	// Three answers a day to one number, whatever they answer; and it is opted in all the same.
	if got := o.text("+8613800138000", "START"); got.Action != "opt_in" {
		t.Errorf("%+v", got)
	}
	var list struct {
		Items []struct{ Text, Origin string }
	}
	call(t, o.Rig, "GET", "/v1/messages", nil, &list)
	answers := 0
	for _, m := range list.Items {
		if strings.HasPrefix(m.Origin, "answer:") {
			answers++
		}
	}
	if answers != 3 {
		t.Errorf("%d answers", answers)
	}
	// Short numbers and services are no subscribers: they opt out of nothing and get no answer.
	if got := o.text("1065755550000", "R"); got.Action != "" {
		t.Errorf("%+v", got)
	}
}

func TestRulesAreTriedInTheirOrderAndForwardTellsOfATextWithoutIt(t *testing.T) {
	o := newOutside(t, func(c *config.Config) {
		c.Verify.Replies = true
		c.Inbound = []config.InboundRule{
			{Name: "replies", Action: "reply"},
			{Name: "bank", Action: "forward", Sender: "955[0-9]{2}"},
			{Name: "named", Action: "capture", Sender: "(?:955[0-9]{2}|MyBank)", Body: ".*码：([0-9]{6}).*"},
		}
	})
	for _, one := range []struct{ from, text, rule, code string }{
		{"95588", "账单 123456 元，校验码：654321", "bank", ""}, // the first that takes it, though the next would too
		{"MyBank", "账单 123456 元，校验码：654321\n勿告诉他人", "named", "654321"},
		{"MyBank", "账单 123456 元", "", ""},
		{"+8613800138000", "123456 02531X", "", ""}, // like a reply, but nobody waits for one
	} {
		if got := o.text(one.from, one.text); got.Rule != one.rule || got.Code != one.code {
			t.Errorf("%s: %q was taken by %q, code %q", one.from, one.text, got.Rule, got.Code)
		}
	}
	if events := o.events("inbox.forward"); len(events) != 1 || strings.Contains(events[0], "账单") || !strings.Contains(events[0], `"rule":"bank"`) {
		t.Errorf("%q", events)
	}
	var f struct{ ID, State string }
	if status := call(t, o.Rig, "POST", "/v1/filings", map[string]any{"type": "first", "persons": []map[string]any{
		{"role": "entity_head", "name": "王芳", "mobile": "13800138000", "certificate_tail": "02531X"},
		{"role": "website_head", "name": "王芳", "mobile": "13800138000", "certificate_tail": "02531X", "site": "example.cn"},
	}}, &f); status != 201 {
		t.Fatal(status)
	}
	var sms string
	until(t, o.Rig, "the code", func(l []simulator.Entry) bool {
		for _, e := range l {
			if e.Kind == simulator.KindSubmit && e.Accepted {
				sms = e.Text
			}
		}
		return sms != ""
	})
	code := sixDigits(sms)
	if got := o.text("+8613800138000", fmt.Sprintf("%s 02531X", code)); got.Rule != "replies" || got.Action != "reply" {
		t.Errorf("%+v", got)
	}
	if call(t, o.Rig, "GET", "/v1/filings/"+f.ID, nil, &f); f.State != "passed" {
		t.Errorf("the filing is %s", f.State)
	}
}

func sixDigits(text string) string {
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(run) == 6 {
			return run
		}
	}
	return ""
}

func TestTheOptOutListIsKeptThroughTheAPIAndNoNumberStandsInAPath(t *testing.T) {
	o := newOutside(t, slow)
	type entry struct{ ID, To, Source, By string }
	var e entry
	if status := call(t, o.Rig, "POST", "/v1/optouts", map[string]any{"to": "138-0013-8000"}, &e); status != 201 || e.To != "+8613800138000" || e.Source != "api" || e.By != "platform" {
		t.Errorf("%d %+v", status, e)
	}
	if status := call(t, o.Rig, "POST", "/v1/optouts", map[string]any{"to": "+8613800138000"}, &e); status != 200 {
		t.Errorf("again: %d", status)
	}
	if status := call(t, o.Rig, "POST", "/v1/optouts", map[string]any{"to": "x"}, nil); status != 422 {
		t.Error(status)
	}
	if status, _ := o.send("bulk", "news"); status != 422 {
		t.Error(status)
	}
	call(t, o.Rig, "POST", "/v1/optouts", map[string]any{"to": "13900139000"}, nil)
	var list struct {
		Items []entry
		Next  string
	}
	if call(t, o.Rig, "GET", "/v1/optouts?limit=1", nil, &list); len(list.Items) != 1 || list.Items[0].To != "+8613900139000" || list.Next == "" {
		t.Errorf("%+v", list)
	}
	if call(t, o.Rig, "GET", "/v1/optouts?limit=1&cursor="+list.Next, nil, &list); len(list.Items) != 1 || list.Items[0].ID != e.ID || list.Next != "" {
		t.Errorf("%+v", list)
	}
	for _, one := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"DELETE", "/v1/optouts/" + e.ID, nil, 200}, {"DELETE", "/v1/optouts/" + e.ID, nil, 404},
		{"POST", "/v1/optouts/remove", map[string]any{"to": "13900139000"}, 200}, {"POST", "/v1/optouts/remove", map[string]any{"to": "13900139000"}, 404},
	} {
		if status := call(t, o.Rig, one.method, one.path, one.body, nil); status != one.want {
			t.Errorf("%s %s: %d", one.method, one.path, status)
		}
	}
	if status, _ := o.send("bulk", "news"); status != 202 {
		t.Error(status)
	}
}

func TestAtMostThreeRepliesADayAreAnsweredOverARestartAndNoneThatAsksForNone(t *testing.T) {
	o := newOutside(t, func(c *config.Config) { c.Verify.Replies = true })
	if status := call(t, o.Rig, "POST", "/v1/filings", map[string]any{"type": "first", "persons": []map[string]any{
		{"role": "entity_head", "name": "王芳", "mobile": "13800138000", "certificate_tail": "02531X"},
		{"role": "website_head", "name": "王芳", "mobile": "13800138000", "certificate_tail": "02531X", "site": "example.cn"},
	}}, nil); status != 201 {
		t.Fatal(status)
	}
	answers := func() (n int) {
		var list struct{ Items []struct{ Origin string } }
		call(t, o.Rig, "GET", "/v1/messages?limit=1000", nil, &list)
		for _, m := range list.Items {
			if strings.HasPrefix(m.Origin, "answer:") {
				n++
			}
		}
		return n
	}
	const phone = "+8613800138000"
	for _, one := range []struct {
		from, text string
		want       int // answers until then
	}{
		{phone, "hello", 0}, {phone, "12345", 0}, {"10086", "123456 02531X", 0}, {"Bank", "123456 02531X", 0},
		{phone, "111111", 1}, {phone, "222222", 2}, {"", "", 2}, {phone, "333333", 3}, {phone, "444444", 3}, {phone, "555555", 3},
	} {
		if one.from == "" {
			o.restart()
			continue
		}
		o.text(one.from, one.text)
		if got := answers(); got != one.want {
			t.Errorf("after %q from %s: %d answers, want %d", one.text, one.from, got, one.want)
		}
	}
}
