package simulator

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// freePort is a TCP port that nobody listens on at this moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestKannelSendsThroughAndReceivesFromTheModem(t *testing.T) {
	need(t, "bearerbox", "smsbox")
	t.Parallel()
	n, ports := offer(t, Config{})

	var mu sync.Mutex
	received, reports := map[string]string{}, map[string]string{}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/report" {
			reports[r.FormValue("to")] = r.FormValue("type")
			return
		}
		received[r.FormValue("from")] += r.FormValue("text")
	}))
	defer service.Close()

	dir := t.TempDir()
	admin, boxes, sendsms := freePort(t), freePort(t), freePort(t)
	config := file(t, filepath.Join(dir, "kannel.conf"), fmt.Sprintf(`group = core
admin-port = %d
admin-interface = 127.0.0.1
admin-password = bar
smsbox-port = %d
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-level = 0
sms-resend-freq = 1
sms-combine-concatenated-mo = true

group = smsc
smsc = at
smsc-id = sim
modemtype = generic
device = %s
speed = 115200
my-number = 10690000
sms-center = "+8613800100500"
sim-buffering = true

group = modems
id = generic
name = "Generic Modem"
init-string = "AT+CNMI=1,2,0,1,0"

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %d
sendsms-interface = 127.0.0.1
log-level = 1

group = sendsms-user
username = u
password = p
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "%s/?from=%%p&text=%%b&charset=%%C"
`, admin, boxes, ports[0], sendsms, service.URL))
	start(t, dir, "bearerbox", "-v", "1", config)
	eventually(t, n, "bearerbox listening", func() error { return dial(boxes) })
	start(t, dir, "smsbox", "-v", "1", config)
	eventually(t, n, "smsbox listening", func() error { return dial(sendsms) })
	for _, p := range peerTexts {
		q := url.Values{"username": {"u"}, "password": {"p"}, "from": {"10690000"}, "to": {p.number}, "text": {p.text}, "charset": {"UTF-8"},
			"dlr-mask": {"1"}, "dlr-url": {service.URL + "/report?type=%d&to=" + url.QueryEscape(p.number)}}
		if p.name == "ucs2" {
			q.Set("coding", "2")
		}
		r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms?%s", sendsms, q.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusAccepted {
			t.Fatalf("sendsms: %s", r.Status)
		}
	}
	onAir(t, n)
	for _, p := range peerTexts[:2] {
		eventually(t, n, "the delivery report of the "+p.name+" text", func() error {
			mu.Lock()
			defer mu.Unlock()
			if reports[p.number] != "1" {
				return fmt.Errorf("%q", reports)
			}
			return nil
		})
	}
	for _, p := range peerTexts {
		if err := n.Inject(0, p.number, p.text); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range peerTexts {
		eventually(t, n, "the "+p.name+" text received", func() error {
			mu.Lock()
			defer mu.Unlock()
			big, _ := unhex(hexUCS2(p.text))
			if got := received[p.number]; got != p.text && got != string(big) {
				return fmt.Errorf("%q", received)
			}
			return nil
		})
	}
}

func dial(port int) error {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		c.Close()
	}
	return err
}
