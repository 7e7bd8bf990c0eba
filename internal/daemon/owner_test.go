package daemon_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"attestd/internal/access"
	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// tokenOf makes a token beside the running gateway, as attestd token create does.
func tokenOf(t *testing.T, r *rig.Rig, n store.NewToken) string {
	t.Helper()
	var secret string
	beside(t, r, func(s *store.Store) (err error) { secret, _, err = s.CreateToken(t.Context(), n); return err })
	return secret
}

func beside(t *testing.T, r *rig.Rig, do func(*store.Store) error) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: r.Config.Store.URL, KeyFile: r.Config.Store.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	if err := do(s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// streamed is what an event stream tells from the beginning, up to an event that everybody is told of.
func streamed(t *testing.T, r *rig.Rig, token, path string) string {
	t.Helper()
	beside(t, r, func(s *store.Store) error {
		return s.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Emit(t.Context(), "clock.jumped", "the end", access.Everyone, nil)
		})
	})
	q, _ := http.NewRequestWithContext(t.Context(), "GET", r.URL+path+"?after=0", nil)
	q.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(q)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var all strings.Builder
	for lines := bufio.NewScanner(resp.Body); lines.Scan() && !strings.Contains(lines.Text(), "the end"); {
		all.WriteString(lines.Text() + "\n")
	}
	return all.String()
}

// nowhere is the id of nothing.
const nowhere = "01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d"

// sameBut is a body without the id of its request: in what is another's and in what is not there nothing else may
// differ.
func sameBut(body []byte) string {
	return regexp.MustCompile(`urn:attestd:request:[0-9a-f]+`).ReplaceAllString(string(body), "")
}

// decisions are what each operation with a token does for one who does not own: a new operation without one fails the
// test.
var decisions = map[string]string{
	"send-message": "makes", "create-filing": "makes", "create-challenge": "makes", "sendCode": "makes", "validateCode": "camara",
	"list-messages": "list", "list-filings": "list", "search-filings": "list", "list-webhook-deliveries": "list",
	"get-message": "message", "cancel-message": "message", "delete-message": "message",
	"get-filing": "filing", "cancel-filing": "filing", "amend-person": "filing", "get-filing-timeline": "filing", "resubmit-filing": "filing",
	"get-challenge": "challenge", "check-challenge": "challenge", "resend-challenge": "challenge", "cancel-challenge": "challenge",
	"get-webhook-delivery": "delivery", "follow-events": "stream",
	"list-inbox": "gateway", "get-inbox-item": "gateway", "list-optouts": "gateway", "add-optout": "gateway", "remove-optout-of": "gateway", "remove-optout": "gateway",
	"list-modems": "gateway", "get-status": "gateway", "list-webhook-endpoints": "gateway",
	"verify-code": "public", "resend-code": "public", "unlock-modem": "admin",
	"replay-webhook-delivery": "admin", "replay-webhooks": "admin", "list-audit": "admin", "forget-number": "admin",
}

