package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"attestd/internal/access"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
)

// Challenges is *verify.Service as far as codes for phones with no filing go. Errors: verify.Invalid, NotAllowed, TooMany,
// ErrNotFound, ErrChallengeEnded, ErrSendCap, ErrTooLate.
type Challenges interface {
	CreateChallenge(ctx context.Context, r verify.ChallengeRequest) (verify.Challenge, error)
	Challenge(ctx context.Context, owner, id string) (verify.Challenge, error)
	CheckChallenge(ctx context.Context, owner, id, code, via string) (c verify.Challenge, right bool, err error)
	ResendChallenge(ctx context.Context, owner, id string) (verify.Challenge, error)
	CancelChallenge(ctx context.Context, owner, id string) (verify.Challenge, error)
}

// ChallengeRequest asks for a code for a phone.
type ChallengeRequest struct {
	To       string `json:"to" maxLength:"64" doc:"A mobile number. Without a country code it is of the first verify.region." example:"+8613800138000"`
	Template string `json:"template,omitempty" maxLength:"640" doc:"The text, with {{code}} or {code} where the code is to stand: at most 160 characters, and one SMS. Without it the text is ours." example:"Your code for shop.example is {{code}}."`
	Text     string `json:"text,omitempty" maxLength:"640" deprecated:"true" doc:"The old name of template." example:""`
	Language string `json:"language,omitempty" maxLength:"16" doc:"Of our text: zh or en. Default verify.default_language." example:"en"`
	TTL      int    `json:"ttl,omitempty" minimum:"1" maximum:"31536000" doc:"Seconds for which the code is good, from the delivery report of its SMS, else from when a network took it. Default 600, at most verify.life." example:"600"`
	MaxTries int    `json:"max_tries,omitempty" minimum:"1" maximum:"100" doc:"Wrong codes that end it. Default and most: verify.max_wrong." example:"5"`
	MaxSends int    `json:"max_sends,omitempty" minimum:"1" maximum:"100" doc:"SMS, the first included. Default and most: verify.max_sends." example:"3"`
	Replace  bool   `json:"replace,omitempty" doc:"End the codes that this token has open for this phone." example:"true"`

	IdempotencyKey string `json:"idempotency_key,omitempty" maxLength:"128" doc:"The same key with the same request gives the challenge that is there, within 7 days; with another request, a conflict. Keys belong to a token." example:"login-4711"`
}

