package verify

import (
	"context"
	"errors"
	"strings"
	"time"

	"attestd/internal/msisdn"
)

// submission is what a person entered, folded to one form.
type submission struct {
	number            msisdn.Number
	code, tail        string
	filing, door, via string
	work              int  // zero bits of the proof of work that came with it
	trusted           bool // it came with a token, or from the phone itself
	noTail            bool // the person says that none is asked for
}

// read folds what was entered and says what is malformed; that is charged to nobody.
func (s *Service) read(mobile, tail, filing string, noTail bool) (in submission, faults Invalid) {
	in.filing, in.noTail = strings.TrimSpace(filing), noTail
	var fault string
	if in.number, fault = s.policy.number(mobile); fault != "" {
		faults = append(faults, FieldError{"mobile", fault})
	}
	if tail == "" && (in.filing != "" || noTail) { // of a contact check; of others it is missing, which is seen when they are read
		return in, faults
	}
	if in.tail, fault = foldTail(tail); fault != "" {
		faults = append(faults, FieldError{"certificate_tail", fault})
	}
	return in, faults
}

func (s *Service) readCheck(r CheckRequest) (submission, Invalid) {
	in, faults := s.read(r.Mobile, r.Tail, r.FilingID, r.NoTail && r.Tail == "")
	in.door, in.via, in.work, in.trusted = "check", r.Via, r.Work, r.Trusted
	in.code = msisdn.Fold(r.Code)
	if len(in.code) != codeLength || strings.Trim(in.code, "0123456789") != "" {
		faults = append(Invalid{{"code", "must be the 6 digits of the SMS"}}, faults...)
	}
	return in, faults
}

func malformed(faults Invalid) Answer {
	a := answer(ResultFailed)
	a.Fields = faults
	return a
}

// Check compares what a person submitted with the open challenges of the phone. The error is for what is no answer to
// the person (the database cannot be written); the answer is then ResultUnavailable, and nothing was charged.
func (s *Service) Check(ctx context.Context, r CheckRequest) (Answer, error) {
	in, faults := s.readCheck(r)
	if faults != nil {
		return malformed(faults), nil
	}
	began := time.Now()
	a, err := s.inTx(ctx, func(tx Tx) (Answer, error) { return s.check(ctx, tx, in, clock()) })
	s.even(ctx, a, began)
	return a, err
}

// even holds an answer that must not tell whether a phone is known until the next multiple of Policy.Even since the
// question: the work is the same either way, but a row that is written and one that is not there do not cost the same to the microsecond.
func (s *Service) even(ctx context.Context, a Answer, began time.Time) {
	if s.policy.Even <= 0 || a.Result != ResultNoRecord {
		return
	}
	rest := s.policy.Even - time.Since(began)%s.policy.Even
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *Service) inTx(ctx context.Context, fn func(Tx) (Answer, error)) (a Answer, err error) {
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		a, err = fn(tx)
		return err
	})
	if err != nil {
		return answer(ResultUnavailable), err
	}
	return a, nil
}

func (s *Service) check(ctx context.Context, tx Tx, in submission, now time.Time) (Answer, error) {
	keys := s.answerKeys(in)
	key := keys[0]
	if a, found, err := s.storedAnswer(ctx, tx, keys, now); found || err != nil {
		return a, err
	}
	h := s.hash(in.number, in.tail, in.code)
	h.named = in.filing != ""
	if a, refused, err := s.refusal(ctx, tx, in, h.number, now); refused || err != nil {
		return a, err
	}
	if err := tx.NoteSent(ctx, h.number[0], sentCheck, now); err != nil {
		return Answer{}, err
	}
	all, err := s.challengesOf(ctx, tx, in, h, now)
	if err != nil {
		return Answer{}, err
	}
	if a, missing := h.tailMissing(all, in); missing {
		return a, nil
	}
	l, closed, err := s.withoutHeld(ctx, tx, lineUp(all, h), h.number)
	if err != nil {
		return Answer{}, err
	}
	if l.right == nil {
		if err := s.chargeTailless(ctx, tx, l.tailless, in, now); err != nil {
			return Answer{}, err
		}
	}
	var a Answer
	switch {
	case closed:
		a, err = closedToChecks(), tx.NoteCheck(ctx, true, now)
	case l.right != nil:
		if a, err = s.accept(ctx, tx, *l.right, in, now); err != nil || !a.OK {
			return a, err
		}
		// An identical submission is answered as what it is for as long as the challenge is remembered: it must
		// not be charged to another filing of the same person.
		again := a
		again.Result, again.Message = ResultAlready, ResultAlready.Message()
		return a, tx.StoreAnswer(ctx, key, again, now, now.Add(s.policy.Remember))
	case len(l.tail) > 0:
		a, err = s.charge(ctx, tx, l.tail, in, now)
	case l.ended != nil:
		a, err = ended(*l.ended), tx.NoteCheck(ctx, false, now)
	default:
		a, err = s.noRecord(ctx, tx, l, in, h, now)
	}
	if err != nil {
		return Answer{}, err
	}
	return a, tx.StoreAnswer(ctx, key, a, now, now.Add(s.policy.RepeatWindow))
}

