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
	refuses bool
	tried   []string
	failed  []string
}

func (g *guard) MayTry(card string) error {
	g.tried = append(g.tried, card)
	if g.refuses {
		return errors.New("this card has refused this PIN before")
	}
	return nil
}

func (g *guard) Failed(card string) error {
	g.failed = append(g.failed, card)
	g.refuses = true
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
