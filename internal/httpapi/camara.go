package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"attestd/internal/access"
	"attestd/internal/msisdn"
	"attestd/queue"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
)

// Camara are the settings of the CAMARA One-Time-Password SMS API.
type Camara struct {
	Enabled bool
	Life    time.Duration // of a code; at most verify.life
	Blocked []string      // how numbers begin, "+86170", that are told PHONE_NUMBER_BLOCKED
	NotOurs []string      // and NOT_FOUND
}

// The CAMARA API is a second door to the challenges, release r3.2, version 1.1.1: its own paths, its own form of errors.
// huma, which knows one form of errors for the whole program, is not at work here.
const camaraBase = "/one-time-password-sms/v1"

// camaraBody is ample for 160 characters, each written as \uXXXX twice over.
const camaraBody = 16 << 10

// CamaraError is an error as CAMARA's Commonalities have it.
type CamaraError struct {
	Status  int    `json:"status" example:"400"`
	Code    string `json:"code" maxLength:"96" example:"INVALID_ARGUMENT"`
	Message string `json:"message" maxLength:"512" example:"phoneNumber: is required"`

	header http.Header
}

// CamaraSendCode asks for a code by SMS.
type CamaraSendCode struct {
	PhoneNumber string `json:"phoneNumber" pattern:"^\\+[1-9][0-9]{4,14}$" example:"+8613800138000"`
	Message     string `json:"message" maxLength:"160" pattern:".*\\{\\{code\\}\\}.*" example:"{{code}} is your short code to authenticate with Cool App via SMS"`
}

// CamaraSentCode names what was sent.
type CamaraSentCode struct {
	AuthenticationID string `json:"authenticationId" maxLength:"36" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
}

// CamaraValidateCode is a code that somebody entered.
type CamaraValidateCode struct {
	AuthenticationID string `json:"authenticationId" maxLength:"36" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	Code             string `json:"code" maxLength:"10" example:"048213"`
}

var (
	camaraNumber     = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)
	camaraCorrelator = regexp.MustCompile(`^[a-zA-Z0-9\-_:;./<>{}]{1,256}$`)
)

func camaraFault(status int, code, format string, args ...any) *CamaraError {
	return &CamaraError{Status: status, Code: code, Message: clip(fmt.Sprintf(format, args...), 500)}
}

func camaraInvalid(format string, args ...any) *CamaraError {
	return camaraFault(http.StatusBadRequest, "INVALID_ARGUMENT", format, args...)
}

