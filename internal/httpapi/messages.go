package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"attestd/internal/access"
	"attestd/internal/msisdn"
	"attestd/queue"

	"github.com/danielgtaylor/huma/v2"
)

// MessageRequest is a message to be sent.
type MessageRequest struct {
	To             string     `json:"to" minLength:"1" maxLength:"64" doc:"Phone number. Without a country code it is of the country that the SIMs are at home in, or of the first of abuse.region. A short code, where abuse.short_codes allows it." example:"+8613800138000"`
	Text           string     `json:"text" maxLength:"65536" doc:"At most 255 parts: 17085 UCS-2 or 39015 GSM-7 characters." example:"Hello"`
	Priority       string     `json:"priority,omitempty" enum:"bulk,normal,urgent" default:"normal" doc:"Who goes first on a modem. Codes of filings are urgent."`
	Deadline       *time.Time `json:"deadline,omitempty" doc:"After it the message is not sent, nor kept for the phone by the network. Default: queue.default_deadline from now." example:"2027-01-31T08:00:00+08:00"`
	Report         *bool      `json:"report,omitempty" doc:"Ask the network for a delivery report. Default true."`
	Class          *int       `json:"class,omitempty" minimum:"0" maximum:"0" doc:"0: shown at once and not kept by the phone (flash)."`
	Repeatable     bool       `json:"repeatable,omitempty" doc:"True: when nobody can tell whether it was sent and no evidence comes in queue.evidence_window, send it once more. Otherwise it becomes unreported."`
	Necessary      bool       `json:"necessary,omitempty" doc:"You declare that this person must get it although he may have opted out: about his own contract, account or safety, and no advertisement. It is written into the audit log. Without it, a message to who has opted out is refused."`
	Modem          string     `json:"modem,omitempty" maxLength:"32" doc:"Only this modem may send it." example:"m0"`
	IdempotencyKey string     `json:"idempotency_key,omitempty" maxLength:"128" doc:"The same key with the same message gives the message that is there; with another message, a conflict. Keys belong to a token." example:"order-4711-1"`
}

// Message is a message and what became of it.
type Message struct {
	ID             string     `json:"id" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
	State          string     `json:"state" enum:"queued,submitting,unknown,submitted,delivered,undelivered,unreported,rejected,expired,cancelled" doc:"docs/states.md draws the ways between them." example:"queued"`
	Reason         string     `json:"reason,omitempty" doc:"Why it ended as it did, or waits."`
	To             string     `json:"to,omitempty" doc:"Whole with the scope numbers, else masked (138****8000). Absent once wiped (queue.wipe_number)." example:"+8613800138000"`
	Owner          string     `json:"owner,omitempty" doc:"The tenant whose it is; admins are told." example:"platform"`
	Text           string     `json:"text,omitempty" doc:"Absent once wiped (queue.wipe_text), and always for the codes of filings." example:"Hello"`
	Priority       string     `json:"priority" enum:"bulk,normal,urgent" example:"normal"`
	Deadline       time.Time  `json:"deadline"`
	Report         bool       `json:"report" example:"true"`
	Class          *int       `json:"class,omitempty"`
	Repeatable     bool       `json:"repeatable"`
	Necessary      bool       `json:"necessary" doc:"Its sender declared it so: an opt-out does not stop it."`
	Origin         string     `json:"origin" doc:"The name of the token that sent it, or challenge:ID." example:"platform"`
	IdempotencyKey string     `json:"idempotency_key,omitempty" example:"order-4711-1"`
	Alphabet       string     `json:"alphabet" enum:"gsm7,8bit,ucs2" example:"gsm7"`
	Segments       int        `json:"segments" doc:"Parts that the network carries." example:"1"`
	Attempts       int        `json:"attempts" doc:"Handed to a modem, over all parts."`
	Modem          string     `json:"modem,omitempty" doc:"Of the latest attempt; before one, the modem that was asked for." example:"m0"`
	SIM            string     `json:"sim,omitempty" example:"89860012345678901234"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
	AcceptedAt     *time.Time `json:"accepted_at,omitempty" doc:"When the network took the first part."`
	DeliveredAt    *time.Time `json:"delivered_at,omitempty" doc:"By the network's clock, when it says."`
	EndedAt        *time.Time `json:"ended_at,omitempty" doc:"When the state became final."`
	Parts          []Part     `json:"parts,omitempty" doc:"Only of a single message, not in lists."`
	Tries          []Attempt  `json:"tries,omitempty" doc:"Each handing-over to a modem; only of a single message, not in lists."`
}

// Part is one segment of a message.
type Part struct {
	Seq         int        `json:"seq" example:"1"`
	State       string     `json:"state" example:"submitted"`
	Reason      string     `json:"reason,omitempty"`
	Attempts    int        `json:"attempts" example:"1"`
	Modem       string     `json:"modem,omitempty" example:"m0"`
	MR          *int       `json:"mr,omitempty" doc:"TP-MR, the modem's reference." example:"17"`
	SubmittedAt *time.Time `json:"submitted_at,omitempty"`
	Status      *int       `json:"status,omitempty" doc:"TP-ST of the latest report (TS 23.040 9.2.3.15)." example:"0"`
}

