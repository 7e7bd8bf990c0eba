package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/internal/webhook"
	"attestd/verify"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAAAAA="
	newSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs="
)

// hook is a call that came in.
type hook struct {
	id, typ, subject string
	seq              int64
	header           http.Header
	body             []byte
	at               time.Time
}

// receiver is the other side: it keeps what came and answers as a test says.
type receiver struct {
	t      testing.TB
	mu     sync.Mutex
	hooks  []hook
	arrive chan struct{}
	answer func(n int, h hook, w http.ResponseWriter, r *http.Request) // n counts from 0; nil takes everything
}

func newReceiver(t testing.TB) *receiver { return &receiver{t: t, arrive: make(chan struct{}, 1)} }

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	h := parse(r.t, q.Header, body)
	r.mu.Lock()
	n := len(r.hooks)
	r.hooks = append(r.hooks, h)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(n, h, w, q)
	}
	select {
	case r.arrive <- struct{}{}:
	default:
	}
}

func (r *receiver) got() []hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hook(nil), r.hooks...)
}

func secrets(t testing.TB, texts ...string) webhook.Secrets {
	t.Helper()
	s, err := webhook.NewSecrets(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t testing.TB, secret string) *standardwebhooks.Webhook {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// house is a store and a sender over it.
type house struct {
	t        testing.TB
	path     string
	keys     *seal.Keyring
	s        *store.Store
	sender   *webhook.Sender
	settings webhook.Settings
	o        webhook.Options
	halt     func()
}

func newHouse(t testing.TB, change func(*webhook.Settings)) *house {
	h := &house{t: t, path: filepath.Join(t.TempDir(), "t.db"), keys: seal.Random(), settings: webhook.Settings{
		Callbacks: secrets(t, newSecret), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true,
		Timeout: 10 * time.Second, RetryFor: 24 * time.Hour, Concurrency: 4,
	}}
	if change != nil {
		change(&h.settings)
	}
	h.open()
	t.Cleanup(func() { h.close() })
	return h
}

func (h *house) open() {
	h.t.Helper()
	var err error
	if h.s, err = store.Open(context.Background(), store.Options{URL: "sqlite://" + h.path, Keys: h.keys}); err != nil {
		h.t.Fatal(err)
	}
	if err := h.s.SetWebhooks(context.Background(), h.settings.Endpoints); err != nil {
		h.t.Fatal(err)
	}
}

// start runs a sender until stop.
func (h *house) start() {
	wake, unwatch := h.s.Watch(store.TopicWebhooks)
	h.o.Store, h.o.Wake = h.s, wake
	h.sender = webhook.New(h.o, h.settings)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := h.sender.Run(ctx); err != nil {
			h.t.Error(err)
		}
	}()
	h.halt = func() {
		cancel()
		<-ended
		unwatch()
		h.halt = nil
	}
}

func (h *house) close() {
	if h.halt != nil {
		h.halt()
	}
	if h.s != nil {
		if wrong, err := h.s.Recount(context.Background()); err != nil || wrong > 0 {
			h.t.Errorf("%d counts are not those of the rows: %v", wrong, err)
		}
		if err := h.s.Close(); err != nil {
			h.t.Error(err)
		}
		h.s = nil
	}
}

// file stores a filing with a callback.
func (h *house) file(id, reference, callback string) {
	h.t.Helper()
	err := h.s.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.Emit(context.Background(), "filing.received", id, "", map[string]string{"filing": id}); err != nil {
			return err
		}
		return tx.InsertFiling(context.Background(), verify.Filing{ID: id, Reference: reference, Origin: "p", BodyMAC: []byte(id), Callback: callback, State: verify.FilingVerifying, Created: time.Now()})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) emit(typ, subject string) {
	h.t.Helper()
	err := h.s.Update(context.Background(), func(tx *store.Tx) error {
		return tx.Emit(context.Background(), typ, subject, "", map[string]any{"filing": subject, "mobile": "138****8000"})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// deliveries lists what there is, oldest first.
func (h *house) deliveries(state webhook.State) []webhook.Delivery {
	h.t.Helper()
	all, _, err := h.s.WebhookDeliveries(context.Background(), webhook.Filter{Owner: "*", State: state, Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// until waits for a change of the store, or a call, that makes it true.
func (h *house) until(what string, r *receiver, enough func() bool) {
	h.t.Helper()
	changed, unwatch := h.s.Watch(store.TopicWebhooks)
	defer unwatch()
	patience := time.After(20 * time.Second)
	for !enough() {
		select {
		case <-changed:
		case <-r.arrive:
		case <-time.After(20 * time.Millisecond): // a mark that touches no topic
		case <-patience:
			h.t.Fatalf("%s: not within 20 s; calls %v, deliveries %+v", what, brief(r.got()), h.deliveries(""))
		}
	}
}

func (h *house) state(state webhook.State, n int) func() bool {
	return func() bool { return len(h.deliveries(state)) == n }
}

func brief(all []hook) (texts []string) {
	for _, h := range all {
		texts = append(texts, fmt.Sprintf("%s %s#%d", h.typ, h.subject, h.seq))
	}
	return texts
}

func serve(t testing.TB, r *receiver) string {
	s := httptest.NewServer(r)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}
