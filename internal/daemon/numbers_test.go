package daemon_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/internal/access"
	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// numberFields are the names under which an answer has a number of a phone.
var numberFields = regexp.MustCompile(`"(to|mobile|number|from)":\s*"([^"]+)"`)

// teller makes what each operation is asked about: a phone of its own each time, for none is to be limited.
type teller struct {
	t      *testing.T
	r      *rig.Rig
	phones int
}

func (w *teller) ask(method, path string, body any, status int) json.RawMessage {
	w.t.Helper()
	var raw json.RawMessage
	if got := call(w.t, w.r, method, path, body, &raw); got != status {
		w.t.Fatalf("%s %s: %d", method, path, got)
	}
	return raw
}

func (w *teller) id(raw json.RawMessage) string {
	var v struct{ ID string }
	if err := json.Unmarshal(raw, &v); err != nil || v.ID == "" {
		w.t.Fatalf("no id in %s", raw)
	}
	return v.ID
}

func (w *teller) phone() string {
	w.phones++
	return fmt.Sprintf("1370000%04d", w.phones)
}

func (w *teller) message() json.RawMessage {
	later := time.Now().Add(time.Hour)
	return w.ask("POST", "/v1/messages", map[string]any{"to": w.phone(), "text": "hello", "deadline": later}, http.StatusAccepted)
}

func (w *teller) person(mobile string) map[string]any {
	return map[string]any{"role": "entity_head", "mobile": mobile, "certificate_tail": "31002X"}
}

func (w *teller) filing(mobile string) json.RawMessage {
	return w.ask("POST", "/v1/filings", map[string]any{"type": "entity_cancellation", "persons": []any{w.person(mobile)}}, http.StatusCreated)
}

func (w *teller) challenge() json.RawMessage {
	return w.ask("POST", "/v1/challenges", map[string]any{"to": w.phone()}, http.StatusCreated)
}

func (w *teller) optOut() json.RawMessage {
	return w.ask("POST", "/v1/optouts", map[string]any{"number": w.phone()}, http.StatusCreated)
}

// rejected is a filing that five wrong codes have ended.
func (w *teller) rejected() string {
	mobile := w.phone()
	id := w.id(w.filing(mobile))
	for i := range 5 {
		w.ask("POST", "/v1/public/verify", map[string]any{"code": fmt.Sprintf("00000%d", i), "mobile": mobile, "certificate_tail": "31002X"}, http.StatusOK)
	}
	return id
}

// received is the id of a text in the inbox.
func (w *teller) received() string {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var list struct{ Items []struct{ ID string } }
		if call(w.t, w.r, "GET", "/v1/inbox", nil, &list); len(list.Items) > 0 {
			return list.Items[0].ID
		}
		if time.Now().After(deadline) {
			w.t.Fatal("no text came in")
		}
	}
}

// identified waits until every modem has told its own number: before that there is none to show.
func (w *teller) identified() json.RawMessage {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var list struct{ Items []struct{ Number string } }
		call(w.t, w.r, "GET", "/v1/modems", nil, &list)
		if !slices.ContainsFunc(list.Items, func(m struct{ Number string }) bool { return m.Number == "" }) {
			return nil
		}
		if time.Now().After(deadline) {
			w.t.Fatal("the modems have no numbers")
		}
	}
}

// answers are what each operation answers, for the token of the rig.
func (w *teller) answers() map[string]func() json.RawMessage {
	get := func(path string, make func() json.RawMessage) func() json.RawMessage {
		return func() json.RawMessage { make(); return w.ask("GET", path, nil, http.StatusOK) }
	}
	there := func() json.RawMessage { return nil }
	on := func(method, path string, make func() json.RawMessage, body any) func() json.RawMessage {
		return func() json.RawMessage {
			return w.ask(method, strings.ReplaceAll(path, "{id}", w.id(make())), body, http.StatusOK)
		}
	}
	file := func() json.RawMessage { return w.filing(w.phone()) }
	return map[string]func() json.RawMessage{
		"send-message": w.message, "list-messages": get("/v1/messages", w.message), "get-message": on("GET", "/v1/messages/{id}", w.message, nil),
		"cancel-message": on("POST", "/v1/messages/{id}/cancel", w.queued, nil), "delete-message": on("DELETE", "/v1/messages/{id}", w.queued, nil),
		"create-filing": file, "list-filings": get("/v1/filings", file), "get-filing": on("GET", "/v1/filings/{id}", file, nil),
		"cancel-filing": on("POST", "/v1/filings/{id}/cancel", file, map[string]any{}),
		"search-filings": func() json.RawMessage {
			mobile := w.phone()
			w.filing(mobile)
			return w.ask("POST", "/v1/filings/search", map[string]any{"mobile": mobile}, http.StatusOK)
		},
		"get-filing-timeline": on("GET", "/v1/filings/{id}/timeline", file, nil),
		"resubmit-filing": func() json.RawMessage {
			return w.ask("POST", "/v1/filings/"+w.rejected()+"/resubmit", map[string]any{}, http.StatusCreated)
		},
		"amend-person": func() json.RawMessage {
			var f struct {
				ID      string
				Persons []struct{ ID string }
			}
			made := w.ask("POST", "/v1/filings", map[string]any{"type": "first", "persons": []any{
				w.person(w.phone()), map[string]any{"role": "website_head", "mobile": w.phone(), "certificate_tail": "41003X", "site": "s.example"},
			}}, http.StatusCreated)
			if err := json.Unmarshal(made, &f); err != nil {
				w.t.Fatal(err)
			}
			return w.ask("POST", "/v1/filings/"+f.ID+"/persons/"+f.Persons[0].ID+"/amend", map[string]any{"mobile": w.phone()}, http.StatusOK)
		},
		"create-challenge": w.challenge, "get-challenge": on("GET", "/v1/challenges/{id}", w.challenge, nil),
		"check-challenge":  on("POST", "/v1/challenges/{id}/check", w.challenge, map[string]any{"code": "000000"}),
		"resend-challenge": on("POST", "/v1/challenges/{id}/resend", w.sent, nil),
		"cancel-challenge": on("POST", "/v1/challenges/{id}/cancel", w.challenge, nil),
		"list-inbox":       get("/v1/inbox", func() json.RawMessage { w.received(); return nil }), "get-inbox-item": func() json.RawMessage { return get("/v1/inbox/"+w.received(), there)() },
		"list-optouts": get("/v1/optouts", w.optOut), "add-optout": w.optOut, "remove-optout": on("DELETE", "/v1/optouts/{id}", w.optOut, nil),
		"remove-optout-of": func() json.RawMessage {
			w.optOut()
			return w.ask("POST", "/v1/optouts/remove", map[string]any{"number": fmt.Sprintf("1370000%04d", w.phones)}, http.StatusOK)
		},
		"list-modems": get("/v1/modems", w.identified),
	}
}

