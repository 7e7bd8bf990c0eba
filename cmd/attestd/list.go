package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"attestd/internal/client"
)

// pageFlags are those of every list.
type pageFlags struct {
	Limit  int    `default:"20" placeholder:"N" help:"How many at most, up to 1000."`
	Cursor string `placeholder:"CURSOR" help:"Go on where a list ended."`
}

func (p pageFlags) query() url.Values {
	q := url.Values{"limit": {strconv.Itoa(p.Limit)}}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	return q
}

// more tells how to see the rest, or that there is nothing.
func (p pageFlags) more(a *app, n int, next, nothing string) {
	switch {
	case next != "":
		fmt.Fprintf(a.stderr, "More: --cursor %s\n", next)
	case n == 0 && p.Cursor == "":
		fmt.Fprintln(a.stderr, nothing)
	}
}

type messagesCmd struct {
	apiFlags  `embed:""`
	pageFlags `embed:""`
	ID        string `arg:"" optional:"" help:"Show this one, with every attempt."`
	State     string `placeholder:"STATE" help:"Only those in this state, as queued, submitted, delivered, unknown."`
}

func (c *messagesCmd) Run(a *app) error {
	if c.ID != "" {
		return c.one(a)
	}
	q := c.query()
	if c.State != "" {
		q.Set("state", c.State)
	}
	var l client.List[client.Message]
	if shown, err := c.get(a, "/v1/messages", q, &l); shown || err != nil {
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, m := range l.Items {
		rows[i] = []string{m.ID, m.State, m.To, m.Priority, strconv.Itoa(m.Segments), m.Modem, clock(m.CreatedAt), m.Reason}
	}
	if len(rows) > 0 {
		if err := a.table("ID STATE TO PRIORITY PARTS MODEM CREATED REASON", rows); err != nil {
			return err
		}
	}
	c.more(a, len(rows), l.Next, "No messages. Send one: attestd send --to NUMBER --text TEXT")
	return nil
}

func (c *messagesCmd) one(a *app) error {
	var m client.Message
	if shown, err := c.get(a, "/v1/messages/"+url.PathEscape(c.ID), nil, &m); shown || err != nil {
		return err
	}
	printMessage(a, m)
	if len(m.Tries) == 0 {
		return nil
	}
	fmt.Fprintln(a.stdout)
	rows := make([][]string, len(m.Tries))
	for i, t := range m.Tries {
		took, code := "", ""
		if t.EndedAt != nil {
			took = t.EndedAt.Sub(t.StartedAt).Round(time.Millisecond).String()
		}
		if t.Code != 0 {
			code = strconv.Itoa(t.Code)
		}
		rows[i] = []string{strconv.Itoa(t.Part), strconv.Itoa(t.N), t.Modem, clock(t.StartedAt), took, t.Result, code, t.Detail}
	}
	return a.table("PART TRY MODEM STARTED TOOK RESULT CODE DETAIL", rows)
}

func printMessage(a *app, m client.Message) {
	fmt.Fprintf(a.stdout, "%s  %s", m.ID, m.State)
	if m.Reason != "" {
		fmt.Fprintf(a.stdout, " (%s)", oneLine(m.Reason))
	}
	fmt.Fprintf(a.stdout, "\n  to         %s\n", or(m.To, "(wiped)"))
	fmt.Fprintf(a.stdout, "  parts      %d, %s\n", m.Segments, m.Alphabet)
	fmt.Fprintf(a.stdout, "  priority   %s\n", m.Priority)
	fmt.Fprintf(a.stdout, "  modem      %s, %d attempts\n", or(m.Modem, "(none yet)"), m.Attempts)
	fmt.Fprintf(a.stdout, "  taken in   %s, to be sent before %s\n", clock(m.CreatedAt), clock(m.Deadline))
	fmt.Fprintf(a.stdout, "  accepted   %s\n", clockOr(m.AcceptedAt, "-"))
	fmt.Fprintf(a.stdout, "  delivered  %s\n", clockOr(m.DeliveredAt, "-"))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return oneLine(s)
}

type modemsCmd struct {
	apiFlags `embed:""`
}

func (c *modemsCmd) Run(a *app) error {
	var l client.List[client.Modem]
	if shown, err := c.get(a, "/v1/modems", nil, &l); shown || err != nil {
		return err
	}
	if len(l.Items) == 0 {
		fmt.Fprintln(a.stderr, "No modem is configured. Add a [[modem]] to the configuration; attestd simulate offers simulated ones.")
		return nil
	}
	rows := make([][]string, len(l.Items))
	for i, m := range l.Items {
		signal := ""
		if m.SignalDBm != nil {
			signal = fmt.Sprintf("%d dBm", *m.SignalDBm)
		} else if m.LastSeen != nil && m.State != "ready" {
			signal = "seen " + clock(*m.LastSeen)
		}
		rows[i] = []string{m.Name, m.State, m.Registration, signal, m.Model,
			strconv.FormatInt(m.Submitted, 10), strconv.FormatInt(m.Failed, 10), strconv.FormatInt(m.Received, 10), strconv.FormatInt(m.Reports, 10), m.Port}
	}
	if err := a.table("NAME STATE NETWORK SIGNAL MODEL SENT FAILED RECEIVED REPORTS PORT", rows); err != nil {
		return err
	}
	for _, m := range l.Items {
		if m.Deaf != "" {
			fmt.Fprintf(a.stdout, "%s: it does not tell of what it receives, and texts come with the next list: %s\n", m.Name, oneLine(m.Deaf))
		}
		if m.Error != "" {
			fmt.Fprintf(a.stdout, "%s: %s\n", m.Name, oneLine(m.Error))
		}
	}
	return nil
}
