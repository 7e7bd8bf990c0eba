package httpapi

import (
	"net/http"
	"strings"
)

// KeyInput is the header that may stand for the field of the body with which a request can be repeated. (huma reads
// embedded structs only when they are exported.)
type KeyInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"130" doc:"Another place for the field of the body that makes a request safe to repeat; with or without quotes." example:"order-4711-1"`
}

// or is the key, from the body's field or from the header.
func (in KeyInput) or(field, inBody string) (string, error) {
	key := in.IdempotencyKey
	if len(key) >= 2 && strings.HasPrefix(key, `"`) && strings.HasSuffix(key, `"`) { // a string of RFC 8941 3.3.3
		key = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(key[1 : len(key)-1])
	}
	switch {
	case key == "" || key == inBody:
		return inBody, nil
	case inBody != "":
		message := "differs from the header Idempotency-Key: give one of them"
		return "", newProblem(http.StatusUnprocessableEntity, field+": "+message, FieldFault{field, message})
	}
	return key, nil
}
