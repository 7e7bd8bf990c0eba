package daemon

import (
	"context"
	"fmt"
	"time"

	"attestd/internal/access"
	"attestd/internal/config"
	"attestd/internal/httpapi"
	"attestd/internal/store"
)

// restoreUses lets the limits of callers go on where they were before a restart.
func (d *Daemon) restoreUses() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	uses, err := d.store.Uses(ctx, time.Now(), httpapi.MostUses)
	if err != nil {
		return fmt.Errorf("reading what callers have used: %w", err)
	}
	checks, err := d.store.CheckCounts(ctx, time.Now().Add(-d.cfg.Load().Abuse.WrongWindow))
	if err != nil {
		return fmt.Errorf("reading how many checks were wrong: %w", err)
	}
	d.api.Restore(uses, checks.All, checks.Wrong)
	return nil
}

// auditReload writes down that a configuration was taken over: which keys, and no values. A disk that is full does not keep
// anybody from mending the configuration.
func (d *Daemon) auditReload(ctx context.Context, changed []config.Change) {
	keys := make([]string, 0, len(changed))
	for _, one := range changed {
		keys = append(keys, one.Key)
	}
	ctx = access.As(ctx, access.Actor{Kind: access.ByUser, Name: "SIGHUP"})
	if err := d.store.Audit(ctx, "config.reloaded", "", map[string]any{"keys": keys}); err != nil {
		d.log.Warn("the reload is missing in the audit log", "error", err)
	}
}

// auditLog is the audit log in the API's words.
func (d *Daemon) auditLog(ctx context.Context, f httpapi.AuditFilter) ([]httpapi.AuditEntry, string, error) {
	items, next, err := d.store.AuditLog(ctx, store.AuditFilter(f))
	all := make([]httpapi.AuditEntry, len(items))
	for i, e := range items {
		all[i] = httpapi.NewAuditEntry(e.ID, e.At, e.By, e.Action, e.Subject, e.Owner, e.Data)
	}
	return all, next, err
}
