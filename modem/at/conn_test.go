package at

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachFinalResultCodeEndsItsCommand(t *testing.T) {
	for _, c := range []struct {
		line string
		want error
	}{
		{"OK", nil},
		{"0", nil},
		{"4", ErrError},
		{"ERROR", ErrError},
		{"COMMAND NOT SUPPORT", ErrError},
		{"TOO MANY PARAMETERS", ErrError},
		{"MODEM ERROR: 3", ErrError},
		{"NA", ErrError},
		{"+CME ERROR: 10", CMEError{10, "SIM not inserted"}},
		{"+CME ERROR:16", CMEError{16, "incorrect password"}},
		{"+CME ERROR: SIM PIN required", CMEError{11, "SIM PIN required"}},
		{"+CME ERROR: incorrect password", CMEError{16, "incorrect password"}},
		{"+CMS ERROR: 500", CMSError{500, "unknown error"}},
		{"+CMS ERROR: 512", CMSError{512, ""}},
		{"+CMS ERROR: Requested facility not subscribed", CMSError{50, "Requested facility not subscribed"}},
		{"+CMS ERROR: SIM SMS storage full", CMSError{208, "SIM SMS storage full"}},
		{"+CMS ERROR: moon in the wrong quarter", CMSError{-1, "moon in the wrong quarter"}},
		{"+CMS ERROR", CMSError{-1, ""}},
		{"CMS ERROR: 38", CMSError{38, "network out of order"}},
	} {
		talk(t, Options{}, func(conn *Conn, p *peer) {
			got := do(conn, Command{Line: "AT+X"})
			p.wants("AT+X\r")
			p.says("\r\n" + c.line + "\r\n")
			if o := <-got; !errors.Is(o.err, c.want) {
				t.Errorf("%q: got %v, want %v", c.line, o.err, c.want)
			}
		})
	}
}

func TestASubmitIsOnePromptOnePayloadAndOneReference(t *testing.T) {
	for name, prompt := range map[string]string{
		"with a space": "\r\n> ", "without": "\r\n>", "on a line of its own": "\r\n>\r\n", "after the echo": "AT+CMGS=15\r> ",
		"glued behind an unsolicited line": "\r\n+CREG: 1> ", "behind an unsolicited line": "\r\n+CREG: 1\r\n\r\n> ",
	} {
		t.Run(name, func(t *testing.T) {
			talk(t, Options{}, func(c *Conn, p *peer) {
				got := do(c, submit("AA"))
				p.wants("AT+CMGS=15\r")
				p.says(prompt)
				p.wants("0011000B91AA\x1a")
				p.says("0011000B91AA\x1a\r\n+CMGS: 42\r\n\r\nOK\r\n")
				o := <-got
				if o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 42"}) || !o.res.Paid {
					t.Fatalf("got %+v", o)
				}
			})
		})
	}
}

func TestAnErrorInPlaceOfThePromptIsFinalAndNothingWasPaid(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n+CMS ERROR: 302\r\n")
		if o := <-got; o.err != (CMSError{302, "operation not allowed"}) || o.res.Paid {
			t.Fatalf("got %+v", o)
		}
	})
}

func TestTheContextEndsASubmitBeforeThePayloadAndNotAfterIt(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		ctx, cancel := context.WithCancel(context.Background())
		got := doCtx(ctx, c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		cancel()
		if o := <-got; !errors.Is(o.err, context.Canceled) || o.res.Paid {
			t.Fatalf("before: %+v", o)
		}
		p.wants("\x1b")
		p.says("\r\nOK\r\n")
		p.settles()

		ctx, cancel = context.WithCancel(context.Background())
		got = doCtx(ctx, c, submit("BB"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		cancel()
		time.Sleep(time.Minute)
		p.says("\r\n+CMGS: 1\r\n\r\nOK\r\n")
		if o := <-got; o.err != nil || len(o.res.Lines) != 1 {
			t.Fatalf("after: %+v", o)
		}
	})
}

func TestAReferenceWithoutOKIsAnAnswer(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		p.says("\r\n+CMGS: 7\r\n")
		p.conn.Close()
		if o := <-got; o.err != nil || !o.res.Missing || !slices.Equal(o.res.Lines, []string{"+CMGS: 7"}) {
			t.Fatalf("got %+v", o)
		}
		<-c.Done()
	})
}

func TestAnUnfinishedReferenceIsNone(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		p.says("\r\n+CMGS: 7") // of 71, perhaps
		p.conn.Close()
		if o := <-got; !errors.Is(o.err, ErrClosed) || !o.res.Paid {
			t.Fatalf("got %+v", o)
		}
	})
}

func TestABannerEndsTheCommandAndIsTold(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		p.says("\r\nRDY\r\n")
		if o := <-got; !errors.Is(o.err, ErrRestarted) || !o.res.Paid {
			t.Fatalf("got %+v", o)
		}
		p.settles()
		synctest.Wait()
		if len(*events) != 1 || (*events)[0].Kind != Banner {
			t.Fatalf("events: %+v", *events)
		}
	})
}

