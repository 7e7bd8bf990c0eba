package webhook_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/store"
	"attestd/internal/webhook"
)

// lines counts what is logged above debug.
type lines struct {
	slog.Handler
	n atomic.Int64
}

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level > slog.LevelDebug }
func (l *lines) Handle(context.Context, slog.Record) error {
	l.n.Add(1)
	return nil
}

// backlog writes three events for each of n filings, to one configured endpoint.
func (h *house) backlog(n int) {
	h.t.Helper()
	for _, typ := range []string{"filing.received", "challenge.open", "filing.passed"} {
		err := h.s.Update(context.Background(), func(tx *store.Tx) error {
			for i := range n {
				if err := tx.Emit(context.Background(), typ, fmt.Sprintf("f%04d", i), "", map[string]any{"mobile": "138****8000"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func crm(t testing.TB) func(*webhook.Settings) {
	return func(s *webhook.Settings) {
		s.Endpoints = []webhook.Endpoint{{Name: "crm", URL: "https://crm.example/", Secrets: secrets(t, oldSecret)}}
	}
}

// counts are deliveries by state.
func (h *house) counts() map[string]int {
	h.t.Helper()
	c, err := h.s.WebhookCounts(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return c.ByState
}

func TestWhileAnEndpointIsDownOneIsTriedAMinuteAndAllGoOutInOrderOnceItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const filings, outage = 300, 3 * time.Hour
		r, from := down(t, outage), time.Now()
		h := newHouse(t, crm(t))
		defer h.close()
		log := &lines{}
		h.o.Transport, h.o.Logger = wire{r}, slog.New(log)
		h.backlog(filings)
		h.start()
		for _, restart := range []bool{false, true, false} {
			time.Sleep(outage / 3)
			if restart {
				h.close()
				h.open()
				h.start()
			}
		}
		synctest.Wait()
		minutes := int(outage / time.Minute)
		if n := len(r.got()); n < minutes/2 || n > minutes*3/2+20 {
			t.Errorf("%d calls in %s", n, outage)
		}
		if n := int(log.n.Load()); n > minutes+5 {
			t.Errorf("%d lines in %d minutes", n, minutes)
		}
		failed := len(r.got())
		time.Sleep(75 * time.Second)
		synctest.Wait()
		if c := h.counts(); c["delivered"] != 3*filings || c["waiting"]+c["behind"]+c["dead"] != 0 {
			t.Fatalf("75 s after it is back: %v", c)
		}
		last := map[string]int64{}
		for _, one := range r.got()[failed:] {
			if one.seq <= last[one.subject] {
				t.Errorf("of %s, %d came after %d", one.subject, one.seq, last[one.subject])
			}
			last[one.subject] = one.seq
			if late := one.at.Sub(from) - outage; late > 75*time.Second {
				t.Fatalf("%s went out %s after the endpoint was back", one.subject, late)
			}
		}
	})
}

func TestWhatWaitsForAnEndpointThatStaysDownIsDeadAfterItsTimeAndAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const filings = 300
		r := down(t, 1000*time.Hour)
		h := newHouse(t, crm(t))
		defer h.close()
		h.o.Transport = wire{r}
		h.backlog(filings)
		h.start()
		time.Sleep(23 * time.Hour)
		h.backlog(1) // comes late, and has its own time
		time.Sleep(time.Hour - time.Minute)
		synctest.Wait()
		if c := h.counts(); c["dead"] != 0 {
			t.Fatalf("before their time: %v", c)
		}
		time.Sleep(time.Hour + 5*time.Minute)
		synctest.Wait()
		if c := h.counts(); c["dead"] < 3*filings || c["waiting"]+c["behind"] > 3 {
			t.Fatalf("25 h after the first try: %v", c)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if c := h.counts(); c["dead"] != 3*filings+3 {
			t.Fatalf("49 h after the first try: %v", c)
		}
		for _, d := range h.deliveries(webhook.Dead) {
			if d.Error == "" || d.Attempts == 0 && !strings.Contains(d.Error, "down") {
				t.Fatalf("nothing says why: %+v", d)
			}
		}
	})
}

func TestAReplayAndANewAddressTryAnEndpointThatIsDownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := down(t, 2*time.Hour+time.Second)
		h := newHouse(t, crm(t))
		defer h.close()
		h.o.Transport = wire{r}
		h.backlog(20)
		h.start()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		before := len(r.got())
		var untried webhook.Delivery
		for _, d := range h.deliveries(webhook.Waiting) {
			untried = d
		}
		if _, err := h.s.ReplayWebhook(t.Context(), untried.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(r.got()); n != before+1 {
			t.Errorf("a replay made %d calls", n-before)
		}
		time.Sleep(2 * time.Second) // it is back, and nobody has seen it
		moved := h.settings
		moved.Endpoints = []webhook.Endpoint{{Name: "crm", URL: "https://new.example/", Secrets: secrets(t, oldSecret)}}
		h.sender.Configure(moved)
		if err := h.s.SetWebhooks(t.Context(), moved.Endpoints); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c := h.counts(); c["delivered"] != 60 {
			t.Errorf("after its address was changed: %v", c)
		}
	})
}

func TestDeliveriesThatFailOfThemselvesKeepNobodyElseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.answer = func(_ int, h hook, w http.ResponseWriter, _ *http.Request) {
			if strings.HasPrefix(h.subject, "bad") {
				w.WriteHeader(http.StatusUnprocessableEntity)
			}
		}
		h := newHouse(t, crm(t))
		defer h.close()
		h.o.Transport = wire{r}
		h.start()
		for i := range 20 { // enough to be taken for an endpoint that is down
			h.emit("filing.passed", fmt.Sprintf("bad%d", i))
		}
		time.Sleep(time.Hour)
		var slow int
		for i := range 600 {
			began, subject := time.Now(), fmt.Sprintf("good%d", i)
			h.emit("filing.passed", subject)
			time.Sleep(6 * time.Second)
			synctest.Wait()
			for _, one := range r.got() {
				if one.subject == subject && one.at.Sub(began) > time.Second {
					slow++
				}
			}
		}
		if c := h.counts(); c["delivered"] != 600 || c["waiting"] != 20 {
			t.Errorf("%v", c)
		}
		if slow > 30 {
			t.Errorf("%d of 600 waited for longer than a second", slow)
		}
	})
}
