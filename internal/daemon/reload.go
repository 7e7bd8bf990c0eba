package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"attestd/internal/config"
	"attestd/verify"
)

// Reload takes over what config.Diff says can be changed while running, and says what has changed. Challenges and
// messages under way keep the rules that they were made under. On an error nothing was changed.
func (d *Daemon) Reload(cfg config.Config) ([]config.Change, error) {
	running := *d.cfg.Load()
	changed := config.Diff(running, cfg)
	hooks, err := d.webhookSettings(context.Background(), cfg)
	if err = errors.Join(err, Check(cfg)); err != nil {
		return nil, err
	}
	showPage, err := d.reloadPage(cfg)
	if err != nil {
		return nil, err
	}
	keys, err := d.loadKeys(context.Background())
	if err != nil {
		return nil, err
	}
	useCertificate := func() {}
	if d.certificate != nil {
		if useCertificate, err = d.certificate.Prepare(); err != nil {
			return nil, err
		}
	}
	if err := d.reloadWebhooks(context.Background(), hooks); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	if err := d.buildRules(cfg); err != nil {
		return nil, err
	}
	showPage()
	useCertificate()
	if err := d.takeKeys(context.Background(), keys); err != nil {
		return nil, err
	}
	d.inbox.SetPolicy(inboxPolicy(cfg))
	d.watch.SetRules(watchRules(cfg))
	d.store.SetCountryCap(cfg.Verify.Region[0], cfg.Abuse.PerCountryDaily)
	d.api.SetLimits(apiLimits(cfg))
	d.api.SetDefaults(cfg.Verify.DefaultLanguage, cfg.Verify.Region[0])
	if d.o.Level != nil {
		d.o.Level.Set(cfg.Log.Level)
	}
	d.fleet.Reconfigure(d.stations(cfg))
	running.Modem, running.Modems, running.Verify, running.Inbox = cfg.Modem, cfg.Modems, cfg.Verify, cfg.Inbox
	running.Inbound, running.Webhooks, running.Webhook, running.Page = cfg.Inbound, cfg.Webhooks, cfg.Webhook, cfg.Page
	running.Abuse, running.Privacy = cfg.Abuse, cfg.Privacy
	running.HTTP.RequestsPerSecond = cfg.HTTP.RequestsPerSecond
	running.Log.Level, running.Log.ATTrace, running.ShutdownGrace = cfg.Log.Level, cfg.Log.ATTrace, cfg.ShutdownGrace
	d.cfg.Store(&running)
	d.auditReload(context.Background(), changed)
	return changed, nil
}

// rules is the verification service of the moment: httpapi.Verify and Challenges.
type rules struct{ atomic.Pointer[verify.Service] }

func (r *rules) CreateFiling(ctx context.Context, q verify.FilingRequest) (verify.Filing, bool, error) {
	return r.Load().CreateFiling(ctx, q)
}

func (r *rules) Filing(ctx context.Context, id string) (verify.Filing, error) {
	return r.Load().Filing(ctx, id)
}

func (r *rules) Filings(ctx context.Context, q verify.FilingQuery) ([]verify.Filing, string, error) {
	return r.Load().Filings(ctx, q)
}

func (r *rules) CancelFiling(ctx context.Context, id, reason string) (verify.Filing, error) {
	return r.Load().CancelFiling(ctx, id, reason)
}

func (r *rules) ResubmitFiling(ctx context.Context, q verify.ResubmitRequest) (verify.Filing, bool, error) {
	return r.Load().ResubmitFiling(ctx, q)
}

func (r *rules) AmendPerson(ctx context.Context, q verify.AmendRequest) (verify.Filing, error) {
	return r.Load().AmendPerson(ctx, q)
}

func (r *rules) Timeline(ctx context.Context, id string, after int64, limit int) ([]verify.Moment, int64, error) {
	return r.Load().Timeline(ctx, id, after, limit)
}

func (r *rules) Check(ctx context.Context, q verify.CheckRequest) (verify.Answer, error) {
	return r.Load().Check(ctx, q)
}

func (r *rules) Resend(ctx context.Context, q verify.ResendRequest) (verify.Answer, error) {
	return r.Load().Resend(ctx, q)
}

func (r *rules) CreateChallenge(ctx context.Context, q verify.ChallengeRequest) (verify.Challenge, error) {
	return r.Load().CreateChallenge(ctx, q)
}

func (r *rules) Challenge(ctx context.Context, id string) (verify.Challenge, error) {
	return r.Load().Challenge(ctx, id)
}

func (r *rules) CheckChallenge(ctx context.Context, id, code, via string) (verify.Challenge, bool, error) {
	return r.Load().CheckChallenge(ctx, id, code, via)
}

func (r *rules) ResendChallenge(ctx context.Context, id string) (verify.Challenge, error) {
	return r.Load().ResendChallenge(ctx, id)
}

func (r *rules) CancelChallenge(ctx context.Context, id string) (verify.Challenge, error) {
	return r.Load().CancelChallenge(ctx, id)
}

func (r *rules) sweep(ctx context.Context, now time.Time) (time.Time, error) {
	return r.Load().Sweep(ctx, now)
}