func TestAValueWithoutOKLingersAndEndsWell(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, Command{Line: "AT+CPIN?", Prefix: "+CPIN:", Linger: 2 * time.Second})
		p.wants("AT+CPIN?\r")
		p.says("\r\n+CPIN: READY\r\n")
		if o := <-got; o.err != nil || !o.res.Missing || len(o.res.Lines) != 1 {
			t.Fatalf("got %+v", o)
		}
		p.settles()
	})
}

func TestTwoLineEventsKeepTheirBodies(t *testing.T) {
	pdu := "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		p.says("\r\n+CMT: ,24\r\n" + pdu + "\r\n\r\n+CMT: 25\r" + pdu + "\r\n+CDS: 25\r\n+CMTI: \"SM\",1\r\n" + pdu + "\r\n+CMT: \"\",36\r\nhello\r\nRING\r\n")
		synctest.Wait()
		var got []string
		for _, e := range *events {
			got = append(got, strings.TrimSpace(e.Line+" "+strings.ReplaceAll(e.Body, pdu, "PDU")))
		}
		want := []string{"+CMT: ,24 PDU", "+CMT: 25 PDU", `+CMTI: "SM",1`, "+CDS: 25 PDU", `+CMT: "",36`, "hello", "RING"}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
}

func TestSomebodyElsesCallEndsNoCommand(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		got := do(c, Command{Line: "AT+CSQ", Prefix: "+CSQ:"})
		p.wants("AT+CSQ\r")
		p.says("\r\nRING\r\n\r\nNO CARRIER\r\n+CSQ: 5,0\r\nOK\r\n")
		if o := <-got; o.err != nil || len(o.res.Lines) != 1 {
			t.Fatalf("got %+v", o)
		}
		dial := do(c, Command{Line: "ATD123;", Call: true})
		p.wants("ATD123;\r")
		p.says("\r\nNO CARRIER\r\n")
		if o := <-dial; !errors.Is(o.err, ErrCallEnded) {
			t.Fatalf("got %+v", o)
		}
		synctest.Wait()
		if len(*events) != 2 {
			t.Fatalf("events: %+v", *events)
		}
	})
}

func TestATextOverSeveralLinesIsOneEventAndEndsNoCommand(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		p.says("\r\n+CUSD: 0,\"your balance is\r\nOK\",15\r\n\r\n+CMGS: 7\r\n\r\nOK\r\n")
		if o := <-got; o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 7"}) {
			t.Fatalf("got %+v", o)
		}
		p.says("\r\n+CUSD: 0,\"one\r\nOK\r\ntwo\",15\r\nRING\r\n")
		synctest.Wait()
		if len(*events) != 3 || (*events)[1].Line != "+CUSD: 0,\"one\nOK\ntwo\",15" {
			t.Fatalf("events: %+v", *events)
		}
	})
}

func TestUrgentCommandsGoFirst(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		running := do(c, Command{Line: "AT+A"})
		p.wants("AT+A\r")
		waits := do(c, Command{Line: "AT+B"})
		synctest.Wait()
		urgent := do(c, Command{Line: "AT+CNMA", Urgent: true})
		synctest.Wait()
		p.says("OK\r\n")
		<-running
		p.wants("AT+CNMA\r")
		p.says("OK\r\n")
		<-urgent
		p.wants("AT+B\r")
		p.says("OK\r\n")
		<-waits
	})
}

func TestABlockedWriteGivesThePortUp(t *testing.T) {
	talk(t, Options{WriteTimeout: 5 * time.Second}, func(c *Conn, p *peer) {
		got := do(c, Command{Line: "AT"}) // nobody reads
		if o := <-got; !errors.Is(o.err, ErrWriteBlocked) {
			t.Fatalf("got %+v", o)
		}
		<-c.Done()
		if !errors.Is(c.Err(), ErrWriteBlocked) {
			t.Fatal(c.Err())
		}
	})
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n+CMTI: \"SM\",1\r\n> ")
		p.wants("0011000B91AA\x1a")
		c.Close()
		if o := <-got; !errors.Is(o.err, ErrClosed) || !o.res.Paid {
			t.Fatalf("got %+v", o)
		}
		if _, err := c.Do(context.Background(), Command{Line: "AT"}); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		if _, open := <-c.Events(); open {
			t.Fatal("an event after Close")
		}
	})
}

func TestTracesHideMessages(t *testing.T) {
	if got := Mask("0011000B913108108300F00008AA04"); got != "<30 hex digits>" {
		t.Error(got)
	}
	for _, line := range []string{"+CMGS: 7", "AT+CGSN", "356938035643809", "+CNUM:"} {
		if got := Mask(line); got != line {
			t.Error(got)
		}
	}
	if got := Mask(`+CNUM: "","+8613800138000",145`); got != "+CNUM: <hidden>" {
		t.Error(got)
	}
}
