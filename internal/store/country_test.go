package store

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/msisdn"
	"attestd/queue"
	"attestd/verify"
)

func TestACountryAbroadGetsSoManyTextsADayAndARestartForgetsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(p *verify.Policy) { p.Region = []string{"86", "44"} })
		send := func(to string) error {
			n, err := msisdn.Parse(to, "86")
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.q.Enqueue(t.Context(), queue.Draft{To: n, Text: "x", Origin: "platform", Priority: queue.Normal})
			return err
		}
		code := func(to string) error {
			_, _, err := r.v.CreateFiling(t.Context(), verify.FilingRequest{Type: "entity_cancellation",
				Persons: []verify.PersonRequest{{Role: "entity_head", Mobile: to, CertificateTail: "31002X"}}})
			return err
		}
		want := func(err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		home := func(country string) bool { return country == "86" }
		r.s.SetCountryCap(home, 3)
		want(send("+442071234567"), nil)
		want(code("+442071234568"), nil) // codes and messages together
		r.restart(true)
		r.s.SetCountryCap(home, 3)
		want(send("+442071234569"), nil)
		want(send("+442071234570"), queue.ErrCountryCap)
		want(code("+442071234571"), queue.ErrCountryCap)
		want(send("+33612345678"), nil) // another country
		for i := range 5 {
			want(send(fmt.Sprintf("1380013800%d", i)), nil) // home
		}
		synctest.Wait()
		time.Sleep(6 * time.Minute)
		if a := r.resend("+442071234568", "31002X"); a != verify.ResultSent { // who was let in gets what he is owed
			t.Error(a)
		}
		time.Sleep(24 * time.Hour)
		want(send("+442071234567"), nil)
		if err := r.s.ForgetCounts(t.Context(), time.Now().Add(-24*time.Hour)); err != nil {
			t.Error(err)
		}
	})
}
