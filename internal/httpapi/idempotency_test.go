package httpapi_test

import (
	"strings"
	"sync"
	"testing"
)

func TestManyRequestsWithOneKeyAtOnceMakeOneChallenge(t *testing.T) {
	r := gateway(t, nil)
	body := `{"to":"13800138011","template":"Your code is {{code}}","idempotency_key":"once"}`
	ids := make([]string, 24)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			// Half of them by header, with and without quotes.
			a := call(t, r, "POST", "/v1/challenges", body)
			if i%2 == 1 {
				header := []string{`Idempotency-Key: "once"`, `Idempotency-Key: once`}[i/2%2]
				a = call(t, r, "POST", "/v1/challenges", strings.Replace(body, `,"idempotency_key":"once"`, "", 1), header)
			}
			if a.status != 201 {
				t.Error(a)
			}
			ids[i] = a.field("id")
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatal(ids)
		}
	}
	if a := call(t, r, "POST", "/v1/challenges", strings.Replace(body, "code is", "code:", 1)); a.status != 409 || !strings.Contains(a.text, "idempotency_key") {
		t.Error(a)
	}
	if a := call(t, r, "POST", "/v1/challenges", body, "Idempotency-Key: twice"); a.status != 422 || !strings.Contains(a.text, "differs from the header") {
		t.Error(a)
	}
}

func TestTheHeaderStandsForTheKeyOfAMessageAndForTheReferenceOfAFiling(t *testing.T) {
	r := gateway(t, nil)
	for path, body := range map[string]string{
		"/v1/messages": `{"to":"13800138012","text":"hello"}`,
		"/v1/filings":  `{"type":"access","persons":[{"role":"website_head","site":"example.cn","mobile":"13800138013","certificate_tail":"31002X"}]}`,
	} {
		first := call(t, r, "POST", path, body, "Idempotency-Key: order-1")
		again := call(t, r, "POST", path, body, "Idempotency-Key: order-1")
		if first.status/100 != 2 || again.status/100 != 2 || first.field("id") != again.field("id") {
			t.Errorf("%s: %v, then %v", path, first, again)
		}
		if other := call(t, r, "POST", path, strings.Replace(body, "1380013801", "1380013802", 1), "Idempotency-Key: order-1"); other.status != 409 {
			t.Errorf("%s: %v", path, other)
		}
	}
}
