package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"attestd/internal/access"
	"attestd/internal/store"
)

// asUser is the command's context under the name of whoever runs it, for the audit log.
func (a *app) asUser() context.Context {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	return access.As(a.ctx, access.Actor{Kind: access.ByUser, Name: name})
}

type auditCmd struct {
	tokenFlags `embed:""`
	Since      time.Duration `placeholder:"TIME" help:"Only what was done within so long, as 24h."`
	By         string        `placeholder:"WHO" help:"Only what this one did: a kind (token, user, person, gateway), or token:NAME."`
	Action     string        `placeholder:"ACTION" help:"Only this, as token.revoked, or filing.* for all about filings."`
	Subject    string        `placeholder:"ID" help:"Only what was done to this, a filing's id say."`
	Limit      int           `default:"100" help:"How many at most."`
}

func (c *auditCmd) Help() string {
	return `Who did what, when; newest first. It has names of tokens and users, ids and states, and nothing of persons. Rows are kept as long
as privacy.wipe_audit says. GET /v1/audit gives the same to a token with the scope admin.`
}

type auditView struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Name    string    `json:"name,omitempty"`
	Action  string    `json:"action"`
	Subject string    `json:"subject,omitempty"`
	Data    any       `json:"data"`
}

func (c *auditCmd) Run(a *app) error {
	if c.Limit < 1 || c.Limit > 100_000 {
		return fmt.Errorf("--limit: want from 1 to 100000")
	}
	f := store.AuditFilter{Action: c.Action, Subject: c.Subject, Limit: c.Limit}
	f.Kind, f.Name, _ = strings.Cut(c.By, ":")
	if c.Since > 0 {
		f.Since = time.Now().Add(-c.Since)
	}
	return c.with(a.ctx, func(s *store.Store) error {
		items, next, err := s.AuditLog(a.ctx, f)
		if err != nil {
			return err
		}
		if c.JSON {
			views := make([]auditView, len(items))
			for i, e := range items {
				views[i] = auditView{e.ID, e.At, e.By.Kind, e.By.Name, e.Action, e.Subject, e.Data}
			}
			return a.printJSON(map[string]any{"items": views, "next": next})
		}
		rows := make([][]string, len(items))
		for i, e := range items {
			rows[i] = []string{clock(e.At), strings.Trim(e.By.Kind+":"+e.By.Name, ":"), e.Action, e.Subject, oneLine(strings.Trim(string(e.Data), "{}"))}
		}
		if len(rows) == 0 {
			fmt.Fprintln(a.stderr, "Nothing that was done is known here.")
			return nil
		}
		if err := a.table("WHEN WHO WHAT TO DETAILS", rows); err != nil {
			return err
		}
		if next != "" {
			fmt.Fprintln(a.stderr, "There is more: --limit shows more at once, --since, --by, --action and --subject choose.")
		}
		return nil
	})
}