// queued is a message that waits for a modem which sends nothing.
func (w *teller) queued() json.RawMessage {
	return w.ask("POST", "/v1/messages", map[string]any{"to": w.phone(), "text": "hello", "modem": "m1"}, http.StatusAccepted)
}

// sent is a challenge whose SMS a network has taken.
func (w *teller) sent() json.RawMessage {
	made := w.challenge()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var c struct{ State string }
		if call(w.t, w.r, "GET", "/v1/challenges/"+w.id(made), nil, &c); c.State == "open" {
			return made
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the challenge is %s", c.State)
		}
	}
}

// withNumbers are the operations of the document whose answers have a number.
func withNumbers(t *testing.T, r *rig.Rig) (names []string) {
	t.Helper()
	var document struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]json.RawMessage }
	}
	call(t, r, "GET", "/openapi.json", nil, &document)
	reference := regexp.MustCompile(`"#/components/schemas/(\w+)"`)
	field := regexp.MustCompile(`"(to|mobile|number|from)":\s*\{`)
	var has func(raw []byte, seen map[string]bool) bool
	has = func(raw []byte, seen map[string]bool) bool {
		if field.Match(raw) {
			return true
		}
		for _, name := range reference.FindAllSubmatch(raw, -1) {
			if s := string(name[1]); !seen[s] {
				seen[s] = true
				if has(document.Components.Schemas[s], seen) {
					return true
				}
			}
		}
		return false
	}
	for _, item := range document.Paths {
		for _, raw := range item {
			var o struct {
				OperationID string `json:"operationId"`
				Responses   map[string]json.RawMessage
			}
			if json.Unmarshal(raw, &o) != nil {
				continue
			}
			for status, answer := range o.Responses {
				if o.OperationID == "get-status" { // its from says where the region comes from
					continue
				}
				if status < "300" && has(answer, map[string]bool{}) && !slices.Contains(names, o.OperationID) {
					names = append(names, o.OperationID)
				}
			}
		}
	}
	return names
}

func TestNumbersAreWholeWithTheScopeAndMaskedWithoutItInEveryOperationThatHasOne(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 2}, Edit: func(c *config.Config) {
		c.Modem[1].RatePerMinute = 1
		c.Verify.ResendWait, c.Verify.Limits.SMSGap = 0, 0
		c.Abuse.APIProof = "off"
	}})
	admin := r.Token
	platform := tokenOf(t, r, store.NewToken{Name: "a"})
	numbers := tokenOf(t, r, store.NewToken{Name: "b", Tenant: "a", Scopes: slices.Concat(access.Platform, access.Scopes{access.Numbers})})
	if err := r.Network.Inject(0, "+8613900139000", "hello"); err != nil {
		t.Fatal(err)
	}
	w := &teller{t: t, r: r}
	names := withNumbers(t, r)
	for who, token := range map[string]string{"without the scope": platform, "with it": numbers, "an admin": admin} {
		r.Token = token
		answers := w.answers()
		for _, name := range append(slices.Collect(maps.Keys(answers)), names...) {
			answer, ok := answers[name]
			if !ok || !slices.Contains(names, name) {
				t.Fatalf("%s: the document and this test do not know the same operations with numbers: %v", name, names)
			}
			raw := answer()
			found := numberFields.FindAllSubmatch(raw, -1)
			if len(found) == 0 {
				t.Errorf("%s, %s: no number in %s", name, who, raw)
			}
			for _, f := range found {
				masked := strings.Contains(string(f[2]), "****") && !strings.HasPrefix(string(f[2]), "+")
				whole := regexp.MustCompile(`^\+86\d{11}$`).Match(f[2])
				if want := token != platform && name != "get-filing-timeline"; whole != want || masked == want {
					t.Errorf("%s, %s: %s", name, who, f[0])
				}
			}
			if owner := strings.Contains(string(raw), `"owner"`); owner && token != admin || !owner && token == admin && regexp.MustCompile(`^(get|list)-(message|filing|challenge|inbox)(s|-item|)$`).MatchString(name) {
				t.Errorf("%s, %s: told the owner: %t", name, who, owner)
			}
		}
		if events := streamed(t, r, token, "/v1/events"); !strings.Contains(events, "****") || regexp.MustCompile(`1370000\d{4}`).MatchString(events) {
			t.Errorf("events, %s, have whole numbers or none", who)
		}
	}
}
