package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/msisdn"
	"attestd/queue"
	"attestd/verify"
)

// pay enqueues a message of a token, with a text of so many segments.
func (r *rig) pay(token, to string, segments int) error {
	n, err := msisdn.Parse(to, "86")
	if err != nil {
		return err
	}
	text := "x"
	if segments > 1 {
		text = strings.Repeat("x", 153*segments)
	}
	_, err = r.q.Enqueue(context.Background(), queue.Draft{To: n, Text: text, Owner: token, Origin: token, Payer: token, Priority: queue.Normal})
	return err
}

// over says which quota refused, and how much of it is used.
func over(t *testing.T, err error, quota string, used int) *queue.QuotaError {
	t.Helper()
	var e *queue.QuotaError
	if !errors.As(err, &e) || e.Quota != quota || e.Used != used {
		t.Errorf("%v, want %s with %d used", err, quota, used)
		return &queue.QuotaError{}
	}
	return e
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// eachHour waits for the begin of the next clock hour: the bubble's clock begins at midnight UTC.
func eachHour() { time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour))) }

func TestATokenGetsItsTextsOfAnHourAndADayByTheSegmentAndARestartForgetsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		quotas := Quotas{TokenHour: 5, TokenDay: 8}
		r.s.SetQuotas(quotas)
		good(t, r.pay("shop", "13800138001", 3))
		good(t, r.pay("shop", "13800138002", 1))
		over(t, r.pay("shop", "13800138003", 2), queue.TokenHour, 4)
		r.restart(true)
		r.s.SetQuotas(quotas)
		e := over(t, r.pay("shop", "13800138003", 2), queue.TokenHour, 4) // what is refused uses nothing up
		if e.Most != 5 || e.Needs != 2 || time.Until(e.Until) > time.Hour || e.Never() {
			t.Errorf("%+v", e)
		}
		good(t, r.pay("shop", "13800138003", 1))
		good(t, r.pay("bank", "13800138003", 5)) // another token
		if e := over(t, r.pay("bank", "13800138003", 6), queue.TokenHour, 5); !e.Never() {
			t.Error("six texts fit into five")
		}
		eachHour()
		good(t, r.pay("shop", "13800138004", 3))
		if e := over(t, r.pay("shop", "13800138004", 1), queue.TokenDay, 8); !e.Until.Equal(time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)) {
			t.Error(e.Until)
		}
		time.Sleep(24 * time.Hour)
		good(t, r.pay("shop", "13800138004", 1))
	})
}

func TestATokensOwnQuotasStandInForThoseOfTheConfigurationAndRotateKeepsThem(t *testing.T) {
	r := newRig(t, nil)
	r.s.SetQuotas(Quotas{TokenHour: 1, TokenDay: 1})
	two, none := 2, 0
	if _, _, err := r.s.CreateToken(t.Context(), NewToken{Name: "two", Quota: TokenQuota{Hour: &two, Day: &none}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.s.RotateToken(t.Context(), "two", 0, 0); err != nil {
		t.Fatal(err)
	}
	all, err := r.s.Tokens(t.Context())
	if err != nil || len(all) != 2 || *all[1].Quota.Hour != 2 || *all[1].Quota.Day != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	good(t, r.pay("two", "13800138001", 2))
	over(t, r.pay("two", "13800138001", 1), queue.TokenHour, 2)
	good(t, r.pay("one", "13800138001", 1))
	over(t, r.pay("one", "13800138001", 1), queue.TokenHour, 1)
}

func TestAPhoneGetsItsTextsOfAllTokensTogetherAndCodesAreNoneOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		quotas := Quotas{PhoneHour: 2, PhoneDay: 3}
		r.s.SetQuotas(quotas)
		good(t, r.pay("shop", "13800138001", 1))
		good(t, r.pay("bank", "+8613800138001", 1))
		over(t, r.pay("other", "13800138001", 1), queue.PhoneHour, 2)
		good(t, r.pay("other", "13800138002", 1))
		if _, _, err := r.v.CreateFiling(t.Context(), filingFor("13800138001")); err != nil {
			t.Error(err)
		}
		eachHour()
		good(t, r.pay("shop", "13800138001", 1))
		over(t, r.pay("shop", "13800138001", 1), queue.PhoneDay, 3)
	})
}