func (a *API) camara(api huma.API) {
	if !a.o.Camara.Enabled {
		return
	}
	for path, serve := range map[string]func(*http.Request) (any, *CamaraError){
		"/send-code": a.camaraSend, "/validate-code": a.camaraValidate,
	} {
		a.mux.HandleFunc("POST "+camaraBase+path, a.camaraDoor(path == "/send-code", serve))
		a.mux.HandleFunc(camaraBase+path, a.camaraDoor(false, func(*http.Request) (any, *CamaraError) {
			fault := camaraFault(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this path takes POST")
			fault.header = http.Header{"Allow": {http.MethodPost}}
			return nil, fault
		}))
	}
	a.camaraDocument(api)
}

// camaraDoor writes what serve gives: 204 for nothing, and the correlator with every answer. What sends is not taken while the
// gateway stops.
func (a *API) camaraDoor(sends bool, serve func(*http.Request) (any, *CamaraError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		correlator := r.Header.Get("X-Correlator")
		legible := correlator == "" || camaraCorrelator.MatchString(correlator)
		if correlator != "" && legible {
			w.Header().Set("X-Correlator", correlator)
		}
		defer func() {
			if p := recover(); p == http.ErrAbortHandler {
				panic(p)
			} else if p != nil {
				a.log.Error("request panicked", "request", requestID(r.Context()), "kind", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				writeCamara(w, http.StatusInternalServerError, a.camaraInternal())
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, min(camaraBody, a.o.MaxBody))
		var body any
		fault := camaraInvalid("x-correlator: want at most 256 letters, digits and - _ : ; . / < > { }")
		switch {
		case legible && sends && a.stopping():
			fault = camaraFault(http.StatusServiceUnavailable, "UNAVAILABLE", "the gateway is stopping: nothing was taken, try again in a minute")
			fault.header = http.Header{"Retry-After": {seconds(stopRetry)}}
		case legible:
			body, fault = serve(r)
		}
		switch {
		case fault != nil:
			for name, values := range fault.header {
				w.Header()[name] = values
			}
			writeCamara(w, fault.Status, fault)
		case body == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			writeCamara(w, http.StatusOK, body)
		}
	}
}

func writeCamara(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *API) camaraSend(r *http.Request) (any, *CamaraError) {
	r, fault := a.camaraToken(r)
	if fault != nil {
		return nil, fault
	}
	in, fault := camaraFields(r, "phoneNumber", "message")
	if fault != nil {
		return nil, fault
	}
	number, message := in[0], in[1]
	switch n := utf8.RuneCountInString(message); {
	case !camaraNumber.MatchString(number):
		return nil, camaraInvalid("phoneNumber: want + and 5 to 15 digits, the country code first")
	case n > 160:
		return nil, camaraInvalid("message: has %d characters, the most is 160", n)
	case !strings.Contains(message, verify.Placeholder):
		return nil, camaraInvalid("message: must have %s in it, where the code is to stand", verify.Placeholder)
	case begins(number, a.o.Camara.NotOurs):
		return nil, camaraFault(http.StatusNotFound, "NOT_FOUND", "this phone number is another operator's")
	case begins(number, a.o.Camara.Blocked):
		return nil, camaraFault(http.StatusForbidden, "ONE_TIME_PASSWORD_SMS.PHONE_NUMBER_BLOCKED", "this phone number is barred from SMS")
	}
	if _, err := msisdn.Parse(number, ""); err != nil {
		return nil, camaraFault(http.StatusForbidden, "ONE_TIME_PASSWORD_SMS.PHONE_NUMBER_NOT_ALLOWED", "this phone number is no mobile's")
	}
	c, err := a.s.Challenges.CreateChallenge(r.Context(), verify.ChallengeRequest{
		Owner: callerOf(r.Context()).Tenant, Origin: callerOf(r.Context()).Name, To: number, Template: message, Life: a.o.Camara.Life, AsIs: true, Replace: true,
	})
	if err != nil {
		return nil, a.camaraFailure(r, err)
	}
	return CamaraSentCode{c.ID}, nil
}

func begins(number string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(number, p) })
}

func (a *API) camaraValidate(r *http.Request) (any, *CamaraError) {
	r, fault := a.camaraToken(r)
	if fault != nil {
		return nil, fault
	}
	in, fault := camaraFields(r, "authenticationId", "code")
	if fault != nil {
		return nil, fault
	}
	id, code := in[0], in[1]
	switch {
	case utf8.RuneCountInString(id) > 36:
		return nil, camaraInvalid("authenticationId: has more than 36 characters")
	case utf8.RuneCountInString(code) > 10:
		return nil, camaraInvalid("code: has more than 10 characters")
	}
	c, right, err := a.s.Challenges.CheckChallenge(r.Context(), ownerOf(r.Context()), id, code, "camara")
	switch {
	case err != nil:
		return nil, a.camaraFailure(r, err)
	case right:
		return nil, nil
	case c.State == verify.ChallengeLocked:
		return nil, camaraFault(http.StatusBadRequest, "ONE_TIME_PASSWORD_SMS.VERIFICATION_FAILED", "the tries are used up; send a new code")
	case c.State.Terminal():
		return nil, camaraFault(http.StatusBadRequest, "ONE_TIME_PASSWORD_SMS.VERIFICATION_EXPIRED", "the authenticationId is used, replaced by a newer one, or too old; send a new code")
	}
	return nil, camaraFault(http.StatusBadRequest, "ONE_TIME_PASSWORD_SMS.INVALID_OTP", "this is not the code; tries left: %d", c.MaxWrong-c.Wrong)
}

// camaraToken lets a request pass only with a token in use that may send and check codes. The request it returns is the
// caller's.
func (a *API) camaraToken(r *http.Request) (*http.Request, *CamaraError) {
	ctx, refused := a.admit(r.Context(), r.Header.Get("Authorization"), access.Filings)
	switch {
	case refused == nil:
		return r.WithContext(ctx), nil
	case refused.err != nil:
		return r, a.camaraFailure(r, refused.err)
	}
	fault := camaraFault(http.StatusUnauthorized, "UNAUTHENTICATED", "send the header Authorization: Bearer TOKEN with a token in use")
	switch refused.status {
	case http.StatusForbidden:
		fault = camaraFault(http.StatusForbidden, "PERMISSION_DENIED", "%s", refused.detail)
	case http.StatusTooManyRequests:
		fault = camaraFault(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "%s", refused.detail)
	}
	fault.header = refused.header
	return r, fault
}

// camaraFields reads an object of these texts, all of them required, and nothing else.
func camaraFields(r *http.Request, names ...string) ([]string, *CamaraError) {
	data, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return nil, camaraInvalid("the body cannot be read, or is longer than %d bytes", camaraBody)
	case len(data) == 0:
		return nil, camaraInvalid("the body is missing")
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, camaraFault(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "send the body as it is, without Content-Encoding")
	}
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return nil, camaraFault(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json")
	}
	var body map[string]json.RawMessage
	var bad *badJSON
	if err := strict(data); errors.As(err, &bad) {
		return nil, camaraInvalid("%s", cmp.Or(fieldName(bad.field), "the body")+": "+bad.message)
	}
	if json.Unmarshal(data, &body) != nil || body == nil {
		return nil, camaraInvalid("the body is no JSON object")
	}
	values := make([]string, len(names))
	for i, name := range names {
		raw, given := body[name]
		delete(body, name)
		switch {
		case !given:
			return nil, camaraInvalid("%s: is required", name)
		case raw[0] != '"' || json.Unmarshal(raw, &values[i]) != nil:
			return nil, camaraInvalid("%s: want a text in quotes", name)
		}
	}
	if len(body) > 0 {
		return nil, camaraInvalid("the body has a property that this request does not have; those that it has: %s", strings.Join(names, ", "))
	}
	return values, nil
}

