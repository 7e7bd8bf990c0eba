package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"attestd/internal/msisdn"
	"attestd/queue"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

// Problem is an RFC 9457 problem document. It never repeats a value that was sent: that may be a code or a number.
type Problem struct {
	Type     string       `json:"type" doc:"urn:attestd:problem:NAME; docs/api.md lists the names." example:"urn:attestd:problem:invalid"`
	Title    string       `json:"title" doc:"The same for every problem of the type." example:"The request is malformed"`
	Status   int          `json:"status" example:"400"`
	Detail   string       `json:"detail" doc:"What is wrong this time, and what to do." example:"to: is required"`
	Instance string       `json:"instance,omitempty" doc:"The id of the request, as in the header X-Request-Id and in the log." example:"urn:attestd:request:5f1c9a0be3d24c77"`
	Errors   []FieldFault `json:"errors,omitempty" doc:"The fields that are wrong, all of them at once."`
}

// FieldFault is what is wrong with one field.
type FieldFault struct {
	Field   string `json:"field" doc:"Where: a field's name, or its path as persons[1].mobile; a parameter's name." example:"to"`
	Message string `json:"message" example:"is required"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

const typePrefix = "urn:attestd:problem:"

// kinds are the problems there are: by status unless a row of faults names another.
var kinds = map[int]struct{ name, title string }{
	http.StatusBadRequest:            {"invalid", "The request is malformed"},
	http.StatusUnauthorized:          {"unauthorized", "A valid token is needed"},
	http.StatusForbidden:             {"forbidden", "The token may not do this"},
	http.StatusNotFound:              {"not-found", "There is no such thing"},
	http.StatusMethodNotAllowed:      {"method-not-allowed", "The path does not take this method"},
	http.StatusRequestTimeout:        {"timeout", "The request did not arrive in time"},
	http.StatusConflict:              {"conflict", "The request conflicts with what is there"},
	http.StatusRequestEntityTooLarge: {"too-large", "The request is too large"},
	http.StatusUnsupportedMediaType:  {"unsupported-media-type", "Only JSON is taken here"},
	http.StatusUnprocessableEntity:   {"refused", "The request was understood and refused"},
	http.StatusInternalServerError:   {"internal", "Something went wrong here"},
	http.StatusTooManyRequests:       {"too-many-requests", "Too much was asked for, too soon"},
	http.StatusServiceUnavailable:    {"unavailable", "The gateway cannot take this now"},
}

// faults is the one table from errors to status codes: 400 for what cannot be read, 422 for what can be read and breaks
// a rule, 409 for what conflicts with what is there.
var faults = []struct {
	err    error
	status int
	field  string
}{
	{queue.ErrNotFound, http.StatusNotFound, ""},
	{queue.ErrNotCancellable, http.StatusConflict, ""},
	{queue.ErrIdempotencyConflict, http.StatusConflict, "idempotency_key"},
	{queue.ErrExpired, http.StatusUnprocessableEntity, "deadline"},
	{queue.ErrTooLong, http.StatusUnprocessableEntity, "text"},
	{queue.ErrNoText, http.StatusUnprocessableEntity, "text"},
	{queue.ErrNoRecipient, http.StatusUnprocessableEntity, "to"},
	{queue.ErrOptedOut, http.StatusUnprocessableEntity, "to"},
	{queue.ErrCountryCap, http.StatusTooManyRequests, "to"},
	{queue.ErrPriority, http.StatusUnprocessableEntity, "priority"},
	{ErrNoModem, http.StatusNotFound, "name"},
	{ErrNotLocked, http.StatusConflict, "name"},
	{verify.ErrNotFound, http.StatusNotFound, ""},
	{verify.ErrReferenceConflict, http.StatusConflict, "reference"},
	{verify.ErrKeyConflict, http.StatusConflict, "idempotency_key"},
	{verify.ErrFilingClosed, http.StatusConflict, ""},
	{verify.ErrNoPerson, http.StatusNotFound, ""},
	{verify.ErrPersonVerified, http.StatusConflict, ""},
	{verify.ErrPersonFailed, http.StatusConflict, ""},
	{verify.ErrNotNeeded, http.StatusConflict, ""},
	{verify.ErrOnRecord, http.StatusConflict, "mobile"},
	{verify.ErrAmendCap, http.StatusConflict, ""},
	{verify.ErrNotResubmittable, http.StatusConflict, ""},
	{verify.ErrWiped, http.StatusConflict, ""},
	{verify.ErrSuperseded, http.StatusConflict, "supersedes"},
	{verify.ErrNotSupersedable, http.StatusConflict, "supersedes"},
	{verify.ErrChallengeEnded, http.StatusConflict, ""},
	{verify.ErrSendCap, http.StatusConflict, ""},
	{verify.ErrTooLate, http.StatusConflict, ""},
}

// named are the rows that are a problem of their own, for programs to tell apart.
var named = map[error]struct{ name, title string }{
	queue.ErrOptedOut: {"opted-out", "The recipient has opted out"},
}

func init() {
	// huma knows one kind of error for the whole program; this package is the only one that uses it.
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return fromHuma(status, message, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		if ctx == nil {
			return fromHuma(status, message, errs)
		}
		if status == http.StatusInternalServerError && requestOf(ctx.Context()).brokenBody() {
			status, message, errs = http.StatusBadRequest, brokenBody, nil // huma takes it for a fault of ours
		}
		p := fromHuma(status, message, errs)
		p.Instance = instance(ctx.Context())
		return p
	}
	huma.ValidateStrictCasing = true
	validation.MsgUnexpectedProperty = "is no field of this request"
	validation.MsgExpectedRequiredProperty = "%s: is required" // fieldOf takes the name out of it
	validation.MsgExpectedString = "want a text in quotes"
	validation.MsgExpectedBoolean = "want true or false"
	validation.MsgExpectedInteger = "want a whole number"
	validation.MsgExpectedNumber = "want a number"
	validation.MsgExpectedArray = "want a list"
	validation.MsgExpectedObject = "want an object"
	validation.MsgExpectedRFC3339DateTime = "want a time as 2027-01-31T08:00:00+08:00 (RFC 3339)"
	validation.MsgExpectedMinimumNumber = "want at least %v"
	validation.MsgExpectedMaximumNumber = "want at most %v"
	validation.MsgExpectedMinLength = "want at least %d characters"
	validation.MsgExpectedMaxLength = "want at most %d characters"
	validation.MsgExpectedMaxItems = "want at most %d entries"
	validation.MsgExpectedOneOf = `want one of "%s"`
}

func newProblem(status int, detail string, fields ...FieldFault) *Problem {
	kind, ok := kinds[status]
	if !ok {
		kind.name, kind.title = "about-"+strconv.Itoa(status), http.StatusText(status)
	}
	return &Problem{Type: typePrefix + kind.name, Title: kind.title, Status: status, Detail: detail, Errors: fields}
}

// fromHuma makes a problem of what huma found wrong, without the values that it quotes.
func fromHuma(status int, message string, errs []error) *Problem {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a request of the wrong shape; 422 is for rules
	}
	var fields []FieldFault
	for _, err := range errs {
		var d *huma.ErrorDetail
		if !errors.As(err, &d) {
			continue // internal errors are logged by whoever made them, not told
		}
		fields = append(fields, fieldOf(d))
	}
	switch {
	case status == http.StatusUnsupportedMediaType && len(errs) > 0:
		message, fields = "Content-Type must be application/json", nil
	case len(fields) > 0:
		message = describe(fields)
	case status == http.StatusInternalServerError:
		message = "the log of the gateway says more about this request"
	}
	return newProblem(status, message, fields...)
}

func fieldOf(d *huma.ErrorDetail) FieldFault {
	field, message := d.Location, d.Message
	if where, what, ours := strings.Cut(message, fieldMark); ours && field == "body" {
		if where == "" {
			where = "body"
		}
		return FieldFault{fieldName(where), clip(what, 300)}
	}
	for _, prefix := range []string{"body.", "query.", "path.", "header."} {
		field = strings.TrimPrefix(field, prefix)
	}
	if name, ok := strings.CutSuffix(message, ": is required"); ok {
		message = "is required"
		if field == "body" {
			field = name
		} else {
			field += "." + name
		}
	}
	return FieldFault{fieldName(field), clip(message, 300)}
}

// fieldName is a name that a caller can make up, and so make long, or of a phone number.
func fieldName(s string) string { return clip(msisdn.Redact(s), 120) }

// clip keeps a long name or message, which a caller can make, from making a long answer.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

func describe(fields []FieldFault) string {
	lines := make([]string, 0, len(fields))
	for _, f := range fields[:min(len(fields), 5)] {
		lines = append(lines, f.Field+": "+f.Message)
	}
	if more := len(fields) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

// fail makes the problem document of an error. What nobody can act on is logged here and told as 500.
func (a *API) fail(ctx context.Context, err error) error {
	var p *Problem
	var invalid verify.Invalid
	var quota *queue.QuotaError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &quota):
		return a.overQuota(ctx, quota)
	case errors.As(err, &invalid):
		fields := make([]FieldFault, len(invalid))
		for i, f := range invalid {
			fields[i] = FieldFault(f)
		}
		p = newProblem(http.StatusUnprocessableEntity, describe(fields), fields...)
	default:
		p = a.tabled(err)
	}
	if p == nil {
		if after, ok := a.unavailable(ctx, err); ok {
			p = newProblem(http.StatusServiceUnavailable, "nothing was taken; try again in a moment")
			p.Instance = instance(ctx)
			a.log.Warn("request refused: unavailable", "request", requestID(ctx), "error", err)
			return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {seconds(after)}})
		}
		a.log.Error("request failed", "request", requestID(ctx), "error", err)
		p = newProblem(http.StatusInternalServerError, "the log of the gateway says more about this request")
	}
	p.Instance = instance(ctx)
	if _, more := err.(huma.HeadersError); more { // it is p with a header
		return err
	}
	return p
}

// overQuota is the problem of what needs more texts than are left: whose, of how many, and until when.
func (a *API) overQuota(ctx context.Context, e *queue.QuotaError) error {
	var fields []FieldFault
	if e.Field() != "" {
		fields = []FieldFault{{e.Field(), e.Error()}}
	}
	status, header := http.StatusTooManyRequests, http.Header{"Retry-After": {seconds(time.Until(e.Until))}}
	if e.Never() { // whoever waits waits in vain
		status, header = http.StatusUnprocessableEntity, nil
	}
	p := newProblem(status, e.Error(), fields...)
	p.Instance = instance(ctx)
	if header == nil {
		return p
	}
	p.Type, p.Title = typePrefix+"quota", "A quota of texts is used up"
	return huma.ErrorWithHeaders(p, header)
}

func (a *API) tabled(err error) *Problem {
	for _, f := range faults {
		if !errors.Is(err, f.err) {
			continue
		}
		detail := strings.TrimPrefix(f.err.Error(), "verify: ")
		p := newProblem(f.status, detail)
		if f.field != "" {
			p.Errors = []FieldFault{{f.field, strings.TrimPrefix(detail, f.field+": ")}}
		}
		if own, ok := named[f.err]; ok {
			p.Type, p.Title = typePrefix+own.name, own.title
		}
		return p
	}
	return nil
}

func (a *API) unavailable(ctx context.Context, err error) (time.Duration, bool) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return time.Second, true // the client went, or the gateway stops
	}
	if a.s.Unavailable == nil {
		return 0, false
	}
	return a.s.Unavailable(err)
}

func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// NewConflict is the problem of something that what is there does not allow.
func NewConflict(detail string) error { return newProblem(http.StatusConflict, detail) }

// write sends a problem where huma is not at work.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
