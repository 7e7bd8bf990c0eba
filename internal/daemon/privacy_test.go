package daemon_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/rig"
	"attestd/modem/simulator"
	"attestd/pdu"
)

// disguises are the forms in which a text or a number can stand somewhere: plain, as the octets of an SMS, packed, swapped, and
// each of these in hex and in base64.
func disguises(secret string) map[string][]byte {
	all := map[string][]byte{"plain": []byte(secret)}
	units := utf16.Encode([]rune(secret))
	be, le := []byte{}, []byte{}
	for _, u := range units {
		be, le = binary.BigEndian.AppendUint16(be, u), binary.LittleEndian.AppendUint16(le, u)
	}
	all["UCS-2"], all["UTF-16LE"] = be, le
	if digits := strings.TrimPrefix(secret, "+"); strings.Trim(digits, "0123456789") == "" {
		all["semi-octets"] = semiOctets(digits)
	}
	if submits, err := pdu.Encode(pdu.Message{To: "+10", Text: secret, Alphabet: new(pdu.Alphabet)}); err == nil && len(secret) > 8 {
		for _, s := range submits { // packed from its first character on, without what the length field before and a cut behind change
			packed := packedOf(s.TPDU)
			all[fmt.Sprintf("packed %d", s.Seq)] = packed[:len(packed)*7/8]
		}
	}
	for form, octets := range all {
		if len(octets) < 6 || form == "hex" {
			continue
		}
		all[form+" in hex"] = []byte(hex.EncodeToString(octets))
		all[form+" in HEX"] = []byte(strings.ToUpper(hex.EncodeToString(octets)))
		for shift := range 3 { // base64 of a longer thing with this in it
			coded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), octets...))
			cut := []int{0, 2, 3}[shift]
			if whole := len(coded) - len(coded)%4 - 4; whole > cut+6 {
				all[fmt.Sprintf("%s in base64 %d", form, shift)] = []byte(coded[cut:whole])
			}
		}
	}
	return all
}

// semiOctets are digits as an address field holds them, TS 23.040 9.1.2.3.
func semiOctets(digits string) (swapped []byte) {
	for len(digits)%2 == 1 {
		digits = digits[:len(digits)-1]
	}
	for i := 0; i < len(digits); i += 2 {
		swapped = append(swapped, (digits[i+1]-'0')<<4|(digits[i]-'0'))
	}
	return swapped
}

// packedOf is the user data of a SUBMIT in the GSM alphabet to "+10", TP-UDL left out.
func packedOf(tpdu []byte) []byte {
	p, err := pdu.Decode(tpdu, pdu.MO)
	if err != nil {
		panic(err)
	}
	n := (len(p.Submit.Text)*7 + 7) / 8
	return tpdu[len(tpdu)-n:]
}

// secretOf is something that must be nowhere. Six digits alone stand in any dump by accident: a code is looked for with what
// would stand beside it.
type secretOf struct{ what, text string }

// leaks looks for secrets in all their forms.
func leaks(place string, dump []byte, secrets []secretOf) (found []string) {
	for _, s := range secrets {
		for form, octets := range disguises(s.text) {
			if len(octets) >= 5 && bytes.Contains(dump, octets) {
				found = append(found, fmt.Sprintf("%s holds %s, %s", place, s.what, form))
			}
		}
	}
	return found
}

// columns is every column of every table, texts and octets as they are, and each by itself.
func columns(t *testing.T, path string) (dump []byte, singles []string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	names, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	_ = names.Close()
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		heads, _ := rows.Columns()
		for rows.Next() {
			values, dest := make([]any, len(heads)), make([]any, len(heads))
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				if octets, ok := v.([]byte); ok {
					v = string(octets)
				}
				dump = fmt.Appendf(dump, "%s.%s=%v\n", table, heads[i], v)
				singles = append(singles, fmt.Sprint(v))
			}
		}
		_ = rows.Close()
	}
	if len(tables) < 15 || len(singles) < 500 {
		t.Errorf("only %d tables and %d values were dumped", len(tables), len(singles))
	}
	return dump, singles
}

// story is a life of the gateway, as far as it touches persons.
type story struct {
	t       *testing.T
	r       *rig.Rig
	log     *shared
	hooks   *shared
	codes   chan string
	secrets []secretOf
	sixes   []string // codes and tails: as a value of their own they stand nowhere

	hidden   []secretOf // what the database has, and nobody is shown
	callback string     // of the filing, with a key in its query; it answers 500, with a secret of its own
}

func (s *story) knows(what, text string) { s.secrets = append(s.secrets, secretOf{what, text}) }

func (s *story) number(national string) {
	s.knows("a number", national)
	s.knows("a number with its country", "86"+national)
}

// code waits for the text of a code.
func (s *story) code() string {
	s.t.Helper()
	select {
	case text := <-s.codes:
		code := digits(text)
		if code == "" {
			s.t.Fatal("that is no code")
		}
		s.knows("the text of a code", text)
		s.sixes = append(s.sixes, code)
		return code
	case <-time.After(30 * time.Second):
		s.t.Fatal("no code came")
		return ""
	}
}

