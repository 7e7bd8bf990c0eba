package simulator

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestTextModeSendsInTheCharacterSetInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		n.Modem(0).SetReference(0)
		h := connect(t, n, 0)
		h.ask("ATE0+CMGF=1;+CMEE=1")
		h.wants(`AT+CMGS="+8613800138000"`, "\r\n> ")
		h.write("two\rlines\x1a")
		if got := h.heard(); got != "\r\n> \r\n+CMGS: 0\r\n\r\nOK\r\n" {
			t.Errorf("sent: %q", got)
		}
		h.ask(`AT+CSCS="GSM"`)
		h.ask(`AT+CMGS="13800138000",129`)
		h.write("at\x00 dollar\x02 \x1b\x65\x1a") // ESC: in this set the euro cannot be typed, as with real modems
		if got := h.heard(); !strings.Contains(got, "OK") {
			t.Errorf("ESC: %q", got)
		}
		h.ask(`AT+CMGS="13800138000",129`)
		h.write("dollar\x02\x1a")
		h.heard()
		h.ask(`AT+CSCS="UCS2"`)
		h.ask("AT+CSMP=49,167,0,8")
		h.ask(`AT+CMGS="` + hexUCS2("+8613800138000") + `"`)
		h.write(hexUCS2("验证码") + "\x1a")
		h.heard()
		h.wants(`AT+CSCS="`+hexUCS2("IRA")+`"`, "\r\nOK\r\n")
		h.wants(`AT+CMGS="nobody"`, "\r\n+CMS ERROR: 305\r\n")
		h.ask("AT+CSMP=17,167,0,0")
		h.ask(`AT+CMGS="+8613800138000"`)
		h.write(strings.Repeat("x", 161) + "\x1a")
		if got := h.heard(); got != "\r\n+CMS ERROR: 305\r\n" {
			t.Errorf("too long: %q", got)
		}
		var texts []string
		for _, e := range entries(n, KindSubmit) {
			if e.Accepted {
				texts = append(texts, e.To+" "+e.Text)
			}
		}
		if got, want := strings.Join(texts, "|"), "+8613800138000 two\nlines|13800138000 dollar$|+8613800138000 验证码"; got != want {
			t.Errorf("on air %q, want %q", got, want)
		}
	})
}

func TestTextModeShowsWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		h := connect(t, n, 0)
		h.ask("ATE0+CMGF=1;+CNMI=2,1,0,1,0")
		_ = n.Inject(0, "+8613800138000", "hello")
		_ = n.Inject(0, "10086", "您好")
		h.heard()
		h.wants("AT+CMGR=1", "\r\n+CMGR: \"REC UNREAD\",\"+8613800138000\",,\"00/01/01,00:00:00+00\"\r\nhello\r\n\r\nOK\r\n")
		h.wants(`AT+CMGL="ALL"`, "\r\n+CMGL: 1,\"REC READ\",\"+8613800138000\",,\"00/01/01,00:00:00+00\"\r\nhello\r\n"+
			"\r\n+CMGL: 2,\"REC UNREAD\",\"10086\",,\"00/01/01,00:00:00+00\"\r\n60A8597D\r\n\r\nOK\r\n")
		h.wants(`AT+CMGL`, "\r\nOK\r\n")
		h.wants("AT+CSDH=1;+CMGR=1", "\r\n+CMGR: \"REC READ\",\"+8613800138000\",,\"00/01/01,00:00:00+00\",145,4,0,0,\"+8613800100500\",145,5\r\nhello\r\n\r\nOK\r\n")
		h.ask("AT+CSMP=49,167,0,0;+CSDH=0")
		h.ask(`AT+CMGS="+8613800138000"`)
		h.write("x\x1a")
		if got := h.heard(); !strings.Contains(got, `+CDS: 6,7,"+8613800138000",145,"00/01/01,00:00:00+00","00/01/01,00:00:00+00",0`) &&
			!strings.Contains(got, `+CDS: 6,0,"+8613800138000",145,"00/01/01,00:00:00+00","00/01/01,00:00:00+00",0`) {
			t.Errorf("report: %q", got)
		}
		h.ask("AT+CNMI=2,2,0,1,0")
		_ = n.Inject(0, "10086", "direct")
		if got := h.heard(); got != "\r\n+CMT: \"10086\",,\"00/01/01,00:00:00+00\"\r\ndirect\r\n" {
			t.Errorf("+CMT: %q", got)
		}
	})
}

func TestAStoredMessageIsSentAsItIsOrToSomeoneElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network(t, Config{})
		n.Modem(0).SetReference(9)
		h := connect(t, n, 0).quiet()
		tpdu := encode(t, "+8613800138000", "stored")[0]
		h.ask("AT+CMGW=" + itoa(len(tpdu)))
		h.write("00" + hexOf(tpdu) + "\x1a")
		if got := h.heard(); got != "\r\n+CMGW: 1\r\n\r\nOK\r\n" {
			t.Fatalf("written: %q", got)
		}
		h.wants("AT+CMSS=1", "\r\n+CMSS: 9\r\n\r\nOK\r\n")
		h.wants(`AT+CMSS=1,"+8613911112222",145`, "\r\n+CMSS: 10\r\n\r\nOK\r\n")
		h.wants("AT+CMSS=2", "\r\n+CMS ERROR: 321\r\n")
		if got := h.ask("AT+CMGL=3"); !strings.HasPrefix(got, "\r\n+CMGL: 1,3,,") {
			t.Errorf("status: %q", got)
		}
		all := entries(n, KindSubmit)
		if len(all) != 2 || all[1].To != "+8613911112222" || all[1].Text != "stored" {
			t.Errorf("ledger %+v", all)
		}
	})
}
