package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// complete adds to the document what follows from the rest of it: an example of every body, made of the examples of its
// fields, and the errors that every request with a body can meet.
func complete(doc *huma.OpenAPI) {
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			if bad := op.Responses["400"]; op.RequestBody != nil && bad != nil && bad.Content["application/problem+json"] != nil {
				for _, status := range []int{http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType} {
					op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: contentOf(bad)}
				}
			}
			if op.RequestBody != nil {
				giveExamples(doc, op.RequestBody.Content)
			}
			for code, r := range op.Responses {
				if status, err := strconv.Atoi(code); err == nil && status >= 400 {
					problemExamples(status, r, strings.HasPrefix(path, camaraBase))
				}
				giveExamples(doc, r.Content)
			}
		}
	}
}

func contentOf(r *huma.Response) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for name, m := range r.Content {
		content[name] = &huma.MediaType{Schema: m.Schema}
	}
	return content
}

// problemExamples shows the problem that a status has.
func problemExamples(status int, r *huma.Response, camara bool) {
	for _, m := range r.Content {
		if camara {
			code, _, _ := strings.Cut(r.Description, " ")
			m.Example = CamaraError{Status: status, Code: strings.Trim(code, ",:"), Message: "what is wrong, and what to do"}
			continue
		}
		p := newProblem(status, "what is wrong this time, and what to do")
		p.Instance = "urn:attestd:request:5f1c9a0be3d24c77"
		m.Example = p
	}
}

func giveExamples(doc *huma.OpenAPI, content map[string]*huma.MediaType) {
	for name, m := range content {
		switch {
		case m.Example != nil || len(m.Examples) > 0 || m.Schema == nil:
		case name == "text/event-stream":
			m.Example = "id: 42\nevent: message.delivered\ndata: {\"seq\": 42, \"type\": \"message.delivered\"}\n\n"
		default:
			m.Example = example(doc.Components.Schemas, m.Schema, 0)
		}
	}
}

// example makes a value of the examples in a schema: of an object the fields that must be there, and those that have one.
func example(r huma.Registry, s *huma.Schema, depth int) any {
	if s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || depth > 6:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeArray:
		return []any{example(r, s.Items, depth+1)}
	case huma.TypeString:
		switch {
		case s.Format == "date-time":
			return "2027-01-31T00:00:00Z"
		case s.ContentEncoding == "base64":
			return "aGVsbG8="
		}
		return "text"
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 0
	case huma.TypeBoolean:
		return false
	}
	value := map[string]any{}
	for name, field := range s.Properties {
		required := slices.Contains(s.Required, name)
		if !required && (len(field.Examples) == 0 || field.Examples[0] == "") {
			continue
		}
		value[name] = example(r, field, depth+1)
	}
	return value
}