const (
	pin                  = "48151623"
	headNumber, headTail = "13712345671", "99988X"
	siteNumber, siteTail = "13712345672", "77766X"
	ownText              = "a private text, said to nobody else"
	chineseText          = "这是一条只给本人看的私人短信，请勿外传"
)

func newStory(t *testing.T) *story {
	s := &story{t: t, log: &shared{}, hooks: &shared{}, codes: make(chan string, 16)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasPrefix(r.URL.Path, "/own") {
			w.Header().Set("Location", "/canary-of-a-header")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "canary-of-an-answer")
			return
		}
		r.URL.RawQuery, r.URL.Path = "", strings.Trim(r.URL.Path, "/")[:3]
		fmt.Fprintf(s.hooks, "%s %v\n%s\n", r.URL, r.Header, body)
	}))
	t.Cleanup(server.Close)
	s.callback = server.URL + "/own?key=canary-of-a-query"
	for what, text := range map[string]string{"the key of a call-back": "canary-of-a-query", "the path of an endpoint": "canary-of-a-path", "a user of a refused call-back": "canary-of-a-user",
		"the password of a refused call-back": "canary-of-a-password", "the key of an endpoint": "canary-of-a-key", "what a receiver answered": "canary-of-an-answer", "a header of a receiver": "canary-of-a-header"} {
		s.hidden = append(s.hidden, secretOf{what, text})
	}
	s.r = start(t, rig.Options{
		Simulator: simulator.Config{Modems: 1, ReportDelay: 10 * time.Millisecond, PIN: pin},
		Edit: func(c *config.Config) {
			c.Verify.Replies, c.Log.ATTrace = true, true
			c.Verify.ResendWait, c.Verify.Limits.SMSGap = 0, 0
			c.Webhooks.AllowHTTP, c.Webhooks.AllowPrivate = true, []string{"127.0.0.0/8"}
			c.Modem[0].PIN = pin
			c.Webhook = []config.Webhook{{Name: "all", URL: server.URL + "/all/canary-of-a-path?key=canary-of-a-key", Events: []string{"*"}}}
		},
		Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	s.knows("a PIN", pin)
	s.knows("a token", s.r.Token)
	secret, err := os.ReadFile(daemon.WebhookSecretFile(s.r.Config))
	if err != nil {
		t.Fatal(err)
	}
	s.knows("the webhook secret", strings.TrimPrefix(strings.Fields(string(secret))[0], "whsec_"))
	for _, n := range []string{headNumber, siteNumber, "13712345673", "13712345674", "13712345675"} {
		s.number(n)
	}
	for what, text := range map[string]string{
		"a name": "欧阳修竹", "another name": "司马相如", "a text": ownText, "a Chinese text": chineseText,
		"a long text that came in": strings.Repeat("来自用户的长短信。", 4),
	} {
		s.knows(what, text)
	}
	s.sixes = append(s.sixes, headTail, siteTail, "31002X")
	s.knows("a certificate", "11010519491231002X")
	return s
}

// file files for two persons; the second answers by SMS.
func (s *story) file() {
	t, r := s.t, s.r
	r.Network.Handset("+86"+headNumber, func(text string) (string, time.Duration) { s.codes <- text; return "", 0 })
	var filing struct{ ID, State string }
	if status := call(t, r, "POST", "/v1/filings", map[string]any{"type": "first", "reference": "order-1", "callback": s.callback, "persons": []map[string]any{
		{"role": "entity_head", "name": "欧阳修竹", "mobile": headNumber, "certificate_tail": headTail},
		{"role": "website_head", "name": "司马相如", "mobile": siteNumber, "certificate_tail": siteTail, "site": "s"},
	}}, &filing); status != http.StatusCreated {
		t.Fatal(status)
	}
	code := s.code()
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	enter := func(code string) (a struct{ Result int }) {
		call(t, r, "POST", "/v1/public/verify", map[string]any{"code": code, "mobile": headNumber, "certificate_tail": headTail}, &a)
		return a
	}
	enter(wrong)
	call(t, r, "POST", "/v1/public/resend", map[string]any{"mobile": headNumber, "certificate_tail": headTail}, nil)
	if again := s.code(); again != code {
		t.Errorf("the re-send has another code")
	}
	enter(code)
	site := ""
	until(t, r, "the other code", func(l []simulator.Entry) bool {
		for _, e := range l {
			if e.Kind == simulator.KindSubmit && strings.HasSuffix(e.To, siteNumber) {
				site = e.Text
			}
		}
		return site != ""
	})
	s.knows("the other code's text", site)
	s.sixes = append(s.sixes, digits(site))
	s.knows("a reply", digits(site)+" "+siteTail)
	if err := r.Network.Inject(0, "+86"+siteNumber, digits(site)+" "+siteTail); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); filing.State != "passed"; time.Sleep(20 * time.Millisecond) { // a state, not an event
		if time.Now().After(deadline) {
			t.Fatalf("the filing is %s", filing.State)
		}
		call(t, r, "GET", "/v1/filings/"+filing.ID, nil, &filing)
	}
	filing.ID = ""
	call(t, r, "POST", "/v1/filings", map[string]any{"type": "entity_cancellation", "persons": []map[string]any{
		{"role": "entity_head", "mobile": "13712345675", "certificate_type": "resident_id", "certificate": "11010519491231002X"}}}, &filing)
	call(t, r, "POST", "/v1/filings/"+filing.ID+"/cancel", map[string]any{"reason": "张三的备注"}, nil)
}

