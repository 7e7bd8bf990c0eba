package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"attestd/internal/config"
	"attestd/internal/metrics"
	"attestd/internal/store"
	"attestd/internal/webhook"
)

// WebhookSecretFile is where the secret of callbacks is. [config.Load] has named it; a configuration made by a program may
// leave it open.
func WebhookSecretFile(cfg config.Config) string {
	if cfg.Webhooks.SecretFile != "" {
		return cfg.Webhooks.SecretFile
	}
	path := strings.TrimPrefix(strings.TrimPrefix(cfg.Store.URL, "sqlite:"), "//")
	return filepath.Join(filepath.Dir(path), "webhook.secret")
}

// buildWebhooks makes who tells others of events, and the secret that signs if there is none yet. Whoever writes an event
// from now on writes down who is to be told.
func (d *Daemon) buildWebhooks(ctx context.Context, cfg config.Config) error {
	settings, err := d.webhookSettings(ctx, cfg)
	if err != nil {
		return err
	}
	if err := d.store.SetWebhooks(ctx, settings.Endpoints); err != nil {
		return err
	}
	if err := d.store.NoteSecrets(ctx, settings.Callbacks.Checks()); err != nil {
		return err
	}
	wake, unwatch := d.store.Watch(store.TopicWebhooks)
	d.unwatch = append(d.unwatch, unwatch)
	d.webhooks = webhook.New(webhook.Options{
		Store: d.store, Wake: wake, Version: d.o.Version, Logger: d.log, Meter: d.metrics.Webhooks(d.webhookCounts),
	}, settings)
	return nil
}

// webhookSettings is [webhooks] and [[webhook]] in webhook's words, secrets read: a reload is how one is rotated. A
// database whose
// receivers know a secret gets no new one by itself.
func (d *Daemon) webhookSettings(ctx context.Context, cfg config.Config) (webhook.Settings, error) {
	path := WebhookSecretFile(cfg)
	shared, err := webhook.LoadSecrets(path)
	if errors.Is(err, fs.ErrNotExist) {
		shared, err = d.makeSecrets(ctx, path)
	} else if err != nil {
		err = fmt.Errorf("webhooks.secret_file: %w", err)
	}
	if err == nil {
		err = d.store.JudgeSecrets(ctx, shared.Checks(), path)
	}
	if err != nil {
		return webhook.Settings{}, err
	}
	endpoints, err := webhookEndpoints(cfg, shared)
	w := cfg.Webhooks
	return webhook.Settings{
		Endpoints: endpoints, Callbacks: shared, Allow: w.Prefixes(), AllowHTTP: w.AllowHTTP,
		Timeout: w.Timeout, RetryFor: w.RetryFor, Concurrency: w.Concurrency,
	}, err
}

func (d *Daemon) makeSecrets(ctx context.Context, path string) (webhook.Secrets, error) {
	known, err := d.store.SecretsKnown(ctx)
	if err != nil {
		return webhook.Secrets{}, err
	} else if known {
		return webhook.Secrets{}, store.MissingSecrets(path)
	}
	shared, created, err := webhook.LoadOrCreateSecrets(path)
	if err != nil {
		return shared, fmt.Errorf("webhooks.secret_file: %w", err)
	}
	if created {
		d.log.Info("a new webhook secret was made: attestd webhooks secret prints it for those who receive callbacks", "file", path)
	}
	return shared, nil
}

func webhookEndpoints(cfg config.Config, shared webhook.Secrets) (all []webhook.Endpoint, err error) {
	for _, one := range cfg.Webhook {
		e := webhook.Endpoint{Name: one.Name, URL: one.URL, Events: one.Events, Secrets: shared}
		if one.SecretFile != "" {
			var wrong error
			if e.Secrets, wrong = webhook.LoadSecrets(one.SecretFile); wrong != nil {
				err = errors.Join(err, fmt.Errorf("webhook.%s.secret_file: %w", one.Name, wrong))
			}
		}
		all = append(all, e)
	}
	return all, err
}

// checkWebhooks finds what is wrong with the secrets that there are; that of callbacks may still be to come.
func checkWebhooks(cfg config.Config) error {
	shared, err := webhook.LoadSecrets(WebhookSecretFile(cfg))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	} else if err != nil {
		err = fmt.Errorf("webhooks.secret_file: %w", err)
	}
	_, wrong := webhookEndpoints(cfg, shared)
	return errors.Join(err, wrong)
}

// webhookCounts is what is to be delivered, as Prometheus sees it.
func (d *Daemon) webhookCounts(ctx context.Context) (metrics.WebhookCounts, error) {
	c, err := d.store.WebhookCounts(ctx)
	return metrics.WebhookCounts(c), err
}

// checkCallback says what is wrong with the callback of a filing, "" for nothing.
func (d *Daemon) checkCallback(url string) string {
	if d.webhooks == nil { // while it is being built nobody files
		return ""
	}
	return d.webhooks.CheckURL(url)
}
