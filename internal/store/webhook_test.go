package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestLanesAreListedWithTheEarliestOfEachAndItsBreaker(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	endpoints := []webhook.Endpoint{{Name: "b", URL: "https://b.example/"}, {Name: "a", URL: "https://a.example/", Events: []string{"filing.*"}}}
	if err := s.SetWebhooks(ctx, endpoints); err != nil {
		t.Fatal(err)
	}
	if lanes, err := s.WebhookLanes(ctx); err != nil || len(lanes) != 0 {
		t.Fatal(lanes, err)
	}
	if err := s.Update(ctx, func(tx *Tx) error {
		for _, subject := range []string{"f1", "f2", "f1"} {
			if err := tx.Emit(ctx, "filing.passed", subject, "", nil); err != nil {
				return err
			}
		}
		return tx.Emit(ctx, "message.queued", "m1", "", nil)
	}); err != nil {
		t.Fatal(err)
	}
	waiting, err := s.WebhooksWaiting(ctx, "a", 10)
	if err != nil || len(waiting) != 2 || waiting[0].Event.Subject != "f1" {
		t.Fatal(waiting, err)
	}
	since, next := time.Now().Add(-48*time.Hour).Truncate(time.Microsecond).UTC(), time.Now().Add(time.Minute).Truncate(time.Microsecond).UTC()
	down := &webhook.Change{Lane: "a", Breaker: webhook.Breaker{Since: since, Next: next}}
	failed := webhook.Outcome{State: webhook.Waiting, At: time.Now(), Began: since, Due: time.Now().Add(-time.Hour), Status: 502, Error: "x"}
	if err := s.RecordWebhook(ctx, waiting[0], failed, down); err != nil {
		t.Fatal(err)
	}
	lanes, err := s.WebhookLanes(ctx)
	if err != nil || len(lanes) != 2 || lanes[0].Name != "a" || lanes[1].Name != "b" {
		t.Fatal(lanes, err)
	}
	if b := lanes[0].Breaker; !b.Since.Equal(since) || !b.Next.Equal(next) || !lanes[1].Breaker.Since.IsZero() || !lanes[0].Due.Equal(failed.Due.Truncate(time.Microsecond)) {
		t.Errorf("%+v", lanes)
	}
	all, err := s.WebhookEndpoints(ctx)
	if err != nil || len(all) != 3 || !all[1].Down.Equal(since) || all[1].Waiting != 3 || !all[2].Down.IsZero() {
		t.Errorf("%+v %v", all, err)
	}
	if c, err := s.WebhookCounts(ctx); err != nil || c.Down != 1 || c.ByState["waiting"] != 5 || c.ByState["behind"] != 2 || c.Oldest.IsZero() {
		t.Errorf("%+v %v", c, err)
	}
	// What was tried has had its time; of the rest, what follows it is promoted, and has its own.
	n, err := s.ExpireWebhooks(ctx, "a", since, time.Now().Add(-24*time.Hour), "down")
	if err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	if err := s.RecordWebhook(ctx, waiting[1], webhook.Outcome{State: webhook.Delivered, At: time.Now()}, &webhook.Change{Lane: "a", Awake: true}); err != nil {
		t.Fatal(err)
	}
	if lanes, err = s.WebhookLanes(ctx); err != nil || len(lanes) != 2 || !lanes[0].Breaker.Since.IsZero() {
		t.Errorf("%+v %v", lanes, err)
	}
}

func TestWhatWaitsForAnEndpointThatIsGoneEndsInSmallTransactions(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	if err := s.SetWebhooks(ctx, []webhook.Endpoint{{Name: "a", URL: "https://a.example/"}}); err != nil {
		t.Fatal(err)
	}
	const n = 2*mostForsaken + 3
	if err := s.Update(ctx, func(tx *Tx) error {
		for i := range n {
			if err := tx.Emit(ctx, "filing.passed", fmt.Sprint(i), "", nil); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	first, err := s.WebhooksWaiting(ctx, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	commits := 0
	s.failpoint = func(b boundary) error {
		if b == afterCommit {
			commits++
		}
		return nil
	}
	if err := s.RecordWebhook(ctx, first[0], webhook.Outcome{State: webhook.Dead, Gone: true, At: time.Now(), Status: 410}, nil); err != nil {
		t.Fatal(err)
	}
	if c, err := s.WebhookCounts(ctx); err != nil || c.ByState["dead"] != n || c.ByState["waiting"] != 0 || c.Gone != 1 {
		t.Errorf("%+v %v", c, err)
	}
	if commits != 4 {
		t.Errorf("%d transactions", commits)
	}
	events, err := s.Events(ctx, int64(n), "", 10)
	if err != nil || len(events) != 1 || !strings.Contains(string(events[0].Data), fmt.Sprintf(`"others":%d`, n-1)) {
		t.Errorf("%+v %v", events, err)
	}
}
