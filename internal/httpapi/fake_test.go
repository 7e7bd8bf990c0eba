package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"attestd/internal/access"
	"attestd/pdu"
	"attestd/queue"
	"attestd/verify"
)

// world is a gateway without anything behind it.
type world struct {
	mu       sync.Mutex
	messages []queue.Message // oldest first
	filings  []verify.Filing
	asked    verify.FilingQuery // the newest
	checks   []verify.CheckRequest
	events   []Event
	wakes    map[chan struct{}]bool
	answer   verify.Answer
	fail     error // what everything answers
	notReady []Reason
	stopping bool
	letters  fakeLetters
}

const goodToken = "att_good"

var errFull = errors.New("disk full at /secret/path")

func (w *world) services() Services {
	return Services{
		Queue: w, Messages: w, Verify: fakeVerify{w}, Events: w, Webhooks: &w.letters,
		Inbox: func(_ context.Context, _, _, before string, limit int) ([]InboxItem, string, error) {
			return []InboxItem{{ID: "i1", From: "+8613800138000", Text: "123456 12345X", Modem: "m0"}}, "", w.fail
		},
		Modems: func() []Modem { return []Modem{{Name: "m0", State: "ready"}} },
		Status: func(context.Context) (Status, error) {
			return Status{Ready: true, Messages: map[string]int{}, Waiting: map[string]int{}, Filings: map[string]int{}, Region: Region{[]string{"86"}, "sims"}}, w.fail
		},
		Authenticate: func(_ context.Context, secret string) (access.Caller, bool, error) {
			scopes, scoped := strings.CutPrefix(secret, goodToken+"_") // att_good_read,inbox has the scopes read and inbox
			if !scoped {
				scopes = "admin"
			}
			c := access.Caller{ID: "t1", Name: "platform", Tenant: "platform"}
			for _, one := range strings.Split(scopes, ",") {
				c.Scopes = append(c.Scopes, access.Scope(one))
			}
			return c, scoped || secret == goodToken, nil
		},
		Audit:       func(context.Context, AuditFilter) ([]AuditEntry, string, error) { return nil, "", w.fail },
		Ready:       func(context.Context) []Reason { return w.notReady },
		Stopping:    func() bool { return w.stopping },
		Unavailable: func(err error) (time.Duration, bool) { return 3 * time.Second, errors.Is(err, errFull) },
		MetricsHandler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, "up 1\n")
		}),
	}
}

func (w *world) Enqueue(_ context.Context, d queue.Draft) (queue.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return queue.Message{}, w.fail
	}
	if d.Deadline.IsZero() {
		d.Deadline = time.Now().Add(time.Hour)
	}
	if d.Deadline.Before(time.Now()) {
		return queue.Message{}, queue.ErrExpired
	}
	layout, err := pdu.Plan(d.Text)
	if err != nil {
		return queue.Message{}, queue.ErrTooLong
	}
	m := queue.Message{ID: fmt.Sprintf("m%03d", len(w.messages)), Draft: d, State: queue.Queued, Segments: layout.Segments,
		Parts: []queue.Segment{{Seq: 1, State: queue.Queued, MR: -1, Status: -1}}}
	w.messages = append(w.messages, m)
	return m, nil
}

func (w *world) Cancel(ctx context.Context, owner, id string) (queue.Message, error) {
	m, err := w.Message(ctx, owner, id)
	if err == nil && m.State != queue.Queued {
		err = queue.ErrNotCancellable
	}
	m.State = queue.Cancelled
	return m, err
}

func (w *world) Message(_ context.Context, _, id string) (queue.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if m.ID == id {
			return m, w.fail
		}
	}
	return queue.Message{}, queue.ErrNotFound
}

func (w *world) Attempts(context.Context, string) ([]queue.Attempt, error) {
	return []queue.Attempt{{Seq: 1, N: 1, Station: "m0", Result: queue.ResultAccepted, MR: 7}}, nil
}

func (w *world) Messages(_ context.Context, f queue.Filter) (items []queue.Message, next string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.messages) - 1; i >= 0; i-- {
		m := w.messages[i]
		if f.Cursor != "" && m.ID >= f.Cursor || f.State != "" && m.State != f.State {
			continue
		}
		if len(items) == f.Limit {
			return items, items[len(items)-1].ID, w.fail
		}
		items = append(items, m)
	}
	return items, "", w.fail
}

func (w *world) emit(typ, subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, Event{Seq: int64(len(w.events) + 1), ID: "e", Type: typ, Subject: subject, Owner: access.Everyone, Data: json.RawMessage(`{}`)})
	for ch := range w.wakes {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (w *world) After(_ context.Context, seq int64, limit int) ([]Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.events[min(int(seq), len(w.events)):]
	return append([]Event(nil), rest[:min(limit, len(rest))]...), w.fail
}

func (w *world) Last(context.Context) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(len(w.events)), w.fail
}

func (w *world) Watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wakes == nil {
		w.wakes = map[chan struct{}]bool{}
	}
	w.wakes[ch] = true
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.wakes, ch)
	}
}

type fakeVerify struct{ *world }

