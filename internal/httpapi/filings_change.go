package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"attestd/internal/access"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
)

// AmendRequest is what changes of a person. What is left out stays as it is.
type AmendRequest struct {
	Mobile                string `json:"mobile,omitempty" maxLength:"64" doc:"The person's other number. Refused with 409 in an access filing and in the cancellations, where the number on record counts." example:"13700137000"`
	EmergencyMobile       string `json:"emergency_mobile,omitempty" maxLength:"64" doc:"Never used; it must not be the mobile."`
	CertificateType       string `json:"certificate_type,omitempty" maxLength:"64" doc:"With the whole number of an ID document." example:"resident_id"`
	Certificate           string `json:"certificate,omitempty" maxLength:"128" doc:"The whole number, or give certificate_tail. It takes the place of all tails that were accepted." example:"11010519491231002X"`
	CertificateTail       string `json:"certificate_tail,omitempty" maxLength:"64" doc:"The last 6 characters." example:"31002X"`
	SecondCertificateTail string `json:"second_certificate_tail,omitempty" maxLength:"64" doc:"Another tail that is accepted too."`
}

// FilingSearch finds filings by what does not belong into an address.
type FilingSearch struct {
	Mobile        string     `json:"mobile,omitempty" maxLength:"64" doc:"Of a person who had to verify, now or before an amendment; in any form. Numbers are compared by their keyed hash, and found until they are wiped." example:"13800138000"`
	State         string     `json:"state,omitempty" enum:"received,verifying,passed,rejected,cancelled,not_required" example:"verifying"`
	Type          string     `json:"type,omitempty" maxLength:"64" example:"first"`
	Owner         string     `json:"owner,omitempty" maxLength:"64" doc:"Only those of this tenant: for admins." example:""`
	Reference     string     `json:"reference,omitempty" maxLength:"512" example:"order-4711"`
	CreatedAfter  *time.Time `json:"created_after,omitempty" doc:"At or after this time." example:"2027-01-31T08:00:00+08:00"`
	CreatedBefore *time.Time `json:"created_before,omitempty" doc:"Before this time." example:"2027-02-01T08:00:00+08:00"`
	Limit         int        `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100" example:"100"`
	Cursor        string     `json:"cursor,omitempty" maxLength:"200" doc:"next of the page before." example:""`
}

// Timeline is what happened to a filing.
type Timeline struct {
	Items []TimelineEntry `json:"items" doc:"Oldest first."`
	Next  string          `json:"next" doc:"Give it back as cursor for what follows; empty at the end."`
}

// TimelineEntry is one thing that happened. There is no code, tail or whole number in it.
type TimelineEntry struct {
	Seq          int64     `json:"seq" doc:"The event's place in /v1/events." example:"42"`
	At           time.Time `json:"at"`
	Type         string    `json:"type" doc:"filing.*, person.*, challenge.*, check.refused for each entry that was charged, check.unmatched for each whose tail fitted nothing, and message.* of the SMS." example:"challenge.open"`
	State        string    `json:"state,omitempty" doc:"Of what the type names, after it." example:"open"`
	Reason       string    `json:"reason,omitempty"`
	ChallengeID  string    `json:"challenge_id,omitempty"`
	PersonID     string    `json:"person_id,omitempty"`
	MessageID    string    `json:"message_id,omitempty" doc:"The SMS."`
	Role         string    `json:"role,omitempty" example:"entity_head"`
	Mobile       string    `json:"mobile,omitempty" doc:"Masked for everybody: the timeline is made of events." example:"138****8000"`
	Sends        int       `json:"sends,omitempty" doc:"SMS of the challenge so far." example:"1"`
	Wrong        int       `json:"wrong,omitempty" doc:"Wrong tries of the challenge so far." example:"0"`
	Via          string    `json:"via,omitempty" doc:"Through which door a check came: web, sms, resend." example:"web"`
	Modem        string    `json:"modem,omitempty" example:"m0"`
	Changed      []string  `json:"changed,omitempty" doc:"Of person.amended: mobile, certificate."`
	Supersedes   string    `json:"supersedes,omitempty"`
	SupersededBy string    `json:"superseded_by,omitempty"`
}

func viewMoment(m verify.Moment) TimelineEntry {
	e := TimelineEntry{
		Seq: m.Seq, At: micro(m.At), Type: m.Type, State: m.State, Reason: m.Reason, ChallengeID: m.Challenge, PersonID: m.Person,
		MessageID: m.Message, Role: string(m.Role), Mobile: m.Mobile, Sends: m.Sends, Wrong: m.Wrong, Via: m.Via, Modem: m.Modem,
		Changed: m.Changed, SupersededBy: m.By, Supersedes: m.Supersedes,
	}
	return e
}

