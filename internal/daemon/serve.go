package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"attestd/internal/config"
	"attestd/internal/httpapi"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/verify"
)

// bind takes the API's address, so that a port in use is told at start and not later.
func (d *Daemon) bind(cfg config.Config) error {
	d.api = httpapi.New(httpapi.Services{
		Queue: d.queue, Messages: d.store, Verify: &d.verify, Challenges: &d.verify, Inbox: d.inboxItems, Modems: d.modemViews,
		Events: events{d.store}, Webhooks: d.store, OptOuts: optOuts{d}, Forget: d.forget, Unlock: d.unlock, InboxItem: d.inboxItem, Status: d.status, Destination: d.destination, Country: d.country, ShortCode: d.shortCode, Authenticate: d.store.Authenticate, InUse: d.store.TokenInUse,
		Audit: d.auditLog, Number: func(c verify.Challenge) string { return d.verify.Load().Number(c) }, Hash: d.keys.MACs, Ready: d.ready, Stopping: d.stopping.Load, Unavailable: unavailable, MetricsHandler: d.metrics.Handler(), Meter: d.metrics,
	}, httpapi.Options{
		Version: d.o.Version, Public: cfg.HTTP.Public && cfg.HTTP.PublicAPI, DefaultCountry: cfg.Verify.Region[0], DefaultLanguage: cfg.Verify.DefaultLanguage, TrustedProxies: cfg.HTTP.Prefixes(),
		ClientHeader: cfg.HTTP.ClientHeader, HSTS: cfg.HTTP.HSTS,
		MaxBody: int64(cfg.HTTP.MaxBody), EventHeartbeat: cfg.HTTP.EventHeartbeat, Limits: apiLimits(cfg), Logger: d.log,
		Camara:            httpapi.Camara(cfg.Camara),
		ReadHeaderTimeout: cfg.HTTP.ReadHeaderTimeout, ReadTimeout: cfg.HTTP.ReadTimeout, IdleTimeout: cfg.HTTP.IdleTimeout,
		MaxConnectionsPerAddress: cfg.HTTP.ConnectionsPerAddress, StreamsPerToken: cfg.HTTP.StreamsPerToken, Streams: cfg.HTTP.MaxConnections / 2,
	})
	if err := errors.Join(d.restoreUses(), d.servePage(cfg)); err != nil {
		return err
	}
	return d.listen(cfg.HTTP)
}

func apiLimits(cfg config.Config) httpapi.Limits {
	l := cfg.Verify.Limits
	return httpapi.Limits{
		ChecksPerIPPerMinute: l.ChecksPerIPPerMinute, ChecksPerIPPerHour: l.ChecksPerIPPerHour,
		Proof: cfg.Abuse.APIProof == "work", Repeat: cfg.Verify.RepeatWindow, BrakeStep: cfg.Abuse.WrongLeast, BrakeWindow: cfg.Abuse.WrongWindow,
		ResendsPerIPPerHour: l.ResendsPerIPPerHour, RequestsPerSecond: cfg.HTTP.RequestsPerSecond,
	}
}

// unavailable says which errors mean "not now".
func unavailable(err error) (retryAfter time.Duration, ok bool) {
	switch {
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrReadOnly), errors.Is(err, store.ErrCorrupt):
		return 30 * time.Second, true
	case errors.Is(err, store.ErrBusy):
		return 2 * time.Second, true
	case errors.Is(err, seal.ErrOpen): // damage, or a key that a person must put back: not now, and not for good
		return time.Minute, true
	}
	return 0, false
}

// status is the gateway at a glance.
func (d *Daemon) status(ctx context.Context) (httpapi.Status, error) {
	s := httpapi.Status{Version: d.o.Version, Started: d.started, Problems: []string{}}
	q, err := d.queueSnapshot(ctx)
	if err != nil {
		return s, err
	}
	s.Messages, s.Waiting = q.Messages, q.Depth
	s.Region, _ = d.region(ctx)
	if !q.Oldest.IsZero() {
		s.Oldest = &q.Oldest
	}
	if s.Filings, err = d.store.FilingCounts(ctx); err != nil {
		return s, err
	}
	s.Reasons = d.ready(ctx)
	s.Ready = len(s.Reasons) == 0
	for _, r := range s.Reasons {
		s.Problems = append(s.Problems, problemOf(r))
	}
	for _, m := range d.fleet.Status() {
		s.Modems.Configured++
		if m.State == "ready" {
			s.Modems.Ready++
		} else {
			s.Problems = append(s.Problems, strings.TrimSuffix(fmt.Sprintf("modem %s is %s: %s", m.Name, m.State, m.Error), ": "))
		}
	}
	s.Watch = d.watchView()
	for _, a := range s.Watch.Alarms {
		s.Problems = append(s.Problems, problem(a))
	}
	if n := d.keys.Shut(); n > 0 {
		s.Problems = append(s.Problems, fmt.Sprintf("%d times something that is sealed in the database could not be opened since the start: is the key file whole? (attestd keys list)", n))
	}
	return s, nil
}

// events is the store's log in the API's words.
type events struct{ s *store.Store }

func (e events) After(ctx context.Context, seq int64, limit int) ([]httpapi.Event, error) {
	all, err := e.s.Events(ctx, seq, "", limit)
	out := make([]httpapi.Event, len(all))
	for i, one := range all {
		out[i] = httpapi.Event(one)
	}
	return out, err
}

func (e events) Last(ctx context.Context) (int64, error) { return e.s.LastEvent(ctx) }

func (e events) Watch() (<-chan struct{}, func()) { return e.s.Watch(store.TopicEvents) }
