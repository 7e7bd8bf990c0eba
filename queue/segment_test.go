package queue

import (
	"testing"
	"time"

	"attestd/pdu"
)

var kinds = []OutcomeKind{OutcomeUnknown, OutcomeAccepted, OutcomeRefused, OutcomeTemporary, OutcomeSick, OutcomeNotSent}

// FuzzSegment throws any order of happenings at a segment, two octets each: what, and about which attempt.
func FuzzSegment(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 2, 1}, true)        // claimed, accepted, delivered
	f.Add([]byte{0, 0, 9, 1, 60, 0, 0, 0}, true) // claimed, unknown, window, repeated
	f.Add([]byte{0, 0, 9, 1, 60, 0, 0, 0, 25, 2, 2, 1}, true)
	f.Fuzz(func(t *testing.T, events []byte, repeatable bool) {
		start := time.Unix(1_000_000, 0)
		tm := terms{now: start, deadline: start.Add(24 * time.Hour), repeatable: repeatable, policy: DefaultPolicy()}
		s := Segment{Seq: 1, State: Queued, Due: start, MR: -1, Status: -1}
		results := map[int]OutcomeKind{} // what was told of each attempt; the last word
		took := map[int]bool{}           // attempts that a report proved
		failed := map[int]bool{}         // attempts of which a final report says that they came to nothing
		repeats := 0
		for i := 0; i+1 < len(events) && i < 400; i += 2 {
			h, ok := happen(events[i], int(events[i+1]), s, results)
			if !ok {
				tm.now = tm.now.Add(time.Duration(events[i+1]) * 7 * time.Minute)
				h = happening{what: timed}
			}
			if h.what == claimed && (s.State != Queued || !tm.now.Before(tm.deadline)) {
				continue // the dispatcher claims only what waits, and in time
			}
			was := s
			s = s.next(h, tm)
			switch {
			case was.State.Terminal() && s.State != was.State:
				t.Fatalf("%s became %s", was.State, s.State)
			case h.what == claimed:
				if s.State != Submitting || s.Attempts != was.Attempts+1 {
					t.Fatalf("claimed: %+v", s)
				}
				if last, told := results[was.Attempts]; told {
					if last == OutcomeAccepted || last == OutcomeRefused || took[was.Attempts] {
						t.Fatalf("sent again after %v", last)
					}
					if last == OutcomeUnknown {
						if repeats++; repeats > 1 || !repeatable {
							t.Fatalf("repetition %d of a segment in doubt, repeatable %v", repeats, repeatable)
						}
					}
				}
			case h.what == ended:
				results[h.attempt] = h.outcome.Kind
			case h.what == reported:
				took[h.attempt] = true
				failed[h.attempt] = failed[h.attempt] || h.status.Class() == pdu.Failed
			}
			if s.State == Rejected || s.State == Expired || s.State == Cancelled {
				for n := 1; n <= s.Attempts; n++ {
					if last, told := results[n]; !was.State.Terminal() && !failed[n] && (!told || last == OutcomeUnknown || last == OutcomeAccepted) {
						t.Fatalf("%s, but attempt %d may be out (%v)", s.State, n, last)
					}
				}
			}
			if s.Doubt > s.Attempts || s.State == Unknown && s.Due.IsZero() {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// happen makes an event that the world outside could bring about; false for the passing of time.
func happen(code byte, n int, s Segment, results map[int]OutcomeKind) (happening, bool) {
	switch code % 8 {
	case 0:
		return happening{what: claimed, lanes: Lanes{Station: "m0", SIM: "s0"}}, true
	case 1, 2:
		if s.Attempts == 0 {
			return happening{}, false
		}
		n = 1 + n%s.Attempts
		last, told := results[n]
		k := kinds[int(code/8)%len(kinds)]
		if told && (last != OutcomeUnknown || k == OutcomeUnknown) {
			return happening{}, false // settle() lets only the truth about a doubt through
		}
		if !told {
			n = s.Attempts // the one under way
			if _, told := results[n]; told {
				return happening{}, false
			}
		}
		return happening{what: ended, attempt: n, outcome: Outcome{Kind: k, MR: 1}}, true
	case 3:
		if s.Attempts == 0 {
			return happening{}, false
		}
		n = 1 + n%s.Attempts
		if last, told := results[n]; !told || last != OutcomeAccepted && last != OutcomeUnknown {
			return happening{}, false
		}
		results[n] = OutcomeAccepted // as applyReport writes down
		return happening{what: reported, attempt: n, status: []pdu.Status{0, 0x20, 0x46, 0x63}[int(code/8)%4]}, true
	case 4:
		return happening{what: seen}, true
	case 5:
		return happening{what: withdrawn}, true
	}
	return happening{}, false
}

func TestTheMessageIsAsGoodAsItsWorstPart(t *testing.T) {
	for _, c := range []struct {
		parts []State
		want  State
	}{
		{[]State{Queued, Queued}, Queued},
		{[]State{Submitted, Queued}, Submitting},
		{[]State{Submitting, Queued}, Submitting},
		{[]State{Unknown, Submitting, Queued}, Unknown},
		{[]State{Submitted, Delivered}, Submitted},
		{[]State{Unreported, Submitted}, Submitted},
		{[]State{Delivered, Unreported}, Unreported},
		{[]State{Delivered, Delivered}, Delivered},
		{[]State{Delivered, Undelivered, Submitted}, Undelivered},
		{[]State{Undelivered, Rejected}, Rejected},
		{[]State{Expired, Delivered}, Expired},
		{[]State{Cancelled, Unknown}, Cancelled},
	} {
		var parts []Segment
		for _, s := range c.parts {
			parts = append(parts, Segment{State: s})
		}
		if got, _ := stateOf(parts); got != c.want {
			t.Errorf("%v: %s, want %s", c.parts, got, c.want)
		}
	}
}

func TestALateRefusalToSendGivesTheRepetitionBack(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	tm := terms{now: start, deadline: start.Add(24 * time.Hour), repeatable: true, policy: DefaultPolicy()}
	s := Segment{Seq: 1, State: Queued, Due: start, MR: -1, Status: -1}
	step := func(h happening, want State) {
		t.Helper()
		if s = s.next(h, tm); s.State != want {
			t.Fatalf("%s, want %s: %+v", s.State, want, s)
		}
	}
	doubt := func(n int) happening {
		return happening{what: ended, attempt: n, outcome: Outcome{Kind: OutcomeUnknown}}
	}
	step(happening{what: claimed}, Submitting)
	step(doubt(1), Unknown)
	tm.now = s.Due
	step(happening{what: timed}, Queued)
	step(happening{what: ended, attempt: 1, outcome: Outcome{Kind: OutcomeTemporary}}, Queued)
	if s.Repeated || s.Doubt != 0 || !s.Due.After(tm.now) {
		t.Fatalf("it was not sent after all, and waits its turn: %+v", s)
	}
	tm.now = s.Due
	step(happening{what: claimed}, Submitting)
	step(doubt(2), Unknown)
	tm.now = s.Due
	step(happening{what: timed}, Queued) // the first repetition of one that may have been sent
	step(happening{what: claimed}, Submitting)
	step(happening{what: ended, attempt: 3, outcome: Outcome{Kind: OutcomeRefused}}, Unknown) // the second may still be out
	step(happening{what: reported, attempt: 2, status: 0}, Delivered)
}

func TestWhatComesLateAboutTheFirstAttemptDoesNotDecideForTheSecond(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	tm := terms{now: start, deadline: start.Add(24 * time.Hour), repeatable: true, policy: DefaultPolicy()}
	told := func(n int, k OutcomeKind) happening {
		return happening{what: ended, attempt: n, outcome: Outcome{Kind: k, MR: byte(n)}}
	}
	repeating := Segment{Seq: 1, State: Submitting, Attempts: 2, Repeated: true, Doubt: 1, MR: -1, Status: -1}
	for _, c := range []struct {
		name string
		then []happening
		want State
	}{
		{"accepted late, the second is under way", []happening{told(1, OutcomeAccepted)}, Submitting},
		{"accepted late, the second was not sent", []happening{told(1, OutcomeAccepted), told(2, OutcomeNotSent)}, Submitted},
		{"accepted late, the second refused", []happening{told(1, OutcomeAccepted), told(2, OutcomeRefused)}, Submitted},
		{"refused late, the second in doubt", []happening{told(2, OutcomeUnknown), told(1, OutcomeRefused)}, Unknown},
		{"refused late, the second accepted", []happening{told(1, OutcomeRefused), told(2, OutcomeAccepted)}, Submitted},
		{"refused both", []happening{told(1, OutcomeRefused), told(2, OutcomeRefused)}, Rejected},
		{"in doubt, the second refused", []happening{told(2, OutcomeRefused)}, Unknown},
		{"the first failed, the second is open", []happening{told(2, OutcomeAccepted), {what: reported, attempt: 1, status: 0x46}}, Submitted},
		{"the second failed, the first is in doubt", []happening{told(2, OutcomeAccepted), {what: reported, attempt: 2, status: 0x46}}, Unknown},
		{"both failed", []happening{told(2, OutcomeAccepted), {what: reported, attempt: 1, status: 0x46}, {what: reported, attempt: 2, status: 0x46}}, Undelivered},
	} {
		s := repeating
		for _, h := range c.then {
			s = s.next(h, tm)
		}
		if s.State != c.want {
			t.Errorf("%s: %s, want %s", c.name, s.State, c.want)
		}
	}
}

func TestAfterALongStandstillReportsStillHaveTheirWindow(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	tm := terms{now: start.Add(72 * time.Hour), deadline: start.Add(24 * time.Hour), policy: DefaultPolicy()}
	s := Segment{Seq: 1, State: Submitting, Attempts: 1, MR: -1, Status: -1}
	s = s.next(happening{what: ended, attempt: 1, outcome: Outcome{Kind: OutcomeUnknown}}, tm)
	if s.State != Unknown || !s.Due.Equal(tm.now.Add(tm.policy.ReportWindow)) {
		t.Errorf("%s until %v: reports that wait in the SIM would come too late", s.State, s.Due)
	}
}
