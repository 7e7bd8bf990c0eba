package webhook_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"attestd/internal/webhook"
)

// parse reads a call, and fails a test for what no call may be.
func parse(t testing.TB, header http.Header, body []byte) hook {
	var p struct {
		Type      string
		Timestamp time.Time
		Data      struct {
			Subject string
			Seq     int64
		}
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Timestamp.IsZero() {
		t.Errorf("a body that is none: %v %s", err, body)
	}
	return hook{id: header.Get("webhook-id"), typ: p.Type, subject: p.Data.Subject, seq: p.Data.Seq, header: header.Clone(), body: body, at: time.Now()}
}

func TestAFilingsCallbackGetsItsOwnEventsInOrderSignedAndWithItsReference(t *testing.T) {
	r := newReceiver(t)
	h := newHouse(t, nil)
	url := serve(t, r)
	h.start()
	h.file("f1", "order-4711", url+"/hook?token=x")
	h.file("f2", "", "")
	h.emit("challenge.sending", "f1")
	h.emit("filing.passed", "f2")
	h.emit("filing.passed", "f1")
	h.until("all three are delivered", r, h.state(webhook.Delivered, 3))
	if got := brief(r.got()); !slices.Equal(got, []string{"filing.received f1#1", "challenge.sending f1#3", "filing.passed f1#5"}) {
		t.Errorf("called with %v", got)
	}
	for _, one := range r.got() {
		if err := verifier(t, newSecret).Verify(one.body, one.header); err != nil {
			t.Errorf("%s: %v", one.typ, err)
		}
		if err := verifier(t, oldSecret).Verify(one.body, one.header); err == nil {
			t.Error("another secret verifies it, too")
		}
		if !strings.Contains(string(one.body), `"reference":"order-4711"`) {
			t.Errorf("the platform cannot tell which filing it is: %s", one.body)
		}
		if at, err := strconv.ParseInt(one.header.Get("webhook-timestamp"), 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
			t.Errorf("webhook-timestamp %q", one.header.Get("webhook-timestamp"))
		}
	}
}

func TestWhileASecretIsRotatedBothSign(t *testing.T) {
	r := newReceiver(t)
	h := newHouse(t, func(s *webhook.Settings) { s.Callbacks = secrets(t, newSecret, oldSecret) })
	h.start()
	h.file("f1", "", serve(t, r))
	h.until("it is delivered", r, h.state(webhook.Delivered, 1))
	one := r.got()[0]
	for _, secret := range []string{oldSecret, newSecret} {
		if err := verifier(t, secret).Verify(one.body, one.header); err != nil {
			t.Errorf("%q: %v", one.header.Get("webhook-signature"), err)
		}
	}
	if n := len(strings.Fields(one.header.Get("webhook-signature"))); n != 2 {
		t.Errorf("%d signatures", n)
	}
}

func TestAConfiguredEndpointIsToldWhatItsFilterNames(t *testing.T) {
	r := newReceiver(t)
	url := serve(t, r)
	h := newHouse(t, func(s *webhook.Settings) {
		s.Endpoints = []webhook.Endpoint{{Name: "crm", URL: url, Events: []string{"filing.*", "token.created"}, Secrets: secrets(t, oldSecret)}}
	})
	h.start()
	for _, typ := range []string{"filing.passed", "message.delivered", "token.created", "filingx.y", "webhook.dead"} {
		h.emit(typ, "s-"+typ)
	}
	h.until("both are delivered", r, h.state(webhook.Delivered, 2))
	got := r.got()
	if len(got) != 2 || len(h.deliveries("")) != 2 {
		t.Fatalf("told of %v", brief(got))
	}
	if err := verifier(t, oldSecret).Verify(got[0].body, got[0].header); err != nil {
		t.Error(err)
	}
	all, err := h.s.WebhookEndpoints(t.Context())
	if err != nil || len(all) != 2 || all[1].Name != "crm" || all[1].Waiting != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestWhatAnAnswerMakesOfADelivery(t *testing.T) {
	elsewhere := newReceiver(t)
	other := serve(t, elsewhere)
	for _, one := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		state  webhook.State
		status int
		says   string
	}{
		{"204 is taken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, webhook.Delivered, 204, ""},
		{"500 is tried again", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, webhook.Waiting, 500, "500"},
		{"404 is tried again", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, webhook.Waiting, 404, "404"},
		{"a redirection is not followed", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) }, webhook.Waiting, 307, "not followed"},
		{"410 is the end", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, webhook.Dead, 410, "410"},
		{"one that hangs is left", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, webhook.Waiting, 0, "no answer within 2s"},
		{"one that hangs up is tried again", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, webhook.Waiting, 0, "the connection broke"},
		{"a slow body does not undo a 200", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, webhook.Delivered, 200, ""},
		{"an endless body is not read", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, webhook.Delivered, 200, ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.answer = func(_ int, _ hook, w http.ResponseWriter, q *http.Request) { one.answer(w, q) }
			h := newHouse(t, func(s *webhook.Settings) { s.Timeout = 2 * time.Second })
			h.start()
			h.file("f1", "", serve(t, r))
			var d webhook.Delivery
			h.until("it was tried", r, func() bool { d = h.deliveries("")[0]; return d.Attempts > 0 || d.State == webhook.Dead })
			if d.State != one.state || d.Status != one.status || !strings.Contains(d.Error, one.says) || one.says == "" && d.Error != "" {
				t.Errorf("%+v", d)
			}
			if wait := d.Due.Sub(d.Began); one.state == webhook.Waiting && (wait < 3*time.Second || wait > 7*time.Second) {
				t.Errorf("tried again after %s", wait)
			}
		})
	}
	t.Cleanup(func() {
		if len(elsewhere.got()) > 0 {
			t.Error("a redirection was followed")
		}
	})
}

