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

	"attestd/internal/config"
	"attestd/internal/store"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens there are."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token at once."`
}

func (c *tokenCmd) Help() string {
	return `Tokens let platforms use the API. They work on the database itself: before the first start too, and while the
gateway runs. Run these as the user that runs attestd, or as root.`
}

type tokenFlags struct {
	Config string `required:"" placeholder:"FILE" help:"The gateway's configuration: it says where the database is."`
	JSON   bool   `help:"Print as JSON."`
}

// with opens the database for do. What root makes there is given to whom the folder belongs, or the gateway could
// not write it.
func (f tokenFlags) with(ctx context.Context, do func(*store.Store) error) error {
	cfg, err := config.Load(f.Config)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(strings.TrimPrefix(cfg.Store.URL, "sqlite:"), "//")
	s, err := store.Open(ctx, store.Options{URL: cfg.Store.URL})
	if err != nil {
		return err
	}
	defer giveBack(path)
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
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

func viewToken(t store.Token) tokenView {
	v := tokenView{ID: t.ID, Name: t.Name, CreatedAt: t.Created}
	if !t.Revoked.IsZero() {
		v.RevokedAt = &t.Revoked
	}
	return v
}

type tokenCreateCmd struct {
	tokenFlags `embed:""`
	Name       string `required:"" placeholder:"NAME" help:"Whose it is; it stands in logs and with what is sent."`
}

func (c *tokenCreateCmd) Run(a *app) error {
	return c.with(a.ctx, func(s *store.Store) error {
		secret, t, err := s.CreateToken(a.ctx, store.NewToken{Name: c.Name})
		if errors.Is(err, store.ErrTokenName) || errors.Is(err, store.ErrTokenExists) {
			return fmt.Errorf("--name: %w", err)
		} else if err != nil {
			return err
		}
		if c.JSON {
			v := viewToken(t)
			v.Token = secret
			return a.printJSON(v)
		}
		// The token alone on standard output: attestd token create ... > token
		if _, err := fmt.Fprintln(a.stdout, secret); err != nil {
			return err
		}
		fmt.Fprintln(a.stderr, "Keep it: it cannot be shown again. Use it as $ATTESTD_TOKEN, with --token-file, or as the header Authorization: Bearer TOKEN.")
		return nil
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
			state := "in use"
			if !t.Revoked.IsZero() {
				state = "revoked " + clock(t.Revoked)
			}
			rows[i] = []string{t.Name, clock(t.Created), state}
		}
		return a.table("NAME CREATED STATE", rows)
	})
}

type tokenRevokeCmd struct {
	tokenFlags `embed:""`
	Name       string `arg:"" help:"The token's name."`
}

func (c *tokenRevokeCmd) Run(a *app) error {
	return c.with(a.ctx, func(s *store.Store) error {
		t, err := s.RevokeToken(a.ctx, c.Name)
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
