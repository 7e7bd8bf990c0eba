package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func request(t *testing.T, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestTheControlInterfaceInjectsMessagesAndFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		control := n.Control()
		h := connect(t, n, 0).quiet()
		h.ask("AT+CNMI=2,1,0,0,0")
		if w := request(t, control, "POST", "/inject", `{"modem":0,"from":"Bank","text":"您好"}`); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if got := h.heard(); !strings.Contains(got, "+CMTI") {
			t.Errorf("said %q", got)
		}
		if w := request(t, control, "POST", "/inject", `{"modem":0,"tpdu":"04"}`); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := request(t, control, "POST", "/fault", `{"modem":0,"fault":"fate","value":"silent-sent"}`); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if got := h.submit("+8613800138000", "x"); strings.Contains(got, "CMGS") {
			t.Errorf("said %q", got)
		}
		if w := request(t, control, "POST", "/fault", `{"modem":0,"fault":"network-lost","for":"5s"}`); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		h.wants("AT+CREG?", "\r\n+CREG: 0,2\r\n\r\nOK\r\n")
		time.Sleep(6 * time.Second)
		h.wants("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n")
		var infos []Info
		if err := json.Unmarshal(request(t, control, "GET", "/modems", "").Body.Bytes(), &infos); err != nil || len(infos) != 1 || infos[0].IMEI != n.Modem(0).IMEI() {
			t.Errorf("%+v %v", infos, err)
		}
		for d := json.NewDecoder(request(t, control, "GET", "/ledger?since=2", "").Body); ; {
			var e Entry
			if err := d.Decode(&e); errors.Is(err, io.EOF) {
				break
			} else if err != nil || e.Seq <= 2 {
				t.Fatalf("%+v %v", e, err)
			}
		}
	})
}

func TestTheControlInterfaceSaysWhatIsWrong(t *testing.T) {
	control := network(t, Config{}).Control()
	for _, c := range []struct {
		path, body, want string
		code             int
	}{
		{"/inject", `{"modem":3,"from":"1","text":"x"}`, "there is no modem 3", http.StatusUnprocessableEntity},
		{"/inject", `{"modem":0,"text":"x"}`, "from: is missing", http.StatusUnprocessableEntity},
		{"/inject", `{"modem":0,"tpdu":"0g"}`, "hexadecimal", http.StatusBadRequest},
		{"/inject", `{"what":1}`, "unknown field", http.StatusBadRequest},
		{"/inject", `[`, "body: ", http.StatusBadRequest},
		{"/fault", `{"fault":"earthquake"}`, "earthquake", http.StatusUnprocessableEntity},
		{"/fault", `{"fault":"hang","for":"soon"}`, "no duration", http.StatusUnprocessableEntity},
		{"/fault", `{"fault":"fate","value":"nice"}`, "not in the table", http.StatusUnprocessableEntity},
		{"/fault", `{"fault":"home"}{}`, "more than one", http.StatusBadRequest},
	} {
		if w := request(t, control, "POST", c.path, c.body); w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	if w := request(t, control, "GET", "/ledger?since=x", ""); w.Code != http.StatusBadRequest {
		t.Errorf("since=x: %d", w.Code)
	}
	if w := request(t, control, "GET", "/inject", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET /inject: %d", w.Code)
	}
}

func TestEveryFaultCanStrikeAtAnyMomentAndTheModemComesBack(t *testing.T) {
	for _, f := range Faults() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{Radio: 4 * time.Second, PIN: "1234"})
				h := connect(t, n, 0).quiet()
				h.ask("AT+CPIN=1234")
				h.ask("AT+CNMI=2,2,0,1,0")
				h.submit("+8613800138000", "in the air when it strikes")
				order := Fault{Fault: f.Name, For: "2s"}
				if f.Name == "fate" {
					order.Value = "silent-lost"
				}
				if err := n.Fault(order); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Second)
				h.heard()
				if _, err := h.conn.Write([]byte("\r")); err != nil {
					h = connect(t, n, 0)
					time.Sleep(time.Second)
				}
				h.quiet()
				h.ask("AT+CPIN=1234")
				if f.Name == "home" || f.Name == "denied" {
					n.Modem(0).SetRegistration(1)
				}
				for range 2 { // the first meets the fate
					h.submit("+8613800138000", "afterwards")
					time.Sleep(5 * time.Second)
				}
				if got := h.heard(); !strings.Contains(got, "\r\n\r\nOK\r\n") || !strings.Contains(got, "+CMGS: ") {
					t.Errorf("afterwards %q", got)
				}
				if got := len(entries(n, KindSubmit)); got != 3 {
					t.Errorf("%d submits in the ledger", got)
				}
			})
		})
	}
}

func TestTheLedgerIsWrittenAsJSONLinesAndAFailedWriteIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		n := network(t, Config{Ledger: &file, Commands: true})
		h := connect(t, n, 0).quiet()
		h.submit("+8613800138000", "x")
		for i, line := range strings.Split(strings.TrimSpace(file.String()), "\n") {
			var e Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != i+1 {
				t.Errorf("%s: %v", line, err)
			}
		}
		if !strings.Contains(file.String(), `"detail":"AT+CMGS=`) {
			t.Errorf("no command lines in %s", file.String())
		}
	})
	n := network(t, Config{Ledger: failing{}})
	n.Modem(0).SetRegistration(3)
	if n.LedgerError() == nil {
		t.Error("nobody was told")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }
