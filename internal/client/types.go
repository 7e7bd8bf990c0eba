package client

import "time"

// List is a page of things, newest first; Next is the cursor of the page that follows.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// NewMessage is a message to be sent.
type NewMessage struct {
	To             string     `json:"to"`
	Text           string     `json:"text"`
	Priority       string     `json:"priority,omitempty"`
	Deadline       *time.Time `json:"deadline,omitempty"`
	Report         *bool      `json:"report,omitempty"`
	Class          *int       `json:"class,omitempty"`
	Repeatable     bool       `json:"repeatable,omitempty"`
	Necessary      bool       `json:"necessary,omitempty"`
	Modem          string     `json:"modem,omitempty"`
	IdempotencyKey string     `json:"idempotency_key,omitempty"`
}

// Message is what became of one.
type Message struct {
	ID          string     `json:"id"`
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	To          string     `json:"to"`
	Priority    string     `json:"priority"`
	Deadline    time.Time  `json:"deadline"`
	Report      bool       `json:"report"`
	Alphabet    string     `json:"alphabet"`
	Segments    int        `json:"segments"`
	Attempts    int        `json:"attempts"`
	Modem       string     `json:"modem"`
	CreatedAt   time.Time  `json:"created_at"`
	AcceptedAt  *time.Time `json:"accepted_at"`
	DeliveredAt *time.Time `json:"delivered_at"`
	EndedAt     *time.Time `json:"ended_at"`
	Tries       []Attempt  `json:"tries"`
}

// Attempt is one handing-over of a part to a modem.
type Attempt struct {
	Part      int        `json:"part"`
	N         int        `json:"n"`
	Modem     string     `json:"modem"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Result    string     `json:"result"`
	Code      int        `json:"code"`
	Detail    string     `json:"detail"`
}

// Modem is a station.
type Modem struct {
	Name         string     `json:"name"`
	Port         string     `json:"port"`
	State        string     `json:"state"`
	Error        string     `json:"error"`
	Model        string     `json:"model"`
	Registration string     `json:"registration"`
	SignalDBm    *int       `json:"signal_dbm"`
	LastSeen     *time.Time `json:"last_seen"`
	Deaf         string     `json:"deaf"`
	Submitted    int64      `json:"submitted"`
	Failed       int64      `json:"failed"`
	Received     int64      `json:"received"`
	Reports      int64      `json:"reports"`
}

// Filing is a filing.
type Filing struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Reference string    `json:"reference"`
	State     string    `json:"state"`
	Reason    string    `json:"reason"`
	Note      string    `json:"note"`
	CreatedAt time.Time `json:"created_at"`
	Persons   []Person  `json:"persons"`

	ReasonText *Said      `json:"reason_text"`
	ResubmitAt *time.Time `json:"resubmit_at"`
	Warnings   []Warning  `json:"warnings"`

	Supersedes   string      `json:"supersedes"`
	SupersededBy string      `json:"superseded_by"`
	Challenges   []Challenge `json:"challenges"`
}

// Said is a text in both languages.
type Said struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Warning is what may go wrong with a filing that was taken.
type Warning struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message Said   `json:"message"`
}

// Person is a person of a filing.
type Person struct {
	ID          string     `json:"id"`
	Amended     int        `json:"amended"`
	Role        string     `json:"role"`
	Name        string     `json:"name"`
	Site        string     `json:"site"`
	Mobile      string     `json:"mobile"`
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	ChallengeID string     `json:"challenge_id"`
	VerifiedAt  *time.Time `json:"verified_at"`
}

// Challenge is one code for one phone.
type Challenge struct {
	ID        string     `json:"id"`
	State     string     `json:"state"`
	Sends     int        `json:"sends"`
	MaxSends  int        `json:"max_sends"`
	TriesLeft int        `json:"tries_left"`
	SMSState  string     `json:"sms_state"`
	ExpiresAt *time.Time `json:"expires_at"`
}

// FilingSearch finds filings; zero fields ask for nothing.
type FilingSearch struct {
	Mobile        string     `json:"mobile,omitempty"`
	State         string     `json:"state,omitempty"`
	Type          string     `json:"type,omitempty"`
	Reference     string     `json:"reference,omitempty"`
	CreatedAfter  *time.Time `json:"created_after,omitempty"`
	CreatedBefore *time.Time `json:"created_before,omitempty"`
	Limit         int        `json:"limit,omitempty"`
	Cursor        string     `json:"cursor,omitempty"`
}

// Moment is one thing that happened to a filing.
type Moment struct {
	At           time.Time `json:"at"`
	Type         string    `json:"type"`
	State        string    `json:"state"`
	Reason       string    `json:"reason"`
	ChallengeID  string    `json:"challenge_id"`
	MessageID    string    `json:"message_id"`
	Role         string    `json:"role"`
	Mobile       string    `json:"mobile"`
	Sends        int       `json:"sends"`
	Wrong        int       `json:"wrong"`
	Via          string    `json:"via"`
	Modem        string    `json:"modem"`
	Changed      []string  `json:"changed"`
	Supersedes   string    `json:"supersedes"`
	SupersededBy string    `json:"superseded_by"`
}

// Status is the gateway at a glance.
type Status struct {
	Version  string         `json:"version"`
	Started  time.Time      `json:"started"`
	Ready    bool           `json:"ready"`
	Problems []string       `json:"problems"`
	Messages map[string]int `json:"messages"`
	Waiting  map[string]int `json:"waiting"`
	Filings  map[string]int `json:"filings"`
	Oldest   *time.Time     `json:"oldest_waiting"`
	Watch    Watched        `json:"watch"`
	Modems   struct {
		Configured int `json:"configured"`
		Ready      int `json:"ready"`
	} `json:"modems"`
}

// Watched is what is watched for abuse.
type Watched struct {
	Checks      int          `json:"checks"`
	Wrong       int          `json:"wrong"`
	Window      string       `json:"window"`
	Conversions []Conversion `json:"conversions"`
}

// Conversion is what became of the codes of a SIM to a prefix.
type Conversion struct {
	SIM       string `json:"sim"`
	Prefix    string `json:"prefix"`
	Sent      int    `json:"sent"`
	Delivered int    `json:"delivered"`
	Verified  int    `json:"verified"`
}
