package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// raw sends octets to a server and gives the answer; half says that the client then sends no more, and waits.
func raw(t *testing.T, address, request string) (status int, kind, text string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer res.Body.Close()
	all, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header.Get("Content-Type"), string(all)
}

func TestABodyThatComesToNoProperEndIsTheClientsFaultAndTheLogSaysSo(t *testing.T) {
	var log bytes.Buffer
	o := camaraOptions()
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	server := httptest.NewServer(New(new(world).services(), o))
	for _, path := range []string{"/v1/messages", "/v1/filings", "/v1/filings/f0/cancel", "/v1/public/verify", "/v1/webhooks/replay", camaraBase + "/send-code"} {
		head := "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + goodToken + "\r\nContent-Type: application/json\r\n"
		for name, rest := range map[string]string{
			"no chunk":               "Transfer-Encoding: chunked\r\n\r\nZZZ\r\n{}\r\n0\r\n\r\n",
			"a chunk without an end": "Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n",
			"no last chunk":          "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
			"truncated":              "Content-Length: 100\r\n\r\n{\"to\":\"+8613",
		} {
			status, kind, text := raw(t, server.Listener.Addr().String(), head+rest)
			if status != 400 || !strings.HasSuffix(strings.TrimSuffix(kind, ";"), "json") || !strings.Contains(text, "cannot be read") {
				t.Errorf("%s, %s: %d %s %s", path, name, status, kind, text)
			}
		}
	}
	server.Close()
	if !strings.Contains(log.String(), "body=") || strings.Contains(log.String(), "127.0.0.1") {
		t.Errorf("the log does not say why, or names an address:\n%s", &log)
	}
}

func TestWhatTwoReadersCouldUnderstandDifferentlyIsRefusedByName(t *testing.T) {
	h := New(new(world).services(), camaraOptions())
	const to = `"to":"+8613800138000"`
	for _, c := range []struct{ name, path, body, says string }{
		{"a name twice", "/v1/messages", `{` + to + `,"text":"a","text":"b"}`, "text: comes twice"},
		{"a name twice, once escaped", "/v1/messages", `{` + to + `,"text":"a","te\u0078t":"b"}`, "text: comes twice"},
		{"an unknown name twice", "/v1/messages", `{` + to + `,"text":"a","x":"b","x":"c"}`, "x: comes twice"},
		{"a name twice within", "/v1/filings", `{"type":"first","persons":[{"role":"entity_head"},{"mobile":"1","mobile":"2"}]}`, "persons[1].mobile: comes twice"},
		{"half a surrogate", "/v1/messages", `{` + to + `,"text":"\ud83d"}`, "text: is not UTF-8"},
		{"no UTF-8", "/v1/messages", "{" + to + ",\"text\":\"\xc3\"}", "UTF-8"},
		{"an overlong form", "/v1/messages", "{" + to + ",\"text\":\"\xc0\xaf\"}", "UTF-8"},
		{"two objects", "/v1/messages", `{` + to + `,"text":"a"} {}`, "behind it"},
		{"something behind", "/v1/messages", `{` + to + `,"text":"a"}]`, "behind it"},
		{"nested", "/v1/messages", `{` + to + `,"text":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "text: is JSON nested"},
		{"nested without end", "/v1/messages", strings.Repeat(`[`, 100000), "body: is JSON nested"},
		{"a huge number", "/v1/messages", `{` + to + `,"text":"a","class":1e999}`, "class: is a number too large"},
		{"a huge whole number", "/v1/challenges", `{` + to + `,"ttl":` + strings.Repeat("9", 400) + `}`, "ttl: is a number too large"},
		{"an exponent", "/v1/challenges", `{` + to + `,"ttl":6e2}`, "ttl: want a whole number"},
		{"a point", "/v1/challenges", `{` + to + `,"ttl":600.0}`, "ttl: want a whole number"},
		{"a comment", "/v1/messages", `{/* */` + to + `,"text":"a"}`, "cannot be read as JSON"},
		{"a comma", "/v1/messages", `{` + to + `,"text":"a",}`, "cannot be read as JSON"},
		{"NaN", "/v1/messages", `{` + to + `,"text":"a","class":NaN}`, "cannot be read as JSON"},
		{"a byte order mark", "/v1/messages", "\ufeff{" + to + `,"text":"a"}`, "cannot be read as JSON"},
		{"CAMARA, a name twice", camaraBase + "/send-code", `{"phoneNumber":"+8613800138000","message":"{{code}}","message":"{{code}}!"}`, "message: comes twice"},
		{"CAMARA, half a surrogate", camaraBase + "/send-code", `{"phoneNumber":"+8613800138000","message":"{{code}}\ud800"}`, "UTF-8"},
		{"public, a name twice", "/v1/public/verify", `{"code":"123456","code":"654321"}`, "code: comes twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := do(h, "POST", c.path, c.body)
			if g.status != 400 || !strings.Contains(g.text, c.says) {
				t.Errorf("want 400 and %q: %d %.300s", c.says, g.status, g.text)
			}
			text := strings.ReplaceAll(g.text, g.header.Get("X-Request-Id"), "") // random: it may have what was sent by chance
			if strings.Contains(text, "1380013") || strings.Contains(text, "654321") || strings.Contains(text, "6e2") {
				t.Errorf("it repeats what was sent: %s", g.text)
			}
		})
	}
}

func TestAParameterOrHeaderThatComesTwiceIsRefusedByName(t *testing.T) {
	h := New(new(world).services(), options())
	for query, says := range map[string]string{
		"limit=1&limit=2": "limit: comes twice", "state=queued&state=delivered": "state: comes twice", "limit=%zz": "query: cannot be read", "limit=1;state=x": "query: cannot be read",
	} {
		if g := do(h, "GET", "/v1/messages?"+query, ""); g.status != 400 || !strings.Contains(g.problem(t).Detail, says) {
			t.Errorf("%s: %v", query, g)
		}
	}
	r := httptest.NewRequest("POST", "/v1/messages", strings.NewReader(`{"to":"+8613800138000","text":"a"}`))
	r.Header.Set("Authorization", "Bearer "+goodToken)
	r.Header.Set("Content-Type", "application/json")
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 400 || !strings.Contains(w.Body.String(), "Idempotency-Key: comes twice") {
		t.Error(w.Code, w.Body)
	}
	if g := do(h, "POST", "/v1/messages", `{"to":"+8613800138000","text":"a"}`, "Content-Encoding: gzip"); g.status != 415 || !strings.Contains(g.problem(t).Detail, "Content-Encoding") {
		t.Error(g)
	}
}

func FuzzStrict(f *testing.F) {
	for _, s := range []string{`{"a":1,"a":2}`, `[[]]`, `{"a":{"b":[1,{"c":"\ud800"}]}}`, `1e999`, `{}{}`, `{"":1}`, "\xff", `{"1":{"~/":[0,0]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if err := strict(data); err != nil {
			if bad := err.(*badJSON); bad.message == "" {
				t.Fatalf("%q: refused without a reason", data)
			}
			return
		}
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatalf("%q passes and cannot be read: %v", data, err)
		}
	})
}
