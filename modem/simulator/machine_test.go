package simulator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestThreeWrongPINsBlockTheSIMAndThePUKFreesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{PIN: "4711"})
		h := connect(t, n, 0).quiet()
		h.wants("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
		h.wants("AT+CPINR=\"SIM PIN\"", "\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n")
		h.wants("AT+CMGL=4", "\r\n+CMS ERROR: 311\r\n")
		h.wants("AT+CIMI", "\r\n+CME ERROR: 11\r\n")
		h.wants("AT+CREG?", "\r\n+CREG: 0,0\r\n\r\nOK\r\n")
		if got := h.ask("AT+CCID"); !strings.Contains(got, n.Modem(0).ICCID()) {
			t.Errorf("ICCID before the PIN: %q", got)
		}
		h.wants("AT+CPIN=0000", "\r\n+CME ERROR: 16\r\n")
		h.wants("AT+CPIN=0000", "\r\n+CME ERROR: 16\r\n")
		h.wants("AT+CPIN=0000", "\r\n+CME ERROR: 12\r\n")
		h.wants("AT+CPIN?", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n")
		h.wants(`AT+CPIN="12345678","1111"`, "\r\nOK\r\n\r\n+CPIN: READY\r\n\r\nSMS Ready\r\n")
		h.wants("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n")
		h.wants(`AT+CLCK="SC",2`, "\r\n+CLCK: 1\r\n\r\nOK\r\n")
		n.Modem(0).Restart()
		time.Sleep(time.Second)
		h.heard()
		h.quiet()
		h.wants("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
		h.wants("AT+CPIN=\"1111\"", "\r\nOK\r\n\r\n+CPIN: READY\r\n\r\nSMS Ready\r\n")
	})
}

func TestARestartLosesSettingsButNotTheSIMsMessagesOrTheReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{Radio: 10 * time.Second})
		n.Modem(0).SetReference(100)
		h := connect(t, n, 0).quiet()
		h.ask("AT+CNMI=2,1,0,0,0;+CREG=1")
		_ = n.Inject(0, "10086", "kept")
		h.heard()
		h.submit("+8613800138000", "lost in the air")
		time.Sleep(5 * time.Second)
		n.Modem(0).Restart()
		if got := h.ask("AT"); got != "" {
			t.Errorf("while it restarts: %q", got)
		}
		_ = n.Inject(0, "10086", "while it was off")
		time.Sleep(time.Second)
		if got := h.heard(); !strings.HasPrefix(got, "\r\nRDY\r\n") {
			t.Errorf("banner: %q", got)
		}
		h.quiet().wants("AT+CNMI?;+CREG?", "\r\n+CNMI: 0,0,0,0,0\r\n\r\n+CREG: 0,1\r\n\r\nOK\r\n")
		if got := h.ask("AT+CMGL=4"); strings.Count(got, "+CMGL:") != 2 {
			t.Errorf("stored: %q", got)
		}
		time.Sleep(20 * time.Second)
		if all := entries(n, KindSubmit); len(all) != 1 || all[0].Accepted || all[0].Detail == "" {
			t.Errorf("ledger %+v", all)
		}
		h.submit("+8613800138000", "next")
		time.Sleep(10 * time.Second)
		if got := h.heard(); got != "\r\n+CMGS: 100\r\n\r\nOK\r\n" {
			t.Errorf("next: %q", got)
		}
	})
}

func TestRegistrationIsToldAndDecidesOverSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		m := n.Modem(0)
		h := connect(t, n, 0).quiet()
		h.ask("AT+CREG=1;+CEREG=2")
		m.SetRegistration(3)
		if got := h.heard(); got != "\r\n+CREG: 3\r\n\r\n+CEREG: 3\r\n" {
			t.Errorf("denied: %q", got)
		}
		if got := h.submit("+8613800138000", "x"); !strings.HasSuffix(got, "+CMS ERROR: 331\r\n") {
			t.Errorf("denied, send: %q", got)
		}
		_ = n.Inject(0, "10086", "held")
		m.SetRegistration(5)
		if got := h.heard(); got != "\r\n+CREG: 5\r\n\r\n+CEREG: 5,\"1A2B\",\"0C3D4E5F\"\r\n" {
			t.Errorf("roaming: %q", got)
		}
		if got := h.ask("AT+CMGL=4"); !strings.Contains(got, "+CMGL: 1") {
			t.Errorf("held message: %q", got)
		}
		m.SetSignal(99)
		h.wants("AT+CSQ", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n")
		h.wants("AT+CFUN=4", "\r\nOK\r\n\r\n+CREG: 0\r\n\r\n+CEREG: 0\r\n")
		h.wants("AT+CFUN?", "\r\n+CFUN: 4\r\n\r\nOK\r\n")
		m.RemoveSIM(true)
		h.heard()
		h.wants("AT+CPIN?", "\r\n+CME ERROR: 10\r\n")
		h.wants("AT+CMGL=4", "\r\n+CMS ERROR: 310\r\n")
	})
}

func TestAPacedLineTakesItsTimeBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{Baud: 9600})
		h := connect(t, n, 0)
		begun := time.Now()
		h.write("AT\r")
		for got := ""; got != "AT\r\r\nOK\r\n"; {
			got += string(<-h.got)
		}
		// 3 bytes in and 9 out at 960 bytes a second; the pieces round to whole writes
		if took := time.Since(begun); took < 11*time.Millisecond || took > 14*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestWhatIsTypedWhileACommandRunsIsReadAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{Radio: time.Second})
		h := connect(t, n, 0).quiet()
		h.submit("+8613800138000", "x")
		h.wants("AT+CSQ", "")
		time.Sleep(time.Second)
		if got := h.heard(); !strings.HasSuffix(got, "OK\r\n\r\n+CSQ: 21,0\r\n\r\nOK\r\n") {
			t.Errorf("said %q", got)
		}
	})
}

func TestAnEscapeAtThePromptSendsNothing(t *testing.T) {
	for profile, want := range map[string]string{"generic": "\r\nOK\r\n", "huawei": "\r\nERROR\r\n", "zte": ""} {
		t.Run(profile, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{Profile: profile})
				h := connect(t, n, 0).quiet()
				h.ask("AT+CMGS=20")
				h.write("0011000B91\x1b")
				if got := h.heard(); got != want {
					t.Errorf("said %q, want %q", got, want)
				}
				h.wants("AT", "\r\nOK\r\n")
				h.ask("AT+CMGS=20")
				h.write("0011000B91\x1a")
				if got := h.heard(); got != "\r\n+CMS ERROR: 304\r\n" {
					t.Errorf("a cut PDU: %q", got)
				}
				if all := entries(n, KindSubmit); len(all) != 1 || all[0].Accepted {
					t.Errorf("ledger %+v", all)
				}
			})
		})
	}
}

func TestPromptsDifferByMaker(t *testing.T) {
	for profile, want := range map[string]string{"generic": "\r\n> ", "huawei": "\r\n> ", "quectel": "\r\n> ", "simcom": "\r\n>\r\n", "zte": "\r> "} {
		synctest.Test(t, func(t *testing.T) {
			h := connect(t, network(t, Config{Profile: profile}), 0).quiet()
			h.wants("AT+CMGS=20", want)
		})
	}
}

func TestTheHookIsCalledAtEachPointInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var points []string
		n := network(t, Config{ReportDelay: time.Second, Hook: func(p Point) { points = append(points, p.Name) }})
		h := connect(t, n, 0).quiet()
		h.ask("AT+CNMI=2,1,0,1,0")
		h.submit("+8613800138000", "x")
		time.Sleep(2 * time.Second)
		_ = n.Inject(0, "10086", "y")
		h.heard()
		h.ask("AT+CMGR=1")
		if got, want := strings.Join(points, " "), "command ctrl-z air result report incoming stored read"; got != want {
			t.Errorf("points %q, want %q", got, want)
		}
	})
}

func TestAnUSSDRequestIsAnsweredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := connect(t, network(t, Config{}), 0).quiet()
		h.wants(`AT+CUSD=1,"*100#",15`, "\r\nOK\r\n")
		time.Sleep(time.Second)
		if got := h.heard(); got != "\r\n+CUSD: 0,\"Your balance for 100 is 12.50.\",15\r\n" {
			t.Errorf("said %q", got)
		}
	})
}

func TestAtAnotherSpeedNothingCanBeReadEitherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		h := connect(t, n, 0).quiet()
		if err := n.Fault(Fault{Fault: "baud", For: "5s"}); err != nil {
			t.Fatal(err)
		}
		h.wants("AT", "")
		n.Modem(0).SetRegistration(2)
		h.ask("AT")
		if err := n.Fault(Fault{Fault: "line", Value: "+CREG: 2"}); err != nil {
			t.Fatal(err)
		}
		if got := h.heard(); len(got) != len("\r\n+CREG: 2\r\n") || strings.Contains(got, "CREG") {
			t.Errorf("said %q", got)
		}
		time.Sleep(6 * time.Second)
		h.ask("")
		h.wants("AT", "\r\nOK\r\n")
	})
}
