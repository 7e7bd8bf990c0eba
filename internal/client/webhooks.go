package client

import "time"

// WebhookDelivery is one event for one endpoint.
type WebhookDelivery struct {
	ID         string     `json:"id"`
	Endpoint   string     `json:"endpoint"`
	URL        string     `json:"url"`
	State      string     `json:"state"`
	Event      string     `json:"event"`
	Type       string     `json:"type"`
	Subject    string     `json:"subject"`
	Reference  string     `json:"reference"`
	Attempts   int        `json:"attempts"`
	Status     int        `json:"status"`
	Error      string     `json:"error"`
	HappenedAt time.Time  `json:"happened_at"`
	NextAt     *time.Time `json:"next_at"`
	EndedAt    *time.Time `json:"ended_at"`
}

// WebhookEndpoint is how an endpoint does.
type WebhookEndpoint struct {
	Name    string     `json:"name"`
	URL     string     `json:"url"`
	Events  []string   `json:"events"`
	Waiting int        `json:"waiting"`
	Dead    int        `json:"dead"`
	Oldest  *time.Time `json:"oldest"`
	GoneAt  *time.Time `json:"gone_at"`

	DownSince *time.Time `json:"down_since"`
}

// WebhookReplay says which deliveries are to be made again.
type WebhookReplay struct {
	State    string `json:"state,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Subject  string `json:"subject,omitempty"`
}

// WebhookReplayed is what a replay has set going.
type WebhookReplayed struct {
	Replayed int  `json:"replayed"`
	More     bool `json:"more"`
}
