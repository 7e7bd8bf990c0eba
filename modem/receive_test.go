package modem

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pduNo gives PDUs that differ.
func pduNo(n int) string { return aPDU[:len(aPDU)-1] + string(rune('0'+n)) }

func TestAnAnnouncedMessageIsReadWhereItLiesAndRetriedUntilItIsThere(t *testing.T) {
	s := plainModem(map[string]string{
		"AT+CMGR=3": "+CMS ERROR: 321|OK|+CMGR: ,,30\n" + pduNo(1), // not written yet; empty; and a ZTE's without its status
		"AT+CMGD=3": "OK",
	})
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		if err != nil {
			t.Fatal(err)
		}
		s.say("+CMTI: \"SM\",3\n-")
		e := next(t, m)
		if e.Raw != pduNo(1) || !e.Stored || e.Memory != "SM" || e.Index != 3 || e.SMSC != "+31624000000" {
			t.Fatalf("got %+v", e)
		}
		if s.did("AT+CMGD=3") {
			t.Fatal("deleted before it was acknowledged")
		}
		for range 2 { // the second time there is nothing to delete, or somebody else's message
			if err := m.Acknowledge(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.count("AT+CMGD=3"); n != 1 {
			t.Errorf("deleted %d times", n)
		}
		if n := s.count(`AT+CPMS="ME"`); n != 4 { // after each of three reads, and after the deletion
			t.Errorf("went back to ME %d times", n)
		}
	})
}

func TestAcknowledgingDeletesNoMessageThatCameToLieThereSince(t *testing.T) {
	s := plainModem(map[string]string{
		"AT+CMGR=1": "+CMGR: 0,,30\n" + pduNo(1) + "|+CMGR: 0,,30\n" + pduNo(2), "AT+CMGD=1": "OK",
	})
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		ctx := context.Background()
		s.say("+CMTI: \"ME\",1\n-")
		first := next(t, m)
		s.say("+CMTI: \"ME\",1\n-")
		second := next(t, m)
		if err := m.Acknowledge(ctx, first); err != nil || s.did("AT+CMGD=1") {
			t.Fatalf("the first message's acknowledgement deleted the second (%v)", err)
		}
		if err := m.Acknowledge(ctx, second); err != nil || !s.did("AT+CMGD=1") {
			t.Fatalf("the second was not deleted (%v)", err)
		}
	})
}

func TestHandedOverMessagesAreUnderstoodInEveryForm(t *testing.T) {
	s := plainModem(nil)
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		forms := []string{"+CMT: ,30\n", "+CMT: \"\",30\n", "+CMT: 30\n", "+CMT:\n", "+CDS: 30\n"}
		for i, form := range forms {
			s.say(form + pduNo(i) + "\n-")
			e := next(t, m)
			if e.Raw != pduNo(i) || e.Stored || hex.EncodeToString(e.TPDU) != strings.ToLower(pduNo(i)[16:]) {
				t.Errorf("%q: got %+v", form, e)
			}
			if err := m.Acknowledge(context.Background(), e); err != nil || s.did("AT+CNMA") {
				t.Errorf("nobody asked for AT+CNMA (%v)", err)
			}
		}
		// Without the SMSC field, as the length says.
		s.say(fmt.Sprintf("+CMT: ,%d\n%s\n-", len(aPDU[16:])/2, pduNo(1)[16:]))
		if e := next(t, m); hex.EncodeToString(e.TPDU) != strings.ToLower(pduNo(1)[16:]) {
			t.Errorf("got %+v", e)
		}
	})
}

func TestDrainTakesPairByPairFromEveryMemoryAndFallsBack(t *testing.T) {
	list := "+CMGL: 0,1,,30\n" + pduNo(1) + "\n+CMGL: 1,2,,30\n" + pduNo(2) + "\n+CMGL: 2,0,,30\n+CMGL: x,0,,30\n" + pduNo(3) + "\n+CMGL: 4,0,,30\nrubbish!\n+CMGL: 5,0,,30\n" + pduNo(5)
	for name, c := range map[string]struct {
		more map[string]string
		want []string
	}{
		"a list with a message of ours, a missing PDU and a bad one": {map[string]string{
			"AT+CMGL=4": list + "|+CMGL: 7,1,,30\n" + pduNo(7),
		}, []string{"ME0 " + pduNo(1), "ME4 rubbish!", "ME5 " + pduNo(5), "SM7 " + pduNo(7)}},
		"EP06, which wants ALL": {map[string]string{
			"AT+CMGL=4": "+CMS ERROR: 303", `AT+CMGL="ALL"`: "+CMGL: 0,1,,30\n" + pduNo(1) + "|OK",
		}, []string{"ME0 " + pduNo(1)}},
		"one that can't list": {map[string]string{
			"AT+CMGL=4": "ERROR", "AT+CPMS?": `+CPMS: "ME",2,3,"ME",2,3,"ME",2,3|+CPMS: "SM",1,20,"ME",2,3,"ME",2,3`,
			"AT+CMGR=0": "+CMS ERROR: 321", "AT+CMGR=1": "+CMGR: 0,,30\n" + pduNo(1) + "|ERROR", "AT+CMGR=3": "+CMGR: 1,,30\n" + pduNo(3) + "|ERROR",
			"AT+CMGR=9": "+CMGR: 1,,30\n" + pduNo(9),
		}, []string{"ME1 " + pduNo(1), "ME3 " + pduNo(3), "SM9 " + pduNo(9)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := plainModem(c.more)
			opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
				if err != nil {
					t.Fatal(err)
				}
				n, err := m.Drain(context.Background())
				if err != nil || n != len(c.want) {
					t.Fatalf("drained %d, %v", n, err)
				}
				for _, want := range c.want {
					if e := next(t, m); e.Memory+string(rune('0'+e.Index))+" "+e.Raw != want {
						t.Errorf("got %s%d %s, want %s", e.Memory, e.Index, e.Raw, want)
					}
				}
			})
		})
	}
}

