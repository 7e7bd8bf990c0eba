package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/internal/seal"
	"attestd/internal/store"
	"attestd/modem/simulator"
)

// gateway is a whole gateway on a simulated modem, without the gap between two codes.
func gateway(t *testing.T, edit func(*config.Config)) *rig.Rig {
	t.Helper()
	r, err := rig.Start(t.Context(), rig.Options{Simulator: simulator.Config{Modems: 1}, Edit: func(c *config.Config) {
		c.Verify.Limits.SMSGap = 0
		if edit != nil {
			edit(c)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// reply is what came back over HTTP.
type reply struct {
	status int
	header http.Header
	text   string
}

func (r reply) field(name string) string {
	var body map[string]any
	if json.Unmarshal([]byte(r.text), &body) != nil || body[name] == nil {
		return ""
	}
	return fmt.Sprint(body[name])
}

// call posts a body, with "Name: value" headers; an empty value takes the header away.
func call(t *testing.T, r *rig.Rig, method, path, body string, headers ...string) reply {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.Token)
	q.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Del(name)
		if value != "" {
			q.Header.Set(name, value)
		}
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{a.StatusCode, a.Header, string(text)}
}

var sixDigits = regexp.MustCompile(`\d{6}`)

// arrived waits until a phone has got so many texts, and gives the newest.
func arrived(t *testing.T, r *rig.Rig, number string, texts int) string {
	t.Helper()
	heard, stop := r.Network.Watch(4096)
	defer stop()
	for deadline := time.After(30 * time.Second); ; {
		n, newest := 0, ""
		for _, e := range r.Network.Ledger() {
			if e.Kind == simulator.KindSubmit && e.Accepted && e.To == number {
				n, newest = n+1, e.Text
			}
		}
		if n >= texts {
			return newest
		}
		select {
		case <-heard:
		case <-deadline:
			t.Fatalf("%d of %d texts came", n, texts)
		}
	}
}

// otherCode is one that is not this.
func otherCode(code string) string { return code[:5] + string((code[5]-'0'+1)%10+'0') }

// revoked makes a token whose time is over: ours end by being revoked.
func revoked(t *testing.T, r *rig.Rig) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	keys, _, err := seal.LoadOrCreate(r.Config.Store.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(ctx, store.Options{URL: r.Config.Store.URL, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := s.CreateToken(ctx, store.NewToken{Name: "over"})
	if err == nil {
		_, err = s.RevokeToken(ctx, "over")
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return secret
}

const (
	sendCode     = "/one-time-password-sms/v1/send-code"
	validateCode = "/one-time-password-sms/v1/validate-code"
	otp          = "ONE_TIME_PASSWORD_SMS."
	tries        = 3
	sendsAllowed = 4
)

// operator is the other side of the scenarios: a phone of its own for each.
type operator struct {
	*rig.Rig
	t      *testing.T
	number string
	sent   int
}

// send asks for a code and gives its id; code reads it off the phone.
func (o *operator) send() string {
	o.t.Helper()
	a := call(o.t, o.Rig, "POST", sendCode, fmt.Sprintf(`{"phoneNumber":%q,"message":"{{code}} is your short code"}`, o.number))
	id := a.field("authenticationId")
	if a.status != http.StatusOK || id == "" || len(id) > 36 {
		o.t.Fatalf("send-code: %d %s", a.status, a.text)
	}
	o.sent++
	return id
}

func (o *operator) code() string {
	o.t.Helper()
	return sixDigits.FindString(arrived(o.t, o.Rig, o.number, o.sent))
}

func (o *operator) validate(id, code string, headers ...string) reply {
	o.t.Helper()
	return call(o.t, o.Rig, "POST", validateCode, fmt.Sprintf(`{"authenticationId":%q,"code":%q}`, id, code), headers...)
}

// scenario is one of the published feature files, numbered as docs/camara.md numbers them. It makes the request with the
// headers that it is given.
type scenario struct {
	n      string
	status int
	code   string
	do     func(o *operator, headers ...string) reply
}

func sending(body string) func(*operator, ...string) reply {
	return func(o *operator, headers ...string) reply {
		return call(o.t, o.Rig, "POST", sendCode, strings.ReplaceAll(body, "$P", o.number), headers...)
	}
}

// validating fills in $I, an id, and $C, its code.
func validating(body string) func(*operator, ...string) reply {
	return func(o *operator, headers ...string) reply {
		id := o.send()
		return call(o.t, o.Rig, "POST", validateCode, strings.NewReplacer("$I", id, "$C", o.code()).Replace(body), headers...)
	}
}

func with(header string, do func(*operator, ...string) reply) func(*operator, ...string) reply {
	return func(o *operator, headers ...string) reply { return do(o, append(headers, header)...) }
}

const (
	goodSend  = `{"phoneNumber":"$P","message":"{{code}} is your short code"}`
	goodCheck = `{"authenticationId":"$I","code":"$C"}`
)

func sendTo(number string) string { return strings.ReplaceAll(goodSend, "$P", number) }

func scenarios(over string) []scenario {
	return []scenario{
		{"S01", 200, "", sending(goodSend)},
		{"S02", 200, "", with("x-correlator: ", sending(goodSend))},
		{"S400.1", 400, "INVALID_ARGUMENT", sending("")},
		{"S400.2", 400, "INVALID_ARGUMENT", sending("{}")},
		{"S400.4", 400, "INVALID_ARGUMENT", sending(sendTo("3301"))},
		{"S400.5", 400, "INVALID_ARGUMENT", sending(`{"phoneNumber":"$P"}`)},
		{"S400.6", 400, "INVALID_ARGUMENT", sending(`{"phoneNumber":"$P","message":"your short code"}`)},
		{"S400.7", 400, "INVALID_ARGUMENT", sending(`{"phoneNumber":"$P","message":"{{code}}` + strings.Repeat("x", 153) + `"}`)},
		{"S401.1", 401, "UNAUTHENTICATED", with("Authorization: ", sending(goodSend))},
		{"S401.2", 401, "UNAUTHENTICATED", with("Authorization: Bearer "+over, sending(goodSend))},
		{"S401.3", 401, "UNAUTHENTICATED", with("Authorization: Bearer nobody", sending(goodSend))},
		{"S403.3", 403, otp + "MAX_OTP_CODES_EXCEEDED", func(o *operator, headers ...string) reply {
			for range sendsAllowed {
				o.send()
			}
			return sending(goodSend)(o, headers...)
		}},
		{"S403.4", 403, otp + "PHONE_NUMBER_NOT_ALLOWED", sending(sendTo("+447700900123"))},
		{"S403.5", 403, otp + "PHONE_NUMBER_NOT_ALLOWED", sending(sendTo("+861012345678"))},
		{"S403.6", 403, otp + "PHONE_NUMBER_BLOCKED", sending(sendTo("+8617012345678"))},
		{"S404.1", 404, "NOT_FOUND", sending(sendTo("+8617112345678"))},

		{"V01", 204, "", validating(goodCheck)},
		{"V02", 204, "", with("x-correlator: ", validating(goodCheck))},
		{"V400.1", 400, "INVALID_ARGUMENT", validating("")},
		{"V400.2", 400, "INVALID_ARGUMENT", validating("{}")},
		{"V400.3a", 400, "INVALID_ARGUMENT", validating(`{"code":"$C"}`)},
		{"V400.3b", 400, "INVALID_ARGUMENT", validating(`{"authenticationId":"$I"}`)},
		{"V400.4", 400, "INVALID_ARGUMENT", validating(`{"authenticationId":"$I","code":"$C$C"}`)},
		{"V400.5", 400, otp + "INVALID_OTP", func(o *operator, headers ...string) reply {
			return o.validate(o.send(), otherCode(o.code()), headers...)
		}},
		{"V400.6", 400, otp + "VERIFICATION_EXPIRED", func(o *operator, headers ...string) reply {
			id := o.send()
			code := o.code()
			o.expires(id)
			return o.validate(id, code, headers...)
		}},
		{"V400.7", 400, otp + "VERIFICATION_EXPIRED", func(o *operator, headers ...string) reply {
			id := o.send()
			code := o.code()
			o.send()
			return o.validate(id, code, headers...)
		}},
		{"V400.8", 400, otp + "VERIFICATION_EXPIRED", func(o *operator, headers ...string) reply {
			id := o.send()
			code := o.code()
			if a := o.validate(id, code); a.status != http.StatusNoContent {
				o.t.Errorf("the first time: %d %s", a.status, a.text)
			}
			return o.validate(id, code, headers...)
		}},
		{"V400.9", 400, otp + "VERIFICATION_FAILED", func(o *operator, headers ...string) reply {
			id := o.send()
			code := otherCode(o.code())
			for range tries - 1 {
				if a := o.validate(id, code); a.field("code") != otp+"INVALID_OTP" {
					o.t.Errorf("a wrong code with tries left: %s", a.text)
				}
			}
			return o.validate(id, code, headers...)
		}},
		{"V401.1", 401, "UNAUTHENTICATED", with("Authorization: ", validating(goodCheck))},
		{"V401.2", 401, "UNAUTHENTICATED", with("Authorization: Bearer "+over, validating(goodCheck))},
		{"V401.3", 401, "UNAUTHENTICATED", with("Authorization: Bearer nobody", validating(goodCheck))},
		{"V404", 404, "NOT_FOUND", func(o *operator, headers ...string) reply {
			return o.validate("01939b2f-5a52-7c3e-9c54-0f6d1a2b3c4d", "000000", headers...)
		}},
	}
}

// expires waits for the end of a code's life, which an event tells.
func (o *operator) expires(id string) {
	o.t.Helper()
	q, err := http.NewRequestWithContext(o.t.Context(), "GET", o.URL+"/v1/events?after=0&subject="+id, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+o.Token)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		o.t.Fatal(err)
	}
	defer a.Body.Close()
	for seen, buffer := "", make([]byte, 4096); !strings.Contains(seen, "event: challenge.expired"); {
		n, err := a.Body.Read(buffer)
		seen += string(buffer[:n])
		if err != nil {
			o.t.Fatalf("%v after %s", err, seen)
		}
	}
}

func operatorRules(c *config.Config) {
	c.Verify.MaxWrong, c.Verify.Limits.SMSPerPhonePerDay = tries, sendsAllowed
	c.Camara.Blocked, c.Camara.NotOurs = []string{"+86170"}, []string{"+86171"}
}

func TestTheScenariosOfCAMARAPass(t *testing.T) {
	r := gateway(t, operatorRules)
	brief := gateway(t, func(c *config.Config) { operatorRules(c); c.Camara.Life = 2 * time.Second })
	over := revoked(t, r)
	all := scenarios(over)
	if len(all) != 32 {
		t.Errorf("%d scenarios", len(all))
	}
	for i, s := range all {
		t.Run(s.n, func(t *testing.T) {
			o := &operator{Rig: r, t: t, number: fmt.Sprintf("+861380013%04d", 8100+i)}
			if s.n == "V400.6" {
				o.Rig = brief
			}
			const correlator = "b4333c46-49c0-4f62-80d7-f0ef930f1c46"
			a := s.do(o, "x-correlator: "+correlator)
			if a.status != s.status || a.field("code") != s.code {
				t.Fatalf("%d %s", a.status, a.text)
			}
			switch got := a.header.Get("x-correlator"); {
			case strings.HasSuffix(s.n, "02"):
				if got != "" {
					t.Errorf("x-correlator %q of nowhere", got)
				}
			case got != correlator:
				t.Errorf("x-correlator %q", got)
			}
			switch {
			case s.status == http.StatusNoContent:
				if a.text != "" {
					t.Errorf("a body with 204: %s", a.text)
				}
			case a.header.Get("Content-Type") != "application/json":
				t.Errorf("Content-Type %q", a.header.Get("Content-Type"))
			case s.status == http.StatusOK && a.field("authenticationId") == "":
				t.Error(a.text)
			case s.status >= 400 && (a.field("status") != fmt.Sprint(s.status) || a.field("message") == ""):
				t.Error(a.text)
			}
		})
	}
}
