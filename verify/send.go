package verify

import (
	"context"
	"time"

	"attestd/internal/msisdn"
)

// The kinds of texts that are counted for a phone.
const (
	sentCode   = "code"
	sentAnswer = "answer"
)

// day is the span of the daily limits. It slides: no midnight gives a second portion.
const day = 24 * time.Hour

// phoneFree says from when on the limits of a phone over all its challenges let a code be sent to it; daily says that it
// is the limit of a day which stands in the way.
func (s *Service) phoneFree(ctx context.Context, tx Tx, numberMACs [][]byte, now time.Time) (free time.Time, daily bool, err error) {
	sent, err := tx.SentSince(ctx, numberMACs, sentCode, now.Add(-day))
	if err != nil {
		return time.Time{}, false, err
	}
	if n := len(sent); n > 0 {
		// What a clock that was set back shows as yet to come keeps nobody waiting, but still counts for the day.
		if last := sent[n-1]; !last.After(now) {
			free = last.Add(s.policy.SMSGap)
		}
	}
	if most := s.policy.SMSPerDay; most > 0 && len(sent) >= most {
		if next := sent[len(sent)-most].Add(day); next.After(free) {
			free, daily = next, true
		}
	}
	return free, daily, nil
}

// send queues the SMS of a challenge; the caller has asked sendRefusal and phoneFree, and stores the challenge.
func (s *Service) send(ctx context.Context, tx Tx, c Challenge, n msisdn.Number, several bool, now time.Time) (Challenge, error) {
	code, err := s.openCode(c)
	if err != nil {
		return c, err
	}
	texts := s.templates.in(c.Language)
	template := texts.Code
	switch {
	case c.Sends > 0:
		template = texts.Resend
	case several:
		template = texts.CodeSite
	}
	site := c.Site
	if site == "" {
		site = s.policy.Site
	}
	text := s.templates.render(template, c.Language, fill{code: code, site: site, deadline: c.Deadline, life: c.Life})
	return s.queueText(ctx, tx, c, n, text, now)
}

// queueText queues a text with a challenge's code in it, and counts it.
func (s *Service) queueText(ctx context.Context, tx Tx, c Challenge, n msisdn.Number, text string, now time.Time) (Challenge, error) {
	id, err := tx.Send(ctx, Outgoing{ChallengeID: c.ID, Owner: c.Owner, Payer: c.Origin, To: n, Text: text, Deadline: c.Deadline, Owed: c.Created.Before(now),
		First: c.Sends == 0, PID: c.pid()})
	if err != nil {
		return c, err
	}
	if err := tx.NoteSent(ctx, c.NumberMAC, sentCode, now); err != nil {
		return c, err
	}
	return c.sent(id, now), nil
}

// pid is the TP-PID of a challenge's SMS: Replace Short Message Type 1 to 7 (TS 23.040 9.2.3.9).
func (c Challenge) pid() byte {
	if c.ReplaceType == 0 {
		return 0
	}
	return 0x40 + byte(c.ReplaceType)
}
