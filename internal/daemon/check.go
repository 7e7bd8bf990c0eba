package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"attestd/internal/config"
	"attestd/internal/store"
	"attestd/internal/webhook"
	"attestd/verify"
)

// CheckDatabase says what would keep the gateway from serving this database: it belongs to another key or other
// secrets, or is not
// whole. It makes and changes nothing; a database that is still to be made is good.
func CheckDatabase(ctx context.Context, cfg config.Config) error {
	o := store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile}
	secrets, file := []string{}, WebhookSecretFile(cfg)
	switch shared, err := webhook.LoadSecrets(file); {
	case err == nil:
		secrets = shared.Checks()
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("webhooks.secret_file: %w", err)
	}
	return store.Examine(ctx, o, secrets, file)
}

// Check finds what is wrong with a configuration that only the rooms themselves can tell: a template that does not fit
// into one SMS when it is filled in, a rule that a cap would not hold under, a table that cannot be
// read. It opens nothing else.
func Check(cfg config.Config) error {
	if _, err := verify.New(nil, nil, verifyPolicy(cfg), verifyTemplates(cfg)); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if _, err := numberAreas(cfg); err != nil {
		return err
	}
	return checkWebhooks(cfg)
}
