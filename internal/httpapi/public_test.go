package httpapi

import (
	"testing"
	"time"

	"attestd/verify"
)

func TestTheTimeThatACodeHasLeftIsToldWhereVerifyTellsIt(t *testing.T) {
	ask := func(deadline time.Time) (a Answer, text string) {
		t.Helper()
		w := &world{answer: verify.Answer{Result: verify.ResultWrong, Message: verify.ResultWrong.Message(), Deadline: deadline}}
		g := do(New(w.services(), options()), "POST", "/v1/public/verify", `{"code":"123456","mobile":"13800138000","certificate_tail":"31002X"}`)
		g.decode(t, &a)
		return a, g.text
	}
	deadline := time.Now().Add(90*time.Minute + 500*time.Millisecond)
	if a, text := ask(deadline); a.ExpiresAt == nil || !a.ExpiresAt.Equal(deadline.Truncate(time.Microsecond)) || a.SecondsLeft < 5395 || a.SecondsLeft > 5400 {
		t.Error(text)
	}
	for _, none := range []time.Time{{}, time.Now().Add(-time.Second)} {
		if a, text := ask(none); a.ExpiresAt != nil || a.SecondsLeft != 0 {
			t.Error("told where there is none: ", text)
		}
	}
}
