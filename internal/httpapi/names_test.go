package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOldNamesAreReadAndMarkedAndTwoNamesMustAgree(t *testing.T) {
	w := new(world)
	s := w.services()
	s.OptOuts = new(fakeOptOuts)
	h := New(s, options())
	for body, want := range map[string]int{
		`{"number":"13900139000"}`: 201, `{"to":"13900139001"}`: 201, `{"number":"13900139002","to":"13900139002"}`: 201,
		`{"number":"13900139000","to":"13900139001"}`: 400, `{}`: 400, `{"number":""}`: 400,
	} {
		g := do(h, "POST", "/v1/optouts", body)
		if g.status != want || want == 400 && !strings.Contains(g.problem(t).Detail, "number: ") {
			t.Errorf("%s: %v", body, g)
		}
		var o OptOut
		if g.decode(t, &o); want == 201 && (o.Number == "" || o.Number != o.To) {
			t.Errorf("the entry has not both names: %s", g.text)
		}
	}
	if g := do(h, "POST", "/v1/challenges", `{"to":"13800138000","template":"{{code}} a","text":"{{code}} b"}`); g.status != 400 || !strings.Contains(g.problem(t).Detail, "template: differs from text") {
		t.Error(g)
	}
	var doc struct {
		Paths      map[string]map[string]struct{ Deprecated bool }
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Deprecated bool }
			}
		}
	}
	if err := json.Unmarshal(h.spec, &doc); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"OptOut.to", "OptOutRequest.to", "Challenge.wrong", "Challenge.max_wrong", "Challenge.deadline", "ChallengeRequest.text"} {
		schema, field, _ := strings.Cut(old, ".")
		if !doc.Components.Schemas[schema].Properties[field].Deprecated {
			t.Errorf("%s is not marked", old)
		}
	}
	for _, now := range []string{"OptOut.number", "Challenge.tries_left", "Challenge.expires_at", "ChallengeRequest.template", "GeneralChallenge.tries_left", "Message.deadline"} {
		schema, field, _ := strings.Cut(now, ".")
		if p, ok := doc.Components.Schemas[schema].Properties[field]; !ok || p.Deprecated {
			t.Errorf("%s is missing, or marked as old", now)
		}
	}
	if !doc.Paths["/v1/messages/{id}"]["delete"].Deprecated || doc.Paths["/v1/messages/{id}/cancel"]["post"].Deprecated {
		t.Error("of the two ways to cancel a message the old one is to be marked")
	}
	do(h, "POST", "/v1/messages", `{"to":"13800138000","text":"x"}`)
	if g := do(h, "POST", "/v1/messages/m000/cancel", ""); g.status != 200 || !strings.Contains(g.text, `"cancelled"`) {
		t.Error(g)
	}
}