func TestOneThatAnswersGoneGetsNothingMoreUntilAReplay(t *testing.T) {
	var back atomic.Bool
	r := newReceiver(t)
	r.answer = func(_ int, _ hook, w http.ResponseWriter, _ *http.Request) {
		if !back.Load() {
			w.WriteHeader(http.StatusGone)
		}
	}
	h := newHouse(t, nil)
	url := serve(t, r)
	h.file("f1", "", url)
	h.emit("challenge.open", "f1")
	h.start()
	h.until("both are dead", r, h.state(webhook.Dead, 2))
	h.emit("filing.passed", "f1")
	if dead := h.deliveries(webhook.Dead); len(dead) != 3 || len(r.got()) != 1 {
		t.Fatalf("after a 410: %d calls, %+v", len(r.got()), dead)
	}
	events, err := h.s.Events(t.Context(), 0, "f1", 100)
	if err != nil || events[len(events)-2].Type != "webhook.gone" {
		t.Errorf("nobody is told: %+v %v", events, err)
	}
	back.Store(true)
	h.file("f2", "", url)
	h.until("another filing's callback to the same address is called", r, h.state(webhook.Delivered, 1))
	n, more, err := h.s.ReplayWebhooks(t.Context(), webhook.Filter{Owner: "*", State: webhook.Dead, Subject: "f1"})
	if err != nil || n != 3 || more {
		t.Fatal(n, more, err)
	}
	h.until("all are delivered", r, h.state(webhook.Delivered, 4))
	var seqs []int64
	for _, one := range r.got()[2:5] {
		seqs = append(seqs, one.seq)
	}
	if !slices.IsSorted(seqs) || len(seqs) != 3 {
		t.Errorf("replayed in the order %v", seqs)
	}
	h.emit("filing.rejected", "f1")
	h.until("what happens after a replay goes out again", r, h.state(webhook.Delivered, 5))
	if first, again := r.got()[0], r.got()[2]; first.id != again.id || string(first.body) != string(again.body) {
		t.Error("a replay is another message than the first one")
	}
}

