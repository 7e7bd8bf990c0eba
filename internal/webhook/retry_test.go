package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/webhook"
)

// wire is the network without a network: calls go straight to a receiver.
type wire struct{ http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// down is a receiver that takes nothing until its time.
func down(t *testing.T, until time.Duration) *receiver {
	r, from := newReceiver(t), time.Now()
	r.answer = func(_ int, _ hook, w http.ResponseWriter, _ *http.Request) {
		if time.Since(from) < until {
			w.WriteHeader(http.StatusBadGateway)
		}
	}
	return r
}

func TestRetriesBackOffWithJitterFor24HoursAndThenTheLetterIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, from := down(t, 48*time.Hour), time.Now()
		h := newHouse(t, nil)
		defer h.close()
		h.o.Transport = wire{r}
		h.start()
		h.file("f1", "", "https://platform.example/")
		time.Sleep(23*time.Hour + 59*time.Minute)
		synctest.Wait()
		if dead := h.deliveries(webhook.Dead); len(dead) != 0 {
			t.Fatalf("given up before its time: %+v", dead)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		calls := r.got()
		if last := calls[len(calls)-1].at.Sub(from); last < 24*time.Hour || last > 24*time.Hour+time.Minute {
			t.Errorf("the last try was after %s", last)
		}
		if n := len(calls); n < 28 || n > 45 {
			t.Errorf("%d tries in 24 h", n)
		}
		want, odd := 5*time.Second, 0
		for i := 1; i < len(calls)-1; i++ {
			gap := calls[i].at.Sub(calls[i-1].at)
			if gap < want*3/4-time.Second || gap > want*5/4+time.Second {
				t.Errorf("between try %d and the next: %s, want %s and a quarter more or less", i, gap, want)
			}
			if gap.Round(time.Second) != want {
				odd++
			}
			want = min(2*want, time.Hour)
		}
		if odd < 10 {
			t.Error("no jitter")
		}
		dead := h.deliveries(webhook.Dead)
		if len(dead) != 1 || dead[0].Attempts != len(calls) || dead[0].Status != 502 {
			t.Fatalf("%+v", dead)
		}
		events, err := h.s.Events(t.Context(), 0, "f1", 10)
		if err != nil || len(events) != 2 || events[1].Type != "webhook.dead" {
			t.Errorf("nobody is told: %+v %v", events, err)
		}
		// Its own time begins anew with a replay.
		if _, err := h.s.ReplayWebhook(t.Context(), dead[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(23 * time.Hour)
		synctest.Wait()
		if all := h.deliveries(""); all[0].State != webhook.Delivered {
			t.Errorf("replayed, and up again after 22 h: %+v", all)
		}
	})
}

func TestARestartKeepsTheScheduleOfRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := down(t, 10*time.Hour)
		h := newHouse(t, nil)
		defer h.close()
		h.o.Transport = wire{r}
		h.start()
		h.file("f1", "", "https://platform.example/")
		h.emit("challenge.open", "f1")
		for range 5 {
			time.Sleep(time.Hour)
			synctest.Wait()
			before := len(r.got())
			h.close()
			h.open()
			h.start()
			synctest.Wait()
			if after := len(r.got()); after > before {
				t.Errorf("a restart tried it again at once: the 24 h would be used up by restarts")
			}
		}
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		all := h.deliveries(webhook.Delivered)
		if len(all) != 2 || all[0].Attempts < 12 || all[1].Attempts != 1 {
			t.Fatalf("%+v", h.deliveries(""))
		}
	})
}

func TestWhatWaitedBehindADeadLetterGetsItsTryAndNotADayOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := down(t, 100*time.Hour)
		h := newHouse(t, nil)
		defer h.close()
		h.o.Transport = wire{r}
		h.start()
		h.file("f1", "", "https://platform.example/")
		for range 5 {
			h.emit("challenge.open", "f1")
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		dead := h.deliveries(webhook.Dead)
		if len(dead) != 6 || slices.ContainsFunc(dead[1:], func(d webhook.Delivery) bool { return d.Attempts != 1 }) {
			t.Errorf("after 25 h: %+v", h.deliveries(""))
		}
	})
}

func TestRetryAfterIsHeededWithinAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.answer = func(n int, _ hook, w http.ResponseWriter, _ *http.Request) {
			switch n {
			case 0:
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(http.StatusTooManyRequests)
			case 1:
				w.Header().Set("Retry-After", "999999")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
		h := newHouse(t, nil)
		defer h.close()
		h.o.Transport = wire{r}
		h.start()
		h.file("f1", "", "https://platform.example/")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		calls := r.got()
		if len(calls) != 3 {
			t.Fatalf("%d calls", len(calls))
		}
		if a, b := calls[1].at.Sub(calls[0].at), calls[2].at.Sub(calls[1].at); a != 600*time.Second || b != time.Hour {
			t.Errorf("tried again after %s and %s", a, b)
		}
	})
}

func TestOldDeliveriesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		h := newHouse(t, nil)
		defer h.close()
		h.o.Transport = wire{r}
		h.start()
		h.file("f1", "", "https://platform.example/")
		time.Sleep(6 * 24 * time.Hour)
		synctest.Wait()
		if n := len(h.deliveries(webhook.Delivered)); n != 1 {
			t.Errorf("%d after 6 days", n)
		}
		time.Sleep(2 * 24 * time.Hour)
		synctest.Wait()
		if n := len(h.deliveries("")); n != 0 {
			t.Errorf("%d after 8 days", n)
		}
	})
}

func TestAnEndpointThatIsConfiguredNoMoreGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		h := newHouse(t, func(s *webhook.Settings) {
			s.Endpoints = []webhook.Endpoint{{Name: "crm", URL: "https://crm.example/", Secrets: secrets(t, oldSecret)}}
		})
		defer h.close()
		h.o.Transport = wire{r}
		h.emit("filing.passed", "f1")
		h.settings.Endpoints = nil
		h.start()
		synctest.Wait()
		if dead := h.deliveries(webhook.Dead); len(dead) != 1 || len(r.got()) != 0 {
			t.Errorf("%+v", h.deliveries(""))
		}
	})
}
