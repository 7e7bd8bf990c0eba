package httpapi

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// tags are the groups of operations.
var tags = []*huma.Tag{
	{Name: "messages", Description: "Texts to phones."},
	{Name: "filings", Description: "Filings whose persons must verify."},
	{Name: "challenges", Description: "Codes for phones with no filing."},
	{Name: "camara", Description: "CAMARA One-Time-Password SMS: the same codes through another door."},
	{Name: "public", Description: "What persons use, without a token."},
	{Name: "inbox", Description: "What came in."},
	{Name: "optouts", Description: "Who wants no texts."},
	{Name: "events", Description: "What happens, as it happens."},
	{Name: "webhooks", Description: "Events that are told to other programs."},
	{Name: "privacy", Description: "Erasing a person."},
	{Name: "gateway", Description: "The gateway itself."},
}

// documentText writes the document without what OpenAPI 3.1 does not know of huma's.
func documentText(doc *huma.OpenAPI) ([]byte, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	drop(whole, "patternDescription")
	return json.MarshalIndent(whole, "", "  ")
}

// drop takes a keyword out of every schema: a property of that name, which lies right under properties, stays.
func drop(v any, keyword string) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, keyword)
		for name, one := range v {
			if fields, ok := one.(map[string]any); ok && name == "properties" {
				for _, field := range fields {
					drop(field, keyword)
				}
				continue
			}
			drop(one, keyword)
		}
	case []any:
		for _, one := range v {
			drop(one, keyword)
		}
	}
}

// also documents another success of an operation, with the same kind of body.
func also[T any](api huma.API, op *huma.Operation, description string) {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
	op.Responses = map[string]*huma.Response{"200": {
		Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
	if op.DefaultStatus == http.StatusOK {
		panic("httpapi: " + op.OperationID + " has one success only")
	}
}
