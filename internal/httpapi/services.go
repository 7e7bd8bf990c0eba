package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"attestd/internal/access"
	"attestd/internal/msisdn"
	"attestd/queue"
	"attestd/verify"
)

// Services are what the API stands on. owner is for whom a request asks (access.Caller.Owner): what is another's is not
// found, and not counted. All of them must be given, save those marked otherwise.
type Services struct {
	// Queue takes messages in. *queue.Queue is one.
	Queue Queue
	// Messages reads them. *store.Store is one.
	Messages Messages
	// Verify is the rules. *verify.Service is one.
	Verify Verify
	// Challenges is the rules, for codes that belong to no filing. *verify.Service is one.
	Challenges Challenges
	// Number is the phone of a challenge whole, "" where it is not to be had. Nil: nobody sees one.
	Number func(verify.Challenge) string
	// Inbox lists at most limit received texts with ids smaller than before ("" from the newest), newest first; next is
	// the last one's id when more follow, "" otherwise.
	// Only those that a rule with this action took, unless action is "".
	Inbox func(ctx context.Context, owner, action, before string, limit int) (items []InboxItem, next string, err error)
	// InboxItem reads one of them.
	InboxItem func(ctx context.Context, owner, id string) (item InboxItem, found bool, err error)
	// Forget erases what is kept of the person who has a number. Errors: StillOpen.
	Forget func(ctx context.Context, n msisdn.Number, force, dryRun bool) (Forgotten, error)
	// Unlock tries a PIN on a parked modem, once. Errors: ErrNoModem, ErrNotLocked; a *Problem for what was not tried.
	Unlock func(ctx context.Context, modem, pin string) (Unlocked, error)
	// OptOuts are those who want no texts.
	OptOuts OptOuts
	// Modems is a snapshot of the stations, in the order of the configuration.
	Modems func() []Modem
	// Destination says why no message is sent to a number, "" for no reason, and how long to wait where that may change
	// by
	// itself. Nil allows all.
	Destination func(ctx context.Context, n msisdn.Number) (fault string, wait time.Duration)
	// Country is that of numbers without a country code, where no filing or challenge is concerned; "" for none. Nil is
	// Options.DefaultCountry.
	Country func(ctx context.Context) string
	// ShortCode says whether messages may go to a short code. Nil allows none.
	ShortCode func(msisdn.Number) bool
	// Webhooks is what is to be told to others. *store.Store is one.
	Webhooks Webhooks
	// Events is the log of what happened.
	Events Events
	// Status is the gateway at a glance.
	Status func(ctx context.Context) (Status, error)
	// Authenticate tells whose bearer token a secret is; store.(*Store).Authenticate does it.
	Authenticate func(ctx context.Context, secret string) (c access.Caller, ok bool, err error)
	// InUse tells whether a token, by its id, is in use still: store.(*Store).TokenInUse. Nil: it is.
	InUse func(ctx context.Context, tokenID string) (bool, error)
	// Audit lists who did what, newest first, as Inbox does.
	Audit func(ctx context.Context, f AuditFilter) (items []AuditEntry, next string, err error)
	// Hash hashes who asks under every live key, the current one first: (*seal.Keyring).MACs. Nil: under a key of this
	// process, and what callers have used is forgotten with it.
	Hash func(purpose string, parts ...[]byte) [][]byte
	// Ready says why a code cannot be stored or sent now; nothing when it can. It is shown to whoever asks /readyz, and
	// must not
	// hold anything secret.
	Ready func(ctx context.Context) []Reason
	// Stopping says whether the gateway stops: what only reads goes on, and what persons check; all else is refused.
	// Nil: never.
	Stopping func() bool
	// Unavailable says whether an error means "not now" (store.ErrFull, ErrBusy, ErrReadOnly, context.DeadlineExceeded
	// from the database) and when to try again. Such a request is answered 503 with Retry-After.
	Unavailable func(error) (retryAfter time.Duration, ok bool)
	// MetricsHandler serves /metrics. Nil leaves the path out.
	MetricsHandler http.Handler
	// Meter counts; *metrics.Metrics is one. Nil counts nothing.
	Meter Meter
}

// Queue takes messages in and back. Errors: queue.ErrExpired, ErrTooLong, ErrNoRecipient, ErrPriority,
// ErrIdempotencyConflict, ErrNotFound, ErrNotCancellable.
type Queue interface {
	Enqueue(ctx context.Context, d queue.Draft) (queue.Message, error)
	Cancel(ctx context.Context, owner, id string) (queue.Message, error)
}

