package verify

import (
	"strings"
	"time"
)

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Invalid is everything that is wrong with a request, found at once.
type Invalid []FieldError

func (e Invalid) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Field + ": " + f.Message
	}
	return strings.Join(lines, "; ")
}

// FilingRequest is a filing as the platform sends it.
type FilingRequest struct {
	Owner     string // whose it is to be: see Everyone
	Origin    string // who files: the token's name
	Type      string
	Reference string
	Changes   []Change // for a change filing: what was changed
	Sites     []SiteRequest
	Persons   []PersonRequest
	Callback  string
	Language  string // of the SMS: zh or en; "" for the policy's

	// Supersedes is the id of a filing whose place this one takes, "" for none.
	Supersedes string

	Province      string        // where it is filed, in any form (zhejiang, 浙江, 33, CN-ZJ); "" for not given
	Entity        string        // whose filing it is, in the client's own words; "" for not given
	ResubmitAfter time.Duration // after a failure it is submitted again by itself; 0 for never
}

// SiteRequest is a site of the order. Sites that only persons name need not be listed.
type SiteRequest struct {
	Name string
	Kind string
}

// PersonRequest is a person in charge. The certificate is given whole, or as its last 6 characters; a person may have
// a second accepted tail. The emergency number is taken only to make sure that it is never used.
type PersonRequest struct {
	Role                  string
	Name                  string
	Mobile                string
	EmergencyMobile       string
	CertificateType       string
	Certificate           string
	CertificateTail       string
	SecondCertificateTail string
	Site                  string
	Kind                  string
}

// CheckRequest is what a person submits: the code, the mobile, and the last 6 characters of the certificate. FilingID
// is only needed by who wants to narrow it down. Via says through which door it came ("web", "sms"). Work is the zero
// bits
// of the proof of work that came with it; Trusted says that it came with a token. NoTail is the person's word that it
// is for
// a contact check: then it is compared with those alone, and Tail is left empty.
type CheckRequest struct {
	Code     string
	Mobile   string
	Tail     string
	NoTail   bool
	FilingID string
	Via      string
	Work     int
	Trusted  bool
}

// ResendRequest asks for the code to be sent again.
type ResendRequest struct {
	Mobile   string
	Tail     string
	FilingID string
	Work     int
	Trusted  bool
}

// AmendRequest changes the phone or the certificate of a person, or both. What is left empty stays; of a certificate, what
// is given takes the place of all that was accepted.
type AmendRequest struct {
	Owner    string // who asks: see Everyone
	FilingID string
	PersonID string

	Mobile                string
	EmergencyMobile       string
	CertificateType       string
	Certificate           string
	CertificateTail       string
	SecondCertificateTail string
}

// FilingQuery selects filings for a list, newest first.
type FilingQuery struct {
	State     FilingState // "" for any
	Type      FilingType  // "" for any
	Reference string      // "" for any
	Owner     string      // whose: see Everyone
	Mobile    string      // of a person who must verify, in any form; "" for any
	From, To  time.Time   // created at or after, and before; zero for any
	Before    string      // the id to continue after, "" for the first page
	Limit     int

	// NumberMACs is Mobile as the store knows it; Service.Filings sets it.
	NumberMACs [][]byte
}
