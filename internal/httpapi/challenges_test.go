package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
)

func TestACodeIsSentCheckedAndDoneOverTheAPI(t *testing.T) {
	r := gateway(t, func(c *config.Config) { c.Verify.Limits.SMSPerPhonePerDay = 2 })
	const phone, path = "+8613800138201", "/v1/challenges"
	made := call(t, r, "POST", path, `{"to":"13800138201","text":"Shop code {code}","ttl":300,"max_tries":2}`)
	id := made.field("id")
	if made.status != http.StatusCreated || made.field("mobile") != "+8613800138201" || made.field("tries_left") != "2" || made.field("expires_at") == "" {
		t.Fatal(made.status, made.text)
	}
	text := arrived(t, r, phone, 1)
	code, ok := strings.CutPrefix(text, "Shop code ")
	if !ok || len(code) != 6 || strings.Contains(made.text, code) {
		t.Fatalf("%q", text)
	}
	check := func(code string) reply {
		return call(t, r, "POST", path+"/"+id+"/check", fmt.Sprintf(`{"code":%q}`, code))
	}
	if a := check(otherCode(code)); a.status != 200 || a.field("ok") != "false" || a.field("tries_left") != "1" || strings.Contains(a.text, code) {
		t.Error(a.status, a.text)
	}
	if a := check(code); a.status != 200 || a.field("ok") != "true" || a.field("state") != "verified" {
		t.Error(a.status, a.text)
	}
	if a := check(code); a.field("ok") != "false" || a.field("state") != "verified" {
		t.Error("a code that opens twice", a.text)
	}
	if a := call(t, r, "GET", path+"/"+id, ""); a.status != 200 || a.field("state") != "verified" {
		t.Error(a.status, a.text)
	}
	for _, verb := range []string{"/resend", "/cancel"} {
		if a := call(t, r, "POST", path+"/"+id+verb, ""); a.status != http.StatusConflict {
			t.Error(verb, a.status, a.text)
		}
	}
	second := call(t, r, "POST", path, `{"to":"13800138201","language":"en"}`).field("id")
	if text := arrived(t, r, phone, 2); !strings.HasPrefix(text, "Your code is ") || !strings.Contains(text, "10 minutes") {
		t.Errorf("%q", text)
	}
	if a := call(t, r, "POST", path+"/"+second+"/cancel", ""); a.status != 200 || a.field("state") != "void" || a.field("reason") != "cancelled" {
		t.Error(a.status, a.text)
	}
	if a := call(t, r, "POST", path, `{"to":"13800138201"}`); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Error("the limit of a day:", a.status, a.text)
	}
	for body, status := range map[string]int{
		`{"to":"+861012345678"}`: 422, `{"to":"13800138202","template":"no code"}`: 422, `{"to":"13800138202","ttl":0.5}`: 400,
		`{"to":"13800138202","text":"{code}!","template":"{code}"}`: 400, `{"template":"{code}"}`: 400,
	} {
		if a := call(t, r, "POST", path, body); a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
			t.Error(body, a.status, a.text)
		}
	}
	if a := call(t, r, "GET", path+"/none", ""); a.status != http.StatusNotFound {
		t.Error(a.status, a.text)
	}
}