func TestWhatOneTenantMadeIsNotThereForAnotherInAnyOperationOfTheDocument(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	admin := r.Token
	a := tokenOf(t, r, store.NewToken{Name: "a"})
	mate := tokenOf(t, r, store.NewToken{Name: "a2", Tenant: "a"})
	b := tokenOf(t, r, store.NewToken{Name: "b"})
	as := func(token string) { r.Token = token }
	filing := map[string]any{"type": "first", "reference": "order-1", "callback": "https://platform.example/x?secret=hidden", "persons": []any{
		map[string]any{"role": "entity_head", "mobile": "13800138000", "certificate_tail": "31002X"},
		map[string]any{"role": "website_head", "mobile": "13900139000", "certificate_tail": "41003X", "site": "example.cn"},
	}}
	var f struct {
		ID, Callback string
		Persons      []struct{ ID string }
	}
	var m, c struct{ ID string }
	as(a)
	if code := call(t, r, "POST", "/v1/filings", filing, &f); code != http.StatusCreated || strings.Contains(f.Callback, "hidden") {
		t.Fatal(code, f)
	}
	message := map[string]any{"to": "13700137000", "text": "hello", "idempotency_key": "k"}
	if code := call(t, r, "POST", "/v1/messages", message, &m); code != http.StatusAccepted {
		t.Fatal(code)
	}
	if code := call(t, r, "POST", "/v1/challenges", map[string]any{"to": "13600136000"}, &c); code != http.StatusCreated {
		t.Fatal(code)
	}
	var deliveries struct{ Items []struct{ ID string } }
	if call(t, r, "GET", "/v1/webhooks/deliveries", nil, &deliveries); len(deliveries.Items) == 0 {
		t.Fatal("the filing has no deliveries")
	}
	ids := map[string]string{"message": m.ID, "filing": f.ID, "challenge": c.ID, "delivery": deliveries.Items[0].ID}
	bodies := map[string]any{
		"amend-person": map[string]any{"mobile": "13500135000"}, "check-challenge": map[string]any{"code": "123456"},
		"cancel-filing": map[string]any{}, "resubmit-filing": map[string]any{}, "search-filings": map[string]any{"mobile": "13800138000"},
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if code := call(t, r, "GET", "/openapi.json", nil, &document); code != http.StatusOK {
		t.Fatal(code)
	}
	for path, item := range document.Paths {
		for method, raw := range item {
			var op struct {
				OperationID string           `json:"operationId"`
				Security    []map[string]any `json:"security"`
			}
			if err := json.Unmarshal(raw, &op); err != nil || len(op.Security) == 0 {
				continue
			}
			method, decision := strings.ToUpper(method), decisions[op.OperationID]
			id, owned := ids[decision]
			if !owned {
				id = "x"
			}
			at := strings.NewReplacer("{id}", id, "{person}", f.Persons[0].ID, "{name}", "m0").Replace(path)
			as(b)
			switch {
			case owned:
				one, other := said(t, r, method, at, bodies[op.OperationID])
				two, none := said(t, r, method, strings.Replace(at, id, nowhere, 1), bodies[op.OperationID])
				if one != http.StatusNotFound || two != one || sameBut(other) != sameBut(none) || len(other) == 0 {
					t.Errorf("%s: %d %s for another's, %d %s for what is not there", op.OperationID, one, other, two, none)
				}
			case decision == "list":
				for token, want := range map[string]bool{b: false, a: true, mate: true, admin: true} {
					as(token)
					var l struct{ Items []json.RawMessage }
					if code := call(t, r, method, at, bodies[op.OperationID], &l); code != http.StatusOK || len(l.Items) > 0 != want {
						t.Errorf("%s: %d, %d items", op.OperationID, code, len(l.Items))
					}
				}
			case decision == "camara":
				one, other := said(t, r, method, at, map[string]string{"authenticationId": c.ID, "code": "123456"})
				two, none := said(t, r, method, at, map[string]string{"authenticationId": nowhere, "code": "123456"})
				if one != http.StatusNotFound || two != one || sameBut(other) != sameBut(none) || len(other) == 0 {
					t.Errorf("%s: %d %s, %d %s", op.OperationID, one, other, two, none)
				}
			case decision == "stream":
				for token, want := range map[string]bool{b: false, a: true, mate: true, admin: true} {
					if got := strings.Contains(streamed(t, r, token, at), m.ID); got != want {
						t.Errorf("%s: told %t, want %t", op.OperationID, got, want)
					}
				}
			case decision == "admin":
				if code := call(t, r, method, at, map[string]any{}, nil); code != http.StatusForbidden {
					t.Errorf("%s: %d", op.OperationID, code)
				}
			case decision == "":
				t.Errorf("%s %s (%s): decide whose it is", method, path, op.OperationID)
			}
		}
	}
	as(b) // no hint in references, keys and supersedes either
	filing["supersedes"] = f.ID
	if code := call(t, r, "POST", "/v1/filings", filing, nil); code != http.StatusUnprocessableEntity {
		t.Errorf("superseding another's: %d", code)
	}
	delete(filing, "supersedes")
	filing["language"] = "en"
	var f2, m2 struct{ ID string }
	if code := call(t, r, "POST", "/v1/filings", filing, &f2); code != http.StatusCreated || f2.ID == f.ID {
		t.Errorf("a reference that another has used: %d", code)
	}
	message["text"] = "another text"
	if code := call(t, r, "POST", "/v1/messages", message, &m2); code != http.StatusAccepted || m2.ID == m.ID {
		t.Errorf("a key that another has used: %d", code)
	}
	for _, token := range []string{mate, admin} { // and nothing was changed by any of it
		as(token)
		var now struct{ State string }
		if code := call(t, r, "GET", "/v1/filings/"+f.ID, nil, &now); code != http.StatusOK || now.State != "verifying" {
			t.Errorf("%d %s", code, now.State)
		}
	}
	for owner, want := range map[string]int{"a": 1, "b": 1, "nobody": 0} { // an admin may ask for one tenant's
		var l struct{ Items []json.RawMessage }
		as(admin)
		for _, path := range []string{"/v1/filings?owner=", "/v1/messages?limit=1&owner="} {
			if code := call(t, r, "GET", path+owner, nil, &l); code != http.StatusOK || len(l.Items) != want {
				t.Errorf("%s%s: %d, %d items", path, owner, code, len(l.Items))
			}
		}
		as(b)
		if code := call(t, r, "GET", "/v1/filings?owner="+owner, nil, &l); code != http.StatusOK || len(l.Items) > 0 != (owner == "b") {
			t.Errorf("another tenant by name: %d, %d items", code, len(l.Items))
		}
	}
	as(admin)
	if code := call(t, r, "POST", "/v1/filings/"+f.ID+"/cancel", map[string]any{}, nil); code != http.StatusOK {
		t.Errorf("an admin: %d", code)
	}
}

func TestAReplyBySMSIsForTheTenantWhoseFilingItAnswersAndWithSeveralForAdmins(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) {
		c.Verify.Replies, c.Verify.Limits.SMSGap = true, 0
	}})
	admin := r.Token
	tokens := map[string]string{"admin": admin, "mate": tokenOf(t, r, store.NewToken{Name: "a2", Tenant: "a"})}
	for _, name := range []string{"a", "b"} {
		tokens[name] = tokenOf(t, r, store.NewToken{Name: name})
	}
	taken := func(from string) string {
		t.Helper()
		r.Token = admin
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			var l struct{ Items []struct{ ID, From string } }
			call(t, r, "GET", "/v1/inbox?action=reply", nil, &l)
			for _, one := range l.Items {
				if one.From == from {
					return one.ID
				}
			}
			if time.Now().After(deadline) {
				t.Fatal("no reply was taken")
			}
		}
	}
	replied := func(phone string, filers ...string) string {
		t.Helper()
		answered := make(chan struct{}, 4)
		r.Network.Handset("+86"+phone, func(text string) (string, time.Duration) {
			if len(answered) == len(filers)-1 { // to the last of them
				answered <- struct{}{}
				return digits(text) + " 31002X", 0
			}
			answered <- struct{}{}
			return "", 0
		})
		for _, filer := range filers {
			r.Token = tokens[filer]
			if code := call(t, r, "POST", "/v1/filings", map[string]any{"type": "entity_cancellation", "persons": []any{
				map[string]any{"role": "entity_head", "mobile": phone, "certificate_tail": "31002X"}}}, nil); code != http.StatusCreated {
				t.Fatal(code)
			}
		}
		return taken("+86" + phone)
	}
	national := func() string { // a network that leaves out the country code
		r.Token = tokens["b"]
		text := make(chan string, 1)
		r.Network.Handset("+8613712345670", func(s string) (string, time.Duration) { text <- s; return "", 0 })
		if code := call(t, r, "POST", "/v1/filings", map[string]any{"type": "entity_cancellation", "persons": []any{
			map[string]any{"role": "entity_head", "mobile": "13712345670", "certificate_tail": "31002X"}}}, nil); code != http.StatusCreated {
			t.Fatal(code)
		}
		if err := r.Network.Inject(0, "13712345670", digits(<-text)+" 31002X"); err != nil {
			t.Fatal(err)
		}
		return taken("13712345670")
	}
	for _, one := range []struct {
		id   string
		sees map[string]bool
	}{
		{replied("13712345678", "a"), map[string]bool{"a": true, "mate": true, "admin": true}},
		{replied("13712345679", "a", "b"), map[string]bool{"admin": true}},
		{national(), map[string]bool{"b": true, "admin": true}},
	} {
		for name, token := range tokens {
			r.Token = token
			status, text := said(t, r, "GET", "/v1/inbox/"+one.id, nil)
			_, list := said(t, r, "GET", "/v1/inbox", nil)
			if (status == http.StatusOK) != one.sees[name] || strings.Contains(string(list), one.id) != one.sees[name] {
				t.Errorf("%s: %d %s, in the list: %t", name, status, text, strings.Contains(string(list), one.id))
			}
			if !one.sees[name] {
				if _, none := said(t, r, "GET", "/v1/inbox/"+nowhere, nil); sameBut(none) != sameBut(text) {
					t.Errorf("%s: %s for another's, %s for what is not there", name, text, none)
				}
			}
		}
	}
}

func TestAnEventStreamEndsWithinASecondAfterItsTokenIsRevokedByAnotherProcessOrExpires(t *testing.T) {
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	for name, n := range map[string]store.NewToken{
		"revoked": {Name: "a", Scopes: access.Platform}, "expired": {Name: "b", Scopes: access.Platform, Life: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			end := time.Now().Add(n.Life)
			secret := tokenOf(t, r, n)
			q, _ := http.NewRequestWithContext(t.Context(), "GET", r.URL+"/v1/events", nil)
			q.Header.Set("Authorization", "Bearer "+secret)
			resp, err := http.DefaultClient.Do(q)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, err)
			}
			defer func() { _ = resp.Body.Close() }()
			lines := bufio.NewScanner(resp.Body)
			lines.Scan() // it has begun
			if n.Life == 0 {
				beside(t, r, func(s *store.Store) error { _, err := s.RevokeToken(t.Context(), n.Name); return err })
				end = time.Now()
			}
			for lines.Scan() {
			}
			if late := time.Since(end); late > time.Second {
				t.Errorf("it ended %s after its token", late)
			}
		})
	}
}