// GeneralChallenge is a code for a phone with no filing, without the code.
type GeneralChallenge struct {
	ID          string     `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	State       string     `json:"state" enum:"new,sending,unsent,open,verified,locked,expired,void" doc:"The last four are its end." example:"open"`
	Reason      string     `json:"reason,omitempty" doc:"Of its end: expired, undeliverable, too_many_attempts, cancelled, replaced." example:""`
	Mobile      string     `json:"mobile" doc:"Whole with the scope numbers, else masked (138****8000)." example:"138****8000"`
	Owner       string     `json:"owner,omitempty" doc:"The tenant whose it is; admins are told." example:"platform"`
	Sends       int        `json:"sends" doc:"SMS sent or queued, the first included." example:"1"`
	MaxSends    int        `json:"max_sends" example:"3"`
	TriesLeft   int        `json:"tries_left" doc:"0 once it has ended." example:"5"`
	MessageID   string     `json:"message_id,omitempty" doc:"The latest SMS: GET /v1/messages/{id} tells more."`
	SMSState    string     `json:"sms_state,omitempty" example:"delivered"`
	CreatedAt   time.Time  `json:"created_at"`
	AcceptedAt  *time.Time `json:"accepted_at,omitempty" doc:"When a network took the first SMS."`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
	ExpiresAt   time.Time  `json:"expires_at" doc:"The code is good until then. It moves when a network takes the SMS, and when a report says that the phone has it."`
	EndedAt     *time.Time `json:"ended_at,omitempty"`
}

// CheckedChallenge is a challenge after a check.
type CheckedChallenge struct {
	OK bool `json:"ok" doc:"This was the code, and this request has verified it: it is true once." example:"true"`
	GeneralChallenge
}

func (a *API) viewChallenge(ctx context.Context, c verify.Challenge) GeneralChallenge {
	v := GeneralChallenge{
		ID: c.ID, State: string(c.State), Reason: c.Reason, Mobile: c.Mobile, Owner: told(ctx, c.Owner), Sends: c.Sends, MaxSends: c.MaxSends,
		MessageID: c.LastSMS, SMSState: c.LastSMSState, CreatedAt: micro(c.Created), AcceptedAt: when(c.Accepted),
		DeliveredAt: when(c.Delivered), ExpiresAt: micro(c.Deadline), EndedAt: when(c.Ended),
	}
	if !c.State.Terminal() {
		v.TriesLeft = c.MaxWrong - c.Wrong
	}
	if n := a.challengePhone(ctx, c); n != "" {
		v.Mobile = n
	}
	return v
}

func (r ChallengeRequest) challenge(by access.Caller) (verify.ChallengeRequest, error) {
	template := r.Template
	if r.Text != "" {
		if template != "" && template != r.Text {
			_, _, err := renamed("template", template, "text", r.Text)
			return verify.ChallengeRequest{}, err
		}
		template = r.Text
	}
	return verify.ChallengeRequest{
		Owner: by.Tenant, Origin: by.Name, To: r.To, Template: strings.NewReplacer(verify.Placeholder, verify.Placeholder, "{code}", verify.Placeholder).Replace(template),
		Language: r.Language, Life: time.Duration(r.TTL) * time.Second, MaxWrong: r.MaxTries, MaxSends: r.MaxSends, Replace: r.Replace,
		IdempotencyKey: r.IdempotencyKey,
	}, nil
}

type challengeOutput struct{ Body GeneralChallenge }

func (a *API) challenges(api huma.API) {
	create := a.operation(access.Filings, http.MethodPost, "/v1/challenges", "create-challenge", "challenges", "Send a code to a phone",
		"For a phone with no filing. The code and its SMS exist when this answers. Refused with 429 while the limits of the phone (verify.limits) let no code be sent to it.",
		http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests)
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, func(ctx context.Context, in *struct {
		KeyInput
		Body ChallengeRequest
	}) (*challengeOutput, error) {
		var err error
		if in.Body.IdempotencyKey, err = in.or("idempotency_key", in.Body.IdempotencyKey); err != nil {
			return nil, a.fail(ctx, err)
		}
		r, err := in.Body.challenge(callerOf(ctx))
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return a.challenged(ctx)(a.s.Challenges.CreateChallenge(ctx, r))
	})

	read := a.operation(access.Filings, http.MethodGet, "/v1/challenges/{id}", "get-challenge", "challenges", "Read a challenge", "One of a filing is shown with its filing.", http.StatusNotFound)
	huma.Register(api, read, func(ctx context.Context, in *IDInput) (*challengeOutput, error) {
		return a.challenged(ctx)(a.s.Challenges.Challenge(ctx, ownerOf(ctx), in.ID))
	})

	check := a.operation(access.Filings, http.MethodPost, "/v1/challenges/{id}/check", "check-challenge", "challenges", "Check a code",
		"200 whether it was right or not: ok tells. Whatever is not the code is charged; what has ended compares with nothing.",
		http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	huma.Register(api, check, func(ctx context.Context, in *struct {
		IDInput
		Body struct {
			Code string `json:"code" minLength:"1" maxLength:"64" doc:"What the person entered; spaces and full-width digits are fine." example:"048213"`
		}
	}) (*struct{ Body CheckedChallenge }, error) {
		c, right, err := a.s.Challenges.CheckChallenge(ctx, ownerOf(ctx), in.ID, in.Body.Code, "api")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &struct{ Body CheckedChallenge }{CheckedChallenge{right, a.viewChallenge(ctx, c)}}, nil
	})

	resend := a.operation(access.Filings, http.MethodPost, "/v1/challenges/{id}/resend", "resend-challenge", "challenges", "Send the code again",
		"The same text. 429 when it is too soon, 409 when it cannot be sent again.", http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests)
	huma.Register(api, resend, func(ctx context.Context, in *IDInput) (*challengeOutput, error) {
		return a.challenged(ctx)(a.s.Challenges.ResendChallenge(ctx, ownerOf(ctx), in.ID))
	})

	cancel := a.operation(access.Filings, http.MethodPost, "/v1/challenges/{id}/cancel", "cancel-challenge", "challenges", "Cancel a challenge",
		"Its code opens nothing any more, and SMS of it that are still queued are cancelled.", http.StatusNotFound, http.StatusConflict)
	huma.Register(api, cancel, func(ctx context.Context, in *IDInput) (*challengeOutput, error) {
		return a.challenged(ctx)(a.s.Challenges.CancelChallenge(ctx, ownerOf(ctx), in.ID))
	})
}

// challenged makes the answer of what a challenge's operation gave.
func (a *API) challenged(ctx context.Context) func(verify.Challenge, error) (*challengeOutput, error) {
	return func(c verify.Challenge, err error) (*challengeOutput, error) {
		var many verify.TooMany
		var no verify.NotAllowed
		switch {
		case err == nil:
			return &challengeOutput{a.viewChallenge(ctx, c)}, nil
		case errors.As(err, &many):
			p := newProblem(http.StatusTooManyRequests, many.Error())
			p.Instance = instance(ctx)
			return nil, huma.ErrorWithHeaders(p, http.Header{"Retry-After": {seconds(many.Wait)}})
		case errors.As(err, &no):
			err = verify.Invalid{{Field: "to", Message: no.Error()}}
		}
		return nil, a.fail(ctx, err)
	}
}
