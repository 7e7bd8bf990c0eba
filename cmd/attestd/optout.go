package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"attestd/internal/client"
)

type optoutCmd struct {
	List   optoutListCmd   `cmd:"" default:"withargs" help:"List those who have opted out, newest first."`
	Add    optoutAddCmd    `cmd:"" help:"Put a number on the list."`
	Remove optoutRemoveCmd `cmd:"" help:"Take a number, or an entry, off the list."`
}

func (c *optoutCmd) Help() string {
	return "Numbers on the list get codes, answers, and messages that are sent as necessary; nothing else. Who answers TD, 退订 or STOP puts himself on it, who answers START or 恢复 takes himself off."
}

type optoutListCmd struct {
	apiFlags  `embed:""`
	pageFlags `embed:""`
}

func (c *optoutListCmd) Run(a *app) error {
	var l client.List[client.OptOut]
	if shown, err := c.get(a, "/v1/optouts", c.query(), &l); shown || err != nil {
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, o := range l.Items {
		rows[i] = []string{o.ID, or(o.Number, "(forgotten)"), o.Source, o.By, clock(o.CreatedAt)}
	}
	if len(rows) > 0 {
		if err := a.table("ID NUMBER FROM BY SINCE", rows); err != nil {
			return err
		}
	}
	c.more(a, len(rows), l.Next, "Nobody has opted out.")
	return nil
}

type optoutAddCmd struct {
	apiFlags `embed:""`
	Number   string `arg:"" help:"The number; - reads it from standard input."`
}

func (c *optoutAddCmd) Run(a *app) error {
	number, err := a.secretly(c.Number)
	if err != nil {
		return err
	}
	return c.change(a, http.MethodPost, "/v1/optouts", client.OptOutNumber{Number: number}, "gets only codes and what is necessary; what else was queued for it is cancelled")
}

type optoutRemoveCmd struct {
	apiFlags `embed:""`
	Whose    string `arg:"" name:"number-or-id" help:"The number, or the id of its entry; - reads it from standard input."`
}

func (c *optoutRemoveCmd) Help() string { return "Only when the person asks for it." }

var entryID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f-]{27}$`)

func (c *optoutRemoveCmd) Run(a *app) error {
	whose, err := a.secretly(c.Whose)
	switch {
	case err != nil:
		return err
	case whose == "":
		return errors.New("name a number, or an entry's id as attestd optout list shows it")
	}
	const done = "gets texts again"
	if entryID.MatchString(whose) {
		return c.change(a, http.MethodDelete, "/v1/optouts/"+url.PathEscape(whose), nil, done)
	}
	return c.change(a, http.MethodPost, "/v1/optouts/remove", client.OptOutNumber{Number: whose}, done)
}

// change asks for a change of the list, and says what it means.
func (f apiFlags) change(a *app, method, path string, body any, done string) error {
	var o client.OptOut
	if shown, err := f.do(a, method, path, body, &o); shown || err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %s %s\n", o.ID, or(o.Number, "(forgotten)"), done)
	return err
}
