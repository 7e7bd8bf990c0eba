package daemon

import (
	"sync"
	"time"

	"attestd/internal/config"
	"attestd/internal/store"
	"attestd/queue"
)

// quotas are the limits of texts, and who is told of what they refuse.
func (d *Daemon) quotas(c config.Config) store.Quotas {
	a := c.Abuse
	return store.Quotas{
		TokenHour: a.TextsPerTokenHourly, TokenDay: a.TextsPerTokenDaily, PhoneHour: a.TextsPerPhoneHourly, PhoneDay: a.TextsPerPhoneDaily,
		Refused: d.quotaRefused,
	}
}

// refusals are when it was last logged that a token was refused by a quota. There are no more entries than tokens.
type refusals struct {
	sync.Mutex
	last map[string]time.Time
}

// quotaRefused counts a refusal, and logs one a minute of each token.
func (d *Daemon) quotaRefused(token string, e *queue.QuotaError) {
	d.metrics.QuotaRefused(e.Quota)
	d.refusals.Lock()
	defer d.refusals.Unlock()
	now := time.Now()
	if last, ok := d.refusals.last[token]; ok && now.Sub(last) < time.Minute {
		return
	}
	if d.refusals.last == nil {
		d.refusals.last = map[string]time.Time{}
	}
	d.refusals.last[token] = now
	d.log.Warn("texts refused: a quota is used up (at most one such line a minute for a token)", "token", token, "limit", e.Quota,
		"most", e.Most, "used", e.Used, "needs", e.Needs, "until", e.Until)
}
