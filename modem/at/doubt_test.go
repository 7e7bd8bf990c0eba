package at

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// doubted is a submit while an earlier one is owed +CMGS: 7, or a refusal.
func doubted(tag string) Command {
	cmd := submit(tag)
	cmd.Doubt = func(lines []string, err error) bool { return err != nil || slices.Equal(lines, []string{"+CMGS: 7"}) }
	cmd.DoubtWait = 10 * time.Second
	return cmd
}

func TestOfTwoFinalResultsTheSecondIsTheSubmitsOwnWhenTheFirstMayBeAnEarlierOnes(t *testing.T) {
	for said, refused := range map[string]bool{"\r\n+CMGS: 7\r\n\r\nOK\r\n": false, "\r\n+CMS ERROR: 38\r\n": true} {
		talk(t, Options{}, func(c *Conn, p *peer) {
			second := do(c, doubted("BB"))
			p.wants("AT+CMGS=15\r")
			p.says("\r\n> ")
			p.wants("0011000B91BB\x1a")
			p.says(said)
			time.Sleep(5 * time.Second)
			p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
			o := <-second
			if o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 8"}) || o.res.Alone {
				t.Fatalf("%q: %+v", said, o)
			}
			var cms CMSError
			if e := o.res.Earlier; e == nil || errors.As(e.Err, &cms) != refused || !refused && !slices.Equal(e.Result.Lines, []string{"+CMGS: 7"}) {
				t.Fatalf("%q: earlier %+v", said, e)
			}
		})
	}
}

func TestAResultThatStaysAloneIsSaidToBe(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		began := time.Now()
		first := do(c, doubted("BB"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n")
		if o := <-first; o.err != nil || !o.res.Alone || o.res.Earlier != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 7"}) {
			t.Fatalf("%+v", o)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("waited %v for another", took)
		}
		next := do(c, Command{Line: "AT+CSQ", Prefix: "+CSQ:"}) // nothing is owed, and the line is well
		p.wants("AT+CSQ\r")
		p.says("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
		if o := <-next; o.err != nil || len(o.res.Lines) != 1 {
			t.Fatalf("next: %+v", o)
		}
	})
}

func TestAResultWithoutDoubtIsTakenAtOnce(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		began := time.Now()
		first := do(c, doubted("BB"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
		if o := <-first; o.err != nil || o.res.Alone || o.res.Earlier != nil || time.Since(began) != 0 {
			t.Fatalf("%+v after %v", o, time.Since(began))
		}
	})
}

func TestAReferenceBeforeThePromptIsAnEarlierSubmitsAndThePromptIsStillWaitedFor(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		second := do(c, submit("BB"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
		o := <-second
		if o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 8"}) || o.res.Earlier == nil || !slices.Equal(o.res.Earlier.Result.Lines, []string{"+CMGS: 7"}) {
			t.Fatalf("%+v", o)
		}
	})
}

func TestAReferenceWithoutItsOKMayBeAnEarlierOnesToo(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		second := do(c, doubted("BB"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 7\r\n") // and no OK
		time.Sleep(8 * time.Second)
		p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
		o := <-second
		if o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 8"}) || o.res.Earlier == nil {
			t.Fatalf("%+v", o)
		}
		p.settles()
	})
}

func TestAResultInDoubtIsUnresolvedWhenTheModemRestartsBeforeAnotherComes(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		first := do(c, doubted("BB"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n")
		p.says("\r\nRDY\r\n")
		if o := <-first; !errors.Is(o.err, ErrRestarted) || !o.res.Unresolved || o.res.Earlier == nil {
			t.Fatalf("%+v", o)
		}
		p.settles()
	})
}
