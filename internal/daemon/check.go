package daemon

import (
	"fmt"

	"attestd/internal/config"
	"attestd/verify"
)

// Check finds what is wrong with a configuration that only the rooms themselves can tell: a template that does not fit
// into one SMS when it is filled in, a rule that a cap would not hold under. It opens nothing.
func Check(cfg config.Config) error {
	if _, err := verify.New(nil, nil, verifyPolicy(cfg), verifyTemplates(cfg)); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return checkWebhooks(cfg)
}
