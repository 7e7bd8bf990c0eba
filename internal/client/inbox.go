package client

import "time"

// InboxItem is a received text.
type InboxItem struct {
	ID         string     `json:"id"`
	From       string     `json:"from"`
	Text       string     `json:"text"`
	Modem      string     `json:"modem"`
	SentAt     *time.Time `json:"sent_at"`
	ReceivedAt time.Time  `json:"received_at"`
	Parts      int        `json:"parts"`
	Total      int        `json:"total"`
	Complete   bool       `json:"complete"`
	Damaged    bool       `json:"damaged"`
	Readable   bool       `json:"readable"`
	Rule       string     `json:"rule"`
	Action     string     `json:"action"`
	RuleFailed bool       `json:"rule_failed"`
	Code       string     `json:"code"`
}

// OptOut is somebody who wants no texts.
type OptOut struct {
	ID        string    `json:"id"`
	Number    string    `json:"number"`
	Source    string    `json:"source"`
	By        string    `json:"by"`
	Item      string    `json:"item"`
	CreatedAt time.Time `json:"created_at"`
}

// OptOutNumber names the number that is to be put on the list, or taken off it.
type OptOutNumber struct {
	Number string `json:"number"`
}
