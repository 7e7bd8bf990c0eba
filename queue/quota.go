package queue

import (
	"fmt"
	"time"
)

// The quotas of texts there are, by whose it is and over what time. The words are stored and stand in metrics.
const (
	TokenHour = "token_hour"
	TokenDay  = "token_day"
	PhoneHour = "phone_hour"
	PhoneDay  = "phone_day"
)

// QuotaError says that a message would need more texts (segments) than are left of a quota. Nothing was taken in.
type QuotaError struct {
	Quota string    // one of the above
	Most  int       // texts in that hour or day
	Used  int       // of these, before this message
	Needs int       // of this message
	Until time.Time // when that hour or day ends
}

// Never says that the message is too long for the quota at any time.
func (e *QuotaError) Never() bool { return e.Needs > e.Most }

// Field is the field of a draft that the quota is about: "" for the token's.
func (e *QuotaError) Field() string {
	if e.Quota == PhoneHour || e.Quota == PhoneDay {
		return "to"
	}
	return ""
}

func (e *QuotaError) Error() string {
	whose, key, span := "this token", "abuse.texts_per_token_per_", "hour"
	if e.Field() != "" {
		whose, key = "this phone", "abuse.texts_per_phone_per_"
	}
	if e.Quota == TokenDay || e.Quota == PhoneDay {
		span = "day"
	}
	key += span
	if whose == "this token" {
		key += ", or the token's own"
	}
	if e.Never() {
		return fmt.Sprintf("%s may have %d texts in a clock %s (%s), and this alone needs %d: send less at once, or raise the limit", whose, e.Most, span, key, e.Needs)
	}
	return fmt.Sprintf("%s has had %d of its %d texts in this clock %s (%s), and this needs %d more: try again after %s",
		whose, e.Used, e.Most, span, key, e.Needs, e.Until.UTC().Format(time.RFC3339))
}
