package main

import (
	"fmt"
	"net/url"

	"attestd/internal/client"
)

type inboxCmd struct {
	apiFlags  `embed:""`
	pageFlags `embed:""`
	ID        string `arg:"" optional:"" help:"Show this one whole, with the code that was captured."`
	Action    string `placeholder:"ACTION" help:"Only those that a rule with this action took: reply, capture, opt_out, opt_in, forward."`
}

func (c *inboxCmd) Help() string {
	return "RULE is the [[inbound]] rule that took a text. Every text is kept for inbox.keep, whatever the rules say."
}

func (c *inboxCmd) Run(a *app) error {
	if c.ID != "" {
		return c.one(a)
	}
	q := c.query()
	if c.Action != "" {
		q.Set("action", c.Action)
	}
	var l client.List[client.InboxItem]
	if shown, err := c.get(a, "/v1/inbox", q, &l); shown || err != nil {
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, it := range l.Items {
		rows[i] = []string{it.ID, clock(it.ReceivedAt), it.From, it.Modem, ruleOf(it), textOf(it)}
	}
	if len(rows) > 0 {
		if err := a.table("ID RECEIVED FROM MODEM RULE TEXT", rows); err != nil {
			return err
		}
	}
	c.more(a, len(rows), l.Next, "Nothing came in yet.")
	return nil
}

func ruleOf(it client.InboxItem) string {
	if it.RuleFailed {
		return it.Rule + " (failed)"
	}
	return it.Rule
}

// textOf is a text with what is wrong with it.
func textOf(it client.InboxItem) string {
	switch {
	case !it.Readable:
		return "(unreadable; --json has the octets)"
	case !it.Complete:
		return it.Text + fmt.Sprintf(" (%d of %d parts)", it.Parts, it.Total)
	case it.Damaged:
		return it.Text + " (damaged)"
	}
	return it.Text
}

func (c *inboxCmd) one(a *app) error {
	var it client.InboxItem
	if shown, err := c.get(a, "/v1/inbox/"+url.PathEscape(c.ID), nil, &it); shown || err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s\n", it.ID)
	fmt.Fprintf(a.stdout, "  from       %s, through %s\n", or(it.From, "(unreadable)"), oneLine(it.Modem))
	fmt.Fprintf(a.stdout, "  sent       %s\n", clockOr(it.SentAt, "-"))
	fmt.Fprintf(a.stdout, "  received   %s\n", clock(it.ReceivedAt))
	fmt.Fprintf(a.stdout, "  rule       %s  %s\n", or(ruleOf(it), "-"), it.Action)
	if it.Code != "" {
		fmt.Fprintf(a.stdout, "  code       %s\n", oneLine(it.Code))
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s\n", oneLine(textOf(it)))
	return err
}
