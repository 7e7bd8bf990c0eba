package main

import (
	"net/http"
	"net/url"

	"attestd/internal/client"
)

type filingsResubmitCmd struct {
	apiFlags  `embed:""`
	ID        string `arg:"" help:"The id of a filing that was rejected."`
	Reference string `placeholder:"REF" help:"Your own name for the new filing."`
}

func (c *filingsResubmitCmd) Run(a *app) error {
	body := map[string]string{}
	if c.Reference != "" {
		body["reference"] = c.Reference
	}
	var f client.Filing
	if shown, err := c.do(a, http.MethodPost, "/v1/filings/"+url.PathEscape(c.ID)+"/resubmit", body, &f); shown || err != nil {
		return err
	}
	return printFiling(a, f)
}
