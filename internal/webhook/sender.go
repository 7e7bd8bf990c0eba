package webhook

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	firstRetry    = 5 * time.Second
	longestRetry  = time.Hour
	lookAgain     = 5 * time.Second // after the database failed
	stopGrace     = 2 * time.Second // for calls under way when the gateway stops
	forgetEvery   = time.Hour
	keepDelivered = 7 * 24 * time.Hour
	keepDead      = 30 * 24 * time.Hour
)

// Sender delivers. Make one with New, run it once.
type Sender struct {
	o        Options
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	client   *http.Client
}

// New makes a Sender.
func New(o Options, s Settings) *Sender {
	d := &Sender{o: o, log: o.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = d.transport()
	}
	d.client = &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	d.Configure(s)
	return d
}

// Configure changes the settings; calls under way keep theirs.
func (s *Sender) Configure(set Settings) { s.settings.Store(&set) }

// CheckURL says what is wrong with an address that is to be called, "" for nothing.
func (s *Sender) CheckURL(raw string) string { return s.settings.Load().CheckURL(raw) }
