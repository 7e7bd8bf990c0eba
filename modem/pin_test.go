package modem

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"attestd/modem/at"
)

// guard is a PINGuard that a test can look into.
type guard struct {
	known  map[string]PINVerdict // -1: begun
	failed []string
}

func (g *guard) Before(card, pin string, counted bool) error {
	if v, known := g.known[card+pin]; known && (v == PINRefused || !counted) {
		return errors.New("this card has refused this PIN before")
	}
	if g.known == nil {
		g.known = map[string]PINVerdict{}
	}
	g.known[card+pin] = -1
	return nil
}

func (g *guard) After(card, pin string, v PINVerdict) error {
	if g.known[card+pin] = v; v == PINRefused {
		g.failed = append(g.failed, card)
	} else {
		delete(g.known, card+pin)
	}
	return nil
}

func TestAPINThatWasRefusedIsNotEnteredAgainEvenWhereNobodyCountsTheTries(t *testing.T) {
	for name, answer := range map[string]string{"refused": "+CME ERROR: 16", "refused without a reason": "ERROR", "not answered": "-", "answered by the PUK": "+CME ERROR: SIM PUK required"} {
		t.Run(name, func(t *testing.T) {
			s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN", `AT+CPIN="1111"`: answer})
			g := &guard{}
			synctest.Test(t, func(t *testing.T) {
				for range 3 {
					ours, theirs := net.Pipe()
					s.conn = theirs
					go s.run()
					_, err := OpenOn(context.Background(), ours, Config{PIN: "1111", PINGuard: g})
					if !errors.Is(err, ErrPINRefused) || strings.Contains(err.Error(), "1111") {
						t.Fatal(err)
					}
					theirs.Close()
					synctest.Wait()
				}
			})
			if n := s.count(`AT+CPIN="1111"`); n != 1 {
				t.Errorf("entered %d times", n)
			}
			if len(g.failed) != 1 || g.failed[0] != "89860012345678901234" {
				t.Errorf("failures noted: %q", g.failed)
			}
		})
	}
}

func TestThisProcessRemembersARefusedPINByItself(t *testing.T) {
	s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN", `AT+CPIN="2222"`: "+CME ERROR: 16", "AT+CCID": "ERROR"})
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			ours, theirs := net.Pipe()
			s.conn = theirs
			go s.run()
			if _, err := OpenOn(context.Background(), ours, Config{PIN: "2222"}); !errors.Is(err, ErrPINRefused) {
				t.Fatal(err)
			}
			theirs.Close()
			synctest.Wait()
		}
	})
	if n := s.count(`AT+CPIN="2222"`); n != 1 {
		t.Errorf("entered %d times", n)
	}
}

func TestATrialCounterThatShowsAMistakeKeepsThePINBack(t *testing.T) {
	for vendor, answers := range map[string]map[string]string{
		"ACME":    {`AT+CPINR="SIM PIN"`: "+CPINR: SIM PIN,2,3"},
		"Quectel": {`AT+QPINC="SC"`: `+QPINC: "SC",1,10`},
		"huawei":  {"AT^CPIN?": "^CPIN: SIM PIN,,10,2,10,3"},
		"SIMCOM":  {"AT+SPIC": "+SPIC: 1,10,3,10"},
		"Telit":   {"AT#PCT": "#PCT: 1"},
	} {
		answers["AT+CPIN?"], answers["AT+CGMI"] = "+CPIN: SIM PIN", vendor
		s := plainModem(answers)
		opened(t, Config{PIN: "3333"}, s, func(t *testing.T, m *Modem, err error) {
			if !errors.Is(err, ErrPINRefused) || s.did(`AT+CPIN="3333"`) {
				t.Errorf("%s: %v", vendor, err)
			}
		})
	}
}