func (v fakeVerify) CreateFiling(_ context.Context, r verify.FilingRequest) (verify.Filing, bool, error) {
	if v.fail != nil {
		return verify.Filing{}, false, v.fail
	}
	if r.Type != "first" && r.Type != "additional_website" {
		return verify.Filing{}, false, verify.Invalid{{Field: "type", Message: "must be one of first"}, {Field: "persons[0].mobile", Message: "is no mobile"}}
	}
	for _, f := range v.filings {
		if f.Reference == r.Reference && r.Reference != "" {
			if f.Language != r.Language {
				return verify.Filing{}, false, verify.ErrReferenceConflict
			}
			return f, false, nil
		}
	}
	f := verify.Filing{ID: fmt.Sprintf("f%d", len(v.filings)), Type: verify.FilingType(r.Type), Origin: r.Origin, Reference: r.Reference, Language: r.Language, State: verify.FilingVerifying}
	for _, p := range r.Persons {
		f.Persons = append(f.Persons, verify.Person{Role: verify.Role(p.Role), Name: p.Name, Mobile: "138****8000", State: verify.PersonWaiting})
	}
	f.Challenges = []verify.Challenge{{ID: "c1", State: verify.ChallengeOpen, CodeMAC: []byte("codemac"), CodeSealed: []byte("sealed")}}
	v.world.filings = append(v.world.filings, f)
	return f, true, nil
}

func (v fakeVerify) Filing(_ context.Context, _, id string) (verify.Filing, error) {
	for _, f := range v.filings {
		if f.ID == id {
			return f, v.fail
		}
	}
	return verify.Filing{}, verify.ErrNotFound
}

func (v fakeVerify) Filings(_ context.Context, q verify.FilingQuery) ([]verify.Filing, string, error) {
	v.world.asked = q
	return v.filings, "", v.fail
}

func (v fakeVerify) CancelFiling(ctx context.Context, owner, id, reason string) (verify.Filing, error) {
	f, err := v.Filing(ctx, owner, id)
	f.State, f.Note = verify.FilingCancelled, reason
	return f, err
}

func (v fakeVerify) ResubmitFiling(ctx context.Context, r verify.ResubmitRequest) (verify.Filing, bool, error) {
	f, err := v.Filing(ctx, verify.Everyone, r.FilingID)
	if err == nil {
		err = map[string]error{"wiped": verify.ErrWiped, "open": verify.ErrNotResubmittable, "limit": verify.TooManyFilings{Field: "persons[0].mobile", Wait: time.Hour}}[r.Reference]
	}
	return f, r.Reference != "again", err
}

func (v fakeVerify) AmendPerson(ctx context.Context, r verify.AmendRequest) (verify.Filing, error) {
	f, err := v.Filing(ctx, r.Owner, r.FilingID)
	if err == nil && r.Mobile == "" && r.CertificateTail == "" {
		err = verify.Invalid{{Field: "mobile", Message: "is missing, and so is the certificate: give what is to be changed"}}
	}
	if err == nil {
		err = map[string]error{"p1": verify.ErrPersonVerified, "p2": verify.ErrAmendCap, "p3": verify.ErrNoPerson, "p4": verify.ErrOnRecord}[r.PersonID]
	}
	return f, err
}

func (v fakeVerify) Timeline(ctx context.Context, owner, id string, after int64, limit int) (all []verify.Moment, next int64, err error) {
	if _, err := v.Filing(ctx, owner, id); err != nil {
		return nil, 0, err
	}
	for seq := after + 1; seq <= 5; seq++ {
		if len(all) == limit {
			return all, seq - 1, nil
		}
		all = append(all, verify.Moment{Seq: seq, Type: "challenge.open", State: "open", Mobile: "138****8000"})
	}
	return all, 0, nil
}

func (v fakeVerify) Check(_ context.Context, r verify.CheckRequest) (verify.Answer, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.world.checks = append(v.world.checks, r)
	return v.world.answer, v.fail
}

func (v fakeVerify) Resend(context.Context, verify.ResendRequest) (verify.Answer, error) {
	return verify.Answer{Result: verify.ResultSent, OK: true, Message: verify.ResultSent.Message()}, v.fail
}

// answer is what a request got.
type got struct {
	status int
	header http.Header
	text   string
}

func (g got) problem(t *testing.T) Problem {
	t.Helper()
	var p Problem
	if ct := g.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("Content-Type %q of %s", ct, g.text)
	}
	if err := json.Unmarshal([]byte(g.text), &p); err != nil {
		t.Fatalf("%v: %s", err, g.text)
	}
	if p.Status != g.status || !strings.HasPrefix(p.Type, typePrefix) || p.Title == "" || p.Detail == "" || p.Instance == "" {
		t.Errorf("an incomplete problem for status %d: %s", g.status, g.text)
	}
	return p
}

func (g got) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(g.text), v); err != nil {
		t.Fatalf("%v: %s", err, g.text)
	}
}

// do sends a request with the good token; headers are "Name: value".
func do(h http.Handler, method, path, body string, headers ...string) got {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+goodToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, one := range headers {
		name, value, _ := strings.Cut(one, ": ")
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	conforms(h, method, path, w)
	return got{w.Code, w.Header(), w.Body.String()}
}

func options() Options { return Options{Version: "test", Public: true, DefaultLanguage: "zh"} }