func TestAfterARestartEventsArriveAtLeastOnceUnderTheSameIDInOrder(t *testing.T) {
	const filings, events = 12, 8
	r := newReceiver(t)
	r.answer = func(n int, _ hook, w http.ResponseWriter, _ *http.Request) {
		if n%11 == 0 {
			time.Sleep(30 * time.Millisecond) // some are under way when it stops
		}
	}
	h := newHouse(t, nil)
	url := serve(t, r)
	for i := range filings {
		h.file("f"+strconv.Itoa(i), "", url)
	}
	h.start()
	for round := range events {
		for i := range filings {
			h.emit("challenge.n"+strconv.Itoa(round), "f"+strconv.Itoa(i))
		}
		if round%3 == 1 {
			h.close()
			h.open()
			h.start()
		}
	}
	total := filings * (events + 1)
	h.until("all are delivered", r, h.state(webhook.Delivered, total))
	seen, last := map[string]int64{}, map[string]int64{}
	for _, one := range r.got() {
		if seq, was := seen[one.id]; was && seq != one.seq {
			t.Errorf("the id %s stands for two events", one.id)
		} else if was {
			continue // once more: a receiver leaves it out
		}
		if one.seq < last[one.subject] {
			t.Errorf("of %s, %d came after %d", one.subject, one.seq, last[one.subject])
		}
		seen[one.id], last[one.subject] = one.seq, one.seq
	}
	if len(seen) != total {
		t.Errorf("%d of %d events arrived", len(seen), total)
	}
}

func TestAFilingWaitsForItsFirstEventAndNobodyElseDoes(t *testing.T) {
	r := newReceiver(t)
	r.answer = func(_ int, h hook, w http.ResponseWriter, _ *http.Request) {
		if h.subject == "f1" {
			w.WriteHeader(500)
		}
	}
	h := newHouse(t, nil)
	url := serve(t, r)
	h.start()
	h.file("f1", "", url)
	h.until("the first try of f1", r, func() bool { return h.deliveries("")[0].Attempts == 1 })
	h.emit("challenge.open", "f1")
	h.file("f2", "", url)
	h.emit("challenge.open", "f2")
	h.until("f2 is delivered", r, h.state(webhook.Delivered, 2))
	for _, one := range r.got() {
		if one.subject == "f1" && one.typ != "filing.received" {
			t.Errorf("%s went out before the one ahead of it was taken", one.typ)
		}
	}
	if behind := h.deliveries(webhook.Behind); len(behind) != 1 || behind[0].Event.Subject != "f1" {
		t.Errorf("behind: %+v", behind)
	}
}

func TestAnEndpointThatHangsHoldsUpNobodyElseAndGetsNoMoreCallsAtOnceThanItMay(t *testing.T) {
	slow, quick := newReceiver(t), newReceiver(t)
	release := make(chan struct{})
	slow.answer = func(int, hook, http.ResponseWriter, *http.Request) { <-release }
	h := newHouse(t, func(s *webhook.Settings) { s.Concurrency, s.Timeout = 2, time.Minute })
	slowly, quickly := serve(t, slow), serve(t, quick)
	t.Cleanup(func() { close(release) })
	for i := range 20 {
		h.file("slow"+strconv.Itoa(i), "", slowly)
	}
	h.start()
	h.until("two calls hang", slow, func() bool { return len(slow.got()) == 2 })
	for i := range 20 {
		h.file("quick"+strconv.Itoa(i), "", quickly)
	}
	h.until("the others are delivered", quick, h.state(webhook.Delivered, 20))
	if n := len(slow.got()); n != 2 {
		t.Errorf("%d calls at once", n)
	}
}

func TestNoPrivateAddressIsCalledWhateverItsNameIs(t *testing.T) {
	r := newReceiver(t)
	server := httptest.NewServer(r)
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	h := newHouse(t, func(s *webhook.Settings) { s.Allow = nil })
	h.start()
	// A name and two spellings that only the resolver or the dialler turns into an address.
	for i, host := range []string{"localhost.localdomain", "127.0.0.1", "[::ffff:127.0.0.1]", "ip6-localhost", "2130706433"} {
		h.file("f"+strconv.Itoa(i), "", "http://"+host+":"+port+"/")
	}
	h.until("all were tried", r, func() bool {
		return !slices.ContainsFunc(h.deliveries(""), func(d webhook.Delivery) bool { return d.Attempts == 0 })
	})
	for _, d := range h.deliveries("") {
		t.Log(d.URL, d.Error)
		if d.State != webhook.Waiting || d.Status != 0 {
			t.Errorf("%+v", d)
		}
	}
	if len(r.got()) > 0 {
		t.Error("it was called")
	}
}
