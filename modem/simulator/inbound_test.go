package simulator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnInboundMessageGoesWhereCNMISays(t *testing.T) {
	for _, c := range []struct{ cnmi, want string }{
		{"0,0,0,0,0", `^$`},
		{"2,0,0,0,0", ``},
		{"2,1,0,0,0", `+CMTI: "SM",1`},
		{"2,2,0,0,0", `+CMT: "",`},
		{"2,3,0,0,0", `+CMTI: "SM",1`},
		{"0,1,0,0,0", ``},
	} {
		t.Run(c.cnmi, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{})
				h := connect(t, n, 0).quiet()
				h.wants("AT+CNMI="+c.cnmi, "\r\nOK\r\n")
				if err := n.Inject(0, "10086", "hello"); err != nil {
					t.Fatal(err)
				}
				got := h.heard()
				if c.want == `^$` || c.want == "" {
					if got != "" {
						t.Errorf("said %q", got)
					}
				} else if !strings.HasPrefix(got, "\r\n"+c.want) {
					t.Errorf("said %q, want %q", got, c.want)
				}
				list := h.ask("AT+CMGL=4")
				if stored := strings.Contains(list, "+CMGL: 1,0,,"); stored == strings.HasPrefix(c.want, "+CMT:") {
					t.Errorf("stored: %q", list)
				}
			})
		})
	}
}

func TestIndicationsHeldInModeZeroComeWhenTheModeChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		h := connect(t, n, 0).quiet()
		h.ask("AT+CNMI=0,1,0,0,0")
		_ = n.Inject(0, "10086", "hello")
		h.wants("AT+CNMI=2,1,0,0,0", "\r\nOK\r\n\r\n+CMTI: \"SM\",1\r\n")
		h.ask("AT+CNMI=0,1,0,0,0")
		_ = n.Inject(0, "10086", "hello")
		h.wants("AT+CNMI=2,1,0,0,1", "\r\nOK\r\n")
	})
}

// TS 27.005 3.4.4.
func TestWithoutCNMATheNetworkRepeatsAndTheModemFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		h := connect(t, n, 0).quiet()
		h.wants("AT+CNMA", "\r\n+CMS ERROR: 340\r\n")
		h.ask("AT+CSMS=1;+CNMI=2,2,0,1,0")
		_ = n.Inject(0, "10086", "one")
		_ = n.Inject(0, "10086", "two")
		if got := h.heard(); strings.Count(got, "+CMT:") != 1 {
			t.Fatalf("before the acknowledgement: %q", got)
		}
		if got := h.ask("AT+CNMA"); !strings.HasPrefix(got, "\r\nOK\r\n\r\n+CMT:") {
			t.Fatalf("after it: %q", got)
		}
		time.Sleep(16 * time.Second) // the second is never acknowledged
		h.wants("AT+CNMI?", "\r\n+CNMI: 2,0,0,0,0\r\n\r\nOK\r\n")
		time.Sleep(16 * time.Second)
		if got := h.heard(); got != "" {
			t.Errorf("said %q", got)
		}
		if got := h.ask("AT+CMGL=4"); !strings.Contains(got, "+CMGL: 1,0,,") {
			t.Errorf("the repeated message is not stored: %q", got)
		}
		if got := entries(n, KindDeliver); len(got) != 2 || got[0].Detail != "acknowledged" || got[1].Detail != "stored" {
			t.Errorf("ledger %+v", got)
		}
	})
}

func TestAFullStoreHoldsMessagesInTheNetworkUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{SIMCapacity: 2})
		h := connect(t, n, 0).quiet()
		h.ask("AT+CNMI=2,1,0,0,0")
		for range 4 {
			_ = n.Inject(0, "10086", "hello")
		}
		if got := h.heard(); strings.Count(got, "+CMTI") != 2 || !strings.Contains(got, "SMSFULL") {
			t.Errorf("said %q", got)
		}
		h.wants("AT+CPMS?", "\r\n+CPMS: \"SM\",2,2,\"SM\",2,2,\"SM\",2,2\r\n\r\nOK\r\n")
		if got := h.ask("AT+CMGD=1"); !strings.HasPrefix(got, "\r\nOK\r\n\r\n+CMTI: \"SM\",1\r\n") {
			t.Errorf("after deletion: %q", got)
		}
		h.wants("AT+CMGR=7", "\r\n+CMS ERROR: 321\r\n")
		h.wants("AT+CMGD=1,4", "\r\nOK\r\n\r\n+CMTI: \"SM\",1\r\n")
		if infos := n.Infos(); infos[0].Waiting != 0 || infos[0].Stored != 1 {
			t.Errorf("%+v", infos[0])
		}
	})
}

func TestALongInboundMessageComesInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		h := connect(t, n, 0).quiet()
		h.ask("AT+CNMI=2,1,0,0,0")
		_ = n.Inject(0, "Bank", strings.Repeat("汉字", 60))
		if got := h.heard(); strings.Count(got, "+CMTI") != 2 {
			t.Errorf("said %q", got)
		}
		if got := entries(n, KindDeliver); len(got) != 2 || got[1].Part != 2 || got[1].Parts != 2 || got[1].From != "Bank" {
			t.Errorf("ledger %+v", got)
		}
	})
}

func TestAHandsetAnswersAndAModemHasAHandsetsNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{Modems: 2})
		asked := ""
		n.Handset("13800138000", func(text string) (string, time.Duration) {
			asked = text
			return "482913 1234", 5 * time.Second
		})
		a, b := connect(t, n, 0).quiet(), connect(t, n, 1).quiet()
		a.ask("AT+CNMI=2,2,0,0,0")
		b.ask("AT+CNMI=2,2,0,0,0")
		long := strings.Repeat("what is the code? ", 20)
		a.submit("+8613800138000", long)
		synctest.Wait()
		if asked != long {
			t.Errorf("the handset reads %q", asked)
		}
		time.Sleep(4 * time.Second)
		if got := a.heard(); got != "" {
			t.Errorf("early: %q", got)
		}
		time.Sleep(2 * time.Second)
		if got := a.heard(); !strings.Contains(got, "+CMT:") {
			t.Errorf("no answer: %q", got)
		}
		a.submit(n.Modem(1).Number(), "from modem to modem")
		if got := b.heard(); !strings.Contains(got, "+CMT:") {
			t.Errorf("the other modem says %q", got)
		}
		if got := entries(n, KindDeliver); len(got) != 2 || got[1].From != n.Modem(0).Number() || got[1].Text != "from modem to modem" {
			t.Errorf("ledger %+v", got)
		}
	})
}

func TestAReportForACDSIIsWhereTheMakerPutsIt(t *testing.T) {
	for profile, want := range map[string]struct{ line, memory string }{
		"generic": {`+CDSI: "SM",1`, "SM"},
		"huawei":  {`+CDSI: "SR",0`, "SR"},
		"quectel": {`+CDSI: "SM",0`, "SR"}, // and this is the known fault
	} {
		t.Run(profile, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network(t, Config{Profile: profile})
				h := connect(t, n, 0).quiet()
				h.ask("AT+CNMI=2,1,0,2,0")
				if got := h.submit("+8613800138000", "x"); !strings.Contains(got, want.line) {
					t.Errorf("said %q", got)
				}
				if got := entries(n, KindReport); len(got) != 1 || got[0].Memory != want.memory {
					t.Errorf("ledger %+v", got)
				}
				h.ask(`AT+CPMS="` + want.memory + `"`)
				if got := h.ask("AT+CMGL=4"); strings.Count(got, "+CMGL:") != 1 {
					t.Errorf("listed %q", got)
				}
			})
		})
	}
}
