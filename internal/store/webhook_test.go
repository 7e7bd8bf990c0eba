package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"attestd/internal/seal"
	"attestd/internal/webhook"
)

func letters(t *testing.T, s *Store) []webhook.Delivery {
	t.Helper()
	all, _, err := s.WebhookDeliveries(t.Context(), webhook.Filter{Owner: "*", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhoIsToBeToldIsWrittenWithTheEventOrNotAtAll(t *testing.T) {
	s := open(t)
	if err := s.SetWebhooks(t.Context(), []webhook.Endpoint{{Name: "crm", URL: "https://crm.example/", Events: []string{"filing.*"}}}); err != nil {
		t.Fatal(err)
	}
	wake, unwatch := s.Watch(TopicWebhooks)
	defer unwatch()
	boom := errors.New("boom")
	for _, fail := range []error{boom, nil} {
		err := s.Update(t.Context(), func(tx *Tx) error {
			if err := tx.Emit(t.Context(), "filing.passed", "f1", "", nil); err != nil {
				return err
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 0, false: 1}[fail != nil]; len(letters(t, s)) != want || len(wake) != want {
			t.Errorf("after %v: %d deliveries, %d wakes", fail, len(letters(t, s)), len(wake))
		}
	}
}

func TestACommandBesideTheGatewayWritesDownWhoIsToBeToldToo(t *testing.T) {
	o := Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "t.db"), Keys: seal.Random()}
	gateway, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = gateway.Close() }()
	if err := gateway.SetWebhooks(t.Context(), []webhook.Endpoint{{Name: "audit", URL: "https://audit.example/"}}); err != nil {
		t.Fatal(err)
	}
	command, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := command.CreateToken(t.Context(), NewToken{Name: "platform"}); err != nil {
		t.Fatal(err)
	}
	if err := command.Close(); err != nil {
		t.Fatal(err)
	}
	if all := letters(t, gateway); len(all) != 1 || all[0].Event.Type != "token.created" || all[0].Endpoint != "audit" {
		t.Errorf("%+v", all)
	}
}

func TestAnEndpointThatWasGoneIsBackUnderANewAddressOnly(t *testing.T) {
	s := open(t)
	set := func(url string) {
		t.Helper()
		if err := s.SetWebhooks(t.Context(), []webhook.Endpoint{{Name: "crm", URL: url}}); err != nil {
			t.Fatal(err)
		}
	}
	emit := func() webhook.Delivery {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.Emit(t.Context(), "filing.passed", "f1", "", nil) }); err != nil {
			t.Fatal(err)
		}
		return letters(t, s)[0]
	}
	set("https://crm.example/")
	d := emit()
	if err := s.RecordWebhook(context.Background(), d, webhook.Outcome{State: webhook.Dead, Gone: true, At: d.Created, Status: 410}, nil); err != nil {
		t.Fatal(err)
	}
	set("https://crm.example/")
	if d := emit(); d.State != webhook.Dead {
		t.Errorf("after 410: %s", d.State)
	}
	set("https://crm.example/new")
	if d := emit(); d.State != webhook.Waiting {
		t.Errorf("under a new address: %s", d.State)
	}
}

func TestALateOutcomeDoesNotUndoAnEndedDelivery(t *testing.T) {
	s := open(t)
	if err := s.SetWebhooks(t.Context(), []webhook.Endpoint{{Name: "crm", URL: "https://crm.example/"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.Emit(t.Context(), "filing.passed", "f1", "", nil) }); err != nil {
		t.Fatal(err)
	}
	d := letters(t, s)[0]
	for _, o := range []webhook.Outcome{{State: webhook.Delivered, At: d.Created, Status: 200}, {State: webhook.Dead, At: d.Created, Status: 500, Error: "x"}} {
		if err := s.RecordWebhook(t.Context(), d, o, nil); err != nil {
			t.Fatal(err)
		}
	}
	if after := letters(t, s)[0]; after.State != webhook.Delivered || after.Attempts != 1 {
		t.Errorf("%+v", after)
	}
}

func TestWhatWebhooksTellOfThemselvesGoesToNoWebhook(t *testing.T) {
	s := open(t)
	if err := s.SetWebhooks(t.Context(), []webhook.Endpoint{{Name: "all", URL: "https://all.example/"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.Emit(t.Context(), "webhook.dead", "f1", "", nil) }); err != nil {
		t.Fatal(err)
	}
	if all := letters(t, s); len(all) != 0 {
		t.Errorf("an endpoint that is down would be told so for ever: %+v", all)
	}
}
