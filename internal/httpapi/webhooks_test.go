package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"attestd/internal/webhook"
)

// fakeLetters is one dead letter.
type fakeLetters struct{ asked webhook.Filter }

func (w *fakeLetters) WebhookDeliveries(_ context.Context, f webhook.Filter) ([]webhook.Delivery, string, error) {
	w.asked = f
	return []webhook.Delivery{letter}, "", nil
}

func (w *fakeLetters) WebhookDelivery(_ context.Context, _, id string) (webhook.Delivery, error) {
	if id != letter.ID {
		return webhook.Delivery{}, webhook.ErrNotFound
	}
	return letter, nil
}

func (w *fakeLetters) ReplayWebhook(ctx context.Context, id string) (webhook.Delivery, error) {
	d, err := w.WebhookDelivery(ctx, "", id)
	d.State = webhook.Waiting
	return d, err
}

func (w *fakeLetters) ReplayWebhooks(_ context.Context, f webhook.Filter) (int, bool, error) {
	w.asked = f
	return 2, true, nil
}

func (w *fakeLetters) WebhookEndpoints(context.Context) ([]webhook.Standing, error) {
	return []webhook.Standing{{Name: "crm", URL: "https://platform.example/x?token=hidden", Dead: 3, Gone: time.Now()}}, nil
}

var letter = webhook.Delivery{
	ID: "d1", Endpoint: webhook.Callback, URL: "https://platform.example/x?token=hidden", State: webhook.Dead, Attempts: 33, Status: 500,
	Error: "it answered 500 Internal Server Error", Event: webhook.Event{ID: "e1", Type: "filing.passed", Subject: "f1"}, Reference: "order-4711",
}

func TestDeadLettersAreListedAndReplayedWithoutTheQueryOfTheirAddress(t *testing.T) {
	w := new(world)
	h := New(w.services(), options())
	for _, one := range []struct {
		method, path, body string
		status             int
		has                []string
	}{
		{"GET", "/v1/webhooks/deliveries?state=dead&endpoint=callback&subject=f1", "", 200, []string{`"state":"dead"`, `"reference":"order-4711"`, `"url":"https://platform.example/x"`, `"status":500`}},
		{"GET", "/v1/webhooks/deliveries/d1", "", 200, []string{`"event":"e1"`, `"attempts":33`}},
		{"GET", "/v1/webhooks/deliveries/d2", "", 404, []string{"there is no such delivery"}},
		{"GET", "/v1/webhooks/deliveries?state=lost", "", 400, []string{`"field":"state"`}},
		{"POST", "/v1/webhooks/deliveries/d1/replay", "", 200, []string{`"state":"waiting"`, `"next_at"`}},
		{"POST", "/v1/webhooks/deliveries/d2/replay", "", 404, nil},
		{"POST", "/v1/webhooks/replay", `{"subject":"f1"}`, 200, []string{`"replayed":2`, `"more":true`}},
		{"POST", "/v1/webhooks/replay", `{"state":"waiting"}`, 400, []string{`"field":"state"`}},
		{"GET", "/v1/webhooks/endpoints", "", 200, []string{`"name":"crm"`, `"dead":3`, `"gone_at"`}},
	} {
		if one.path == "/v1/webhooks/deliveries/d1/replay" {
			letter.Due = time.Now()
		}
		g := do(h, one.method, one.path, one.body)
		status, text := g.status, g.text
		if status != one.status {
			t.Errorf("%s %s: %d %s", one.method, one.path, status, text)
		}
		for _, want := range one.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s %s: no %s in %s", one.method, one.path, want, text)
			}
		}
		if strings.Contains(text, "hidden") {
			t.Errorf("%s %s shows the query of an address: %s", one.method, one.path, text)
		}
		if one.path == "/v1/webhooks/replay" && status == http.StatusOK && w.letters.asked != (webhook.Filter{Owner: "*", State: webhook.Dead, Subject: "f1"}) {
			t.Errorf("a replay of nothing in particular asked for %+v: dead ones are meant", w.letters.asked)
		}
	}
}
