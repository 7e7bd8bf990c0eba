package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"attestd/queue"
	"attestd/verify"
)

const phoneC, tailC = "13700137000", "654321"

func (r *rig) amend(f verify.Filing, who int, change verify.AmendRequest) verify.Filing {
	r.t.Helper()
	change.FilingID, change.PersonID = f.ID, f.Persons[who].ID
	change.Owner = verify.Everyone
	after, err := r.v.AmendPerson(context.Background(), change)
	if err != nil {
		r.t.Fatal(err)
	}
	return after
}

// states counts the messages of the database by state.
func (r *rig) states() map[queue.State]int {
	r.t.Helper()
	all, _, err := r.s.Messages(context.Background(), queue.Filter{Owner: queue.Everyone, Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	counts := map[queue.State]int{}
	for _, m := range all {
		counts[m.State]++
	}
	return counts
}

func TestAnAmendedPhoneGetsTheOnlySMSWhereTheOldOneStillWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.restart(false) // all modems are down
		f := r.file(twoPersons())
		f = r.amend(f, 0, verify.AmendRequest{Mobile: phoneC, CertificateTail: tailC})
		r.restart(true)
		synctest.Wait()
		if len(r.modem.sent(phoneA)) != 0 || len(r.modem.sent(phoneC)) != 1 || r.states()[queue.Cancelled] != 1 {
			t.Errorf("%d to the old phone, %d to the new one; %v", len(r.modem.sent(phoneA)), len(r.modem.sent(phoneC)), r.states())
		}
		if f.Persons[0].Name != "王五" || f.Persons[0].Mobile != "137****7000" || r.filing(f.ID).Persons[0].Amended != 1 {
			t.Errorf("%+v", f.Persons[0])
		}
		if got := r.check(r.code(phoneC), phoneC, tailC); got != verify.ResultVerified {
			t.Error(got)
		}
		if got := r.check(r.code(phoneB), phoneB, tailB); got != verify.ResultPassed || r.events("filing.passed", f.ID) != 1 {
			t.Error(got)
		}
	})
}

func TestASplitAndAJoinOfASharedChallengeSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		req := twoPersons()
		req.Persons[1].Mobile = phoneA
		f := r.file(req)
		synctest.Wait()
		f = r.amend(f, 0, verify.AmendRequest{Mobile: phoneC}) // the split
		r.restart(true)
		synctest.Wait()
		shared := r.code(phoneA)
		if got := r.check(shared, phoneA, tailA); got != verify.ResultNoRecord {
			t.Errorf("the tail of who left gives %d", got)
		}
		f = r.amend(f, 1, verify.AmendRequest{Mobile: phoneC}) // and the join
		r.restart(true)
		synctest.Wait()
		if len(r.modem.sent(phoneC)) != 1 || f.Persons[0].ChallengeID != f.Persons[1].ChallengeID {
			t.Errorf("%d SMS for the joined", len(r.modem.sent(phoneC)))
		}
		if got := r.check(shared, phoneA, tailB); got != verify.ResultFinal {
			t.Errorf("the code that was left gives %d", got)
		}
		if got := r.check(r.code(phoneC), phoneC, tailB); got != verify.ResultPassed {
			t.Error(got)
		}
	})
}

func TestASupersededFilingsQueuedSMSNeverGoOutAndAllOfItIsOneTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(p *verify.Policy) { p.ResubmitsPerDay = 1 })
		r.restart(false)
		old := r.file(twoPersons())
		req := twoPersons()
		req.Supersedes = old.ID
		f := r.file(req)
		if was := r.filing(old.ID); was.State != verify.FilingRejected || was.Reason != verify.ReasonSuperseded || was.By != f.ID || r.filing(f.ID).Supersedes != old.ID {
			t.Errorf("%s, %s, by %q", was.State, was.Reason, was.By)
		}
		req.Supersedes = f.ID // and this one is one too many
		var many verify.TooManyFilings
		if _, _, err := r.v.CreateFiling(context.Background(), req); !errors.As(err, &many) || r.filing(f.ID).State != verify.FilingVerifying {
			t.Error(err, r.filing(f.ID).State)
		}
		r.restart(true)
		synctest.Wait()
		if len(r.modem.sent(phoneA)) != 1 || len(r.modem.sent(phoneB)) != 1 || r.states()[queue.Cancelled] != 2 {
			t.Errorf("%d and %d SMS, %v", len(r.modem.sent(phoneA)), len(r.modem.sent(phoneB)), r.states())
		}
	})
}

