package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"attestd/internal/config"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/internal/webhook"
	"attestd/verify"
)

// Reload takes over what config.Diff says can be changed while running, and says what has changed. Challenges and
// messages under way keep the rules that they were made under. Everything is prepared first, then what must be written is
// written in one transaction, and then nothing can fail any more: on an error nothing was changed.
func (d *Daemon) Reload(cfg config.Config) ([]config.Change, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	running := *d.cfg.Load()
	changed := config.Diff(running, cfg)
	next := config.TakeOver(running, cfg)
	r, err := d.prepare(next)
	if err != nil {
		return nil, err
	}
	write := store.Adoption{Endpoints: r.hooks.Endpoints, Secrets: r.hooks.Callbacks.Checks(), Keys: r.keys}
	if err := d.store.Adopt(context.Background(), write); err != nil {
		return nil, fmt.Errorf("the database: %w", err)
	}
	r.take()
	d.auditReload(context.Background(), changed)
	return changed, nil
}

// reload is a configuration that is prepared: every part of it was made, and none is in use.
type reload struct {
	hooks webhook.Settings
	keys  *seal.Keyring
	take  func() // puts all of it in use
}

// prepare makes everything that can fail.
func (d *Daemon) prepare(next config.Config) (r reload, err error) {
	rules, err := d.makeRules(next)
	if err = errors.Join(err, Check(next)); err != nil {
		return r, err
	}
	if r.hooks, err = d.webhookSettings(context.Background(), next); err != nil {
		return r, err
	}
	showPage, err := d.reloadPage(next)
	if err != nil {
		return r, err
	}
	if r.keys, err = d.loadKeys(context.Background()); err != nil {
		return r, err
	}
	useCertificate := func() {}
	if d.certificate != nil {
		if useCertificate, err = d.certificate.Prepare(); err != nil {
			return r, err
		}
	}
	r.take = func() {
		d.takeKeys(r.keys)
		d.webhooks.Configure(r.hooks)
		d.log.Info("webhooks: secrets were read again", "callbacks_sign_with", len(r.hooks.Callbacks.Texts()), "endpoints", len(r.hooks.Endpoints))
		useCertificate()
		d.cfg.Store(&next)
		d.queue.Follow(queuePolicy(next))
		d.useRules(next, rules)
		showPage()
		d.inbox.SetPolicy(inboxPolicy(next))
		d.watch.SetRules(watchRules(next))
		d.store.SetCountryCap(d.atHome(next), next.Abuse.PerCountryDaily)
		d.store.SetQuotas(d.quotas(next))
		d.api.SetLimits(apiLimits(next))
		d.api.SetDefaults(next.Verify.DefaultLanguage, next.Verify.Region[0])
		if d.o.Level != nil {
			d.o.Level.Set(next.Log.Level)
		}
		d.fleet.Reconfigure(d.stations(next))
		d.store.Wake() // what is due may be due at another time
	}
	return r, nil
}

// rules is the verification service of the moment: httpapi.Verify and Challenges.
type rules struct{ atomic.Pointer[verify.Service] }

func (r *rules) CreateFiling(ctx context.Context, q verify.FilingRequest) (verify.Filing, bool, error) {
	return r.Load().CreateFiling(ctx, q)
}

func (r *rules) Filing(ctx context.Context, owner, id string) (verify.Filing, error) {
	return r.Load().Filing(ctx, owner, id)
}

func (r *rules) Filings(ctx context.Context, q verify.FilingQuery) ([]verify.Filing, string, error) {
	return r.Load().Filings(ctx, q)
}

func (r *rules) CancelFiling(ctx context.Context, owner, id, reason string) (verify.Filing, error) {
	return r.Load().CancelFiling(ctx, owner, id, reason)
}

func (r *rules) ResubmitFiling(ctx context.Context, q verify.ResubmitRequest) (verify.Filing, bool, error) {
	return r.Load().ResubmitFiling(ctx, q)
}

func (r *rules) AmendPerson(ctx context.Context, q verify.AmendRequest) (verify.Filing, error) {
	return r.Load().AmendPerson(ctx, q)
}

func (r *rules) Timeline(ctx context.Context, owner, id string, after int64, limit int) ([]verify.Moment, int64, error) {
	return r.Load().Timeline(ctx, owner, id, after, limit)
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

func (r *rules) Challenge(ctx context.Context, owner, id string) (verify.Challenge, error) {
	return r.Load().Challenge(ctx, owner, id)
}

func (r *rules) CheckChallenge(ctx context.Context, owner, id, code, via string) (verify.Challenge, bool, error) {
	return r.Load().CheckChallenge(ctx, owner, id, code, via)
}

func (r *rules) ResendChallenge(ctx context.Context, owner, id string) (verify.Challenge, error) {
	return r.Load().ResendChallenge(ctx, owner, id)
}

func (r *rules) CancelChallenge(ctx context.Context, owner, id string) (verify.Challenge, error) {
	return r.Load().CancelChallenge(ctx, owner, id)
}

func (r *rules) sweep(ctx context.Context, now time.Time) (time.Time, error) {
	return r.Load().Sweep(ctx, now)
}
