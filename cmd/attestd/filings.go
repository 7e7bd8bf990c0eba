package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"attestd/internal/client"
)

type filingsCmd struct {
	List   filingsListCmd   `cmd:"" default:"withargs" help:"List or search filings, newest first."`
	Show   filingsShowCmd   `cmd:"" help:"Show a filing: its persons, and what happened to it."`
	Create filingsCreateCmd `cmd:"" help:"Hand in a filing, also one that supersedes another."`
	Amend  filingsAmendCmd  `cmd:"" help:"Change the phone or the ID document of a person; ends their code and sends another."`
	Cancel filingsCancelCmd `cmd:"" help:"Cancel a filing, or keep one that failed from being submitted again."`

	Resubmit filingsResubmitCmd `cmd:"" help:"Submit a rejected filing again: the same data, new codes."`
}

type filingsListCmd struct {
	apiFlags  `embed:""`
	pageFlags `embed:""`
	ID        string `arg:"" optional:"" help:"Show this one, as attestd filings show does."`
	State     string `placeholder:"STATE" help:"Only those in this state, as verifying, passed, rejected."`
	Type      string `placeholder:"TYPE" help:"Only those of this type, as first, change."`
	Reference string `placeholder:"REF" help:"Only those with this reference."`
	Mobile    string `placeholder:"NUMBER" help:"Only those with this phone in them; - reads it from standard input."`
	Since     string `placeholder:"TIME" help:"Only those created at or after this time: 2027-01-31, 2027-01-31T08:00, RFC 3339, or 36h for 36 hours ago."`
	Until     string `placeholder:"TIME" help:"Only those created before this time."`
}

func (c *filingsListCmd) Run(a *app) error {
	if c.ID != "" {
		return (&filingsShowCmd{apiFlags: c.apiFlags, ID: c.ID}).Run(a)
	}
	search := client.FilingSearch{State: c.State, Type: c.Type, Reference: c.Reference, Limit: c.Limit, Cursor: c.Cursor}
	var err error
	if search.CreatedAfter, err = moment("--since", c.Since); err != nil {
		return err
	}
	if search.CreatedBefore, err = moment("--until", c.Until); err != nil {
		return err
	}
	if search.Mobile, err = a.secretly(c.Mobile); err != nil {
		return err
	}
	var l client.List[client.Filing]
	if shown, err := c.do(a, http.MethodPost, "/v1/filings/search", search, &l); shown || err != nil {
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, f := range l.Items {
		must, verified := 0, 0
		for _, p := range f.Persons {
			if p.State != "not_required" {
				must++
			}
			if p.State == "verified" {
				verified++
			}
		}
		rows[i] = []string{f.ID, f.State, f.Type, f.Reference, fmt.Sprintf("%d/%d", verified, must), clock(f.CreatedAt), f.Reason}
	}
	if len(rows) > 0 {
		if err := a.table("ID STATE TYPE REFERENCE VERIFIED CREATED REASON", rows); err != nil {
			return err
		}
	}
	c.more(a, len(rows), l.Next, "No such filings.")
	return nil
}

// moment reads a time as people write one; "" is none.
func moment(flag, s string) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		t := time.Now().Add(-d)
		return &t, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return &t, nil
		}
	}
	return nil, fmt.Errorf("%s: want a time as 2027-01-31, 2027-01-31T08:00 or 36h (for 36 hours ago)", flag)
}

// secretly reads what should not stay in the history of a shell: - stands for a line of standard input.
func (a *app) secretly(s string) (string, error) {
	if s != "-" {
		return s, nil
	}
	text, err := io.ReadAll(io.LimitReader(a.stdin, 1<<10))
	return strings.TrimSpace(string(text)), err
}

// do sends a body and reads the answer into out, or prints it as it is when --json was given; then shown is true.
func (f apiFlags) do(a *app, method, path string, in, out any) (shown bool, err error) {
	c, err := f.client()
	if err != nil {
		return false, err
	}
	if !f.JSON {
		return false, c.Do(a.ctx, method, path, in, out)
	}
	var raw json.RawMessage
	if err := c.Do(a.ctx, method, path, in, &raw); err != nil {
		return false, err
	}
	return true, a.printJSON(raw)
}

type filingsCreateCmd struct {
	apiFlags   `embed:""`
	File       string `arg:"" help:"The filing as JSON, as POST /v1/filings takes it (docs/api.md); - reads it from standard input."`
	Supersedes string `placeholder:"ID" help:"The filing whose place this one takes: one that was rejected, or that still waits and then ends."`
}

func (c *filingsCreateCmd) Run(a *app) error {
	body, err := a.object(c.File)
	if err != nil {
		return err
	}
	if c.Supersedes != "" {
		body["supersedes"] = c.Supersedes
	}
	var f client.Filing
	if shown, err := c.do(a, http.MethodPost, "/v1/filings", body, &f); shown || err != nil {
		return err
	}
	return printFiling(a, f)
}

// object reads a JSON object from a file.
func (a *app) object(file string) (body map[string]any, err error) {
	in := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	if err := json.NewDecoder(io.LimitReader(in, 8<<20)).Decode(&body); err != nil {
		return nil, fmt.Errorf("%s: want a JSON object: %w", file, err)
	}
	return body, nil
}

type filingsAmendCmd struct {
	apiFlags `embed:""`
	Filing   string `arg:"" help:"The filing's id."`
	Person   string `arg:"" help:"The person's id, as attestd filings show has it."`
	Mobile   string `placeholder:"NUMBER" help:"The person's other number; - reads it from standard input."`
	Body     string `placeholder:"FILE" help:"A JSON object with what changes: mobile, certificate_type, certificate, certificate_tail, second_certificate_tail; - reads it from standard input. A document is given so and not as a flag: flags stay in the history of a shell."`
}

func (c *filingsAmendCmd) Run(a *app) error {
	body := map[string]any{}
	var err error
	switch {
	case c.Body == "" && c.Mobile == "":
		return errors.New("give what is to be changed: --mobile NUMBER, or --body FILE")
	case c.Body == "-" && c.Mobile == "-":
		return errors.New("--mobile and --body cannot both come from standard input: write the mobile into the object")
	case c.Body != "":
		if body, err = a.object(c.Body); err != nil {
			return err
		}
	}
	if c.Mobile != "" {
		if body["mobile"], err = a.secretly(c.Mobile); err != nil {
			return err
		}
	}
	var f client.Filing
	path := "/v1/filings/" + url.PathEscape(c.Filing) + "/persons/" + url.PathEscape(c.Person) + "/amend"
	if shown, err := c.do(a, http.MethodPost, path, body, &f); shown || err != nil {
		return err
	}
	return printFiling(a, f)
}

type filingsCancelCmd struct {
	apiFlags `embed:""`
	ID       string `arg:"" help:"The filing's id."`
	Reason   string `placeholder:"TEXT" help:"Why, for the record."`
}

func (c *filingsCancelCmd) Run(a *app) error {
	var f client.Filing
	body := map[string]string{"reason": c.Reason}
	if shown, err := c.do(a, http.MethodPost, "/v1/filings/"+url.PathEscape(c.ID)+"/cancel", body, &f); shown || err != nil {
		return err
	}
	return printFiling(a, f)
}
