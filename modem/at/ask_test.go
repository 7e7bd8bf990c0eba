package at

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// asking is a submit whose modem is asked after a quarter of a minute, up to its Ctrl-Z.
func asking(conn *Conn, p *peer) <-chan outcome {
	cmd := submit("AA")
	cmd.AskAfter = 15 * time.Second
	first := do(conn, cmd)
	p.wants("AT+CMGS=15\r")
	p.says("\r\n> ")
	p.wants("0011000B91AA\x1a")
	return first
}

// goesOn gives another command, which must be the next thing on the line once the conversation stands again.
func goesOn(t *testing.T, conn *Conn, p *peer) {
	t.Helper()
	next := do(conn, Command{Line: "AT+CSQ", Prefix: "+CSQ:"})
	p.settles()
	p.wants("AT+CSQ\r")
	p.says("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
	if o := <-next; o.err != nil || !slices.Equal(o.res.Lines, []string{"+CSQ: 20,99"}) {
		t.Fatalf("%+v", o)
	}
}

func TestAModemThatAnswersAgainHasLostTheResult(t *testing.T) {
	talk(t, Options{}, func(conn *Conn, p *peer) {
		began := time.Now()
		first := asking(conn, p)
		p.wants("AT\r")
		if waited := time.Since(began); waited != 15*time.Second {
			t.Errorf("it was asked after %v", waited)
		}
		p.says("\r\nOK\r\n")
		if o := <-first; !errors.Is(o.err, ErrResultLost) || !errors.Is(o.err, ErrTimeout) || !o.res.Paid {
			t.Fatalf("%+v", o)
		}
		goesOn(t, conn, p)
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("the next command after %v", took)
		}
	})
}

func TestAModemThatStillSendsIsLeftToIt(t *testing.T) {
	for name, late := range map[string]string{"+CMGS": "\r\n+CMGS: 7\r\n\r\nOK\r\n", "a refusal": "\r\n+CMS ERROR: 38\r\n"} {
		t.Run(name, func(t *testing.T) {
			talk(t, Options{}, func(conn *Conn, p *peer) {
				began := time.Now()
				first := asking(conn, p)
				for range 12 { // an EG06 took so long
					p.wants("AT\r")
				}
				time.Sleep(time.Until(began.Add(134 * time.Second)))
				p.says(late)
				for range 12 { // what it was asked lay in its buffer
					p.says("\r\nOK\r\n")
				}
				o := <-first
				var cms CMSError
				if name == "+CMGS" && (o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 7"})) || name != "+CMGS" && (!errors.As(o.err, &cms) || cms.Code != 38) {
					t.Fatalf("%+v", o)
				}
				goesOn(t, conn, p)
			})
		})
	}
}

func TestAnAnswerWhileItStillSendsIsNoFinalResult(t *testing.T) {
	for _, answer := range []string{"OK", "ERROR", "+CMS ERROR: 515", "+CME ERROR: 515", "+CMS ERROR: 302"} {
		t.Run(answer, func(t *testing.T) {
			talk(t, Options{}, func(conn *Conn, p *peer) {
				first := asking(conn, p)
				p.wants("AT\r")
				p.says("\r\n" + answer + "\r\n")
				time.Sleep(4 * time.Second)
				p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n")
				if o := <-first; o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 7"}) {
					t.Fatalf("%+v", o)
				}
				goesOn(t, conn, p)
			})
		})
	}
}

func TestABusyModemIsAskedAgainUntilTheTimeIsUp(t *testing.T) {
	talk(t, Options{}, func(conn *Conn, p *peer) {
		began := time.Now()
		first := asking(conn, p)
		for range 17 {
			p.wants("AT\r")
			p.says("\r\n+CMS ERROR: 515\r\n")
		}
		o := <-first
		if took := time.Since(began); !errors.Is(o.err, ErrTimeout) || errors.Is(o.err, ErrResultLost) || took != 180*time.Second {
			t.Fatalf("%+v after %v", o, took)
		}
		goesOn(t, conn, p)
	})
}

func TestAResultThatComesAfterTheModemAnsweredIsTold(t *testing.T) {
	talk(t, Options{}, func(conn *Conn, p *peer) {
		got := collect(conn)
		first := asking(conn, p)
		p.wants("AT\r")
		p.says("\r\nOK\r\n")
		<-first
		p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n")
		goesOn(t, conn, p)
		synctest.Wait()
		if len(*got) != 1 || (*got)[0].Late == nil || (*got)[0].Late.Tag != "AA" {
			t.Errorf("%+v", *got)
		}
	})
}

func TestAModemThatHasForgottenItsSettingsIsKnownByItsEcho(t *testing.T) {
	talk(t, Options{}, func(conn *Conn, p *peer) {
		conn.ExpectNoEcho(true)
		first := asking(conn, p)
		p.wants("AT\r")
		p.says("AT\r\r\nOK\r\n")
		p.settles()
		if o := <-first; !errors.Is(o.err, ErrRestarted) || !o.res.Paid {
			t.Fatalf("%+v", o)
		}
	})
}

func TestAWaitThatEndsBeforeItIsTimeToAskIsSilent(t *testing.T) {
	for _, after := range []time.Duration{0, 180 * time.Second, time.Hour} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			talk(t, Options{}, func(conn *Conn, p *peer) {
				cmd := submit("AA")
				cmd.AskAfter = after
				first := do(conn, cmd)
				p.wants("AT+CMGS=15\r")
				p.says("\r\n> ")
				p.wants("0011000B91AA\x1a")
				began := time.Now()
				if o := <-first; !errors.Is(o.err, ErrTimeout) || time.Since(began) != 180*time.Second {
					t.Fatalf("%+v after %v", o, time.Since(began))
				}
				goesOn(t, conn, p)
				if took := time.Since(began); took < 210*time.Second {
					t.Errorf("something was said after %v", took)
				}
			})
		})
	}
}

func TestAModemIsAskedSoonerWhenTheLineIsWanted(t *testing.T) {
	for within, want := range map[time.Duration]time.Duration{6 * time.Second: 8 * time.Second, time.Minute: 15 * time.Second} {
		t.Run(fmt.Sprint(within), func(t *testing.T) {
			talk(t, Options{}, func(conn *Conn, p *peer) {
				began := time.Now()
				first := asking(conn, p)
				time.Sleep(2 * time.Second)
				conn.AskWithin(within)
				p.wants("AT\r")
				if waited := time.Since(began); waited != want {
					t.Errorf("it was asked after %v, want %v", waited, want)
				}
				p.says("\r\nOK\r\n")
				if o := <-first; !errors.Is(o.err, ErrResultLost) {
					t.Fatalf("%+v", o)
				}
				goesOn(t, conn, p)
			})
		})
	}
}

func TestWhatWasWantedBeforeASubmitHurriesItNot(t *testing.T) {
	talk(t, Options{}, func(conn *Conn, p *peer) {
		for range 9 {
			conn.AskWithin(time.Second)
		}
		began := time.Now()
		first := asking(conn, p)
		p.wants("AT\r")
		if waited := time.Since(began); waited != 15*time.Second {
			t.Errorf("it was asked after %v", waited)
		}
		p.says("\r\nOK\r\n")
		<-first
		goesOn(t, conn, p)
	})
}