// Messages reads messages.
type Messages interface {
	// Message gives one with its parts; queue.ErrNotFound. Attempts lists what was tried for it, in order.
	Message(ctx context.Context, owner, id string) (queue.Message, error)
	Attempts(ctx context.Context, messageID string) ([]queue.Attempt, error)
	// Messages lists them without parts, newest first; next continues the list, "" at its end.
	Messages(ctx context.Context, f queue.Filter) (items []queue.Message, next string, err error)
}

// Verify is *verify.Service as far as the API needs it. Errors: verify.Invalid, and those that the table of problem.go has.
type Verify interface {
	CreateFiling(ctx context.Context, r verify.FilingRequest) (f verify.Filing, created bool, err error)
	Filing(ctx context.Context, owner, id string) (verify.Filing, error)
	Filings(ctx context.Context, q verify.FilingQuery) (page []verify.Filing, next string, err error)
	CancelFiling(ctx context.Context, owner, id, reason string) (verify.Filing, error)
	ResubmitFiling(ctx context.Context, r verify.ResubmitRequest) (f verify.Filing, created bool, err error)
	AmendPerson(ctx context.Context, r verify.AmendRequest) (verify.Filing, error)
	Timeline(ctx context.Context, owner, id string, after int64, limit int) (all []verify.Moment, next int64, err error)
	Check(ctx context.Context, r verify.CheckRequest) (verify.Answer, error)
	Resend(ctx context.Context, r verify.ResendRequest) (verify.Answer, error)
}

// Events is *store.Store's log of what happened. Data carries no code, tail, text or whole number.
type Events interface {
	// After lists what came after seq, oldest first, at most limit.
	After(ctx context.Context, seq int64, limit int) ([]Event, error)
	// Last is the newest event's seq, 0 when there is none.
	Last(ctx context.Context) (int64, error)
	// Watch gives a channel that has an element whenever events were committed since it was last read, and what ends
	// the watch: store.Watch(store.TopicEvents).
	Watch() (<-chan struct{}, func())
}

// Event is store.Event.
type Event struct {
	Seq     int64
	ID      string
	Type    string
	Subject string
	Owner   string // who is told of it; access.Everyone: everybody, "": only admins
	At      time.Time
	Data    json.RawMessage
}

// Meter is *metrics.Metrics as far as the API needs it.
type Meter interface {
	Request(route, method string, status int, d time.Duration)
	Verification(code int)
	Streams(n int)
}

// Options are settings.
type Options struct {
	Version         string
	Public          bool           // serve /v1/public/*
	DefaultCountry  string         // of numbers without a country code where Services.Country says nothing: verify.region[0]; "" is 86
	DefaultLanguage string         // of answers to persons whose browser asks for neither Chinese nor English: zh, en
	TrustedProxies  []netip.Prefix // who is believed about the client: config.HTTP.Prefixes()
	ClientHeader    string         // in which header: HeaderXForwardedFor ("" too) or HeaderForwarded
	HSTS            time.Duration  // Strict-Transport-Security where the client came by TLS (RFC 6797); 0: none
	MaxBody         int64
	EventHeartbeat  time.Duration // a comment line to clients of /v1/events, so that nobody in between hangs up
	Limits          Limits
	Camara          Camara
	Logger          *slog.Logger // nil: nothing is logged

	// For Front.
	ReadHeaderTimeout, ReadTimeout, IdleTimeout time.Duration
	MaxConnectionsPerAddress                    int // 0: no limit; of the networks around it in proportion
	StreamsPerToken, Streams                    int // event streams at once; 0: no limit
}

// Limits are those that hang on who asks: at the public endpoints a person's address and phone, elsewhere a token. 0 is no
// limit. Those of a phone over all its filings are verify's. They can be changed while serving: API.SetLimits.
type Limits struct {
	ChecksPerIPPerMinute, ChecksPerIPPerHour int
	ResendsPerIPPerHour                      int
	RequestsPerSecond                        int // of one token; twice as many at once after a pause

	Proof       bool          // /v1/public/* asks for a proof of work where there is no token
	Repeat      time.Duration // how long an identical submission gets the stored answer
	BrakeStep   int           // so many more wrong entries than right ones within BrakeWindow pull the brake; 0: none
	BrakeWindow time.Duration
}
