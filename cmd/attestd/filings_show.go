package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"attestd/internal/client"
)

type filingsShowCmd struct {
	apiFlags `embed:""`
	ID       string `arg:"" help:"Its id, as the list shows it."`
}

func (c *filingsShowCmd) Run(a *app) error {
	path := "/v1/filings/" + url.PathEscape(c.ID)
	var f client.Filing
	if shown, err := c.get(a, path, nil, &f); shown || err != nil {
		return err
	}
	if err := printFiling(a, f); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	story, err := c.story(a, path+"/timeline")
	if err != nil {
		return err
	}
	return printStory(a, story)
}

// story reads all pages of a timeline.
func (c *filingsShowCmd) story(a *app, path string) (all []client.Moment, err error) {
	gateway, err := c.client()
	if err != nil {
		return nil, err
	}
	for query := (url.Values{"limit": {"1000"}}); ; {
		var l client.List[client.Moment]
		if err := gateway.Get(a.ctx, path, query, &l); err != nil {
			return nil, err
		}
		if all = append(all, l.Items...); l.Next == "" {
			return all, nil
		}
		query.Set("cursor", l.Next)
	}
}

func printFiling(a *app, f client.Filing) error {
	fmt.Fprintf(a.stdout, "%s  %s", f.ID, f.State)
	if f.Reason != "" && f.Reason != f.State { // cancelled is a reason of its own
		fmt.Fprintf(a.stdout, " (%s)", oneLine(f.Reason))
	}
	fmt.Fprintf(a.stdout, "\n  type           %s\n  reference      %s\n  created        %s\n", oneLine(f.Type), or(f.Reference, "-"), clock(f.CreatedAt))
	for _, one := range [][2]string{{"note", f.Note}, {"supersedes", f.Supersedes}, {"superseded by", f.SupersededBy}} {
		if one[1] != "" {
			fmt.Fprintf(a.stdout, "  %-14s %s\n", one[0], oneLine(one[1]))
		}
	}
	if f.ReasonText != nil {
		fmt.Fprintf(a.stdout, "  %s\n", oneLine(f.ReasonText.EN))
	}
	if f.ResubmitAt != nil {
		fmt.Fprintf(a.stdout, "  resubmitted    by itself at %s, unless it is cancelled\n", clock(*f.ResubmitAt))
	}
	for _, w := range f.Warnings {
		fmt.Fprintf(a.stdout, "  warning        %s: %s\n", oneLine(w.Field), oneLine(w.Message.EN))
	}
	fmt.Fprintln(a.stdout)
	challenges := map[string]client.Challenge{}
	for _, ch := range f.Challenges {
		challenges[ch.ID] = ch
	}
	rows := make([][]string, len(f.Persons))
	for i, p := range f.Persons {
		sms, left, until := "", "", ""
		if ch, has := challenges[p.ChallengeID]; has {
			sms, left, until = strings.TrimSpace(fmt.Sprintf("%d/%d %s", ch.Sends, ch.MaxSends, ch.SMSState)), strconv.Itoa(ch.TriesLeft), clockOr(ch.ExpiresAt, "")
		}
		rows[i] = []string{p.ID, p.Role, p.Name, p.Site, p.Mobile, strings.TrimSpace(p.State + " " + p.Reason), sms, left, until}
	}
	return a.table("PERSON ROLE NAME SITE MOBILE STATE SMS TRIES UNTIL", rows)
}

// printStory tells what happened, a line each; times from the first one on, which says more than a clock.
func printStory(a *app, story []client.Moment) error {
	var rows [][]string
	for _, m := range story {
		what := said(m)
		if what == "" {
			continue
		}
		rows = append(rows, []string{clock(m.At), "+" + m.At.Sub(story[0].At).Round(time.Second).String(), or(m.Mobile, "-"), what})
	}
	if len(rows) == 0 {
		fmt.Fprintln(a.stderr, "What happened to it is not kept any more.")
		return nil
	}
	return a.table("WHEN AFTER PHONE WHAT", rows)
}

// said puts a moment into words; "" for what another one says better.
func said(m client.Moment) string {
	because := func(s string) string {
		if m.Reason != "" && m.Reason != m.State {
			s += ": " + m.Reason
		}
		return s
	}
	family, what, _ := strings.Cut(m.Type, ".")
	switch family {
	case "filing":
		switch {
		case what == "received" && m.Supersedes != "":
			return "filing received; it supersedes " + m.Supersedes
		case what == "resubmitted":
			return "filing submitted again as " + m.SupersededBy
		case what == "not_resubmitted":
			return because("filing not submitted again")
		case what == "superseded":
			return "filing superseded by " + m.SupersededBy
		case what == "verifying":
			return "filing waits for its persons"
		}
		return because("filing " + strings.ReplaceAll(what, "_", " "))
	case "person":
		if what == "amended" {
			return m.Role + ": " + strings.Join(m.Changed, " and ") + " changed"
		}
		return because(m.Role + " " + what)
	case "challenge":
		return saidOfCode(m, what, because)
	case "check":
		return fmt.Sprintf("wrong entry, the code's %s%s", ordinal(m.Wrong), via(m.Via))
	case "message":
		if slices.Contains([]string{"queued", "submitting"}, m.State) {
			return ""
		}
		by := ""
		if m.Modem != "" {
			by = ", modem " + m.Modem
		}
		return because("SMS "+map[string]string{"submitted": "accepted by the network", "unknown": "with a modem that did not say what became of it"}[m.State]+
			either(m.State, "submitted", "unknown")) + by
	}
	return m.Type
}

// either gives s, or nothing where it is one of those that have words of their own.
func either(s string, own ...string) string {
	if slices.Contains(own, s) {
		return ""
	}
	return s
}

func saidOfCode(m client.Moment, what string, because func(string) string) string {
	switch what {
	case "new":
		return "code made; its SMS waits for the limits of the phone"
	case "sending":
		return "code made, SMS queued"
	case "resent":
		return fmt.Sprintf("SMS queued again, the %s", ordinal(m.Sends))
	case "unsent":
		return "no SMS on its way: the last one came to nothing"
	case "open":
		return "" // its SMS says so
	case "verified":
		return "right entry" + via(m.Via)
	case "void":
		return because("code void")
	}
	return because("code " + what)
}

func via(door string) string {
	if door == "" {
		return ""
	}
	return " (" + door + ")"
}

func ordinal(n int) string {
	if n >= 1 && n <= 3 {
		return []string{"first", "second", "third"}[n-1]
	}
	return fmt.Sprintf("%dth", n)
}
