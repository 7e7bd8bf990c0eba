package verify

import "time"

// Policy holds the choices; each is a key of the [verify] section.
type Policy struct {
	Language           string        // default_language
	Site               string        // site: what an SMS calls the service where a filing names no site
	Regions            []string      // region: country codes that codes may be sent to
	Life               time.Duration // life: from delivery, else acceptance
	HardEnd            time.Duration // hard_end: from acceptance
	UndeliverableAfter time.Duration // undeliverable_after: with no SMS accepted
	MaxSends           int           // max_sends: the first SMS included
	ResendWait         time.Duration // resend_wait
	ResendMinLeft      time.Duration // resend_min_left: nothing is sent again with less than this left
	NewCodeOnResend    bool          // new_code_on_resend
	MaxWrong           int           // max_wrong
	RejectOnLock       string        // reject_on_lock: at_once or at_deadline
	RepeatWindow       time.Duration // repeat_window
	Remember           time.Duration // remember: how long an ended challenge answers as what it is
	MaxAmendments      int           // max_amendments
	SMSPerDay          int           // limits.sms_per_phone_per_day
	SMSGap             time.Duration // limits.sms_gap
	Replies            bool          // replies
	AnswersPerDay      int           // limits.replies_per_phone_per_day
}
