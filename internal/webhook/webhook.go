// Package webhook tells other programs what happened: each event that somebody asked for is posted, signed as Standard
// Webhooks say, until it was taken or its time is up.
//
// What is to be delivered is a row that was written in the transaction of the event itself (the store does so in
// Emit), so no crash can lose one. For one endpoint and one subject, a filing say, events go out one by one in their
// order: the next is not tried before the one ahead of it was taken or given up. Different subjects do not wait for
// each other, and an endpoint that hangs holds up nobody but itself.
//
// A row is marked after the endpoint has answered. When that mark is lost the event is sent again, with the same
// webhook-id: at least once, and receivers leave out what they have seen.
//
// An endpoint that fails one call after the other is down: one delivery at a time is then tried, at most a minute
// apart, and
// the rest waits as it is, without a row written for it. The first call that is taken lets all of it go, in order.
//
// Nothing polls: Run sleeps until the store wakes it or until a retry is due, and what it does then does not grow with
// what
// waits.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Callback is the endpoint's name in deliveries to a filing's own callback; no configured endpoint has it.
const Callback = "callback"

// State is where a delivery stands. The words are stored and shown.
type State string

// The states of a delivery. Only Waiting is tried; the last two are terminal until somebody replays it.
const (
	Waiting   State = "waiting"
	Behind    State = "behind" // another one of its subject goes before it
	Delivered State = "delivered"
	Dead      State = "dead"
)

// ErrNotFound says that there is no such delivery.
var ErrNotFound = errors.New("there is no such delivery: delivered ones are kept 7 days, dead ones 30")

// Event is what is told of.
type Event struct {
	Seq     int64
	ID      string
	Type    string
	Subject string
	Owner   string // of what it is about; not told
	At      time.Time
	Data    json.RawMessage // an object without codes, tails, texts and whole numbers
}

// Delivery is one event for one endpoint.
type Delivery struct {
	ID        string
	Endpoint  string // a configured one's name, or Callback
	URL       string // of a callback; a configured one's is in the settings
	Lane      string // deliveries of one lane share its bound on calls at once
	Event     Event
	Reference string // of the filing that the event is about, when it is about one
	State     State
	Attempts  int // since it was made, or replayed
	Status    int // that the endpoint answered last, 0 for none
	Error     string
	Created   time.Time
	Began     time.Time // when its time to be retried began to run; zero: it was never tried
	Due       time.Time
	Ended     time.Time
}

// Outcome is what an attempt makes of a delivery.
type Outcome struct {
	State  State // Waiting (until Due), Delivered or Dead
	Due    time.Time
	At     time.Time
	Began  time.Time // when its time to be retried began to run
	Status int
	Error  string
	Gone   bool // the endpoint said that it wants nothing more (410)
}

// Lane is where something waits.
type Lane struct {
	Name    string
	Due     time.Time // of the earliest
	Breaker Breaker
}

// Breaker is that the endpoint of a lane is down. The zero Breaker is that it is not.
type Breaker struct {
	Since time.Time
	Next  time.Time // when one delivery is tried
}

// Change is what an outcome makes of its lane's breaker.
type Change struct {
	Lane    string
	Breaker Breaker
	Awake   bool // it is back: what failed while it was down is due now
}

// Store keeps deliveries. *store.Store is one.
type Store interface {
	// WebhookLanes lists the lanes in which deliveries wait.
	WebhookLanes(ctx context.Context) ([]Lane, error)
	// WebhooksWaiting lists those that wait in a lane, the earliest due first.
	WebhooksWaiting(ctx context.Context, lane string, limit int) ([]Delivery, error)
	// RecordWebhook writes what an attempt made of a delivery, lets the next of its subject follow one that ended, and
	// tells of one that died and of an endpoint that is gone. change is what it makes of the lane's breaker; nil for
	// nothing.
	RecordWebhook(ctx context.Context, d Delivery, o Outcome, change *Change) error
	// ExpireWebhooks ends, in a lane that is down, deliveries whose time to be retried began to run before then; why is
	// written down of those that were never tried. n is how many, never more than a bounded number at once.
	ExpireWebhooks(ctx context.Context, lane string, since, before time.Time, why string) (n int, err error)
	// ForgetWebhooks drops some of what was delivered, and of what died, before then; more says that some is left.
	ForgetWebhooks(ctx context.Context, delivered, dead time.Time) (more bool, err error)
}

// Meter counts. *metrics.Webhooks is one.
type Meter interface {
	// Attempt counts a call; result is delivered, retry, dead or gone.
	Attempt(result string, took time.Duration)
}

// Endpoint is a configured one.
type Endpoint struct {
	Name    string
	URL     string
	Events  []string // types, "family.*", or "*"; none: all
	Secrets Secrets
}

// Settings can be changed while running: Sender.Configure.
type Settings struct {
	Endpoints   []Endpoint
	Callbacks   Secrets // sign what goes to filings' callbacks
	Allow       []netip.Prefix
	AllowHTTP   bool
	Timeout     time.Duration
	RetryFor    time.Duration
	Concurrency int
}

// Options are what a Sender needs.
type Options struct {
	Store   Store
	Wake    <-chan struct{} // has an element when deliveries were added
	Version string
	Meter   Meter        // nil counts nothing
	Logger  *slog.Logger // nil logs nothing
	// Transport takes the place of the network, in tests. The addresses that may be called are then not looked at.
	Transport http.RoundTripper
}

// Matches says whether an endpoint with this filter wants events of the type.
func Matches(filter []string, typ string) bool {
	if len(filter) == 0 {
		return true
	}
	for _, f := range filter {
		family, any := cutStar(f)
		if f == typ || any && len(typ) > len(family) && typ[:len(family)] == family {
			return true
		}
	}
	return false
}

func cutStar(f string) (family string, any bool) {
	if n := len(f) - 1; n >= 0 && f[n] == '*' {
		return f[:n], true
	}
	return f, false
}

// Payload is the body that is sent: type, timestamp, data. It is the same, to the byte, at each attempt.
func (d Delivery) Payload() ([]byte, error) {
	data := map[string]any{}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(d.Event.Data, &given); err != nil {
		return nil, err
	}
	for k, v := range given {
		data[k] = v
	}
	data["subject"], data["seq"] = d.Event.Subject, d.Event.Seq
	if _, has := given["reference"]; !has && d.Reference != "" {
		data["reference"] = d.Reference
	}
	return json.Marshal(struct {
		Type      string         `json:"type"`
		Timestamp time.Time      `json:"timestamp"`
		Data      map[string]any `json:"data"`
	}{d.Event.Type, d.Event.At.UTC(), data})
}

// Filter chooses deliveries; what is empty chooses all.
type Filter struct {
	Owner    string // of whose events: see queue.Everyone
	State    State
	Endpoint string
	Subject  string
	Before   string // an id: only older ones
	Limit    int
}

// Standing is how an endpoint does.
type Standing struct {
	Name    string
	URL     string
	Events  []string
	Waiting int // deliveries that are not ended
	Dead    int
	Oldest  time.Time // when the longest-waiting was made; zero: none waits
	Gone    time.Time // when a configured one said that it wants no more; zero: it did not
	Down    time.Time // since when a configured one fails one call after the other; zero: it does not
}

// Counts are of all deliveries.
type Counts struct {
	ByState map[string]int
	Oldest  time.Time // when the longest-waiting was made; zero: none waits
	Gone    int       // configured endpoints that want no more
	Down    int       // endpoints that fail one call after the other
}
