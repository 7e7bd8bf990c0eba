package daemon_test

import (
	"encoding/json"
	"strings"

	"attestd/internal/store"
)

// answers are everything that a platform's token, without the scope numbers, can read of this life, and what is refused to it;
// of the audit log, what an admin reads.
func (s *story) answers() map[string][]byte {
	t, r, admin := s.t, s.r, s.r.Token
	r.Token = tokenOf(t, r, store.NewToken{Name: "eye", Tenant: "platform"})
	s.knows("another token", r.Token)
	shown := map[string][]byte{}
	get := func(path string) []byte {
		shown[path] = s.get(path)
		return shown[path]
	}
	for _, list := range []string{"/v1/filings", "/v1/messages", "/v1/inbox", "/v1/webhooks/deliveries"} {
		var l struct{ Items []struct{ ID string } }
		if err := json.Unmarshal(get(list), &l); err != nil || len(l.Items) == 0 {
			t.Fatalf("%s is empty: %v", list, err)
		}
		for _, one := range l.Items {
			get(list + "/" + one.ID)
			if list == "/v1/filings" {
				get(list + "/" + one.ID + "/timeline")
			}
		}
	}
	for _, path := range []string{"/v1/optouts", "/v1/modems", "/v1/status", "/v1/webhooks/endpoints", "/metrics", "/readyz", "/healthz",
		"/v1/filings/" + headNumber, "/v1/messages?mobile=" + headNumber, "/v1/nothing/" + headNumber, "/v1/messages?" + headNumber + "=" + headTail, "/v1/messages?" + headNumber + "=1&" + headNumber + "=2", "/v1/events?after=" + headNumber + "x"} {
		get(path)
	}
	person := map[string]any{"role": "entity_head", "mobile": headNumber + "0", "certificate_tail": headTail + "0", "name": "欧阳修竹"}
	for what, body := range map[string]any{
		"/v1/filings":           map[string]any{"type": "first", "callback": "https://canary-of-a-user:canary-of-a-password@h.example/", "persons": []any{person}},
		"/v1/messages":          map[string]any{"to": headNumber + "00000", "text": ownText, "deadline": "2001-01-01T00:00:00Z"},
		"/v1/challenges":        map[string]any{"to": headNumber + "0", "template": ownText, headNumber: ownText},
		"/v1/optouts":           map[string]any{"number": headNumber, "to": siteNumber},
		"/v1/filings/search":    map[string]any{"mobile": headNumber + "00000"},
		"/v1/public/verify":     map[string]any{"code": []string{headTail}, "mobile": headNumber, "certificate_tail": headTail},
		"/v1/modems/m0/unlock":  map[string]any{"pin": pin},
		"/v1/modems/m0/unlock?": map[string]any{"pin": pin + "99"},
	} {
		status, text := said(t, r, "POST", what, body)
		if status < 400 {
			t.Errorf("%s: %d", what, status)
		}
		shown["POST "+what] = text
	}
	r.Token = admin
	_, shown["unlock, by an admin"] = said(t, r, "POST", "/v1/modems/m0/unlock", map[string]any{"pin": pin})
	get("/v1/audit?limit=1000")
	return shown
}

// notShown are the secrets that no answer has: texts and names are shown to whose they are, and so is the note of a filing.
func (s *story) notShown() (all []secretOf) {
	for _, one := range s.secrets {
		if !strings.Contains(one.what, "text") && !strings.Contains(one.what, "name") {
			all = append(all, one)
		}
	}
	return all
}
