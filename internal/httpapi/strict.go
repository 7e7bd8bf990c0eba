package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// Requests are read strictly: what two readers could understand differently, or what a library would silently change,
// is
// refused by name (RFC 8259 4 and 8.1, RFC 7493). What is read here is never repeated in an error: it may be a code.

// mostNested is how deep a body may be nested; none of ours needs more than four.
const mostNested = 32

// badJSON is what is wrong with a body, and where.
type badJSON struct{ field, message string }

// fieldMark parts the field from the message in the text of a badJSON, which is all of it that huma hands on.
const fieldMark = "\x00"

func (e *badJSON) Error() string { return e.field + fieldMark + e.message }

// strict says what is wrong with the form of a JSON text: nil, or a *badJSON.
func strict(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for first := true; first || d.StackDepth() > 0; first = false {
		token, err := d.ReadToken()
		switch {
		case err != nil:
			return malformed(err)
		case d.StackDepth() > mostNested:
			field, _, _ := strings.Cut(strings.TrimPrefix(string(d.StackPointer()), "/"), "/")
			return &badJSON{strings.Trim(field, "0123456789"), fmt.Sprintf("is JSON nested more than %d deep", mostNested)}
		case token.Kind() == '0' && tooLarge(token.String()):
			return &badJSON{fieldOfPointer(d.StackPointer()), "is a number too large for any field"}
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return &badJSON{"", "is JSON with something behind it: send one object"}
	}
	return nil
}

func malformed(err error) error {
	var at *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &at):
		return &badJSON{fieldOfPointer(at.JSONPointer), "comes twice: give it once"}
	case errors.As(err, &at) && (strings.Contains(at.Err.Error(), "UTF-8") || strings.Contains(at.Err.Error(), "surrogate")):
		return &badJSON{fieldOfPointer(at.JSONPointer), "is not UTF-8 text"}
	case errors.As(err, &at) && at.Err != io.ErrUnexpectedEOF:
		return &badJSON{"", "cannot be read as JSON: there is a fault behind octet " + strconv.FormatInt(at.ByteOffset, 10)}
	}
	return &badJSON{"", "cannot be read as JSON: it ends too early"}
}

// tooLarge says whether a number is beyond a float64, as which others on the way may read it (RFC 8259 6).
func tooLarge(number string) bool {
	f, err := strconv.ParseFloat(number, 64)
	return err != nil || math.IsInf(f, 0)
}

// fieldOfPointer writes a JSON pointer (RFC 6901) as our errors name fields: persons[1].mobile.
func fieldOfPointer(p jsontext.Pointer) string {
	var b strings.Builder
	for name := range p.Tokens() {
		if _, err := strconv.Atoi(name); err == nil {
			b.WriteString("[" + name + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	return b.String()
}

// unmarshal reads a body that strict has passed, or passes it first.
func unmarshal(data []byte, v any) error {
	if generic, ok := v.(*any); ok { // huma's first look, before the one for the type
		if err := strict(data); err != nil {
			return err
		}
		return json.Unmarshal(data, generic)
	}
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return &badJSON{"", "has a value that is not of the form which its field wants: write times as 2027-01-31T08:00:00+08:00"}
	}
	if wrong.Type.Kind() >= 2 && wrong.Type.Kind() <= 11 { // reflect.Int to Uint64
		return &badJSON{wrong.Field, "want a whole number without point and exponent"}
	}
	return &badJSON{wrong.Field, "has a value of the wrong type"}
}

// queryFault says what is wrong with a query as a whole. Of a parameter that comes twice one reader takes the first and
// another the last.
func queryFault(raw string) *FieldFault {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return &FieldFault{"query", "cannot be read: write % as %25, and no semicolons"}
	}
	for name, all := range values {
		if len(all) > 1 {
			return &FieldFault{fieldName(name), "comes twice: give it once"}
		}
	}
	return nil
}

// strictly refuses requests that could be understood in two ways, before their operation reads them.
func strictly(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		u := ctx.URL()
		if fault := queryFault(u.RawQuery); fault != nil {
			_ = huma.WriteErr(api, ctx, http.StatusBadRequest, "", &huma.ErrorDetail{Location: fault.Field, Message: fault.Message})
			return
		}
		seen := map[string]int{}
		ctx.EachHeader(func(name, _ string) { seen[http.CanonicalHeaderKey(name)]++ })
		for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"} {
			if seen[http.CanonicalHeaderKey(name)] > 1 {
				_ = huma.WriteErr(api, ctx, http.StatusBadRequest, "", &huma.ErrorDetail{Location: "header." + name, Message: "comes twice: give it once"})
				return
			}
		}
		if coding := ctx.Header("Content-Encoding"); ctx.Operation().RequestBody != nil && coding != "" && !strings.EqualFold(coding, "identity") { // RFC 9110 8.4
			ctx.SetHeader("Accept-Encoding", "identity") // RFC 9110 12.5.3
			_ = huma.WriteErr(api, ctx, http.StatusUnsupportedMediaType, "send the body as it is, without Content-Encoding")
			return
		}
		next(ctx)
	}
}

// body is a request's body that remembers why it could not be read to its end.
type body struct {
	io.ReadCloser
	broken atomic.Pointer[error]
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var slow net.Error
	var large *http.MaxBytesError
	if err != nil && !errors.Is(err, io.EOF) && !(errors.As(err, &slow) && slow.Timeout()) && !errors.As(err, &large) {
		b.broken.Store(&err)
	}
	return n, err
}

// fault says for the log why a body is broken: without the address that a lost connection's error holds.
func (b *body) fault() string {
	err := *b.broken.Load()
	var lost *net.OpError
	if errors.As(err, &lost) {
		return "the connection was lost"
	}
	return err.Error()
}

// brokenBody is the answer to a body that came to no proper end: a chunk that is none (RFC 9112 7.1), or fewer octets
// than
// Content-Length says.
const brokenBody = "the body cannot be read: its chunks are malformed, or it ends before the length that was announced"