// closedToChecks answers for a challenge that still stands and compares with nothing more.
func closedToChecks() Answer {
	a := answer(ResultFinal)
	a.Reason = ReasonTooManyAttempts
	return a
}

// challengesOf reads the challenges that a submission is compared with, deadlines applied.
func (s *Service) challengesOf(ctx context.Context, tx Tx, in submission, h hashes, now time.Time) ([]Challenge, error) {
	all, err := tx.ChallengesOfNumber(ctx, h.number, now.Add(-s.policy.Remember))
	if err != nil {
		return nil, err
	}
	ofFilings := all[:0]
	for _, c := range all {
		if c.FilingID != "" && (in.filing == "" || in.filing == c.FilingID) {
			ofFilings = append(ofFilings, c)
		}
	}
	return s.lapse(ctx, tx, ofFilings, now)
}

// line is how a submission compares.
type line struct {
	open  []Challenge // every open one
	tail  []Challenge // the open ones whose tail fits
	right *Challenge  // the one among these whose code fits too
	ended *Challenge  // the one with this tail that ended last
	held  *Challenge  // an open one whose code fits, and whose tail does not

	tailless []Challenge // the open ones that ask for no tail, where the filing is not named and the code does not fit
}

// lineUp compares a submission with every candidate, and with the decoy where there is none: the same work for every
// number of one, whatever fits.
func lineUp(all []Challenge, h hashes) (l line) {
	if len(all) == 0 {
		h.matches(decoy)
		h.tailless(decoy)
	}
	for _, c := range all {
		tail, code := h.matches(c)
		tailless := h.tailless(c)
		tail = tail || tailless && h.named
		switch {
		// A phone alone shows nobody to be its owner: of such a challenge is told only who has its code, or names its
		// filing.
		case tailless && !h.named && code && !c.State.Terminal():
			l.right = &c
		case tailless && !h.named:
			if !c.State.Terminal() {
				l.tailless = append(l.tailless, c)
			}
		case !c.State.Terminal():
			l.open = append(l.open, c)
			if tail {
				l.tail = append(l.tail, c)
			}
			switch {
			case tail && code:
				l.right = &c
			case code:
				l.held = &c
			}
		case tail && (l.ended == nil || c.Ended.After(l.ended.Ended)):
			l.ended = &c
		}
	}
	return l
}

// tailMissing refuses a submission without a tail where something asks for one. It is charged to nobody. Whose word it
// is
// that none is asked for gets the answer of a wrong tail: a phone alone must not tell whether it has a contact check.
func (h hashes) tailMissing(all []Challenge, in submission) (Answer, bool) {
	if in.tail != "" || in.noTail {
		return Answer{}, false
	}
	if h.anyTailless(all) {
		return Answer{}, false
	}
	return malformed(Invalid{{"certificate_tail", "is missing"}}), true
}

// chargeTailless counts a wrong code against what asks for no tail, and tells nothing of it.
func (s *Service) chargeTailless(ctx context.Context, tx Tx, compared []Challenge, in submission, now time.Time) error {
	for _, c := range compared {
		if _, err := s.chargeOne(ctx, tx, c, in, now); err != nil {
			return err
		}
	}
	return nil
}

