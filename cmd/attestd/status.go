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

type statusCmd struct {
	apiFlags `embed:""`
}

func (c *statusCmd) Help() string {
	return "Exits 0 when the gateway takes requests and every configured modem is ready, 1 otherwise."
}

func (c *statusCmd) Run(a *app) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var s client.Status
	if err := cl.Get(a.ctx, "/v1/status", nil, &s); err != nil {
		return err
	}
	if c.JSON {
		if _, err := c.get(a, "/v1/status", nil, nil); err != nil {
			return err
		}
	} else {
		c.print(a, s)
		if err := c.printWatch(a, s.Watch); err != nil {
			return err
		}
	}
	if !s.Ready || len(s.Problems) > 0 || s.Modems.Ready < s.Modems.Configured {
		return errExit(1)
	}
	return nil
}

func (c *statusCmd) print(a *app, s client.Status) {
	word := "ready"
	if !s.Ready {
		word = "not ready"
	}
	at := c.URL
	if u, err := url.Parse(at); err == nil {
		at = u.Redacted() // for a proxy that asks for a password, it stands in $ATTESTD_URL
	}
	fmt.Fprintf(a.stdout, "attestd %s at %s is %s, up since %s\n", s.Version, at, word, clock(s.Started))
	fmt.Fprintf(a.stdout, "  modems    %d of %d ready\n", s.Modems.Ready, s.Modems.Configured)
	waiting := counts(s.Waiting)
	if s.Oldest != nil {
		waiting += fmt.Sprintf(", the oldest for %s", time.Since(*s.Oldest).Round(time.Second))
	}
	fmt.Fprintf(a.stdout, "  waiting   %s\n", waiting)
	fmt.Fprintf(a.stdout, "  messages  %s\n", counts(s.Messages))
	fmt.Fprintf(a.stdout, "  filings   %s\n", counts(s.Filings))
	for _, p := range s.Problems {
		fmt.Fprintf(a.stdout, "! %s\n", oneLine(p))
	}
}

// counts writes what there is of each, the largest first.
func counts(m map[string]int) string {
	var names []string
	for name, n := range m {
		if n > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	slices.SortFunc(names, func(x, y string) int {
		if m[x] != m[y] {
			return m[y] - m[x]
		}
		return strings.Compare(x, y)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", m[name], name)
	}
	return strings.Join(names, ", ")
}

// printWatch shows what became of the codes, by SIM and prefix.
func (c *statusCmd) printWatch(a *app, w client.Watched) error {
	fmt.Fprintf(a.stdout, "  checks    %d of %d wrong\n", w.Wrong, w.Checks)
	if len(w.Conversions) == 0 {
		return nil
	}
	rows := make([][]string, len(w.Conversions))
	for i, r := range w.Conversions {
		rows[i] = []string{r.SIM, r.Prefix, strconv.Itoa(r.Sent), strconv.Itoa(r.Delivered), strconv.Itoa(r.Verified), fmt.Sprintf("%d%%", 100*r.Verified/max(1, r.Sent))}
	}
	fmt.Fprintf(a.stdout, "\nCodes of the last %s that a network took:\n", strings.TrimSuffix(w.Window, "0m0s"))
	return a.table("SIM PREFIX SENT DELIVERED ENTERED SHARE", rows)
}
