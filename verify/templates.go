package verify

import "time"

// Texts are the SMS texts of one language. {code}, {site} and {deadline} are filled in.
type Texts struct {
	Code     string
	CodeSite string // when the phone has several filings
	Resend   string
}

// Templates are the texts of all codes.
type Templates struct {
	ZH, EN   Texts
	Zone     *time.Location        // of {deadline}; nil for China's
	WebOTP   string                // a host: adds the line "@host #code"
	Segments func(text string) int // how many SMS a text takes; nil for a count of our own
}