// Attempt is one handing-over of a part to a modem.
type Attempt struct {
	Part      int        `json:"part" example:"1"`
	N         int        `json:"n" example:"1"`
	Modem     string     `json:"modem" example:"m0"`
	IMEI      string     `json:"imei,omitempty"`
	SIM       string     `json:"sim,omitempty"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Result    string     `json:"result,omitempty" doc:"Empty while it goes on: accepted, refused, temporary, sick, unknown, notsent." example:"accepted"`
	MR        *int       `json:"mr,omitempty"`
	Code      int        `json:"code,omitempty" doc:"+CMS ERROR or +CME ERROR."`
	Detail    string     `json:"detail,omitempty"`
}

const challengeOrigin = "challenge:"

func viewMessage(ctx context.Context, m queue.Message) Message {
	v := Message{
		ID: m.ID, State: string(m.State), Reason: m.Reason, To: phone(ctx, m.To.E164()), Owner: told(ctx, m.Owner), Text: m.Text, Priority: m.Priority.String(),
		Deadline: micro(m.Deadline), Report: m.Report, Repeatable: m.Repeatable, Necessary: m.Necessary, Origin: m.Origin, IdempotencyKey: m.IdempotencyKey,
		Alphabet: m.Alphabet.String(), Segments: m.Segments, Attempts: m.Attempts, Modem: m.Station, SIM: m.SIM,
		CreatedAt: micro(m.Created), UpdatedAt: micro(m.Updated), AcceptedAt: when(m.Accepted), DeliveredAt: when(m.Delivered), EndedAt: when(m.Ended),
	}
	if v.Modem == "" {
		v.Modem = m.Draft.Modem
	}
	if m.Flash {
		v.Class = new(int)
	}
	if strings.HasPrefix(m.Origin, challengeOrigin) {
		v.Text = "" // it holds a code, which is between the network and the person
	}
	for _, p := range m.Parts {
		v.Parts = append(v.Parts, Part{
			Seq: p.Seq, State: string(p.State), Reason: p.Reason, Attempts: p.Attempts, Modem: p.Station,
			MR: known(p.MR), SubmittedAt: when(p.Submitted), Status: known(p.Status),
		})
	}
	return v
}

func viewAttempt(t queue.Attempt) Attempt {
	return Attempt{
		Part: t.Seq, N: t.N, Modem: t.Station, IMEI: t.IMEI, SIM: t.SIM, StartedAt: micro(t.Started), EndedAt: when(t.Ended),
		Result: string(t.Result), MR: known(t.MR), Code: t.Code, Detail: t.Detail,
	}
}

// micro is a time as the database keeps it, so that the first answer about a thing and a later one are the same.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = micro(t)
	return &t
}

// known is a number of which -1 means that there is none.
func known(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

type messageOutput struct{ Body Message }

func (a *API) messages(api huma.API) {
	create := a.operation(access.Messages, http.MethodPost, "/v1/messages", "send-message", "messages", "Send a message",
		"Answers as soon as the message is durable. It is sent when a modem is free; GET it, or follow /v1/events, to see what becomes of it.",
		http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	create.DefaultStatus = http.StatusAccepted
	huma.Register(api, create, func(ctx context.Context, in *struct {
		KeyInput
		Body MessageRequest
	}) (*messageOutput, error) {
		var err error
		if in.Body.IdempotencyKey, err = in.or("idempotency_key", in.Body.IdempotencyKey); err != nil {
			return nil, a.fail(ctx, err)
		}
		d, err := a.draft(ctx, in.Body)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		m, err := a.s.Queue.Enqueue(ctx, d)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &messageOutput{viewMessage(ctx, m)}, nil
	})

	list := a.operation(access.Messages, http.MethodGet, "/v1/messages", "list-messages", "messages", "List messages", "Newest first, without their parts.")
	huma.Register(api, list, func(ctx context.Context, in *struct {
		Paging
		Owner string `query:"owner" maxLength:"64" doc:"Only those of this tenant: for admins."`
		State string `query:"state" enum:"queued,submitting,unknown,submitted,delivered,undelivered,unreported,rejected,expired,cancelled" doc:"Only those in this state."`
	}) (*listOutput[Message], error) {
		before, err := in.before("messages")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		items, next, err := a.s.Messages.Messages(ctx, queue.Filter{Owner: ownerAsked(ctx, in.Owner), State: queue.State(in.State), Cursor: before, Limit: in.Limit})
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return page("messages", items, next, as(ctx, viewMessage)), nil
	})

	read := a.operation(access.Messages, http.MethodGet, "/v1/messages/{id}", "get-message", "messages", "Read a message", "With its parts and every attempt.", http.StatusNotFound)
	huma.Register(api, read, func(ctx context.Context, in *IDInput) (*messageOutput, error) {
		m, err := a.s.Messages.Message(ctx, ownerOf(ctx), in.ID)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		tries, err := a.s.Messages.Attempts(ctx, in.ID)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		v := viewMessage(ctx, m)
		for _, t := range tries {
			v.Tries = append(v.Tries, viewAttempt(t))
		}
		return &messageOutput{v}, nil
	})

	cancel := func(ctx context.Context, in *IDInput) (*messageOutput, error) {
		m, err := a.s.Messages.Message(ctx, ownerOf(ctx), in.ID)
		if err == nil && strings.HasPrefix(m.Origin, challengeOrigin) {
			err = newProblem(http.StatusConflict, "this is the code of a filing or a challenge: cancel the filing or the challenge, and its codes are cancelled with it")
		}
		if err == nil {
			m, err = a.s.Queue.Cancel(ctx, ownerOf(ctx), in.ID)
		}
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &messageOutput{viewMessage(ctx, m)}, nil
	}
	huma.Register(api, a.operation(access.Messages, http.MethodPost, "/v1/messages/{id}/cancel", "cancel-message", "messages", "Cancel a message",
		"Only while no part of it was handed to a modem.", http.StatusNotFound, http.StatusConflict), cancel)
	old := a.operation(access.Messages, http.MethodDelete, "/v1/messages/{id}", "delete-message", "messages", "Cancel a message",
		"The old form of POST /v1/messages/{id}/cancel.", http.StatusNotFound, http.StatusConflict)
	old.Deprecated = true
	huma.Register(api, old, cancel)
}

// IDInput is the path of one thing. (huma reads embedded structs only when they are exported.)
type IDInput struct {
	ID string `path:"id" maxLength:"64" example:"01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"`
}

// recipient reads whom a message is for.
func (a *API) recipient(ctx context.Context, s string) (msisdn.Number, error) {
	refuse := func(status int, message string) error {
		return newProblem(status, "to: "+message, FieldFault{"to", message})
	}
	if short, err := msisdn.Short(s); err == nil && a.s.ShortCode != nil && a.s.ShortCode(short) {
		return short, nil
	} else if err == nil && len(short.E164()) < 7 {
		return short, refuse(http.StatusUnprocessableEntity, "is a short code that messages may not be sent to (abuse.short_codes)")
	}
	to, err := a.number(ctx, "to", s)
	if err != nil || a.s.Destination == nil {
		return to, err
	}
	message, wait := a.s.Destination(ctx, to)
	switch {
	case message == "":
		return to, nil
	case wait > 0:
		return to, huma.ErrorWithHeaders(refuse(http.StatusServiceUnavailable, message), http.Header{"Retry-After": {seconds(wait)}})
	}
	return to, refuse(http.StatusUnprocessableEntity, message)
}

// number reads a field that holds a number.
func (a *API) number(ctx context.Context, field, s string) (msisdn.Number, error) {
	country := a.words.Load().country
	if a.s.Country != nil {
		country = a.s.Country(ctx)
	}
	n, err := msisdn.Parse(s, country)
	if err != nil {
		message := strings.TrimPrefix(err.Error(), msisdn.ErrInvalid.Error()+": ")
		return n, newProblem(http.StatusUnprocessableEntity, field+": "+message, FieldFault{field, message})
	}
	return n, nil
}

// draft is the request in the queue's words.
func (a *API) draft(ctx context.Context, r MessageRequest) (queue.Draft, error) {
	to, err := a.recipient(ctx, r.To)
	if err != nil {
		return queue.Draft{}, err
	}
	d := queue.Draft{
		To: to, Text: r.Text, Report: r.Report == nil || *r.Report, Flash: r.Class != nil, Repeatable: r.Repeatable, Necessary: r.Necessary,
		Owner: callerOf(ctx).Tenant, Origin: callerOf(ctx).Name, Payer: callerOf(ctx).Name, IdempotencyKey: r.IdempotencyKey, Modem: r.Modem, Priority: queue.Normal,
	}
	if r.Priority != "" {
		if err := d.Priority.UnmarshalText([]byte(r.Priority)); err != nil {
			return queue.Draft{}, queue.ErrPriority
		}
	}
	if r.Deadline != nil {
		d.Deadline = *r.Deadline
	}
	if r.Modem != "" && !a.hasModem(r.Modem) {
		message := "there is no modem of this name: GET /v1/modems lists those there are"
		return queue.Draft{}, newProblem(http.StatusUnprocessableEntity, "modem: "+message, FieldFault{"modem", message})
	}
	return d, nil
}

func (a *API) hasModem(name string) bool {
	for _, m := range a.s.Modems() {
		if m.Name == name {
			return true
		}
	}
	return false
}