func TestTheTimelineTellsEverythingInOrderAndNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		old := r.file(onePerson())
		req := twoPersons()
		req.Supersedes = old.ID
		f := r.file(req)
		synctest.Wait()
		r.report(phoneA)
		code := r.code(phoneA)
		r.check(other(code, 1), phoneA, tailA)
		time.Sleep(6 * time.Minute)
		r.resend(phoneA, tailA)
		synctest.Wait()
		r.amend(f, 1, verify.AmendRequest{Mobile: phoneC})
		synctest.Wait()
		r.check(code, phoneA, tailA)
		r.check(r.code(phoneC), phoneC, tailB)
		var told []string
		var text strings.Builder
		last := int64(0)
		for after := int64(0); ; {
			page, next, err := r.v.Timeline(context.Background(), verify.Everyone, f.ID, after, 4)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				if m.Seq <= last {
					t.Errorf("%d after %d", m.Seq, last)
				}
				last = m.Seq
				told = append(told, m.Type)
				_ = json.NewEncoder(&text).Encode(m)
			}
			if next == 0 {
				break
			}
			after = next
		}
		at := 0
		for _, want := range []string{"filing.received", "challenge.sending", "filing.verifying", "message.submitted", "challenge.open", "message.delivered",
			"check.refused", "message.queued", "challenge.resent", "message.submitted", "person.amended", "challenge.void", "challenge.sending",
			"challenge.open", "challenge.verified", "person.verified", "challenge.verified", "person.verified", "filing.passed"} {
			i := slices.Index(told[at:], want)
			if i < 0 {
				t.Fatalf("no %s after %v; all: %v", want, told[:at], told)
			}
			at += i + 1
		}
		if told[len(told)-1] != "filing.passed" {
			t.Errorf("it ends with %s", told[len(told)-1])
		}
		secrets := []string{phoneA, phoneB, phoneC, tailA, tailB, "王五", "赵六"}
		for _, number := range []string{phoneA, phoneB, phoneC} {
			for _, sent := range r.modem.sent(number) {
				secrets = append(secrets, `"`+codeIn.FindString(sent), " "+codeIn.FindString(sent))
			}
		}
		for _, secret := range secrets {
			if strings.Contains(text.String(), secret) {
				t.Errorf("it tells %s", secret)
			}
		}
		if _, _, err := r.v.Timeline(context.Background(), verify.Everyone, "none", 0, 10); !errors.Is(err, verify.ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestFilingsAreSearchedByMobileTypeTimeAndStatePageByPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		start := time.Now()
		var ofA []string
		for i := range 6 {
			req := onePerson()
			req.Reference = fmt.Sprint("order-", i)
			if i%2 == 1 {
				req.Persons[0].Mobile = phoneB
			}
			f := r.file(req)
			if i%2 == 0 {
				ofA = append(ofA, f.ID)
			}
			time.Sleep(time.Hour)
		}
		r.amend(r.filing(ofA[0]), 0, verify.AmendRequest{Mobile: phoneC}) // it is found by what the phone was, too
		all := func(q verify.FilingQuery) (ids []string) {
			for q.Limit = 2; ; {
				page, next, err := r.v.Filings(context.Background(), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range page {
					ids = append(ids, f.ID)
				}
				if next == "" {
					slices.Reverse(ids)
					return ids
				}
				q.Before = next
			}
		}
		for _, mobile := range []string{phoneA, "+86 138-0013-8000", "１３８００１３８０００"} {
			if got := all(verify.FilingQuery{Owner: verify.Everyone, Mobile: mobile}); !slices.Equal(got, ofA) {
				t.Errorf("%s: %d of %d", mobile, len(got), len(ofA))
			}
		}
		for want, q := range map[int]verify.FilingQuery{
			0: {Mobile: "13600136000"},
			1: {Mobile: phoneC, State: verify.FilingVerifying},
			2: {From: start.Add(time.Hour), To: start.Add(3 * time.Hour)},
			3: {Mobile: phoneB, Type: "change"},
			4: {From: start.Add(2 * time.Hour)},
			5: {To: start.Add(4*time.Hour + time.Microsecond)},
			6: {Type: "change", Owner: "platform"},
		} {
			if q.Owner == "" {
				q.Owner = verify.Everyone
			}
			if got := all(q); len(got) != want {
				t.Errorf("%d, want %d", len(got), want)
			}
		}
		if got := all(verify.FilingQuery{Owner: verify.Everyone, Type: "first"}); len(got) != 0 {
			t.Error(got)
		}
		var invalid verify.Invalid
		if _, _, err := r.v.Filings(context.Background(), verify.FilingQuery{Owner: verify.Everyone, Mobile: "12", Limit: 1}); !errors.As(err, &invalid) || invalid[0].Field != "mobile" {
			t.Error(err)
		}
	})
}

