package verify

import (
	"context"
	"time"
)

// Resend sends the codes of a person again: of every open challenge of the phone whose tail fits.
func (s *Service) Resend(ctx context.Context, r ResendRequest) (Answer, error) {
	in, faults := s.read(r.Mobile, r.Tail, r.FilingID, false)
	if faults != nil {
		return malformed(faults), nil
	}
	in.door, in.via, in.work, in.trusted = "resend", "resend", r.Work, r.Trusted
	began := time.Now()
	a, err := s.inTx(ctx, func(tx Tx) (Answer, error) { return s.resend(ctx, tx, in, clock()) })
	s.even(ctx, a, began)
	return a, err
}

func (s *Service) resend(ctx context.Context, tx Tx, in submission, now time.Time) (Answer, error) {
	keys := s.answerKeys(in)
	key := keys[0]
	if a, found, err := s.storedAnswer(ctx, tx, keys, now); found || err != nil {
		return a, err
	}
	h := s.hash(in.number, in.tail, "")
	h.named = in.filing != ""
	if a, refused, err := s.refusal(ctx, tx, in, h.number, now); refused || err != nil {
		return a, err
	}
	all, err := s.challengesOf(ctx, tx, in, h, now)
	if err != nil {
		return Answer{}, err
	}
	if a, missing := h.tailMissing(all, in); missing {
		return a, nil
	}
	l := lineUp(all, h)
	var a Answer
	switch {
	case len(l.tail) > 0:
		a, err = s.resendAll(ctx, tx, l, in, h, now)
	case l.ended != nil:
		a = answer(ResultNothingToSend)
	default: // a tail could be guessed here as well as at a check, so it is charged here as well
		if err = tx.NoteSent(ctx, h.number[0], sentCheck, now); err == nil {
			a, err = s.noRecord(ctx, tx, l, in, h, now)
		}
	}
	if err != nil {
		return Answer{}, err
	}
	if a.Result == ResultWait || a.Result == ResultRateLimited {
		return a, nil // says how long, which changes by the second
	}
	return a, tx.StoreAnswer(ctx, key, a, now, now.Add(s.policy.RepeatWindow))
}

// resendOrder is which of several refusals is told: what may come right by itself before what will not.
var resendOrder = []Result{ResultSent, ResultWait, ResultRateLimited, ResultSendCap, ResultNothingToSend}

func (s *Service) resendAll(ctx context.Context, tx Tx, l line, in submission, h hashes, now time.Time) (Answer, error) {
	told := map[Result]time.Duration{}
	for _, c := range l.tail {
		result, wait, err := s.resendOne(ctx, tx, c, len(l.open) > 1, in, h, now)
		if err != nil {
			return Answer{}, err
		}
		if shortest, seen := told[result]; !seen || wait < shortest {
			told[result] = wait
		}
	}
	for _, r := range resendOrder {
		if wait, ok := told[r]; ok {
			a := answer(r)
			a.Wait = wait
			for _, c := range l.tail {
				a.Deadline = c.until(a.Deadline)
			}
			return a, nil
		}
	}
	return answer(ResultNothingToSend), nil
}

func (s *Service) resendOne(ctx context.Context, tx Tx, c Challenge, several bool, in submission, h hashes, now time.Time) (Result, time.Duration, error) {
	if why, wait, ok := c.sendRefusal(now, s.policy); !ok {
		return why, wait, nil
	}
	free, daily, err := s.phoneFree(ctx, tx, h.number, now)
	switch {
	case err != nil:
		return 0, 0, err
	case free.After(now) && daily:
		return ResultRateLimited, free.Sub(now), nil
	case free.After(now):
		return ResultWait, free.Sub(now), nil
	}
	before := c
	if c.Sends > 0 && s.policy.NewCodeOnResend {
		others, err := tx.ChallengesOfNumber(ctx, h.number, time.Time{})
		if err != nil {
			return 0, 0, err
		}
		s.issue(&c, in.number, others)
	}
	after, err := s.send(ctx, tx, c, in.number, several, now)
	if err != nil {
		return 0, 0, err
	}
	if _, err := s.save(ctx, tx, before, after, now); err != nil {
		return 0, 0, err
	}
	return ResultSent, 0, s.emitChallenge(ctx, tx, "challenge.resent", after)
}
