package verify

import (
	"errors"
	"testing"
	"time"
)

func TestTheSameKeyAndRequestGiveTheSameChallengeAndNoSecondSMS(t *testing.T) {
	b := newBench(t, nil)
	r := ChallengeRequest{Origin: "platform", To: phoneA, Template: shop, IdempotencyKey: "login-1"}
	first := b.mustAsk(r)
	texts := len(b.m.rows.texts)
	r.To = "0086 " + phoneA[:3] + "-" + phoneA[3:] // the same phone, written otherwise
	again := b.mustAsk(r)
	if again.ID != first.ID || len(b.m.rows.texts) != texts {
		t.Errorf("%s, then %s; %d texts, then %d", first.ID, again.ID, texts, len(b.m.rows.texts))
	}
	for what, change := range map[string]func(*ChallengeRequest){
		"another text":  func(r *ChallengeRequest) { r.Template = "{{code}} it is" },
		"another phone": func(r *ChallengeRequest) { r.To = phoneB },
		"more tries":    func(r *ChallengeRequest) { r.MaxWrong = 2 },
		"replaces":      func(r *ChallengeRequest) { r.Replace = true },
	} {
		other := r
		change(&other)
		if _, err := b.ask(other); !errors.Is(err, ErrKeyConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	theirs := r
	theirs.Origin, theirs.To = "another token", phoneB
	if c := b.mustAsk(theirs); c.ID == first.ID {
		t.Error("a key belongs to whoever used it")
	}
	// The answer is the challenge as it is now, and the limits of the phone do not stand in the way.
	b.enter(first.ID, b.code(first))
	if c := b.mustAsk(r); c.State != ChallengeVerified {
		t.Error(c.State)
	}
}

func TestARefusedRequestLeavesItsKeyFree(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.SMSGap = time.Minute })
	b.mustAsk(ChallengeRequest{Origin: "platform", To: phoneA, Template: shop})
	r := ChallengeRequest{Origin: "platform", To: phoneA, Template: shop, IdempotencyKey: "k"}
	if _, err := b.ask(r); err == nil {
		t.Fatal("the gap between two SMS is not held: the test shows nothing")
	}
	b.pass(b.s.policy.SMSGap)
	if _, err := b.ask(r); err != nil {
		t.Error(err)
	}
}