func TestEveryEndOfASubmitHasItsOwnName(t *testing.T) {
	for _, c := range []struct {
		prompt, result string
		want           error
		class          ClassKind
	}{
		{"> ", "+CMGS: 12", nil, Accepted},
		{"> ", "+CMGS: 12\n-", nil, Accepted}, // OK never comes
		{"> ", "+CMGS: 12,\"26/11/24\"", nil, Accepted},
		{"> ", "OK", ErrOutcomeUnknown, Doubt},
		{"> ", "-", ErrOutcomeUnknown, Doubt},
		{"> ", "+CMS ERROR: 38", nil, Temporary},
		{"> ", "+CMS ERROR: 500", nil, Doubt},
		{"> ", "+CMS ERROR: 1", nil, Permanent},
		{"> ", "ERROR", nil, Doubt},
		{"> ", "+CME ERROR: network timeout", nil, Doubt},
		{"> ", "RDY\n-", ErrOutcomeUnknown, Doubt},
		{"+CMS ERROR: 500", "", nil, Sick}, // in place of the prompt: nothing to doubt
		{"ERROR", "", nil, Sick},
		{"+CMS ERROR: 330", "", nil, Misconfigured},
		{"OK", "", ErrNotSent, Sick},
		{"-", "", ErrNotSent, Sick},
	} {
		s := plainModem(map[string]string{"AT+CMGS=2": c.prompt, "PDU": c.result})
		opened(t, Config{}, s, func(t *testing.T, m *Modem, _ error) {
			mr, err := m.Submit(context.Background(), "tag", []byte{1, 0})
			if c.class == Accepted {
				if err != nil || mr != 12 {
					t.Errorf("%q: got %d, %v", c.result, mr, err)
				}
				return
			}
			if err == nil || c.want != nil && !errors.Is(err, c.want) || c.want == nil && (errors.Is(err, ErrNotSent) || errors.Is(err, ErrOutcomeUnknown)) {
				t.Errorf("%q, %q: got %v, want %v", c.prompt, c.result, err, c.want)
			}
			if got := Classify(err); got.Kind != c.class {
				t.Errorf("%q, %q: classed %v, want %v", c.prompt, c.result, got.Kind, c.class)
			}
		})
	}
}

func TestWhatTheModemTellsUnaskedBecomesEventsInOrder(t *testing.T) {
	s := plainModem(nil)
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		s.say("+CREG: 2\nRING\n+CREG: 5,\"0A\",\"1234\"\n^SMMEMFULL: \"SM\"\n+CMT: ,30\n" + aPDU + "\n+CUSD: 0\nSMS Ready\n+CPIN: NOT READY\n+QIND: \"SMSFULL\",\"ME\"\n-")
		synctest.Wait()
		want := []EventKind{RegistrationChanged, Ring, RegistrationChanged, SIMFull, Received, Unsolicited, SIMChanged, SIMFull}
		for i, kind := range want {
			if e := <-m.Events(); e.Kind != kind || e.At.IsZero() {
				t.Fatalf("%d: got %+v, want %v", i, e, kind)
			}
		}
		time.Sleep(2 * time.Minute)
		s.say("SMS Ready\n-") // not the one of the start: its banner was missed
		if e := <-m.Events(); e.Kind != Restarted {
			t.Fatalf("got %+v", e)
		}
	})
}

func TestAModemThatStaysInTextModeIsRefused(t *testing.T) {
	opened(t, Config{}, plainModem(map[string]string{"AT+CMGF?": "+CMGF: 1"}), func(t *testing.T, m *Modem, err error) {
		if !errors.Is(err, ErrNoPDUMode) {
			t.Fatal(err)
		}
	})
}

func TestABannerInTheHandshakeStartsItAgain(t *testing.T) {
	s := plainModem(map[string]string{"AT+CGMM": "RDY\n-|M1"})
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		// Two or three: the news of the banner may reach the handshake when it has begun again already.
		if n := s.count("ATE0"); err != nil || m.Identity().Model != "M1" || n < 2 || n > 3 {
			t.Fatalf("%v, %+v, greeted %d times", err, m.Identity(), n)
		}
	})
}
