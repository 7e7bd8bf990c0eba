package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"attestd/internal/access"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	eventBatch   = 200
	eventTimeout = 10 * time.Second // for a client to take an event
)

// EventView is the data of a server-sent event.
type EventView struct {
	Seq     int64           `json:"seq" doc:"Its place in the stream, which is also the id of the server-sent event." example:"42"`
	ID      string          `json:"id" doc:"Unique for ever."`
	Type    string          `json:"type" example:"message.delivered"`
	Subject string          `json:"subject" doc:"The id of what it is about."`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data" doc:"An object; without codes, texts and, for everybody, whole numbers."`
}

var eventViewType = reflect.TypeFor[EventView]()

type eventsInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"32" doc:"Go on after this event: browsers send it when they connect again. Without it (and without after) the stream begins with what happens now."`
	After       string `query:"after" maxLength:"32" doc:"The same, for clients that cannot set a header; 0 begins with the oldest event kept."`
	Subject     string `query:"subject" maxLength:"64" doc:"Only events about this id."`
}

// from is where the stream begins; ok is false when the client did not say.
func (in *eventsInput) from() (seq int64, ok bool, err error) {
	for _, given := range []struct{ field, value string }{{"Last-Event-ID", in.LastEventID}, {"after", in.After}} {
		if given.value == "" {
			continue
		}
		seq, err := strconv.ParseInt(given.value, 10, 64)
		if err != nil || seq < 0 {
			return 0, false, newProblem(http.StatusBadRequest, given.field+": want the id of an event, a whole number",
				FieldFault{given.field, "want the id of an event, a whole number"})
		}
		return seq, true, nil
	}
	return 0, false, nil
}

func (a *API) events(api huma.API) {
	op := a.operation(access.Read, http.MethodGet, "/v1/events", "follow-events", "events", "Follow what happens",
		"Server-sent events: id is the event's place, event its type, data an Event. A comment line comes now and then so that nobody in between hangs up.")
	schema := api.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"200": {
		Description: "The stream; it ends when the client goes, its token is revoked or expires, or the gateway stops.",
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema: &huma.Schema{
				Type: huma.TypeString, Description: "Server-sent events; the text of each data line is an EventView.",
				Extensions: map[string]any{"contentMediaType": "application/json", "contentSchema": schema.Schema(eventViewType, true, "")},
			},
			Example: "id: 42\nevent: message.delivered\ndata: {\"seq\": 42, \"id\": \"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d\", \"type\": \"message.delivered\", ...}\n\n",
		}},
	}}
	huma.Register(api, op, func(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		seq, ok, err := in.from()
		if err == nil && !ok {
			seq, err = a.s.Events.Last(ctx)
		}
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		ended, ok := a.streams.begin(requestOf(ctx).token, a.o.StreamsPerToken, a.o.Streams)
		if !ok {
			return nil, a.tooManyStreams(ctx)
		}
		return &huma.StreamResponse{Body: func(hctx huma.Context) {
			defer ended()
			r, w := humago.Unwrap(hctx)
			requestOf(r.Context()).stream = true
			a.stream(r.Context(), w, seq, in.Subject)
		}}, nil
	})
}

// stream sends what came after seq until the client goes, its token ends or the gateway stops. The watch begins before
// the first look,
// so that nothing falls between them.
func (a *API) stream(ctx context.Context, w http.ResponseWriter, seq int64, subject string) {
	wake, stop := a.s.Events.Watch()
	defer stop()
	a.s.Meter.Streams(1)
	defer a.s.Meter.Streams(-1)
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	beat := time.NewTicker(a.o.EventHeartbeat)
	defer beat.Stop()
	look := time.NewTicker(aliveLook)
	defer look.Stop()
	pending := []byte(": attestd\n\n") // makes the answer begin, so that a client knows it is connected
	for a.stillAdmitted(ctx) {
		_ = control.SetWriteDeadline(time.Now().Add(eventTimeout))
		if _, err := w.Write(pending); err != nil || control.Flush() != nil {
			return
		}
		var full bool
		var err error
		if pending, seq, full, err = a.pending(ctx, seq, subject); err != nil {
			if ctx.Err() == nil {
				a.log.Warn("event stream ended", "request", requestID(ctx), "error", err)
			}
			return // the client connects again and goes on after the last one it saw
		}
		if len(pending) > 0 || full {
			continue
		}
		select {
		case <-wake:
		case <-look.C:
		case <-beat.C:
			pending = []byte(": still here\n\n")
		case <-ctx.Done():
			return
		case <-a.stop:
			return
		}
	}
}

// pending are the next events, written out; full says that there may be more at once.
func (a *API) pending(ctx context.Context, seq int64, subject string) (text []byte, last int64, full bool, err error) {
	events, err := a.s.Events.After(ctx, seq, eventBatch)
	if err != nil {
		return nil, seq, false, err
	}
	var b bytes.Buffer
	for _, e := range events {
		seq = e.Seq
		if subject != "" && e.Subject != subject || !callerOf(ctx).Told(e.Owner) {
			continue
		}
		data, err := json.Marshal(EventView{e.Seq, e.ID, e.Type, e.Subject, e.At, e.Data})
		if err != nil {
			return nil, seq, false, fmt.Errorf("event %d: %w", e.Seq, err)
		}
		fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, data)
	}
	return b.Bytes(), seq, len(events) == eventBatch, nil
}