func TestTheCounterIsAskedInEveryWayBeforeAPINIsEntered(t *testing.T) {
	all := "+CPINR: SIM PIN,1,3\n+CPINR: SIM PUK,10,10\n+CPINR: SIM PIN2,3,3\n+CPINR: SIM PUK2,10,10"
	for name, answers := range map[string]map[string]string{
		"all four lines":                  {`AT+CPINR="SIM PIN"`: all},
		"another vendor's name":           {"AT+CGMI": "Acme", `AT+QPINC="SC"`: `+QPINC: "SC",1,10`},
		"no maker, Huawei's way":          {"AT+CGMI": "ERROR", "AT+GMI": "ERROR", "AT^CPIN?": "^CPIN: SIM PIN,,10,1,10,3"},
		"the standard way, and no number": {"AT+CGMI": "SIMCOM", `AT+CPINR="SIM PIN"`: "+CPINR: SIM PIN", "AT+SPIC": "+SPIC: 1,10,3,10"},
		"a Telit that says it is Thales":  {"AT+CGMI": "Thales", "AT#PCT": "#PCT: 1"},
	} {
		answers["AT+CPIN?"], answers[`AT+CPIN="3333"`] = "+CPIN: SIM PIN", "OK"
		s := plainModem(answers)
		opened(t, Config{PIN: "3333"}, s, func(t *testing.T, m *Modem, err error) {
			if !errors.Is(err, ErrPINRefused) || s.did(`AT+CPIN="3333"`) || !strings.Contains(err.Error(), "only 1 of 3") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestAPINThatNeverReachedTheCardIsNoRefusal(t *testing.T) {
	for name, answer := range map[string]string{"no answer while it starts": "-|OK", "operation not allowed": "+CME ERROR: 3|OK", "no words": "ERROR|OK", "busy": "+CME ERROR: 14|OK"} {
		t.Run(name, func(t *testing.T) {
			s := plainModem(map[string]string{
				"AT+CPIN?": "+CPIN: SIM PIN|+CPIN: SIM PIN|+CPIN: SIM PIN|+CPIN: READY", `AT+CPINR="SIM PIN"`: "+CPINR: SIM PIN,3,3", `AT+CPIN="1111"`: answer,
			})
			g := &guard{}
			synctest.Test(t, func(t *testing.T) {
				for i := range 2 {
					ours, theirs := net.Pipe()
					s.conn = theirs
					go s.run()
					m, err := OpenOn(context.Background(), ours, Config{PIN: "1111", PINGuard: g})
					if i == 0 && !errors.Is(err, ErrSIMFailure) || i == 1 && err != nil {
						t.Fatalf("session %d: %v", i+1, err)
					}
					if m != nil {
						m.Close()
					}
					theirs.Close()
					synctest.Wait()
				}
			})
			if s.count(`AT+CPIN="1111"`) != 2 || len(g.known) > 0 {
				t.Errorf("entered %d times; remembered: %v", s.count(`AT+CPIN="1111"`), g.known)
			}
		})
	}
}

func TestAPINThatWorkedThoughItsAnswerWasLostIsTaken(t *testing.T) {
	s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN|+CPIN: READY", `AT+CPINR="SIM PIN"`: "+CPINR: SIM PIN,3,3", `AT+CPIN="1111"`: "-"})
	g := &guard{}
	opened(t, Config{PIN: "1111", PINGuard: g}, s, func(t *testing.T, m *Modem, err error) {
		if err != nil || len(g.known) > 0 {
			t.Errorf("%v; remembered: %v", err, g.known)
		}
	})
}

func TestAnEntryWhoseEndNobodySawIsJudgedByTheCounterAlone(t *testing.T) {
	card := "89860012345678901234"
	for name, one := range map[string]struct {
		counter string
		enters  bool
	}{"every try is there": {"+CPINR: SIM PIN,3,3", true}, "one is gone": {"+CPINR: SIM PIN,2,3", false}, "nobody tells": {"ERROR", false}} {
		s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN|+CPIN: READY", `AT+CPINR="SIM PIN"`: one.counter, `AT+CPIN="1111"`: "OK"})
		g := &guard{known: map[string]PINVerdict{card + "1111": -1}}
		opened(t, Config{PIN: "1111", PINGuard: g}, s, func(t *testing.T, m *Modem, err error) {
			if s.did(`AT+CPIN="1111"`) != one.enters || (err == nil) != one.enters {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestOnPurposeAPINIsEnteredAfterAMistakeAndNeverAsTheLastTry(t *testing.T) {
	for counters, one := range map[string]struct {
		enters bool
		trial  PINTrial
	}{
		"+CPINR: SIM PIN,2,3|+CPINR: SIM PIN,3,3": {true, PINTrial{2, 3, true}},
		"+CPINR: SIM PIN,1,3":                     {false, PINTrial{1, 1, false}},
		"+CPINR: SIM PIN,0,3":                     {false, PINTrial{0, 0, false}},
		"ERROR":                                   {false, PINTrial{-1, -1, false}},
	} {
		s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN|+CPIN: READY", `AT+CPINR="SIM PIN"`: counters, `AT+CPIN="1111"`: "OK"})
		var trial PINTrial
		opened(t, Config{PIN: "1111", PINGuard: &guard{}, PINTrial: &trial}, s, func(t *testing.T, m *Modem, err error) {
			if s.did(`AT+CPIN="1111"`) != one.enters || (err == nil) != one.enters || trial != one.trial {
				t.Errorf("%s: %v, %+v", counters, err, trial)
			}
		})
	}
	s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN", `AT+CPINR="SIM PIN"`: "+CPINR: SIM PIN,3,3|+CPINR: SIM PIN,2,3", `AT+CPIN="2222"`: "+CME ERROR: 16"})
	var trial PINTrial
	opened(t, Config{PIN: "2222", PINGuard: &guard{}, PINTrial: &trial}, s, func(t *testing.T, m *Modem, err error) {
		if !errors.Is(err, ErrPINRefused) || trial != (PINTrial{3, 2, true}) {
			t.Errorf("%v, %+v", err, trial)
		}
	})
}

func TestTheStatesOfACardAreSaidInOneLineEach(t *testing.T) {
	for answer, want := range map[string]error{
		"+CPIN: SIM PUK": ErrPUKRequired, "+CME ERROR: 12": ErrPUKRequired, "+CMS ERROR: 316": ErrPUKRequired, "+CME ERROR: 10": ErrNoSIM,
		"+CME ERROR: SIM not inserted": ErrNoSIM, "+CPIN: NOT INSERTED": ErrNoSIM, "+CPIN: PH-NET PIN": ErrSIMFailure, "+CME ERROR: 14": ErrSIMFailure,
		"+CME ERROR: 13": ErrSIMFailure, "+CPIN: SIM PIN": ErrPINRequired, "+CME ERROR: 11": ErrPINRequired, "+CMS ERROR: 310": ErrNoSIM,
	} {
		opened(t, Config{}, plainModem(map[string]string{"AT+CPIN?": answer}), func(t *testing.T, m *Modem, err error) {
			if !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %v", answer, err, want)
			}
		})
	}
}

func TestTheTraceShowsNoPIN(t *testing.T) {
	s := plainModem(map[string]string{"AT+CPIN?": "+CPIN: SIM PIN|+CPIN: SIM PIN|+CPIN: READY", `AT+CPIN="4444"`: "AT+CPIN=\"4444\"\nOK"})
	var seen strings.Builder
	opened(t, Config{PIN: "4444", Trace: func(tr at.Trace) { seen.WriteString(tr.Line + "\n") }}, s, func(t *testing.T, m *Modem, err error) {
		if err != nil || !s.did(`AT+CPIN="4444"`) {
			t.Fatal(err)
		}
	})
	if strings.Contains(seen.String(), "4444") {
		t.Error("the trace shows the PIN")
	}
}
