package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"attestd/internal/client"
	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/store"
)

type forgetCmd struct {
	Number string `arg:"" help:"The person's phone."`
	Config string `required:"" placeholder:"FILE" help:"The gateway's configuration: it says where the database is."`
	Force  bool   `help:"Cancel what is under way for the number: filings, challenges, messages. Without it that stands in the way."`
	DryRun bool   `help:"Change nothing, only say what would be erased."`

	apiFlags `embed:""`
}

func (c *forgetCmd) Help() string {
	return `Erases everything of one person, found by the number, and says from how many rows. Of an opt-out a keyed hash stays: it goes on
holding. While a gateway runs it is asked to do it (a token with the scope admin is needed); otherwise it is done on the database.`
}

func (c *forgetCmd) Run(a *app) error {
	cfg, err := config.LoadSettings(c.Config)
	if err != nil {
		return err
	}
	var done client.Forgotten
	defer giveBack(databasePath(cfg))
	defer giveBack(cfg.Store.KeyFile)
	local, err := daemon.Forget(a.asUser(), cfg, c.Number, c.Force, c.DryRun)
	switch {
	case errors.Is(err, store.ErrInUse): // a gateway has the database: it does it
		cl, err := c.client()
		if err != nil {
			return err
		}
		err = cl.Do(a.ctx, http.MethodPost, "/v1/forget", client.Forget{Number: c.Number, Force: c.Force, DryRun: c.DryRun}, &done)
		if err != nil {
			return fmt.Errorf("a gateway has the database, and was asked: %w", err)
		}
	case err != nil:
		return err
	default:
		text, err := json.Marshal(local)
		if err == nil {
			err = json.Unmarshal(text, &done)
		}
		if err != nil {
			return err
		}
	}
	if c.JSON {
		return a.printJSON(done)
	}
	return a.printForgotten(done)
}

func (a *app) printForgotten(done client.Forgotten) error {
	if len(done.Rows) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is kept of this number.")
		return nil
	}
	rows := make([][]string, 0, len(done.Rows))
	for _, table := range slices.Sorted(maps.Keys(done.Rows)) {
		rows = append(rows, []string{table, strconv.Itoa(done.Rows[table])})
	}
	if err := a.table("TABLE ROWS", rows); err != nil {
		return err
	}
	for what, ids := range map[string][]string{"filings": done.Cancelled.Filings, "challenges": done.Cancelled.Challenges, "messages": done.Cancelled.Messages} {
		if len(ids) > 0 {
			fmt.Fprintf(a.stdout, "%s cancelled: %s\n", what, strings.Join(ids, ", "))
		}
	}
	switch {
	case done.DryRun:
		fmt.Fprintln(a.stdout, "Nothing was changed (--dry-run).")
	case !done.Scrubbed:
		fmt.Fprintln(a.stderr, "It is erased; the files hold old copies of these pages until the next checkpoints.")
	}
	return nil
}
