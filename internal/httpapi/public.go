package httpapi

import (
	"context"
	"net/http"
	"time"

	"attestd/internal/access"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// VerifyRequest is what a person enters.
type VerifyRequest struct {
	Code            string `json:"code,omitempty" maxLength:"64" doc:"The 6 digits of the SMS; spaces and full-width digits are fine." example:"048213"`
	Mobile          string `json:"mobile,omitempty" maxLength:"64" example:"13800138000"`
	CertificateTail string `json:"certificate_tail,omitempty" maxLength:"64" doc:"The last 6 characters of the certificate." example:"31002X"`
	Filing          string `json:"filing,omitempty" maxLength:"64" doc:"Only needed to name one of several filings of a phone."`
}

// ResendRequest asks for the code to be sent again.
type ResendRequest struct {
	Mobile          string `json:"mobile,omitempty" maxLength:"64" example:"13800138000"`
	CertificateTail string `json:"certificate_tail,omitempty" maxLength:"64" example:"31002X"`
	Filing          string `json:"filing,omitempty" maxLength:"64"`
}

// Answer is what a person is told. Whether a phone is known cannot be learned from it without the right tail.
type Answer struct {
	Result      int          `json:"result" doc:"3 verified, the last one; 31 verified, others are waited for; 20 already verified; 2 wrong; 21 failed for good; 4 no such record; 0 malformed; 100 nothing to re-send; 101 re-sent; 102 re-send cap; 901 wait; 902 too many requests; 903 proof required; 904 temporarily unavailable." example:"31"`
	OK          bool         `json:"ok" doc:"True for 3, 31, 20 and 101." example:"true"`
	Message     string       `json:"message" doc:"In Chinese or English, by Accept-Language." example:"Verified. The filing waits for the other persons in charge."`
	Reason      string       `json:"reason,omitempty" doc:"Of a final failure: expired, too_many_attempts, undeliverable, superseded, amended, filing_closed, cancelled." example:""`
	TriesLeft   *int         `json:"tries_left,omitempty" doc:"Only when mobile and tail match." example:"4"`
	ExpiresAt   *time.Time   `json:"expires_at,omitempty" doc:"Until when the code can be entered; of several codes, the one that ends first. Only when mobile and tail match, and a network has taken the SMS." example:"2026-11-25T09:30:00Z"`
	SecondsLeft int          `json:"seconds_left,omitempty" doc:"The same as whole seconds from now, for clients whose clock is wrong." example:"86340"`
	WaitSeconds int          `json:"wait_seconds,omitempty" doc:"With 901 and 902: when to try again." example:"240"`
	Filing      string       `json:"filing,omitempty" doc:"Only when mobile and tail match one filing."`
	Roles       []string     `json:"roles,omitempty" doc:"The roles that this answer verified." example:"[\"entity_head\"]"`
	Fields      []FieldFault `json:"fields,omitempty" doc:"With 0: what is malformed."`
}

// PublicInput is what the public endpoints read of a request besides its body.
type PublicInput struct {
	AcceptLanguage string `header:"Accept-Language" maxLength:"1000" doc:"zh or en." example:"en"`
}

type answerOutput struct {
	RetryAfter string `header:"Retry-After"`
	Vary       string `header:"Vary"`
	Body       Answer
}

// publicBody is ample for three short texts.
const publicBody = 4 << 10

func (a *API) public(api huma.API) {
	check := a.publicOperation("/v1/public/verify", "verify-code", "Check a code",
		"For persons: no token. Answers 200 whatever the result, so that nothing can be told from the status.")
	huma.Register(api, check, func(ctx context.Context, in *struct {
		PublicInput
		Body VerifyRequest
	}) (*answerOutput, error) {
		uses, wait := a.guard.check(clientOf(ctx), in.Body.Mobile)
		if wait > 0 {
			return a.answer(in.PublicInput, limited902(wait)), nil
		}
		ctx = person(ctx, "api", uses)
		answer, err := a.s.Verify.Check(ctx, verify.CheckRequest{
			Code: in.Body.Code, Mobile: in.Body.Mobile, Tail: in.Body.CertificateTail, FilingID: in.Body.Filing, Via: "web",
		})
		return a.answer(in.PublicInput, a.orUnavailable(ctx, answer, err)), nil
	})

	resend := a.publicOperation("/v1/public/resend", "resend-code", "Send a code again",
		"For persons: no token. At most verify.max_sends SMS in all, verify.resend_wait apart.")
	huma.Register(api, resend, func(ctx context.Context, in *struct {
		PublicInput
		Body ResendRequest
	}) (*answerOutput, error) {
		uses, wait := a.guard.resend(clientOf(ctx))
		if wait > 0 {
			return a.answer(in.PublicInput, limited902(wait)), nil
		}
		ctx = person(ctx, "api", uses)
		answer, err := a.s.Verify.Resend(ctx, verify.ResendRequest{
			Mobile: in.Body.Mobile, Tail: in.Body.CertificateTail, FilingID: in.Body.Filing,
		})
		return a.answer(in.PublicInput, a.orUnavailable(ctx, answer, err)), nil
	})
}

func (a *API) publicOperation(path, id, summary, description string) huma.Operation {
	op := a.operation(access.Anyone, http.MethodPost, path, id, "public", summary, description)
	op.Errors = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}
	op.MaxBodyBytes = min(publicBody, a.o.MaxBody)
	op.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(ctx)
		next(huma.WithValue(ctx, clientKey{}, a.proxies().client(r)))
	}}
	return op
}

// person is the context of what somebody does who came through a public door; what they use of their share is written down
// with it.
func person(ctx context.Context, door string, uses []access.Use) context.Context {
	return access.Charge(access.As(ctx, access.Actor{Kind: access.ByPerson, Name: door}), uses)
}

func limited902(wait time.Duration) verify.Answer {
	return verify.Answer{Result: verify.ResultRateLimited, Message: verify.ResultRateLimited.Message(), Wait: wait}
}

// orUnavailable keeps what went wrong in here from the person; the log has it.
func (a *API) orUnavailable(ctx context.Context, answer verify.Answer, err error) verify.Answer {
	if err == nil {
		return answer
	}
	if ctx.Err() == nil {
		a.log.Error("a person could not be answered", "request", requestID(ctx), "error", err)
	}
	return verify.Answer{Result: verify.ResultUnavailable, Message: verify.ResultUnavailable.Message(), Wait: 5 * time.Second}
}

func (a *API) answer(in PublicInput, v verify.Answer) *answerOutput {
	a.s.Meter.Verification(int(v.Result))
	out := &answerOutput{
		Vary: "Accept-Language",
		Body: Answer{
			Result: int(v.Result), OK: v.OK, Message: v.Message.In(language(in.AcceptLanguage, a.words.Load().language)),
			Reason: v.Reason, TriesLeft: v.TriesLeft, Filing: v.FilingID,
		},
	}
	if left := time.Until(v.Deadline); left > 0 {
		out.Body.ExpiresAt, out.Body.SecondsLeft = when(v.Deadline), int(left/time.Second)
	}
	if v.Wait > 0 {
		out.RetryAfter = seconds(v.Wait)
		out.Body.WaitSeconds = int((v.Wait + time.Second - 1) / time.Second)
	}
	for _, r := range v.Roles {
		out.Body.Roles = append(out.Body.Roles, string(r))
	}
	for _, f := range v.Fields {
		out.Body.Fields = append(out.Body.Fields, FieldFault(f))
	}
	return out
}