// filingChanges are what can be done to a filing, and how it is looked into.
func (a *API) filingChanges(api huma.API) {
	amend := a.operation(access.Filings, http.MethodPost, "/v1/filings/{id}/persons/{person}/amend", "amend-person", "filings", "Change a person's phone or certificate",
		"Ends the code of the person and sends another, in the same filing, at most verify.max_amendments times. Persons who share a phone share a code before and after. The same again changes nothing and is not counted.",
		http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	huma.Register(api, amend, func(ctx context.Context, in *struct {
		IDInput
		Person string `path:"person" maxLength:"64" doc:"The id of a person, as the filing lists them." example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4e"`
		Body   AmendRequest
	}) (*filingOutput, error) {
		f, err := a.s.Verify.AmendPerson(ctx, verify.AmendRequest{
			Owner: ownerOf(ctx), FilingID: in.ID, PersonID: in.Person, Mobile: in.Body.Mobile, EmergencyMobile: in.Body.EmergencyMobile,
			CertificateType: in.Body.CertificateType, Certificate: in.Body.Certificate,
			CertificateTail: in.Body.CertificateTail, SecondCertificateTail: in.Body.SecondCertificateTail,
		})
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &filingOutput{http.StatusOK, a.viewFiling(ctx, f)}, nil
	})

	timeline := a.operation(access.Filings, http.MethodGet, "/v1/filings/{id}/timeline", "get-filing-timeline", "filings", "What happened to a filing",
		"Oldest first: intake, SMS accepted and delivered, checks right and wrong, re-sends, amendments, locks, the verdict. As far back as events are kept.", http.StatusNotFound)
	huma.Register(api, timeline, func(ctx context.Context, in *struct {
		IDInput
		Paging
	}) (*struct{ Body Timeline }, error) {
		list := "timeline:" + in.ID
		before, err := in.before(list)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		after, _ := strconv.ParseInt(before, 10, 64) // before has seen that it is ours
		all, next, err := a.s.Verify.Timeline(ctx, ownerOf(ctx), in.ID, after, in.Limit)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		t := Timeline{Items: make([]TimelineEntry, 0, len(all))}
		for _, m := range all {
			t.Items = append(t.Items, viewMoment(m))
		}
		if next > 0 {
			t.Next = cursor(list, strconv.FormatInt(next, 10))
		}
		return &struct{ Body Timeline }{t}, nil
	})

	search := a.operation(access.Filings, http.MethodPost, "/v1/filings/search", "search-filings", "filings", "Search filings",
		"As the list, newest first, and by a person's mobile: a number does not belong into an address, which logs and proxies keep.",
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	search.Security = needs(access.Filings, access.Read)
	huma.Register(api, search, func(ctx context.Context, in *struct{ Body FilingSearch }) (*listOutput[Filing], error) {
		b := in.Body
		q := verify.FilingQuery{
			Owner: b.Owner, Mobile: b.Mobile, State: verify.FilingState(b.State), Type: verify.FilingType(b.Type), Reference: b.Reference, Limit: b.Limit,
		}
		if b.CreatedAfter != nil {
			q.From = *b.CreatedAfter
		}
		if b.CreatedBefore != nil {
			q.To = *b.CreatedBefore
		}
		return a.listFilings(ctx, Paging{Cursor: b.Cursor}, q)
	})
}

// listFilings gives a page of filings.
func (a *API) listFilings(ctx context.Context, p Paging, q verify.FilingQuery) (*listOutput[Filing], error) {
	var err error
	if q.Before, err = p.before("filings"); err != nil {
		return nil, a.fail(ctx, err)
	}
	q.Owner = ownerAsked(ctx, q.Owner)
	items, next, err := a.s.Verify.Filings(ctx, q)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return page("filings", items, next, as(ctx, a.viewFiling)), nil
}

// refuseFiling makes the problem of a filing that was not taken.
func (a *API) refuseFiling(ctx context.Context, err error) error {
	var many verify.TooManyFilings
	if !errors.As(err, &many) {
		return a.fail(ctx, err)
	}
	p := newProblem(http.StatusTooManyRequests, many.Error(), FieldFault{many.Field, "has been filed again too often today"})
	p.Instance = instance(ctx)
	return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {seconds(many.Wait)}})
}
