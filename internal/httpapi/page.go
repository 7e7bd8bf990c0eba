package httpapi

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Paging is the query of every list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"200" doc:"next of the page before." example:""`
}

// List is a page of a list.
type List[T any] struct {
	Items []T    `json:"items" doc:"Newest first."`
	Next  string `json:"next" doc:"Give it back as cursor for the page that follows; empty at the end."`
}

// before is the id to go on after, which a cursor carries. A cursor is of one list: that of another is refused, where it
// would silently skip things.
func (p Paging) before(list string) (id string, err error) {
	if p.Cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		if id, ok := strings.CutPrefix(string(text), list+":"); ok && id != "" {
			return id, nil
		}
	}
	return "", newProblem(http.StatusBadRequest, "cursor: is none that this list gave: take next of a page, or leave it out for the first",
		FieldFault{"cursor", "is none that this list gave"})
}

func cursor(list, id string) string {
	if id == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(list + ":" + id))
}

// page makes a page of things and the id that continues the list.
func page[T, V any](list string, all []T, next string, view func(T) V) *listOutput[V] {
	l := List[V]{Items: make([]V, 0, len(all)), Next: cursor(list, next)}
	for _, one := range all {
		l.Items = append(l.Items, view(one))
	}
	return &listOutput[V]{Body: l}
}

type listOutput[V any] struct{ Body List[V] }