func TestEveryRefusalOfTheCAMARADoorIsInItsOwnForm(t *testing.T) {
	r := gateway(t, func(c *config.Config) { c.Verify.Limits.SMSGap = time.Hour })
	const phone = "+8613800138301"
	send := strings.ReplaceAll(goodSend, "$P", phone)
	if a := call(t, r, "POST", sendCode, send); a.status != http.StatusOK {
		t.Fatal(a.status, a.text)
	}
	for _, c := range []struct {
		name, method, path, body string
		header                   string
		status                   int
		code                     string
	}{
		{"a moment ago", "POST", sendCode, send, "x-correlator: a", 429, "TOO_MANY_REQUESTS"},
		{"another method", "GET", sendCode, "", "x-correlator: a", 405, "METHOD_NOT_ALLOWED"},
		{"an undeclared property", "POST", sendCode, strings.Replace(send, "{", `{"sender":"x",`, 1), "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"another case", "POST", sendCode, strings.Replace(send, "phoneNumber", "phonenumber", 1), "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"a number for a text", "POST", validateCode, `{"authenticationId":"a","code":123456}`, "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"null", "POST", validateCode, `null`, "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"two objects", "POST", validateCode, `{}{}`, "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"too large", "POST", sendCode, `{"message":"` + strings.Repeat("x", 17<<10) + `"}`, "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"no JSON", "POST", sendCode, send, "Content-Type: text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"a correlator that is none", "POST", sendCode, send, "x-correlator: a b", 400, "INVALID_ARGUMENT"},
		{"an id that is too long", "POST", validateCode, `{"authenticationId":"` + strings.Repeat("a", 37) + `","code":"1"}`, "x-correlator: a", 400, "INVALID_ARGUMENT"},
		{"too short for a mobile", "POST", sendCode, strings.ReplaceAll(goodSend, "$P", "+12345"), "x-correlator: a", 403, otp + "PHONE_NUMBER_NOT_ALLOWED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := call(t, r, c.method, c.path, c.body, c.header)
			if a.status != c.status || a.field("code") != c.code || a.field("status") != fmt.Sprint(c.status) || a.field("message") == "" {
				t.Error(a.status, a.text)
			}
			if a.header.Get("Content-Type") != "application/json" || strings.Contains(a.text, phone) {
				t.Error(a.header, a.text)
			}
			if c.header == "x-correlator: a" && a.header.Get("x-correlator") != "a" {
				t.Error("no correlator")
			}
			if c.status == 429 && a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}

func TestBothDoorsToChallengesAreInTheOpenAPIDocument(t *testing.T) {
	r := gateway(t, nil)
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]json.RawMessage `json:"responses"`
			Security  []map[string][]string      `json:"security"`
		} `json:"paths"`
	}
	text := call(t, r, "GET", "/openapi.json", "").text
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"post /v1/challenges 201", "post /v1/challenges 429", "get /v1/challenges/{id} 404", "post /v1/challenges/{id}/check 200",
		"post /v1/challenges/{id}/resend 409", "post /v1/challenges/{id}/cancel 409", "post " + sendCode + " 200", "post " + sendCode + " 403",
		"post " + sendCode + " 429", "post " + validateCode + " 204", "post " + validateCode + " 400", "post " + validateCode + " 404"} {
		part := strings.Fields(want)
		op := doc.Paths[part[1]][part[0]]
		if _, ok := op.Responses[part[2]]; !ok || len(op.Security) == 0 {
			t.Error("the document lacks", want)
		}
	}
	for _, schema := range []string{"CamaraError", "CamaraSendCode", "CamaraSentCode", "CamaraValidateCode", "GeneralChallenge", "CheckedChallenge"} {
		if !strings.Contains(text, `"`+schema+`": {`) {
			t.Error("the document lacks the schema", schema)
		}
	}
}

func TestTheCAMARADoorCanBeShut(t *testing.T) {
	r := gateway(t, func(c *config.Config) { c.Camara.Enabled = false })
	if a := call(t, r, "POST", sendCode, "{}"); a.status != http.StatusNotFound {
		t.Error(a.status, a.text)
	}
	if text := call(t, r, "GET", "/openapi.json", "").text; strings.Contains(text, sendCode) {
		t.Error("the document shows a door that is shut")
	}
}

func TestOfManyChecksAtOnceOneIsRightAndNoMoreThanTheTriesAreCharged(t *testing.T) {
	r := gateway(t, nil)
	const phone = "+8613800138401"
	id := call(t, r, "POST", "/v1/challenges", `{"to":"`+phone+`","max_tries":5}`).field("id")
	code := sixDigits.FindString(arrived(t, r, phone, 1))
	answers := make(chan string, 60)
	for i := range cap(answers) {
		entered := code
		if i%4 != 0 {
			entered = otherCode(code)
		}
		go func() {
			a := call(t, r, "POST", "/v1/challenges/"+id+"/check", fmt.Sprintf(`{"code":%q}`, entered))
			answers <- a.field("ok") + " " + a.field("state")
		}()
	}
	right, charged := 0, 0
	for range cap(answers) {
		switch a := <-answers; a {
		case "true verified":
			right++
		case "false sending", "false open":
			charged++
		case "false verified", "false locked":
		default:
			t.Error(a)
		}
	}
	state := call(t, r, "GET", "/v1/challenges/"+id, "").field("state")
	if (right == 1) != (state == "verified") || right > 1 || charged > 4 {
		t.Errorf("%d right, %d charged, %s", right, charged, state)
	}
}
