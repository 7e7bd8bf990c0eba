package daemon_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// posted is an example of the document and what it is answered. Where that is no 2xx, why says what is missing for one.
type posted struct {
	path, subject string // {id} is what this path made before
	want          int
	why           string
}

// documented is the order in which they are posted.
var documented = []posted{
	{path: "/v1/filings", want: 201},
	{path: "/v1/filings/search", want: 200},
	{path: "/v1/filings/{id}/persons/{person}/amend", subject: "/v1/filings", want: 200},
	{path: "/v1/filings/{id}/resubmit", subject: "/v1/filings", want: 409, why: "only a rejected filing is submitted again"},
	{path: "/v1/public/resend", want: 200},
	{path: "/v1/public/verify", want: 200},
	{path: "/v1/messages", want: 202},
	{path: "/v1/challenges", want: 201},
	{path: "/v1/challenges/{id}/check", subject: "/v1/challenges", want: 200},
	{path: "/one-time-password-sms/v1/send-code", want: 200},
	{path: "/one-time-password-sms/v1/validate-code", want: 404, why: "its authenticationId is not the one that was just made"},
	{path: "/v1/optouts", want: 201},
	{path: "/v1/optouts/remove", want: 200},
	{path: "/v1/webhooks/replay", want: 200},
	{path: "/v1/modems/{name}/unlock", want: 409, why: "the modem is not parked"},
	{path: "/v1/filings/{id}/cancel", subject: "/v1/filings", want: 200},
	{path: "/v1/forget", want: 409, why: "the challenges of that number are under way"},
}

func TestTheExamplesOfTheDocumentAreTakenByARealGateway(t *testing.T) {
	r := start(t, rig.Options{
		Simulator: simulator.Config{Modems: 1},
		Edit:      func(c *config.Config) { c.Verify.Limits.SMSGap = 0 }, // one phone stands in all examples
	})
	for deadline := time.Now().Add(30 * time.Second); ready(t, r) < 1 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { // a state, not an event
	}
	var document struct {
		Paths map[string]map[string]struct {
			RequestBody *struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if code := call(t, r, "GET", "/openapi.json", nil, &document); code != http.StatusOK {
		t.Fatal(code)
	}
	examples := map[string]json.RawMessage{}
	for path, item := range document.Paths {
		for method, op := range item {
			if op.RequestBody == nil {
				continue
			}
			examples[path] = op.RequestBody.Content["application/json"].Example
			if method != "post" || examples[path] == nil || !slices.ContainsFunc(documented, func(d posted) bool { return d.path == path }) {
				t.Errorf("the example of %s %s is not posted here", method, path)
			}
		}
	}
	ids, person := map[string]string{}, ""
	for _, d := range documented {
		var made struct {
			ID      string
			Persons []struct{ ID string }
		}
		path := strings.NewReplacer("{id}", ids[d.subject], "{person}", person, "{name}", "m0").Replace(d.path)
		if code := call(t, r, "POST", path, examples[d.path], &made); code != d.want {
			t.Errorf("POST %s %s: %d, want %d %s", path, examples[d.path], code, d.want, d.why)
		}
		if (d.want/100 == 2) != (d.why == "") {
			t.Errorf("%s: %d, and why is %q", d.path, d.want, d.why)
		}
		if made.ID != "" {
			ids[d.path] = made.ID
		}
		if len(made.Persons) > 0 && person == "" {
			person = made.Persons[0].ID
		}
	}
}
