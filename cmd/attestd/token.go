package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"attestd/internal/access"
	"attestd/internal/config"
	"attestd/internal/store"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens there are, and what they may do."`
	Rotate tokenRotateCmd `cmd:"" help:"Give a token a new secret; the old one works a while longer."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token at once."`
}

func (c *tokenCmd) Help() string {
	return `Tokens let platforms use the API. They work on the database itself: before the first start too, and while the
gateway runs. Run these as the user that runs attestd, or as root.

What a token makes belongs to its tenant, and the tokens of other tenants see nothing of it; admin sees everything.

Scopes: messages (send, read and cancel messages), filings (file, read and cancel filings; send and check codes), inbox (read
what came in), read (read everything but the audit log, change nothing), numbers (beside the others: see phone numbers whole,
which are masked as 138****8000 without it), admin (everything: webhooks, erasing, the audit log).`
}

type tokenFlags struct {
	Config string `required:"" placeholder:"FILE" help:"The gateway's configuration: it says where the database is."`
	JSON   bool   `help:"Print as JSON."`
}

// with opens the database for do. What root makes there is given to whom the folder belongs, or the gateway could
// not write it.
func (f tokenFlags) with(ctx context.Context, do func(*store.Store) error) error {
	cfg, err := config.LoadSettings(f.Config)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile})
	if err != nil {
		return err
	}
	defer giveBack(databasePath(cfg))
	err = do(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

func giveBack(path string) {
	info, err := os.Stat(filepath.Dir(path))
	if err != nil || os.Geteuid() != 0 {
		return
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		_ = os.Lchown(path+suffix, int(owner.Uid), int(owner.Gid)) // most of them are not there
	}
}

type tokenView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Token     string     `json:"token,omitempty"`
	Tenant    string     `json:"tenant"`
	Scopes    []string   `json:"scopes"`
	State     string     `json:"state"` // in use, replaced, expired, revoked
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`

	TextsPerHour *int `json:"texts_per_hour,omitempty"` // none: what the configuration says; 0: no limit
	TextsPerDay  *int `json:"texts_per_day,omitempty"`
}

func viewToken(t store.Token) tokenView {
	v := tokenView{ID: t.ID, Name: t.Name, Tenant: t.Tenant, Scopes: strings.Split(t.Scopes.String(), ","), State: "in use", CreatedAt: t.Created,
		TextsPerHour: t.Quota.Hour, TextsPerDay: t.Quota.Day}
	now := time.Now()
	if !t.Expires.IsZero() {
		v.ExpiresAt = &t.Expires
		if !now.Before(t.Expires) {
			v.State = "expired"
		}
	}
	if !t.Revoked.IsZero() {
		v.RevokedAt = &t.Revoked
		if v.State = "revoked"; now.Before(t.Revoked) {
			v.State = "replaced"
		}
	}
	return v
}

type tokenCreateCmd struct {
	tokenFlags `embed:""`
	Name       string        `required:"" placeholder:"NAME" help:"Whose it is; it stands in logs and with what is sent."`
	Scope      string        `default:"${platform}" placeholder:"SCOPES" help:"What it may do: some of ${scopes}. What a platform needs, unless given: ${platform}."`
	Tenant     string        `placeholder:"NAME" help:"Whose it is that the token makes and sees; tokens of one tenant share it. The token's own name, unless given."`
	Expires    time.Duration `placeholder:"TIME" help:"End it by itself after so long, as 2160h. Never, unless given."`

	TextsPerHour *int `placeholder:"N" help:"Texts (segments) that it may have sent in each clock hour; 0 is no limit. abuse.texts_per_token_per_hour, unless given."`
	TextsPerDay  *int `placeholder:"N" help:"The same in each day (UTC). abuse.texts_per_token_per_day, unless given."`
}

func (c *tokenCreateCmd) Run(a *app) error {
	scopes, err := access.Parse(c.Scope)
	if err != nil {
		return fmt.Errorf("--scope: %w", err)
	}
	if c.Expires < 0 {
		return errors.New("--expires: want a time ahead, as 2160h")
	}
	if c.TextsPerHour != nil && *c.TextsPerHour < 0 || c.TextsPerDay != nil && *c.TextsPerDay < 0 {
		return errors.New("--texts-per-hour, --texts-per-day: want a number, or 0 for no limit")
	}
	ctx := a.asUser()
	return c.with(ctx, func(s *store.Store) error {
		secret, t, err := s.CreateToken(ctx, store.NewToken{Name: c.Name, Tenant: c.Tenant, Scopes: scopes, Life: c.Expires,
			Quota: store.TokenQuota{Hour: c.TextsPerHour, Day: c.TextsPerDay}})
		if errors.Is(err, store.ErrTokenName) || errors.Is(err, store.ErrTokenExists) {
			return fmt.Errorf("--name: %w", err)
		} else if errors.Is(err, store.ErrTenantName) {
			return fmt.Errorf("--tenant: %w", err)
		} else if err != nil {
			return err
		}
		return c.tell(a, secret, t)
	})
}

// tell prints a secret, this once.
func (f tokenFlags) tell(a *app, secret string, t store.Token) error {
	if f.JSON {
		v := viewToken(t)
		v.Token = secret
		return a.printJSON(v)
	}
	// The token alone on standard output: attestd token create ... > token
	if _, err := fmt.Fprintln(a.stdout, secret); err != nil {
		return err
	}
	fmt.Fprintln(a.stderr, "Keep it: it cannot be shown again. Use it as $ATTESTD_TOKEN, with --token-file, or as the header Authorization: Bearer TOKEN.")
	fmt.Fprintf(a.stderr, "It may: %s.\n", strings.ReplaceAll(t.Scopes.String(), ",", ", "))
	return nil
}

type tokenRotateCmd struct {
	tokenFlags `embed:""`
	Name       string        `arg:"" help:"The token's name."`
	Overlap    time.Duration `default:"24h" placeholder:"TIME" help:"How long the old one works beside the new one, as 1h; 0s ends it at once. 24h unless given."`
	Expires    time.Duration `placeholder:"TIME" help:"End the new one by itself after so long. As long as the old one had, unless given."`
}

func (c *tokenRotateCmd) Help() string {
	return "The name, the tenant, the scopes and the quotas stay. To change what a token may do, make another one and revoke this one."
}

func (c *tokenRotateCmd) Run(a *app) error {
	if c.Overlap < 0 || c.Expires < 0 {
		return errors.New("--overlap, --expires: want a time ahead, as 24h")
	}
	ctx := a.asUser()
	return c.with(ctx, func(s *store.Store) error {
		secret, t, err := s.RotateToken(ctx, c.Name, c.Overlap, c.Expires)
		if err != nil {
			return err
		}
		if !c.JSON {
			fmt.Fprintf(a.stderr, "The old one is refused from %s on.\n", clock(time.Now().Add(c.Overlap)))
		}
		return c.tell(a, secret, t)
	})
}

type tokenListCmd struct {
	tokenFlags `embed:""`
}

func (c *tokenListCmd) Run(a *app) error {
	return c.with(a.ctx, func(s *store.Store) error {
		all, err := s.Tokens(a.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			views := make([]tokenView, len(all))
			for i, t := range all {
				views[i] = viewToken(t)
			}
			return a.printJSON(map[string]any{"items": views, "next": ""})
		}
		if len(all) == 0 {
			fmt.Fprintln(a.stderr, "There is no token yet: attestd token create --config FILE --name NAME")
			return nil
		}
		rows := make([][]string, len(all))
		for i, t := range all {
			v := viewToken(t)
			state := v.State
			switch state {
			case "revoked":
				state += " " + clock(t.Revoked)
			case "replaced":
				state += ", works until " + clock(t.Revoked)
			}
			rows[i] = []string{t.Name, t.Tenant, t.Scopes.String(), quotaWords(t.Quota), clock(t.Created), clockOr(v.ExpiresAt, "never"), state}
		}
		return a.table("NAME TENANT SCOPES TEXTS CREATED EXPIRES STATE", rows)
	})
}

// quotaWords is how many texts a token may have of its own, as "500/h 2000/day"; "default" is what the configuration says.
func quotaWords(q store.TokenQuota) string {
	var words []string
	for _, one := range []struct {
		most *int
		span string
	}{{q.Hour, "h"}, {q.Day, "day"}} {
		switch {
		case one.most == nil:
		case *one.most == 0:
			words = append(words, "any/"+one.span)
		default:
			words = append(words, fmt.Sprintf("%d/%s", *one.most, one.span))
		}
	}
	if words == nil {
		return "default"
	}
	return strings.Join(words, ", ")
}

type tokenRevokeCmd struct {
	tokenFlags `embed:""`
	Name       string `arg:"" help:"The token's name."`
}

func (c *tokenRevokeCmd) Run(a *app) error {
	ctx := a.asUser()
	return c.with(ctx, func(s *store.Store) error {
		t, err := s.RevokeToken(ctx, c.Name)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(viewToken(t))
		}
		_, err = fmt.Fprintf(a.stdout, "%s is revoked: requests with it are refused from now on\n", t.Name)
		return err
	})
}
