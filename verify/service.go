package verify

import (
	"context"
	"errors"
	"time"
)

var errSoon = errors.New("verify: being written")

// CreateFiling takes a filing in; created is false when it was there already.
func (s *Service) CreateFiling(ctx context.Context, r FilingRequest) (f Filing, created bool, err error) {
	return Filing{}, false, errSoon
}

// Filing reads a filing with its persons (names opened) and challenges.
func (s *Service) Filing(ctx context.Context, id string) (Filing, error) { return Filing{}, errSoon }

// Filings lists filings as Filing gives them, newest first; next continues the list, "" at its end.
func (s *Service) Filings(ctx context.Context, q FilingQuery) (page []Filing, next string, err error) {
	return nil, "", errSoon
}

// CancelFiling ends a filing at its client's wish.
func (s *Service) CancelFiling(ctx context.Context, id, reason string) (Filing, error) {
	return Filing{}, errSoon
}

// Check compares what a person submitted.
func (s *Service) Check(ctx context.Context, r CheckRequest) (Answer, error) {
	return Answer{}, errSoon
}

// Resend sends a code again.
func (s *Service) Resend(ctx context.Context, r ResendRequest) (Answer, error) {
	return Answer{}, errSoon
}

// Reply takes a text that came from a phone; tx is the transaction that stored it.
func (s *Service) Reply(ctx context.Context, tx Tx, from, text string, at time.Time) (a Answer, matched bool, err error) {
	return Answer{}, false, errSoon
}

// MessageChanged is told of every change of a challenge's messages, in the transaction of the change.
func (s *Service) MessageChanged(ctx context.Context, tx Tx, challengeID string, sms SMS) error {
	return errSoon
}

// Sweep applies what is due.
func (s *Service) Sweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	return time.Time{}, errSoon
}