// camaraFailure is the table from errors to CAMARA's codes.
func (a *API) camaraFailure(r *http.Request, err error) *CamaraError {
	ctx := r.Context()
	var invalid verify.Invalid
	var no verify.NotAllowed
	var many verify.TooMany
	var quota *queue.QuotaError
	switch {
	case errors.As(err, &quota):
		fault := camaraFault(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "%s", quota)
		fault.header = http.Header{"Retry-After": {seconds(time.Until(quota.Until))}}
		return fault
	case errors.As(err, &invalid):
		return camaraInvalid("%s", strings.ReplaceAll(invalid.Error(), "template: ", "message: "))
	case errors.As(err, &no):
		return camaraFault(http.StatusForbidden, "ONE_TIME_PASSWORD_SMS.PHONE_NUMBER_NOT_ALLOWED", "this phone number %s", no)
	case errors.As(err, &many) && many.Daily:
		return camaraFault(http.StatusForbidden, "ONE_TIME_PASSWORD_SMS.MAX_OTP_CODES_EXCEEDED", "%s", many)
	case errors.As(err, &many):
		fault := camaraFault(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "%s", many)
		fault.header = http.Header{"Retry-After": {seconds(many.Wait)}}
		return fault
	case errors.Is(err, verify.ErrNotFound):
		return camaraFault(http.StatusNotFound, "NOT_FOUND", "there is no such authenticationId")
	}
	if after, ok := a.unavailable(ctx, err); ok {
		a.log.Warn("request refused: unavailable", "request", requestID(ctx), "error", err)
		fault := camaraFault(http.StatusServiceUnavailable, "UNAVAILABLE", "nothing was taken; try again in a moment")
		fault.header = http.Header{"Retry-After": {seconds(after)}}
		return fault
	}
	a.log.Error("request failed", "request", requestID(ctx), "error", err)
	return a.camaraInternal()
}

func (a *API) camaraInternal() *CamaraError {
	return camaraFault(http.StatusInternalServerError, "INTERNAL", "the log of the gateway says more about this request")
}
