package verify

import (
	"errors"
	"fmt"
	"time"

	"attestd/internal/msisdn"
)

// When a filing is rejected because one of its challenges is locked.
const (
	RejectAtOnce     = "at_once"
	RejectAtDeadline = "at_deadline"
)

// Policy holds the choices; each is a key of the [verify] section of the configuration.
type Policy struct {
	Language           string        // default_language: of SMS where a filing names none
	Site               string        // site: what an SMS calls the site where a filing names none
	Region             []string      // region: country codes that codes may be sent to; the first is that of numbers without one
	Life               time.Duration // life: from the delivery of the first accepted SMS, else from its acceptance
	HardEnd            time.Duration // hard_end: from acceptance, whatever the reports say
	UndeliverableAfter time.Duration // undeliverable_after: with no SMS accepted by any network
	MaxSends           int           // max_sends: the first SMS included
	ResendWait         time.Duration // resend_wait
	ResendMinLeft      time.Duration // resend_min_left: no SMS is sent again with less of the code's life than this
	NewCodeOnResend    bool          // new_code_on_resend
	ReplaceTypes       bool          // replace_types: a re-send takes the place of what it repeats, on phones that honour it
	MaxWrong           int           // max_wrong
	MaxAmendments      int           // max_amendments: how often the phone or certificate of one person may be changed in a filing
	AmendRecorded      bool          // amend_recorded: also a phone that must be the one on the existing record (onRecord)
	MaxResubmits       int           // max_resubmits: how often in a row a filing is submitted again by itself
	RejectOnLock       string        // reject_on_lock
	RepeatWindow       time.Duration // repeat_window: in which an identical submission gets the stored answer, uncharged
	Remember           time.Duration // remember: how long an ended challenge is still told apart from no record
	SMSPerDay          int           // limits.sms_per_phone_per_day, 0 for no limit
	SMSGap             time.Duration // limits.sms_gap, between two SMS to one phone
	Replies            bool          // replies: a code may be answered by SMS
	ChecksPerHour      int           // limits.checks_per_phone_per_hour, 0 for no limit
	WrongTails         int           // limits.wrong_tails_per_phone_per_day: before checks of the phone cost work and wait, 0 for no limit
	AnswersPerDay      int           // limits.replies_per_phone_per_day: answers sent to one number, 0 for no limit
	ResubmitsPerDay    int           // limits.resubmits_per_phone_per_day: filings for one phone that supersede another, 0 for no limit

	// Even is the grid of answer times of those answers that must not tell by their time whether a phone is known; 0: as they come.
	Even time.Duration

	// Destination says why a number of an allowed region gets no code all the same, "" for no reason. It is asked when a code is asked
	// for, not when one is checked. Nil allows all.
	Destination func(msisdn.Number) (fault string)

	// Province is where a number is registered, as Areas.Province tells; "" where that is not known. Nil knows nothing.
	Province func(msisdn.Number) string

	// Callback says what is wrong with the address that a filing wants its events at, "" for nothing. Nil allows all.
	Callback func(url string) (fault string)
}

// DefaultPolicy is the policy of a configuration that says nothing.
func DefaultPolicy() Policy {
	return Policy{
		Language:           "zh",
		Region:             []string{"86"},
		Life:               24 * time.Hour,
		HardEnd:            48 * time.Hour,
		UndeliverableAfter: 24 * time.Hour,
		MaxSends:           3,
		ResendWait:         5 * time.Minute,
		ResendMinLeft:      5 * time.Minute, // the shortest TP-VP there is, TS 23.040 9.2.3.12.1
		ReplaceTypes:       true,
		MaxWrong:           5,
		MaxAmendments:      2,
		MaxResubmits:       3,
		RejectOnLock:       RejectAtOnce,
		RepeatWindow:       10 * time.Second,
		Remember:           72 * time.Hour,
		SMSPerDay:          10,
		SMSGap:             time.Minute,
		ChecksPerHour:      20,
		WrongTails:         5,
		AnswersPerDay:      3,
		ResubmitsPerDay:    5,
	}
}

// check refuses a policy that nothing could be verified under, or that a cap would not hold under.
func (p Policy) check() error {
	var errs []error
	say := func(bad bool, key, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("verify.%s: %s", key, fmt.Sprintf(format, args...)))
		}
	}
	say(p.Language != "zh" && p.Language != "en", "default_language", "%q is neither zh nor en", p.Language)
	say(len(p.Region) == 0, "region", "no country is allowed, so no code could be sent: list country codes, as [\"86\"]")
	say(p.Life <= 0, "life", "must be longer than nothing")
	say(p.HardEnd < p.Life, "hard_end", "must not be shorter than verify.life")
	say(p.UndeliverableAfter <= 0, "undeliverable_after", "must be longer than nothing")
	say(p.MaxSends < 1, "max_sends", "must be at least 1, the first SMS")
	say(p.ResendWait < 0, "resend_wait", "must not be negative")
	say(p.ResendMinLeft < 0, "resend_min_left", "must not be negative")
	say(p.MaxWrong < 1 || p.MaxWrong > 100, "max_wrong", "must be from 1 to 100 (NIST SP 800-63B allows no more)")
	say(p.RejectOnLock != RejectAtOnce && p.RejectOnLock != RejectAtDeadline, "reject_on_lock", "%q is neither %s nor %s", p.RejectOnLock, RejectAtOnce, RejectAtDeadline)
	say(p.RepeatWindow < 0, "repeat_window", "must not be negative")
	say(p.Remember < p.RepeatWindow, "remember", "must not be shorter than verify.repeat_window")
	say(p.SMSPerDay < 0, "limits.sms_per_phone_per_day", "must not be negative")
	say(p.SMSGap < 0, "limits.sms_gap", "must not be negative")
	say(p.ChecksPerHour < 0, "limits.checks_per_phone_per_hour", "must not be negative")
	say(p.WrongTails < 0, "limits.wrong_tails_per_phone_per_day", "must not be negative")
	say(p.MaxAmendments < 0, "max_amendments", "must not be negative")
	say(p.MaxResubmits < 0, "max_resubmits", "must not be negative")
	say(p.ResubmitsPerDay < 0, "limits.resubmits_per_phone_per_day", "must not be negative")
	say(p.Even < 0, "even", "must not be negative")
	say(p.AnswersPerDay < 0, "limits.replies_per_phone_per_day", "must not be negative")
	return errors.Join(errs...)
}
