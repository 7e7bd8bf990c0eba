package main

import (
	"fmt"
	"slices"
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
	fmt.Fprintf(a.stdout, "attestd %s at %s is %s, up since %s\n", s.Version, c.URL, word, clock(s.Started))
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
