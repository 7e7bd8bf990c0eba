package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"attestd/internal/access"
	"attestd/internal/msisdn"
	"attestd/queue"
)

// fakeOptOuts is a list with one entry.
type fakeOptOuts struct{ by string }

var entry = OptOut{ID: "o1", To: "+8613800138000", Source: "sms", By: "stop"}

func (f *fakeOptOuts) OptOuts(context.Context, string, int) ([]OptOut, string, error) {
	return []OptOut{entry}, "", nil
}

func (f *fakeOptOuts) AddOptOut(_ context.Context, to msisdn.Number, by string) (OptOut, bool, error) {
	f.by = by
	return entry, to.E164() != entry.To, nil
}

func (f *fakeOptOuts) RemoveOptOut(_ context.Context, id string, to msisdn.Number, by string) (OptOut, bool, error) {
	f.by = by
	return entry, id == entry.ID || to.E164() == entry.To, nil
}

func TestAMessageToWhomHasOptedOutIsRefusedWithAProblemOfItsOwn(t *testing.T) {
	w := &world{fail: queue.ErrOptedOut}
	g := do(New(w.services(), options()), "POST", "/v1/messages", `{"to": "+8613800138000", "text": "news", "priority": "bulk"}`)
	p := g.problem(t)
	if p.Status != http.StatusUnprocessableEntity || p.Type != "urn:attestd:problem:opted-out" || len(p.Errors) != 1 || p.Errors[0].Field != "to" || strings.Contains(p.Detail, "138") {
		t.Errorf("%+v", p)
	}
}

func TestTheOptOutListTakesNumbersInBodiesFromTokensThatMaySend(t *testing.T) {
	w, list, scopes := new(world), new(fakeOptOuts), access.Scopes{access.Messages}
	s := w.services()
	s.OptOuts = list
	s.Authenticate = func(context.Context, string) (access.Caller, bool, error) {
		return access.Caller{Name: "platform", Scopes: scopes}, true, nil
	}
	h := New(s, options())
	for _, one := range []struct {
		method, path, body string
		want               int
		mayRead            int // with a token that only reads
	}{
		{"GET", "/v1/optouts", "", 200, 200},
		{"POST", "/v1/optouts", `{"to": "13900139000"}`, 201, 403},
		{"POST", "/v1/optouts", `{"to": "138 0013 8000"}`, 200, 403},
		{"POST", "/v1/optouts", `{"to": "ten"}`, 422, 403},
		{"POST", "/v1/optouts", `{}`, 400, 403},
		{"POST", "/v1/optouts/remove", `{"to": "13800138000"}`, 200, 403},
		{"POST", "/v1/optouts/remove", `{"to": "13900139000"}`, 404, 403},
		{"DELETE", "/v1/optouts/o1", "", 200, 403},
		{"DELETE", "/v1/optouts/o2", "", 404, 403},
	} {
		scopes = access.Scopes{access.Messages}
		if g := do(h, one.method, one.path, one.body); g.status != one.want {
			t.Errorf("%s %s %s: %d %s", one.method, one.path, one.body, g.status, g.text)
		}
		scopes = access.Scopes{access.Read}
		if g := do(h, one.method, one.path, one.body); g.status != one.mayRead {
			t.Errorf("%s %s with read: %d", one.method, one.path, g.status)
		}
	}
	if list.by != "platform" {
		t.Errorf("asked by %q", list.by)
	}
}

func TestAReceivedTextIsReadByTokensOfTheInboxAndByNoSender(t *testing.T) {
	w, scopes := new(world), access.Scopes{access.Inbox}
	s := w.services()
	asked := ""
	s.Inbox = func(_ context.Context, _, action, _ string, _ int) ([]InboxItem, string, error) {
		asked = action
		return nil, "", nil
	}
	s.InboxItem = func(_ context.Context, _, id string) (InboxItem, bool, error) {
		return InboxItem{ID: id, Rule: "official", Action: "capture", Code: "048213"}, id == "i1", nil
	}
	s.Authenticate = func(context.Context, string) (access.Caller, bool, error) {
		return access.Caller{Name: "platform", Scopes: scopes}, true, nil
	}
	h := New(s, options())
	var it InboxItem
	g := do(h, "GET", "/v1/inbox/i1", "")
	if g.decode(t, &it); g.status != 200 || it.Code != "048213" || it.Rule != "official" {
		t.Errorf("%d %+v", g.status, it)
	}
	if g := do(h, "GET", "/v1/inbox/i2", ""); g.status != 404 {
		t.Error(g.status)
	}
	if g := do(h, "GET", "/v1/inbox?action=capture", ""); g.status != 200 || asked != "capture" {
		t.Error(g.status, asked)
	}
	if g := do(h, "GET", "/v1/inbox?action=delete", ""); g.status != 400 {
		t.Error(g.status)
	}
	scopes = access.Scopes{access.Messages}
	if g := do(h, "GET", "/v1/inbox/i1", ""); g.status != 403 || strings.Contains(g.text, "048213") {
		t.Errorf("%d %s", g.status, g.text)
	}
}
