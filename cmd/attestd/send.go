package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"attestd/internal/client"
)

type sendCmd struct {
	apiFlags   `embed:""`
	To         string        `required:"" placeholder:"NUMBER" help:"The phone, as +8613800138000."`
	Text       string        `required:"" placeholder:"TEXT" help:"What to send; - reads it from standard input."`
	Priority   string        `enum:"bulk,normal,urgent" default:"normal" help:"Who goes first: ${enum}."`
	Deadline   string        `placeholder:"WHEN" help:"Not after this: a duration from now as 10m, or a time as 2027-01-31T08:00:00+08:00."`
	NoReport   bool          `help:"Do not ask the network for a delivery report."`
	Flash      bool          `help:"Shown at once and not kept by the phone (class 0)."`
	Necessary  bool          `help:"The person must get it, opted out or not: about his own contract, account or safety. It is audited."`
	Repeatable bool          `help:"Send it once more when nobody can tell whether it went out."`
	Modem      string        `placeholder:"NAME" help:"Only by this modem."`
	Key        string        `placeholder:"KEY" help:"Idempotency key: the same key never sends twice."`
	Wait       bool          `help:"Wait until it is known what became of it, and tell it as it goes."`
	Timeout    time.Duration `default:"0s" placeholder:"5m" help:"With --wait: not longer than this."`
}

func (c *sendCmd) Help() string {
	return `Without --wait it is done when the gateway has taken the message in durably. With --wait it exits 0 when the message was
delivered, or was submitted and no more is to be learned (no report was asked for, or the time is up), and 1 otherwise.`
}

func (c *sendCmd) Run(a *app) error {
	m, err := c.message(a)
	if err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := cl.Do(a.ctx, "POST", "/v1/messages", m, &raw); err != nil {
		return err
	}
	var sent client.Message
	if err := json.Unmarshal(raw, &sent); err != nil {
		return err
	}
	if !c.Wait {
		if c.JSON {
			return a.printJSON(raw)
		}
		_, err := fmt.Fprintf(a.stdout, "%s  %s\nFollow it: attestd messages %s\n", sent.ID, sent.State, sent.ID)
		return err
	}
	return c.wait(a, cl, sent)
}

func (c *sendCmd) message(a *app) (client.NewMessage, error) {
	m := client.NewMessage{To: c.To, Text: c.Text, Priority: c.Priority, Repeatable: c.Repeatable, Necessary: c.Necessary, Modem: c.Modem, IdempotencyKey: c.Key}
	if c.Text == "-" {
		text, err := io.ReadAll(io.LimitReader(a.stdin, 1<<20))
		if err != nil {
			return m, err
		}
		m.Text = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	}
	if c.NoReport {
		m.Report = new(bool)
	}
	if c.Flash {
		m.Class = new(int)
	}
	if c.Deadline != "" {
		at, err := time.Parse(time.RFC3339, c.Deadline)
		if err != nil {
			d, err := time.ParseDuration(c.Deadline)
			if err != nil {
				return m, errors.New("--deadline: want a duration as 10m, or a time as 2027-01-31T08:00:00+08:00")
			}
			at = time.Now().Add(d)
		}
		m.Deadline = &at
	}
	return m, nil
}

// wait tells each state as it comes. The stream stands before the message is read, so that no change is missed.
func (c *sendCmd) wait(a *app, cl *client.Client, m client.Message) error {
	ctx := a.ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	began, told := time.Now(), ""
	look := func() error {
		if err := cl.Get(ctx, "/v1/messages/"+m.ID, nil, &m); err != nil {
			return err
		}
		if m.State != told && !c.JSON {
			fmt.Fprintf(a.stdout, "%8s  %s%s\n", time.Since(began).Round(time.Millisecond), m.State, because(m))
		}
		told = m.State
		if m.EndedAt != nil || m.State == "submitted" && !m.Report {
			return client.ErrStop
		}
		return nil
	}
	err := cl.Follow(ctx, m.ID, look, func(client.Event) error { return look() })
	if a.ctx.Err() != nil { // Ctrl-C ends the waiting, not the message
		fmt.Fprintf(a.stderr, "It goes on without us: attestd messages %s\n", m.ID)
		return errExit(1)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if c.JSON {
		var raw json.RawMessage
		if err := cl.Get(a.ctx, "/v1/messages/"+m.ID, nil, &raw); err != nil {
			return err
		}
		if err := a.printJSON(raw); err != nil {
			return err
		}
	} else if err != nil {
		fmt.Fprintf(a.stderr, "The time is up. It goes on without us: attestd messages %s\n", m.ID)
	}
	if m.State == "delivered" || m.State == "submitted" {
		return nil
	}
	return errExit(1)
}

func because(m client.Message) string {
	s := ""
	if m.Modem != "" {
		s += " by " + oneLine(m.Modem)
	}
	if m.Reason != "" {
		s += " (" + oneLine(m.Reason) + ")"
	}
	return s
}