// accept takes a right code.
func (s *Service) accept(ctx context.Context, tx Tx, c Challenge, in submission, now time.Time) (Answer, error) {
	if err := tx.NoteCheck(ctx, false, now); err != nil {
		return Answer{}, err
	}
	after := c.check(true, now)
	after.via = in.via
	f, err := s.save(ctx, tx, c, after, now)
	if err != nil {
		return Answer{}, err
	}
	if after.State != ChallengeVerified {
		return ended(after), nil
	}
	a := answer(ResultVerified)
	if f.State == FilingPassed {
		a = answer(ResultPassed)
	}
	a.FilingID = f.ID
	for _, p := range f.Persons {
		if p.ChallengeID == c.ID {
			a.Roles = append(a.Roles, p.Role)
		}
	}
	return a, nil
}

// charge counts a wrong code against every open challenge whose tail fits: with each of them it was compared.
func (s *Service) charge(ctx context.Context, tx Tx, compared []Challenge, in submission, now time.Time) (Answer, error) {
	if err := tx.NoteCheck(ctx, true, now); err != nil {
		return Answer{}, err
	}
	left := -1
	var last Challenge
	var until time.Time
	for _, c := range compared {
		after, err := s.chargeOne(ctx, tx, c, in, now)
		if err != nil {
			return Answer{}, err
		}
		last = after
		if n := after.MaxWrong - after.Wrong; !after.State.Terminal() && (left < 0 || n < left) {
			left = n
		}
		until = after.until(until)
	}
	if left < 0 {
		return ended(last), nil
	}
	a := answer(ResultWrong)
	a.TriesLeft, a.Deadline = &left, until
	if len(compared) == 1 {
		a.FilingID = last.FilingID
	}
	return a, nil
}

func (s *Service) chargeOne(ctx context.Context, tx Tx, c Challenge, in submission, now time.Time) (Challenge, error) {
	after := c.check(false, now)
	if _, err := s.save(ctx, tx, c, after, now); err != nil {
		return c, err
	}
	return after, s.emitRefused(ctx, tx, after, in.via)
}

// until is the earlier of the time until which a person can enter the code, where that is known, and another.
func (c Challenge) until(other time.Time) time.Time {
	if c.State != ChallengeOpen || !other.IsZero() && other.Before(c.Deadline) {
		return other
	}
	return c.Deadline
}

// noRecord charges a tail that fits nothing to the phone's allowance, and to no challenge. Whether any is open is not
// told: a
// phone without one takes the same statements, and gets the same answer.
func (s *Service) noRecord(ctx context.Context, tx Tx, l line, in submission, h hashes, now time.Time) (Answer, error) {
	if err := tx.NoteCheck(ctx, true, now); err != nil {
		return Answer{}, err
	}
	if err := tx.NoteSent(ctx, h.number[0], sentTail, now); err != nil {
		return Answer{}, err
	}
	if err := s.noteHeld(ctx, tx, l, h.number, now); err != nil {
		return Answer{}, err
	}
	open := l.open
	if len(open) == 0 {
		none := decoy
		none.Mobile = mask(in.number)
		open = []Challenge{none}
	}
	for _, c := range open {
		if err := s.emitUnmatched(ctx, tx, c, in.via); err != nil {
			return Answer{}, err
		}
	}
	return answer(ResultNoRecord), nil
}

// ended answers for a challenge that has ended and whose tail fits; the code is gone and compares with nothing.
func ended(c Challenge) Answer {
	a := answer(ResultFinal)
	if c.State == ChallengeVerified {
		a = answer(ResultAlready)
		a.OK = false // nothing shows that this submission had the code
	} else {
		a.Reason = c.Reason
	}
	a.FilingID = c.FilingID
	return a
}

// answerKeys are keyed hashes of all that was submitted, under every live key: an answer outlives a rotation.
func (s *Service) answerKeys(in submission) [][]byte {
	return s.vault.MACs("answer", []byte(in.door), []byte(in.number.E164()), []byte(in.code), []byte(in.tail), []byte(in.filing))
}

func (s *Service) storedAnswer(ctx context.Context, tx Tx, keys [][]byte, now time.Time) (Answer, bool, error) {
	for _, key := range keys {
		a, at, until, err := tx.StoredAnswer(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return Answer{}, false, err
		}
		// An answer from the future was stored before the clock was set back: it is none.
		return a, !now.Before(at) && now.Before(until), nil
	}
	return Answer{}, false, nil
}