func TestARotationOfTheKeyGivesNoPhoneASecondPortion(t *testing.T) {
	old, both, last := rotated(t)
	r := newKeyedRig(t, old)
	quotas := Quotas{PhoneDay: 3}
	r.s.SetQuotas(quotas)
	good(t, r.pay("shop", "13800138001", 2))
	r.keys = both
	r.restart(true)
	r.s.SetQuotas(quotas)
	over(t, r.pay("shop", "13800138001", 2), queue.PhoneDay, 2)
	good(t, r.pay("shop", "13800138001", 1)) // counted under the new key; Reseal adds the two up
	if _, _, err := r.s.Reseal(t.Context(), noPause); err != nil {
		t.Fatal(err)
	}
	if err := r.s.RetireGeneration(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	r.keys = last
	r.restart(true)
	r.s.SetQuotas(quotas)
	over(t, r.pay("shop", "13800138001", 1), queue.PhoneDay, 3)
}

func filingFor(numbers ...string) verify.FilingRequest {
	q := verify.FilingRequest{Owner: "shop", Origin: "shop", Type: "first"}
	for i, n := range numbers {
		p := verify.PersonRequest{Role: "website_head", Site: fmt.Sprintf("site %d", i), Mobile: n, CertificateTail: "31002X"}
		if i == 0 {
			p.Role, p.Site = "entity_head", ""
		}
		q.Persons = append(q.Persons, p)
	}
	if len(numbers) == 1 {
		q.Type = "entity_cancellation"
	}
	return q
}

func TestAFilingBeyondItsTokensQuotaLeavesNothingBehindAndWhatWasPromisedIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(p *verify.Policy) { p.SMSGap = time.Minute })
		r.s.SetQuotas(Quotas{TokenHour: 3, TokenDay: 100})
		good(t, r.pay("shop", "13800138009", 1))
		_, _, err := r.v.CreateFiling(t.Context(), filingFor("13800138001", "13800138002", "13800138003"))
		over(t, err, queue.TokenHour, 3) // two of its three codes fit
		for _, table := range []string{"filings", "challenges", "sent_texts", "persons"} {
			if n := r.count(table); n != 0 {
				t.Errorf("%d rows of %s are left of a filing that was refused", n, table)
			}
		}
		_, _, err = r.v.CreateFiling(t.Context(), filingFor("13800138001"))
		good(t, err)
		_, _, err = r.v.CreateFiling(t.Context(), filingFor("13800138001")) // its code goes out in a minute, and is charged now
		good(t, err)
		_, _, err = r.v.CreateFiling(t.Context(), filingFor("13800138001"))
		over(t, err, queue.TokenHour, 3)
		over(t, r.pay("shop", "13800138009", 1), queue.TokenHour, 3)
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		if _, err := r.v.Sweep(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := r.count("sent_texts"); n != 2 {
			t.Errorf("%d codes were sent, want 2", n)
		}
		over(t, r.pay("shop", "13800138009", 1), queue.TokenHour, 3) // the late code was charged when it was asked for
		time.Sleep(6 * time.Minute)
		if a := r.resend("13800138001", "31002X"); a != verify.ResultSent {
			t.Error(a)
		}
		over(t, r.pay("shop", "13800138009", 1), queue.TokenHour, 4) // what was sent again is counted, and was not refused
	})
}

// count is how many rows a table has.
func (r *rig) count(table string) (n int) {
	r.t.Helper()
	if err := r.s.reads.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestNoInterleavingAndNoRestartLetsOneTextMoreThroughThanAQuotaAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hour, day, phone = 40, 100, 12
		r := newRig(t, nil)
		quotas := Quotas{TokenHour: hour, TokenDay: day, PhoneHour: phone}
		allDay, phones := map[string]int{}, map[string]int{}
		for range 4 {
			allHour := map[string]int{}
			clear(phones)
			for round := range 3 {
				r.restart(true)
				r.s.SetQuotas(quotas)
				var all sync.WaitGroup
				var mu sync.Mutex
				var refused atomic.Int32
				for i := range 60 {
					token, to, n := []string{"a", "b"}[i%2], fmt.Sprintf("1380013800%d", i*7%10), 1+(i+round)%3
					all.Go(func() {
						switch err := r.pay(token, to, n); {
						case err == nil:
							mu.Lock()
							allHour[token], allDay[token], phones[to] = allHour[token]+n, allDay[token]+n, phones[to]+n
							mu.Unlock()
						case errors.As(err, new(*queue.QuotaError)):
							refused.Add(1)
						default:
							t.Error(err)
						}
					})
				}
				all.Wait()
				if refused.Load() == 0 {
					t.Error("nothing was refused")
				}
			}
			for token, n := range allHour {
				if n > hour || allDay[token] > day {
					t.Errorf("%s had %d texts in an hour, %d in a day", token, n, allDay[token])
				}
			}
			for to, n := range phones {
				if n > phone {
					t.Errorf("%s got %d texts in an hour", to, n)
				}
			}
			eachHour()
		}
		if allDay["a"] < day-2 || allDay["b"] < day-2 {
			t.Errorf("a quota was not used up: %v", allDay)
		}
		var counted int
		if err := r.s.reads.QueryRow(`SELECT sum(texts) FROM text_counts WHERE quota = 'token_day'`).Scan(&counted); err != nil || counted != allDay["a"]+allDay["b"] {
			t.Errorf("%d are counted of %v, %v", counted, allDay, err)
		}
	})
}

func TestCountsOfQuotasAreForgottenWhenTheirDayIsOverAndWithTheirPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.s.SetQuotas(Quotas{TokenHour: 9, TokenDay: 9, PhoneHour: 9, PhoneDay: 9})
		good(t, r.pay("shop", "13800138001", 1))
		good(t, r.pay("shop", "13800138002", 1))
		if n := r.count("text_counts"); n != 6 {
			t.Errorf("%d rows", n)
		}
		synctest.Wait()
		n, _ := msisdn.Parse("13800138001", "86")
		if done, err := r.s.Forget(t.Context(), n, false); err != nil || done["text_counts"] != 2 {
			t.Errorf("%v, %v", done, err)
		}
		next, err := r.s.ForgetUses(t.Context(), time.Now())
		good(t, err)
		time.Sleep(time.Until(next))
		if _, err := r.s.ForgetUses(t.Context(), time.Now()); err != nil || r.count("text_counts") != 2 {
			t.Errorf("%d rows are left of a day, %v", r.count("text_counts"), err)
		}
		time.Sleep(26 * time.Hour)
		if next, err := r.s.ForgetUses(t.Context(), time.Now()); err != nil || r.count("text_counts") != 0 || !next.IsZero() {
			t.Errorf("%d rows are left, %v, next %s", r.count("text_counts"), err, next)
		}
	})
}
