package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"attestd/internal/access"
	"attestd/internal/proof"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// VerifyRequest is what a person enters.
type VerifyRequest struct {
	Code            string `json:"code,omitempty" maxLength:"64" doc:"The 6 digits of the SMS; spaces and full-width digits are fine." example:"048213"`
	Mobile          string `json:"mobile,omitempty" maxLength:"64" example:"13800138000"`
	CertificateTail string `json:"certificate_tail,omitempty" maxLength:"64" doc:"The last 6 characters of the ID document. A contact check does not compare it; with its filing named it may be left out." example:"31002X"`
	Filing          string `json:"filing,omitempty" maxLength:"64" doc:"Only needed to name one of several filings of a phone."`
	Proof           *Proof `json:"proof,omitempty" doc:"What the answer 903 asked for. Not needed with a token."`
}

// Proof shows that a little computing was done.
type Proof struct {
	Challenge string `json:"challenge" maxLength:"64" doc:"proof.challenge of the answer." example:"AAAAABPpYVqVx0v1mJ0S9m3c2oQkq2l3b7fP0a1x9Zk"`
	Number    int64  `json:"number" minimum:"0" maximum:"9999999999" doc:"A number with which the SHA-256 of CHALLENGE:NUMBER, in ASCII, begins with zero_bits zero bits." example:"93241"`
}

// ProofTask is what a proof is to be made for.
type ProofTask struct {
	Challenge string `json:"challenge" doc:"Good once, for one submission and an identical one within verify.repeat_window." example:"AAAAABPpYVqVx0v1mJ0S9m3c2oQkq2l3b7fP0a1x9Zk"`
	ZeroBits  int    `json:"zero_bits" doc:"Zero bits that the hash must begin with: 2 to their power hashes on average. More where many entries are wrong, for this phone or altogether." example:"17"`
	ExpiresIn int    `json:"expires_in" doc:"Seconds for which the challenge is good." example:"7200"`
}

// ResendRequest asks for the code to be sent again.
type ResendRequest struct {
	Mobile          string `json:"mobile,omitempty" maxLength:"64" example:"13800138000"`
	CertificateTail string `json:"certificate_tail,omitempty" maxLength:"64" example:"31002X"`
	Filing          string `json:"filing,omitempty" maxLength:"64"`
	Proof           *Proof `json:"proof,omitempty" doc:"What the answer 903 asked for. Not needed with a token."`
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
	Proof       *ProofTask   `json:"proof,omitempty" doc:"With 903, and with 901 where a proof will be asked for then."`
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
	check := a.publicOperation(api, "/v1/public/verify", "verify-code", "Check a code",
		"For persons. Answers 200 whatever the result, so that nothing can be told from the status. Without a token it asks for a proof of work: "+
			"the first answer is 903 with proof.challenge; hand the same in once more with proof.")
	huma.Register(api, check, func(ctx context.Context, in *struct {
		PublicInput
		Body VerifyRequest
	}) (*answerOutput, error) {
		q := verify.CheckRequest{Code: in.Body.Code, Mobile: in.Body.Mobile, Tail: in.Body.CertificateTail, FilingID: in.Body.Filing, Via: "web"}
		var ok bool
		if q.Work, q.Trusted, ok = a.shown(ctx, in.Body.Proof, "check", q.Code, q.Mobile, q.Tail, q.FilingID); !ok {
			return a.answer(in.PublicInput, proofRequired, false), nil
		}
		return a.answer(in.PublicInput, a.check(ctx, clientOf(ctx), "api", q), q.Trusted), nil
	})

	resend := a.publicOperation(api, "/v1/public/resend", "resend-code", "Send a code again",
		"For persons. At most verify.max_sends SMS in all, verify.resend_wait apart. Without a token it asks for a proof of work, as the check of a code does.")
	huma.Register(api, resend, func(ctx context.Context, in *struct {
		PublicInput
		Body ResendRequest
	}) (*answerOutput, error) {
		q := verify.ResendRequest{Mobile: in.Body.Mobile, Tail: in.Body.CertificateTail, FilingID: in.Body.Filing}
		var ok bool
		if q.Work, q.Trusted, ok = a.shown(ctx, in.Body.Proof, "resend", "", q.Mobile, q.Tail, q.FilingID); !ok {
			return a.answer(in.PublicInput, proofRequired, false), nil
		}
		return a.answer(in.PublicInput, a.resend(ctx, clientOf(ctx), "api", q), q.Trusted), nil
	})
}

var proofRequired = verify.Answer{Result: verify.ResultProofRequired, Message: verify.ResultProofRequired.Message()}

// shown judges the proof that came with a submission: ok says that it may be handed on, with the work that was shown.
func (a *API) shown(ctx context.Context, p *Proof, content ...string) (work int, trusted, ok bool) {
	if access.Of(ctx).Kind == access.ByToken {
		return proof.Any, true, true
	}
	l := a.guard.now()
	if !l.Proof {
		return proof.Any, false, true
	}
	if p == nil {
		return 0, false, false
	}
	v, work := a.passes.Admit(p.Challenge, strconv.FormatInt(p.Number, 10), "", content, proof.Terms{Bits: a.guard.bits(), Repeat: l.Repeat}, time.Now())
	return work, false, v == proof.Admitted
}

// publicOperation needs no token. With one of the scope filings, no proof is asked for, and the caller's address has no
// limit: it
// is a platform's, which hands in what its persons enter.
func (a *API) publicOperation(api huma.API, path, id, summary, description string) huma.Operation {
	op := a.operation(access.Anyone, http.MethodPost, path, id, "public", summary, description)
	op.Errors = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	op.Security = append([]map[string][]string{{}}, needs(access.Filings)...)
	op.MaxBodyBytes = min(publicBody, a.o.MaxBody)
	op.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(ctx)
		next(huma.WithValue(ctx, clientKey{}, a.proxies().client(r)))
	}}
	return op
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

func (a *API) answer(in PublicInput, v verify.Answer, trusted bool) *answerOutput {
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
	if (v.Result == verify.ResultProofRequired || v.Work > 0) && !trusted {
		out.Body.Proof = &ProofTask{Challenge: a.passes.Issue(time.Now()), ZeroBits: max(v.Work, a.guard.bits()), ExpiresIn: int(proof.Life / time.Second)}
	}
	for _, r := range v.Roles {
		out.Body.Roles = append(out.Body.Roles, string(r))
	}
	for _, f := range v.Fields {
		out.Body.Fields = append(out.Body.Fields, FieldFault(f))
	}
	return out
}

type clientKey struct{}

func clientOf(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(clientKey{}).(netip.Addr)
	return a
}
