package daemon_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// example is a request that docs/api.md shows, with the status that it shows.
type example struct {
	method, path string
	body         json.RawMessage
	status       int // 0: any that says done
}

var (
	shownRequest = regexp.MustCompile(`^    (GET|POST|DELETE) +(/\S+) *(.*)$`)
	collectionOf = regexp.MustCompile(`^(/v1)?/[^/?]+`)
	shownAnswer  = regexp.MustCompile(`^    ([2-5][0-9][0-9]) \{`)
)

// examples reads the page. What has "..." for something left out is a sketch, and no example.
func examples(t *testing.T, page string) (all []example) {
	t.Helper()
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		if m := shownAnswer.FindStringSubmatch(lines[i]); m != nil && len(all) > 0 {
			all[len(all)-1].status, _ = strconv.Atoi(m[1])
			continue
		}
		m := shownRequest.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		rest := m[3]
		for strings.HasPrefix(rest, "{") && !json.Valid([]byte(rest)) || rest == "" && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "{") {
			if !strings.HasPrefix(lines[i+1], "    ") || shownRequest.MatchString(lines[i+1]) || shownAnswer.MatchString(lines[i+1]) {
				break
			}
			i++
			rest += strings.TrimSpace(lines[i])
		}
		one := example{method: m[1], path: m[2]}
		if strings.HasPrefix(rest, "{") && json.NewDecoder(strings.NewReader(rest)).Decode(&one.body) != nil {
			continue
		}
		all = append(all, one)
	}
	return all
}

// elsewhere are the examples that need what this gateway has not: an id that is none here, a locked modem, a rejected
// filing.
var elsewhere = map[string][]int{
	"POST /v1/messages/ID/cancel":              {200, 409},
	"POST /v1/filings/ID/resubmit":             {409},
	"POST /v1/challenges/ID/resend":            {200, 409, 429},
	"POST /v1/challenges/ID/cancel":            {200, 409},
	"GET /v1/inbox/ID":                         {404},
	"POST /v1/modems/m0/unlock":                {409},
	"GET /v1/webhooks/deliveries/ID":           {404},
	"POST /v1/webhooks/deliveries/ID/replay":   {404},
	"POST /v1/filings/ID/persons/PERSON/amend": {200, 409},
	"POST /v1/forget":                          {200, 409},
}

func TestTheExamplesOfTheAPIPageWorkInTheirOrder(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := examples(t, string(page))
	if len(all) < 30 {
		t.Fatalf("only %d examples were read", len(all))
	}
	r := start(t, rig.Options{Simulator: simulator.Config{Modems: 1}})
	for deadline := time.Now().Add(30 * time.Second); ready(t, r) < 1 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { // a state, not an event
	}
	ids, person := map[string]string{}, ""
	for _, one := range all {
		collection := collectionOf.FindString(one.path)
		path := strings.NewReplacer("/ID", "/"+ids[collection], "PERSON", person).Replace(one.path)
		if ids[collection] == "" {
			path = strings.ReplaceAll(one.path, "/ID", "/01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d")
		}
		req, err := http.NewRequestWithContext(t.Context(), one.method, r.URL+path, bytes.NewReader(one.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+r.Token)
		if one.body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		want := elsewhere[one.method+" "+one.path]
		if want == nil && one.status != 0 {
			want = []int{one.status}
		}
		if want == nil && resp.StatusCode/100 != 2 || want != nil && !slices.Contains(want, resp.StatusCode) {
			t.Errorf("%s %s %s: %d, want %v\n%s", one.method, one.path, one.body, resp.StatusCode, want, text)
		}
		var made struct {
			ID      string
			Persons []struct{ ID string }
		}
		if one.method == http.MethodPost && path == collection && json.Unmarshal(text, &made) == nil && made.ID != "" {
			ids[collection] = made.ID
			if len(made.Persons) > 0 {
				person = made.Persons[0].ID
			}
		}
	}
}
