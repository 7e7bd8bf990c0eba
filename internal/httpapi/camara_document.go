package httpapi

import (
	"net/http"
	"reflect"
	"strconv"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
)

// camaraDocument describes the two operations, which huma does not serve.
func (a *API) camaraDocument(api huma.API) {
	send := a.camaraOperation(api, "/send-code", "sendCode", "Send a code", CamaraSendCode{},
		"Sends a code by SMS. A newer code for the same number takes the place of an older one of the same token.",
		map[int]string{
			403: "PERMISSION_DENIED, or MAX_OTP_CODES_EXCEEDED, PHONE_NUMBER_NOT_ALLOWED or PHONE_NUMBER_BLOCKED, each behind ONE_TIME_PASSWORD_SMS.",
			404: "NOT_FOUND: the number is another operator's", 429: "TOO_MANY_REQUESTS: a code was sent to this number a moment ago, or the token makes more requests than it may",
		})
	send.Responses["200"] = &huma.Response{Description: "The code is on its way", Content: camaraContent(api, CamaraSentCode{}), Headers: camaraHeaders()}
	api.OpenAPI().AddOperation(send)

	validate := a.camaraOperation(api, "/validate-code", "validateCode", "Validate a code", CamaraValidateCode{},
		"Compares what a person entered with the code that was sent.",
		map[int]string{
			400: "INVALID_ARGUMENT, or behind ONE_TIME_PASSWORD_SMS.: INVALID_OTP, VERIFICATION_FAILED or VERIFICATION_EXPIRED",
			404: "NOT_FOUND: there is no such authenticationId",
		})
	validate.Responses["204"] = &huma.Response{Description: "This was the code", Headers: camaraHeaders()}
	api.OpenAPI().AddOperation(validate)
}

func (a *API) camaraOperation(api huma.API, path, id, summary string, body any, description string, more map[int]string) *huma.Operation {
	op := &huma.Operation{
		Method: http.MethodPost, Path: camaraBase + path, OperationID: id, Tags: []string{"camara"}, Summary: summary,
		Description: description + " CAMARA One-Time-Password SMS 1.1.1; docs/camara.md.",
		Security:    needs(access.Filings),
		Parameters: []*huma.Param{{
			Name: "x-correlator", In: "header", Description: "Comes back with every answer.",
			Schema: &huma.Schema{Type: "string", Pattern: `^[a-zA-Z0-9\-_:;./<>{}]{0,256}$`},
		}},
		RequestBody: &huma.RequestBody{Required: true, Content: camaraContent(api, body)},
		Responses:   map[string]*huma.Response{},
	}
	for status, text := range map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED: the token lacks the scope filings", 429: "TOO_MANY_REQUESTS: the token makes more requests than it may", 405: "METHOD_NOT_ALLOWED", 415: "UNSUPPORTED_MEDIA_TYPE", 500: "INTERNAL",
		503: "UNAVAILABLE: nothing was taken",
	} {
		if _, own := more[status]; !own {
			more[status] = text
		}
	}
	for status, text := range more {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: text, Content: camaraContent(api, CamaraError{}), Headers: camaraHeaders()}
	}
	return op
}

func camaraContent(api huma.API, body any) map[string]*huma.MediaType {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(body), true, "")
	return map[string]*huma.MediaType{"application/json": {Schema: schema}}
}

func camaraHeaders() map[string]*huma.Param {
	return map[string]*huma.Param{"x-correlator": {Description: "That of the request, if it had one", Schema: &huma.Schema{Type: "string"}}}
}