// write sends and receives texts.
func (s *story) write() {
	t, r := s.t, s.r
	for to, text := range map[string]string{"13712345673": ownText, siteNumber: chineseText} {
		call(t, r, "POST", "/v1/messages", map[string]any{"to": to, "text": text}, nil)
	}
	long := strings.Repeat("来自用户的长短信。", 20)
	if err := r.Network.Inject(0, "+8613712345673", long); err != nil {
		t.Fatal(err)
	}
	until(t, r, "all on air, all taken in", func(l []simulator.Entry) bool {
		seen := texts(l)
		return seen[ownText] > 0 && seen[chineseText] > 0
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var list struct{ Items []struct{ Text string } }
		if call(t, r, "GET", "/v1/inbox", nil, &list); len(list.Items) >= 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d texts in the inbox", len(list.Items))
		}
	}
}

// otp asks for a code by the CAMARA door, and gives it.
func (s *story) otp() {
	t, r := s.t, s.r
	r.Network.Handset("+8613712345674", func(text string) (string, time.Duration) { s.codes <- text; return "", 0 })
	var made struct {
		AuthenticationID string `json:"authenticationId"`
	}
	call(t, r, "POST", "/one-time-password-sms/v1/send-code", map[string]any{"phoneNumber": "+8613712345674", "message": "{{code}} is your code for the shop"}, &made)
	code := s.code()
	if status := call(t, r, "POST", "/one-time-password-sms/v1/validate-code", map[string]any{"authenticationId": made.AuthenticationID, "code": code}, nil); status != http.StatusNoContent {
		t.Errorf("the code was not taken: %d", status)
	}
}

// get reads a path as it is.
func (s *story) get(path string) []byte {
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.r.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.r.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// files are the database and its log, as they stand on the disk.
func (s *story) files() []byte {
	var all []byte
	paths, err := filepath.Glob(filepath.Join(s.r.Dir, "attestd.db*"))
	if err != nil || len(paths) < 2 {
		s.t.Fatal(paths, err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, raw...)
	}
	return all
}

func TestNoCodeTailTextNameOrWholeNumberStandsInPlainAnywhere(t *testing.T) {
	s := newStory(t)
	s.file()
	s.write()
	s.otp()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.hooks.String(), "filing.passed"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no webhook came")
		}
	}
	places := map[string][]byte{"/metrics": s.get("/metrics"), "the files while it runs": s.files()}
	shown := s.answers()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	places["/v1/events"] = s.stream(ctx)
	if err := s.r.Halt(); err != nil {
		t.Fatal(err)
	}
	places["the files at rest"] = s.files()
	places["the log"], places["the webhooks"] = []byte(s.log.String()), []byte(s.hooks.String())
	dump, singles := columns(t, filepath.Join(s.r.Dir, "attestd.db"))
	places["the tables"] = dump
	for place, text := range places {
		if len(text) < 200 {
			t.Errorf("%s is empty: %q", place, text)
		}
		for _, leak := range leaks(place, text, s.secrets) {
			t.Error(leak)
		}
	}
	for place, text := range places {
		if strings.HasPrefix(place, "the files") || place == "the tables" {
			continue
		}
		for _, leak := range leaks(place, text, s.hidden) {
			t.Error(leak)
		}
	}
	for place, text := range shown {
		for _, leak := range leaks(place, text, append(s.hidden, s.notShown()...)) {
			t.Error(leak)
		}
		for _, six := range s.sixes {
			if word(text, six) {
				t.Errorf("%s shows a code or a tail", place)
			}
		}
	}
	for _, six := range s.sixes {
		for _, v := range singles {
			if v == six || strings.Contains(v, `"`+six+`"`) {
				t.Errorf("a column holds a code or a tail by itself: %.80q", strings.ReplaceAll(v, six, "######"))
			}
		}
		for _, place := range []string{"/v1/events", "the webhooks", "the log", "/metrics"} {
			if word(places[place], six) {
				t.Errorf("%s tells a code or a tail", place)
			}
		}
	}
}

// stream reads the events from the first on, for a moment.
func (s *story) stream(ctx context.Context) []byte {
	req, err := http.NewRequestWithContext(ctx, "GET", s.r.URL+"/v1/events?after=0", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.r.Token)
	req.Header.Set("Last-Event-ID", "0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body) // it has no end but ours
	return text
}

// word says whether six characters stand somewhere and are no part of an id, a time or a longer number.
func word(text []byte, six string) bool {
	part := func(b byte) bool {
		return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '.'
	}
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(six))
		if i < 0 {
			return false
		}
		i += at
		end := i + len(six)
		if (i == 0 || !part(text[i-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		at = end
	}
}
