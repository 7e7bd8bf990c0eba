package httpapi

import (
	"context"
	"net/http"
	"time"

	"attestd/internal/access"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
)

// FilingRequest is a filing whose persons must verify.
type FilingRequest struct {
	Type      string         `json:"type" maxLength:"64" doc:"first, additional_website, access, change, entity_cancellation, website_cancellation, access_cancellation or contact_check: it decides who must verify." example:"additional_website"`
	Reference string         `json:"reference,omitempty" maxLength:"512" doc:"Your own name for it. Sent again with the same content it gives the filing that is there; with another content, a conflict. References belong to a token." example:"order-4711"`
	Persons   []FilingPerson `json:"persons" maxItems:"1000" nullable:"false"`
	Sites     []FilingSite   `json:"sites,omitempty" maxItems:"1000" nullable:"false" doc:"The sites of the order; those that persons name need not be listed."`
	Changes   []FilingChange `json:"changes,omitempty" maxItems:"1000" nullable:"false" doc:"For type change: what was changed."`
	Language  string         `json:"language,omitempty" maxLength:"16" doc:"Of the SMS: zh or en. Default verify.default_language." example:"zh"`
	Callback  string         `json:"callback,omitempty" maxLength:"4096" doc:"Address for webhooks about this filing." example:"https://platform.example/attestd"`

	Supersedes string `json:"supersedes,omitempty" maxLength:"128" doc:"The id of a filing whose place this one takes: one that was rejected, or that still waits and then ends as rejected, superseded." example:""`

	Province      string `json:"province,omitempty" maxLength:"64" doc:"Where it is filed: zhejiang, 浙江, 33 (GB/T 2260) or CN-ZJ (ISO 3166-2). Only for warnings. In Zhejiang holders of a Hong Kong or Macao permit give the ID number on its back, elsewhere the permit number on its front." example:"zhejiang"`
	Entity        string `json:"entity,omitempty" maxLength:"512" doc:"Whose filing it is, in your own words or by your own id: only to warn of a number that you have filed for another entity. Kept sealed, never shown." example:"Example Ltd."`
	ResubmitAfter int    `json:"resubmit_after,omitempty" minimum:"0" maximum:"604800" doc:"Seconds after a failure until it is submitted again by itself, with the same data and new codes, at most verify.max_resubmits times in a row; 0 for never." example:"3600"`
}

// FilingPerson is a person in charge.
type FilingPerson struct {
	Role                  string `json:"role" maxLength:"64" doc:"entity_head or website_head." example:"website_head"`
	Name                  string `json:"name,omitempty" maxLength:"1024" example:"张三"`
	Mobile                string `json:"mobile,omitempty" maxLength:"64" doc:"In an access filing and in the cancellations the number on the existing record." example:"13800138000"`
	EmergencyMobile       string `json:"emergency_mobile,omitempty" maxLength:"64" doc:"Never used; a person with no other number is refused."`
	CertificateType       string `json:"certificate_type,omitempty" maxLength:"64" doc:"With the whole number of an ID document: it is checked, and only its tail is kept, hashed." example:"resident_id"`
	Certificate           string `json:"certificate,omitempty" maxLength:"128" doc:"The whole number; or give certificate_tail. In an access filing that of the ID document on the existing record." example:"11010519491231002X"`
	CertificateTail       string `json:"certificate_tail,omitempty" maxLength:"64" doc:"The last 6 characters." example:"31002X"`
	SecondCertificateTail string `json:"second_certificate_tail,omitempty" maxLength:"64" doc:"Another tail that is accepted too."`
	Site                  string `json:"site,omitempty" maxLength:"1024" doc:"The site that a website_head is in charge of." example:"example.cn"`
	Kind                  string `json:"kind,omitempty" maxLength:"64" doc:"website, app, mini_program or quick_app." example:"website"`
}

// FilingSite is a site of the order.
type FilingSite struct {
	Name string `json:"name" maxLength:"1024" example:"example.cn"`
	Kind string `json:"kind,omitempty" maxLength:"64" doc:"website, app, mini_program or quick_app." example:"website"`
}

