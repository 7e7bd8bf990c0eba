package at

import (
	"errors"
	"testing"
	"testing/synctest"
)

func TestAModemThatEchoesAgainHasForgottenItsSettingsAndIsHandedNothing(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		c.ExpectNoEcho(true)
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("AT+CMGS=15\r\r\n> ") // in text mode by now, perhaps: the PDU would go out as a text
		if o := <-got; !errors.Is(o.err, ErrRestarted) || o.res.Paid {
			t.Fatalf("got %+v", o)
		}
		p.wants("\x1b")
		p.says("\r\nOK\r\n")
		for range 2 {
			p.wants("AT\r")
			p.says("AT\r\r\nOK\r\n")
		}
		synctest.Wait()
		if len(*events) != 1 || (*events)[0].Kind != Banner || (*events)[0].Line != Forgot {
			t.Errorf("events: %+v", *events)
		}
	})
}

func TestAnEchoThatIsExpectedMeansNothing(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, Command{Line: "AT+CSQ", Prefix: "+CSQ:"})
		p.wants("AT+CSQ\r")
		p.says("AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
		if o := <-got; o.err != nil || len(o.res.Lines) != 1 {
			t.Fatalf("got %+v", o)
		}
	})
}

func TestAConversationThatBrokeAndStandsAgainIsTold(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, Command{Line: "AT+CSQ", Prefix: "+CSQ:"})
		p.wants("AT+CSQ\r")
		if o := <-got; !errors.Is(o.err, ErrTimeout) {
			t.Fatalf("got %+v", o)
		}
		p.settles()
		if e := <-c.Events(); e.Kind != Settled {
			t.Errorf("told %+v", e)
		}
	})
}
