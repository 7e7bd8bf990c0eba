package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// AuditFilter chooses rows of the audit log; "" is any.
type AuditFilter struct {
	Kind, Name, Action, Subject, Owner string
	Since                              time.Time
	Before                             string // id: only older ones
	Limit                              int
}

// AuditEntry is who did what, when.
type AuditEntry struct {
	ID      string         `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	At      time.Time      `json:"at"`
	By      string         `json:"by" enum:"token,user,person,gateway" doc:"What did it: a token of the API, a user of the gateway's machine, a person at a public door, the gateway by itself." example:"token"`
	Name    string         `json:"name,omitempty" doc:"Of the token, the user, or the door: page, api, sms." example:"platform"`
	Action  string         `json:"action" example:"filing.cancelled"`
	Owner   string         `json:"owner,omitempty" doc:"The tenant whose thing it was done to; where that is nobody's, of the token that did it." example:"platform"`
	Subject string         `json:"subject,omitempty" doc:"The id of what it was done to." example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	Data    map[string]any `json:"data" doc:"What else is known, without anything of persons." example:"{\"state\":\"cancelled\"}"`
}

// NewAuditEntry makes one of a row.
func NewAuditEntry(id string, at time.Time, by access.Actor, action, subject, owner string, data json.RawMessage) AuditEntry {
	e := AuditEntry{ID: id, At: micro(at), By: by.Kind, Name: by.Name, Action: action, Subject: subject, Owner: owner, Data: map[string]any{}}
	_ = json.Unmarshal(data, &e.Data) // it was written by Marshal
	return e
}

func (a *API) audit(api huma.API) {
	list := a.operation(access.Admin, http.MethodGet, "/v1/audit", "list-audit", "gateway", "Who did what, when",
		"The audit log, newest first. It has names of tokens and users, ids and states, and nothing of persons. Rows are kept as long as privacy.wipe_audit says.")
	huma.Register(api, list, func(ctx context.Context, in *struct {
		Paging
		By      string    `query:"by" enum:"token,user,person,gateway" doc:"Only what such a one did."`
		Name    string    `query:"name" maxLength:"64" doc:"Only what the token, user or door of this name did."`
		Action  string    `query:"action" maxLength:"64" doc:"Only this: token.revoked, or filing.* for all about filings."`
		Subject string    `query:"subject" maxLength:"64" doc:"Only what was done to this id."`
		Owner   string    `query:"owner" maxLength:"64" doc:"Only what was done to things of this tenant."`
		Since   time.Time `query:"since" doc:"Only what was done at this time or later." example:"2027-01-31T08:00:00+08:00"`
	}) (*listOutput[AuditEntry], error) {
		before, err := in.before("audit")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		items, next, err := a.s.Audit(ctx, AuditFilter{Kind: in.By, Name: in.Name, Action: in.Action, Subject: in.Subject, Owner: in.Owner, Since: in.Since, Before: before, Limit: in.Limit})
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return page("audit", items, next, func(e AuditEntry) AuditEntry { return e }), nil
	})
}