// FilingChange is one thing that a change filing changes.
type FilingChange struct {
	Part string `json:"part" maxLength:"64" doc:"entity, website, number or remark." example:"number"`
	Role string `json:"role,omitempty" maxLength:"64" doc:"For number: whose it is." example:"website_head"`
	Site string `json:"site,omitempty" maxLength:"1024" doc:"For website, and for the number of a website_head." example:"example.cn"`
}

// Filing is a filing and where it stands.
type Filing struct {
	ID         string      `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	Type       string      `json:"type" example:"additional_website"`
	Reference  string      `json:"reference,omitempty" example:"order-4711"`
	State      string      `json:"state" enum:"received,verifying,passed,rejected,cancelled,not_required" example:"verifying"`
	Reason     string      `json:"reason,omitempty" doc:"Why it was rejected or cancelled: expired, too_many_attempts, undeliverable, superseded, cancelled." example:""`
	ReasonText *Said       `json:"reason_text,omitempty" doc:"The reason in words, with what to do next."`
	Note       string      `json:"note,omitempty" doc:"What was said when it was cancelled."`
	Origin     string      `json:"origin" doc:"The name of the token that filed it." example:"platform"`
	Owner      string      `json:"owner,omitempty" doc:"The tenant whose it is; admins are told." example:"platform"`
	Language   string      `json:"language" example:"zh"`
	Callback   string      `json:"callback,omitempty" doc:"Without its query."`
	Supersedes string      `json:"supersedes,omitempty" doc:"The filing whose place it took." example:""`
	By         string      `json:"superseded_by,omitempty" doc:"The filing that took its place." example:""`
	Province   string      `json:"province,omitempty" example:"zhejiang"`
	Access     int         `json:"access_status,omitempty" enum:"1,2,3" doc:"The state as access platforms count: 1 waiting, 2 done, 3 timed out (failed). Absent for a filing that was cancelled or superseded." example:"1"`
	After      int         `json:"resubmit_after,omitempty" example:"3600"`
	ResubmitAt *time.Time  `json:"resubmit_at,omitempty" doc:"Of one that failed: when it is submitted again by itself. Cancel it, and it is not."`
	Resubmits  int         `json:"resubmits,omitempty" doc:"How often it was submitted again, those before it included." example:"0"`
	Warnings   []Warning   `json:"warnings,omitempty" doc:"In the answer to whoever filed it: what may go wrong. They refuse nothing."`
	Persons    []Person    `json:"persons"`
	Challenges []Challenge `json:"challenges" doc:"One for each phone that must answer."`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
	EndedAt    *time.Time  `json:"ended_at,omitempty"`
}

// Said is a text in both languages.
type Said struct {
	ZH string `json:"zh" example:"该号码属于虚拟运营商号段，可能收不到管局的核验短信；收不到时请换用其他号码。"`
	EN string `json:"en" example:"The number is a virtual operator's: codes of the ministry may not reach it. Use another number if none comes."`
}

// Warning is what may go wrong with a filing that was taken.
type Warning struct {
	Field   string `json:"field" example:"persons[0].mobile"`
	Code    string `json:"code" enum:"segment_virtual_operator,segment_new,segment_iot,segment_satellite,number_of_another_entity,province_mismatch,permit_back_number" example:"segment_virtual_operator"`
	Message Said   `json:"message"`
}

// Person is a person of a filing and where they stand.
type Person struct {
	ID          string     `json:"id"`
	Role        string     `json:"role" example:"entity_head"`
	Name        string     `json:"name,omitempty" example:"张三"`
	Site        string     `json:"site,omitempty" example:"example.cn"`
	Kind        string     `json:"kind,omitempty" example:"website"`
	Mobile      string     `json:"mobile" doc:"Whole with the scope numbers, else masked (138****8000)." example:"138****8000"`
	State       string     `json:"state" enum:"waiting,verified,failed,not_required" example:"waiting"`
	Reason      string     `json:"reason,omitempty"`
	ChallengeID string     `json:"challenge_id,omitempty"`
	Amended     int        `json:"amended" doc:"How often the mobile or the certificate was changed." example:"0"`
	VerifiedAt  *time.Time `json:"verified_at,omitempty"`
}

// Challenge is one code for one phone, without the code.
type Challenge struct {
	ID          string     `json:"id"`
	State       string     `json:"state" enum:"new,sending,unsent,open,verified,locked,expired,void" example:"open"`
	Reason      string     `json:"reason,omitempty"`
	Mobile      string     `json:"mobile" doc:"Whole with the scope numbers, else masked (138****8000)." example:"138****8000"`
	Sends       int        `json:"sends" doc:"SMS sent or queued, the first included." example:"1"`
	MaxSends    int        `json:"max_sends" example:"3"`
	TriesLeft   int        `json:"tries_left" doc:"Wrong tries that it still bears; 0 once it has ended." example:"5"`
	Wrong       int        `json:"wrong" deprecated:"true" doc:"Wrong tries so far; see tries_left." example:"0"`
	MaxWrong    int        `json:"max_wrong" deprecated:"true" doc:"See tries_left." example:"5"`
	MessageID   string     `json:"message_id,omitempty" doc:"The latest SMS: GET /v1/messages/{id} tells more."`
	SMSState    string     `json:"sms_state,omitempty" example:"delivered"`
	AcceptedAt  *time.Time `json:"accepted_at,omitempty" doc:"When a network took the first SMS."`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
	Deadline    *time.Time `json:"deadline,omitempty" deprecated:"true" doc:"The old name of expires_at."`
	ExpiresAt   *time.Time `json:"expires_at,omitempty" doc:"The code is good until then. Until a network has taken the first SMS: when it is given up as undeliverable."`
	EndedAt     *time.Time `json:"ended_at,omitempty"`
}

func (a *API) viewFiling(ctx context.Context, f verify.Filing) Filing {
	v := Filing{
		ID: f.ID, Type: string(f.Type), Reference: f.Reference, State: string(f.State), Reason: f.Reason, Note: f.Note,
		Owner: told(ctx, f.Owner), Origin: f.Origin, Language: f.Language, Callback: withoutQuery(f.Callback), Supersedes: f.Supersedes, By: f.By, Persons: []Person{}, Challenges: []Challenge{},
		CreatedAt: micro(f.Created), UpdatedAt: micro(f.Updated), EndedAt: when(f.Ended),
		Province: f.Province, Access: f.AccessStatus(), After: int(f.ResubmitAfter / time.Second), ResubmitAt: when(f.ResubmitDue), Resubmits: f.Resubmits,
	}
	if t := f.ReasonText(); t.ZH != "" {
		v.ReasonText = &Said{t.ZH, t.EN}
	}
	for _, w := range f.Warnings {
		v.Warnings = append(v.Warnings, Warning{w.Field, w.Code, Said(w.Message)})
	}
	for _, p := range f.Persons {
		v.Persons = append(v.Persons, Person{
			ID: p.ID, Role: string(p.Role), Name: p.Name, Site: p.Site, Kind: string(p.Kind), Mobile: p.Mobile,
			State: string(p.State), Reason: p.Reason, ChallengeID: p.ChallengeID, Amended: p.Amended, VerifiedAt: when(p.Verified),
		})
	}
	for _, c := range f.Challenges {
		one := Challenge{
			ID: c.ID, State: string(c.State), Reason: c.Reason, Mobile: c.Mobile, Sends: c.Sends, MaxSends: c.MaxSends,
			Wrong: c.Wrong, MaxWrong: c.MaxWrong, MessageID: c.LastSMS, SMSState: c.LastSMSState,
			AcceptedAt: when(c.Accepted), DeliveredAt: when(c.Delivered), Deadline: when(c.Deadline), EndedAt: when(c.Ended),
		}
		one.ExpiresAt = one.Deadline
		if !c.State.Terminal() {
			one.TriesLeft = c.MaxWrong - c.Wrong
		}
		v.Challenges = append(v.Challenges, one)
	}
	a.numbered(ctx, &v, f.Challenges)
	return v
}

func (r FilingRequest) filing(by access.Caller) verify.FilingRequest {
	f := verify.FilingRequest{Owner: by.Tenant, Origin: by.Name, Type: r.Type, Reference: r.Reference, Language: r.Language, Callback: r.Callback, Supersedes: r.Supersedes,
		Province: r.Province, Entity: r.Entity, ResubmitAfter: time.Duration(r.ResubmitAfter) * time.Second,
	}
	for _, p := range r.Persons {
		f.Persons = append(f.Persons, verify.PersonRequest(p))
	}
	for _, s := range r.Sites {
		f.Sites = append(f.Sites, verify.SiteRequest(s))
	}
	for _, c := range r.Changes {
		f.Changes = append(f.Changes, verify.Change{Part: verify.Part(c.Part), Role: verify.Role(c.Role), Site: c.Site})
	}
	return f
}

type filingOutput struct {
	Status int
	Body   Filing
}

func (a *API) filings(api huma.API) {
	create := a.operation(access.Filings, http.MethodPost, "/v1/filings", "create-filing", "filings", "Create a filing",
		"Makes a code for each phone that must answer and queues its SMS, all or nothing. 201 for a new filing, 200 for one that was there under its reference. With supersedes it ends another filing in the same step; 429 when a phone was filed again too often today.",
		http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	create.DefaultStatus = http.StatusCreated
	also[Filing](api, &create, "The filing that was there already.")
	huma.Register(api, create, func(ctx context.Context, in *struct {
		KeyInput
		Body FilingRequest
	}) (*filingOutput, error) {
		var err error
		if in.Body.Reference, err = in.or("reference", in.Body.Reference); err != nil {
			return nil, a.fail(ctx, err)
		}
		f, created, err := a.s.Verify.CreateFiling(ctx, in.Body.filing(callerOf(ctx)))
		if err != nil {
			return nil, a.refuseFiling(ctx, err)
		}
		status := http.StatusCreated
		if !created {
			status = http.StatusOK
		}
		return &filingOutput{status, a.viewFiling(ctx, f)}, nil
	})

	list := a.operation(access.Filings, http.MethodGet, "/v1/filings", "list-filings", "filings", "List filings", "Newest first. By a mobile: POST /v1/filings/search.")
	huma.Register(api, list, func(ctx context.Context, in *struct {
		Paging
		State         string    `query:"state" enum:"received,verifying,passed,rejected,cancelled,not_required" doc:"Only those in this state."`
		Owner         string    `query:"owner" maxLength:"64" doc:"Only those of this tenant: for admins."`
		Reference     string    `query:"reference" maxLength:"512" doc:"Only those with this reference."`
		Type          string    `query:"type" maxLength:"64" doc:"Only those of this type."`
		CreatedAfter  time.Time `query:"created_after" doc:"Only those created at or after this time."`
		CreatedBefore time.Time `query:"created_before" doc:"Only those created before this time."`
	}) (*listOutput[Filing], error) {
		return a.listFilings(ctx, in.Paging, verify.FilingQuery{
			Owner: in.Owner, State: verify.FilingState(in.State), Type: verify.FilingType(in.Type), Reference: in.Reference,
			From: in.CreatedAfter, To: in.CreatedBefore, Limit: in.Limit,
		})
	})

	read := a.operation(access.Filings, http.MethodGet, "/v1/filings/{id}", "get-filing", "filings", "Read a filing", "With its persons and challenges.", http.StatusNotFound)
	huma.Register(api, read, func(ctx context.Context, in *IDInput) (*filingOutput, error) {
		f, err := a.s.Verify.Filing(ctx, ownerOf(ctx), in.ID)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &filingOutput{http.StatusOK, a.viewFiling(ctx, f)}, nil
	})

	cancel := a.operation(access.Filings, http.MethodPost, "/v1/filings/{id}/cancel", "cancel-filing", "filings", "Cancel a filing",
		"Its codes end, and SMS of it that are still queued are cancelled. The body may be left out.", http.StatusNotFound, http.StatusConflict)
	huma.Register(api, cancel, func(ctx context.Context, in *struct {
		IDInput
		Body *struct {
			Reason string `json:"reason,omitempty" maxLength:"1024" doc:"Why, for the record." example:"withdrawn by the applicant"`
		} `required:"false"`
	}) (*filingOutput, error) {
		var reason string
		if in.Body != nil {
			reason = in.Body.Reason
		}
		f, err := a.s.Verify.CancelFiling(ctx, ownerOf(ctx), in.ID, reason)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &filingOutput{http.StatusOK, a.viewFiling(ctx, f)}, nil
	})
	a.filingChanges(api)
	a.filingResubmit(api)
}