func TestAnAmendmentAndASearchFindWhatAnOlderKeyMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		older, err := sealWith(map[byte]byte{1: 1})
		if err != nil {
			t.Fatal(err)
		}
		r := newKeyedRig(t, older)
		f := r.file(twoPersons())
		synctest.Wait()
		r.stop()
		if r.keys, err = sealWith(map[byte]byte{1: 1, 2: 2}); err != nil {
			t.Fatal(err)
		}
		r.start(true)
		if same := r.amend(f, 0, verify.AmendRequest{Mobile: phoneA, CertificateTail: tailA}); same.Persons[0].Amended != 0 {
			t.Error("the same phone and tail under a newer key were taken for others")
		}
		f = r.amend(f, 0, verify.AmendRequest{Mobile: phoneB}) // joins the challenge that the older key made
		if page, _, err := r.v.Filings(context.Background(), verify.FilingQuery{Owner: verify.Everyone, Mobile: phoneB, Limit: 10}); err != nil || len(page) != 1 {
			t.Errorf("%d found, %v", len(page), err)
		}
		if f.Persons[0].ChallengeID != f.Persons[1].ChallengeID {
			t.Error("not joined")
		}
		if got := r.check(r.code(phoneB), phoneB, tailA); got != verify.ResultPassed {
			t.Error(got)
		}
	})
}

func TestOfTwoHundredConcurrentChecksTheOneRightOneIsTheOneVerifiedAndNoMoreThanFiveAreCharged(t *testing.T) {
	for round := range 10 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			f := r.file(onePerson())
			synctest.Wait()
			code := r.code(phoneA)
			results := make(chan verify.Result, 200)
			var all sync.WaitGroup
			for i := range 200 { // the wrong ones are of four kinds: with a fifth, the right one might come too late
				entered := other(code, i%4)
				if i == (round*37+11)%200 {
					entered = code
				}
				all.Go(func() { results <- r.check(entered, phoneA, tailA) })
			}
			all.Wait()
			close(results)
			seen := map[verify.Result]int{}
			for one := range results {
				seen[one]++
			}
			if c := r.filing(f.ID).Challenges[0]; seen[verify.ResultPassed] != 1 || c.State != verify.ChallengeVerified || c.Wrong > 4 || r.events("filing.passed", f.ID) != 1 {
				t.Errorf("%v, %s, %d charged", seen, c.State, c.Wrong)
			}
		})
	}
}

func TestEachFilingsCallbackIsToldOfItsOwnSideOfASupersedingAndOfEveryAmendment(t *testing.T) {
	r := newRig(t, nil)
	req := twoPersons()
	req.Callback = "https://platform.example/old"
	old := r.file(req)
	r.amend(old, 0, verify.AmendRequest{Mobile: phoneC})
	req.Callback, req.Supersedes = "https://platform.example/new", old.ID
	f := r.file(req)
	told := map[string][]string{}
	for _, d := range letters(t, r.s) { // newest first
		if want := map[string]string{old.ID: "https://platform.example/old", f.ID: "https://platform.example/new"}[d.Event.Subject]; d.URL != want {
			t.Errorf("%s of %s goes to %s", d.Event.Type, d.Event.Subject, d.URL)
		}
		told[d.Event.Subject] = append([]string{d.Event.Type}, told[d.Event.Subject]...)
	}
	for id, want := range map[string][]string{
		old.ID: {"filing.received", "filing.verifying", "person.amended", "challenge.void", "challenge.sending", "filing.rejected", "filing.superseded"},
		f.ID:   {"filing.received", "challenge.sending", "filing.verifying"},
	} {
		at := 0
		for _, typ := range want {
			i := slices.Index(told[id][at:], typ)
			if i < 0 {
				t.Fatalf("no %s in its place: %v", typ, told[id])
			}
			at += i + 1
		}
	}
}
