package store

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/watch"
	"attestd/verify"
)

func fileFor(t *testing.T, r *rig, mobile string) verify.Filing {
	t.Helper()
	f, _, err := r.v.CreateFiling(context.Background(), verify.FilingRequest{Type: "entity_cancellation", Persons: []verify.PersonRequest{
		{Role: "entity_head", Mobile: mobile, CertificateTail: "31002X"}}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestChecksAreCountedOnceEachRightOrWrongAndARestartForgetsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		fileFor(t, r, "13800138000")
		fileFor(t, r, "13800138000") // a wrong tail is charged to both, and is one check
		fileFor(t, r, "13900139000")
		synctest.Wait()
		check := func(mobile, tail, code string) verify.Answer {
			t.Helper()
			a, err := r.v.Check(t.Context(), verify.CheckRequest{Mobile: mobile, Tail: tail, Code: code})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		code := r.code("13900139000")
		wrong := "111111"
		if code == wrong {
			wrong = "111112"
		}
		check("13900139000", "31002X", wrong)                                                                           // wrong
		check("13900139000", "31002X", wrong)                                                                           // the same again: not counted
		check("13800138000", "00000X", "111111")                                                                        // wrong
		check("15000150000", "31002X", "111111")                                                                        // wrong, nobody there
		check("13900139000", "31002X", code)                                                                            // right
		check("x", "31002X", "111111")                                                                                  // a form error: not counted
		if _, err := r.v.Resend(t.Context(), verify.ResendRequest{Mobile: "13800138000", Tail: "00000Y"}); err != nil { // a tail guessed there: wrong
			t.Fatal(err)
		}
		r.restart(false)
		counts, err := r.s.CheckCounts(t.Context(), time.Now().Add(-15*time.Minute))
		if err != nil || counts != (watch.Checks{All: 5, Wrong: 4}) {
			t.Errorf("%+v, %v", counts, err)
		}
		time.Sleep(17 * time.Minute)
		if counts, err = r.s.CheckCounts(t.Context(), time.Now().Add(-15*time.Minute)); err != nil || counts.All != 0 {
			t.Errorf("%+v, %v", counts, err)
		}
		if err := r.s.ForgetCounts(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if counts, err = r.s.CheckCounts(t.Context(), time.Now().Add(-24*time.Hour)); err != nil || counts.All != 0 {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

func TestConversionIsCountedBySIMAndPrefixFromTheRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		for _, mobile := range []string{"13800138000", "13800138001", "13900139000"} {
			fileFor(t, r, mobile)
		}
		synctest.Wait()
		r.report("13800138000")
		answer, err := r.v.Check(t.Context(), verify.CheckRequest{Mobile: "13800138000", Tail: "31002X", Code: r.code("13800138000")})
		if err != nil || !answer.OK {
			t.Fatal(answer, err)
		}
		time.Sleep(6 * time.Minute)
		if a, err := r.v.Resend(t.Context(), verify.ResendRequest{Mobile: "13900139000", Tail: "31002X"}); err != nil || a.Result != verify.ResultSent {
			t.Fatal(a, err)
		}
		synctest.Wait()
		answer, err = r.v.Check(t.Context(), verify.CheckRequest{Mobile: "13900139000", Tail: "31002X", Code: r.code("13900139000")})
		if err != nil || !answer.OK {
			t.Fatal(answer, err)
		}
		got, err := r.s.Conversions(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Second))
		want := []watch.Conversion{{SIM: "sim0", Prefix: "+86138", Sent: 2, Delivered: 1, Verified: 1}, {SIM: "sim0", Prefix: "+86139", Sent: 2, Verified: 1}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
		got, err = r.s.Conversions(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(-3*time.Minute)) // without the re-send
		want[1] = watch.Conversion{SIM: "sim0", Prefix: "+86139", Sent: 1}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestAnAlarmAndItsEventAreOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		for i := range 60 {
			if err := r.s.Update(t.Context(), func(tx *Tx) error { return tx.NoteCheck(t.Context(), i%3 > 0, time.Now()) }); err != nil {
				t.Fatal(err)
			}
		}
		rules := watch.Rules{WrongWindow: 15 * time.Minute, WrongLeast: 50, WrongShare: 0.5, ConversionWindow: time.Hour}
		events := func() (types []string) {
			all, err := r.s.Events(t.Context(), 0, "alarm:wrong_checks", 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				types = append(types, e.Type)
			}
			return types
		}
		for range 2 { // again after a restart: it stands, and is not told twice
			if err := watch.New(r.s, rules, slog.New(slog.DiscardHandler)).Look(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			r.restart(false)
			if alarms, err := r.s.Alarms(t.Context()); err != nil || len(alarms) != 1 || !slices.Equal(events(), []string{"alarm.raised"}) {
				t.Fatal(alarms, err, events())
			}
		}
		time.Sleep(20 * time.Minute)
		if err := watch.New(r.s, rules, slog.New(slog.DiscardHandler)).Look(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if alarms, err := r.s.Alarms(t.Context()); err != nil || len(alarms) != 0 || !slices.Equal(events(), []string{"alarm.raised", "alarm.cleared"}) {
			t.Fatal(alarms, err, events())
		}
	})
}
