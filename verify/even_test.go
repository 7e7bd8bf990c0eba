package verify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/msisdn"
)

func TestAnswersOfNoRecordComeOnAGridOfTimeAndOthersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mobile, other = "13800138000", "15000150000"
		b := newBench(t, func(p *Policy) { p.Even = 20 * time.Millisecond })
		if _, _, err := b.s.CreateFiling(t.Context(), FilingRequest{Type: "entity_cancellation",
			Persons: []PersonRequest{{Role: "entity_head", Mobile: mobile, CertificateTail: "31002X"}}}); err != nil {
			t.Fatal(err)
		}
		for _, one := range []struct {
			mobile, tail string
			took         time.Duration
			result       Result
		}{
			{other, "31002X", 20 * time.Millisecond, ResultNoRecord},  // an unknown phone
			{mobile, "99999X", 20 * time.Millisecond, ResultNoRecord}, // a known one with a wrong tail
			{mobile, "31002X", 0, ResultWrong},
		} {
			began := time.Now()
			a, err := b.s.Check(t.Context(), CheckRequest{Code: "000000", Mobile: one.mobile, Tail: one.tail})
			if err != nil || a.Result != one.result || time.Since(began) != one.took {
				t.Errorf("%d after %s, %v", a.Result, time.Since(began), err)
			}
		}
		began := time.Now()
		if a, err := b.s.Resend(t.Context(), ResendRequest{Mobile: other, Tail: "31002X"}); err != nil || a.Result != ResultNoRecord || time.Since(began) != 20*time.Millisecond {
			t.Errorf("%d after %s, %v", a.Result, time.Since(began), err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		began = time.Now()
		_, _ = b.s.Check(gone, CheckRequest{Code: "000000", Mobile: other, Tail: "31003X"})
		if time.Since(began) != 0 {
			t.Error("a person who left is waited for")
		}
	})
}

func deny(n msisdn.Number) string {
	if n.Prefix() == "+86170" {
		return "is denied"
	}
	return ""
}

func TestADestinationThatIsRefusedGetsNoCodeAndTheFieldIsNamed(t *testing.T) {
	b := newBench(t, nil)
	code := b.create(FilingRequest{Type: "entity_cancellation", Persons: []PersonRequest{{Role: "entity_head", Mobile: "17000000000", CertificateTail: "31002X"}}})
	if len(code.Challenges) != 1 {
		t.Fatal(code)
	}
	b.s.policy.Destination = deny
	_, _, err := b.s.CreateFiling(context.Background(), FilingRequest{Type: "entity_cancellation",
		Persons: []PersonRequest{{Role: "entity_head", Mobile: "17000000001", CertificateTail: "31002X"}}})
	invalid, ok := err.(Invalid)
	if !ok || len(invalid) != 1 || invalid[0].Field != "persons[0].mobile" || invalid[0].Message != "is denied" {
		t.Errorf("%v", err)
	}
	if _, err := b.s.CreateChallenge(context.Background(), ChallengeRequest{To: "17000000001"}); err != NotAllowed("is denied") {
		t.Errorf("%v", err)
	}
	if a := b.check("000000", "17000000000", "31002X"); a.Result != ResultWrong { // who has a code already can enter it
		t.Error(a.Result)
	}
}
