package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrSecret says that the webhook secret is not the one that receivers know. Its wrapper says what to do.
var ErrSecret = errors.New("webhooks.secret_file")

// SecretsKnown says whether call-backs were signed from this database before: then a secret file that is missing was
// lost, and a new
// secret would have every receiver refuse what comes.
func (s *Store) SecretsKnown(ctx context.Context) (bool, error) {
	checks, err := readChecks(ctx, s.reads, webhookKind)
	if err != nil || len(checks) > 0 {
		return err == nil, explain(err)
	}
	var n int // of before there were check values
	err = s.readRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE attempts > 0 LIMIT 1) AS d`).Scan(&n)
	return n > 0, explain(err)
}

// JudgeSecrets refuses secrets none of which signed before; have are their check values, the newest first.
func (s *Store) JudgeSecrets(ctx context.Context, have []string, file string) error {
	checks, err := readChecks(ctx, s.reads, webhookKind)
	if err != nil {
		return explain(err)
	}
	return judgeSecrets(checks, have, file)
}

func judgeSecrets(checks map[byte]string, have []string, file string) error {
	known := slices.Collect(maps.Values(checks))
	if len(known) == 0 || slices.ContainsFunc(have, func(one string) bool { return slices.Contains(known, one) }) {
		return nil
	}
	return fmt.Errorf("%w: %s holds other secrets than those that receivers know of this database: put the right file back from its backup, "+
		"or correct webhooks.secret_file; if it is lost for good: attestd webhooks secret --new", ErrSecret, file)
}

// MissingSecrets is what JudgeSecrets says where there is no file.
func MissingSecrets(file string) error {
	return fmt.Errorf("%w: %s is missing, and receivers know the secret in it: put it back from its backup, or correct webhooks.secret_file; "+
		"nothing was changed; if it is lost for good: attestd webhooks secret --new", ErrSecret, file)
}

// NoteSecrets writes down the secrets that sign from now on.
func (s *Store) NoteSecrets(ctx context.Context, have []string) error {
	writes, err := s.secretsToNote(ctx, have)
	if err != nil {
		return err
	}
	return s.write(ctx, writes)
}
