package at

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithoutAPromptTheModemIsLeftByEscapeAndNothingWasPaid(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		start := time.Now()
		got := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		if o := <-got; !errors.Is(o.err, ErrNoPrompt) || o.res.Paid {
			t.Fatalf("got %+v", o)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("waited %v for the prompt", d)
		}
		p.wants("\x1b")
		p.says("\r\n> ") // it comes at the worst moment: what follows goes into the prompt
		p.wants("AT\r")
		p.wants("\x1b")
		p.says("\r\nOK\r\n")
		p.settles()
		next := do(c, Command{Line: "AT+CSQ", Prefix: "+CSQ:"})
		p.wants("AT+CSQ\r")
		p.says("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
		if o := <-next; o.err != nil || len(o.res.Lines) != 1 {
			t.Fatalf("next: %+v", o)
		}
	})
}

func TestALateFinalResultIsNeverCreditedToTheNextCommand(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		first := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		if o := <-first; !errors.Is(o.err, ErrTimeout) || !o.res.Paid {
			t.Fatalf("first: %+v", o)
		}
		second := do(c, submit("BB"))
		time.Sleep(20 * time.Second)
		p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n")
		p.settles()
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
		if o := <-second; o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 8"}) {
			t.Fatalf("second: %+v", o)
		}
		synctest.Wait()
		if len(*events) != 1 || (*events)[0].Late == nil || (*events)[0].Late.Tag != "AA" ||
			!slices.Equal((*events)[0].Late.Result.Lines, []string{"+CMGS: 7"}) {
			t.Fatalf("events: %+v", *events)
		}
	})
}

func TestAPlainErrorAfterABareATIsCreditedToNobody(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		first := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		<-first
		p.wants("AT\r") // after the grace
		p.says("\r\nERROR\r\n")
		p.wants("AT\r")
		p.says("\r\nOK\r\n")
		synctest.Wait()
		if len(*events) != 0 {
			t.Fatalf("an ERROR that may be the bare AT's was credited: %+v", *events)
		}
	})
}

func TestAnOKThatSaysNothingIsFollowedByCareNotByTheNextCommand(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		events := collect(c)
		first := do(c, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		p.says("\r\nOK\r\n")
		if o := <-first; o.err != nil || len(o.res.Lines) != 0 {
			t.Fatalf("first: %+v", o)
		}
		second := do(c, submit("BB"))
		time.Sleep(5 * time.Second)
		p.says("\r\n+CMGS: 7\r\n\r\nOK\r\n")
		p.settles()
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91BB\x1a")
		p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
		if o := <-second; o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 8"}) {
			t.Fatalf("second: %+v", o)
		}
		synctest.Wait()
		if len(*events) != 1 || (*events)[0].Late == nil || (*events)[0].Late.Tag != "AA" {
			t.Fatalf("events: %+v", *events)
		}
	})
}

func TestWakingTellsAModemFromSilenceAndFromNoise(t *testing.T) {
	wake := func(c *Conn) <-chan error {
		ch := make(chan error, 1)
		go func() { ch <- c.Wake(context.Background(), 10*time.Second) }()
		return ch
	}
	t.Run("it answers the third time", func(t *testing.T) {
		talk(t, Options{}, func(c *Conn, p *peer) {
			got := wake(c)
			p.wants("\x1b\rAT\rAT\rATQ0V1E0\r")
			p.says("\r\nOK\r\n")
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("it answers ERROR, as some do", func(t *testing.T) {
		talk(t, Options{}, func(c *Conn, p *peer) {
			got := wake(c)
			p.wants("\x1b\rAT\r")
			p.says("\r\nERROR\r\n")
			p.wants("AT\r")
			p.says("\r\n+CME ERROR: 3\r\n")
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("silence", func(t *testing.T) {
		talk(t, Options{}, func(c *Conn, p *peer) {
			go io.Copy(io.Discard, p.conn)
			if err := <-wake(c); !errors.Is(err, ErrNotAnswering) {
				t.Fatal(err)
			}
		})
	})
	t.Run("a receiver of satellites", func(t *testing.T) {
		talk(t, Options{}, func(c *Conn, p *peer) {
			go io.Copy(io.Discard, p.conn)
			go func() {
				for i := 0; ; i++ {
					if _, err := fmt.Fprintf(p.conn, "$GPGSV,%d\r\n", i); err != nil {
						return
					}
					select {
					case <-time.After(100 * time.Millisecond):
					case <-c.Done():
						return
					}
				}
			}()
			if err := <-wake(c); !errors.Is(err, ErrGarbage) {
				t.Fatal(err)
			}
		})
	})
	t.Run("an echo and no more", func(t *testing.T) {
		talk(t, Options{}, func(c *Conn, p *peer) {
			go io.Copy(p.conn, p.conn)
			if err := <-wake(c); !errors.Is(err, ErrGarbage) {
				t.Fatal(err)
			}
		})
	})
}

func TestAModemThatStaysSilentIsSaidToBeSoAndMayComeBack(t *testing.T) {
	talk(t, Options{}, func(c *Conn, p *peer) {
		stop := make(chan struct{})
		deaf := make(chan struct{})
		go func() { // deaf for a while
			defer close(deaf)
			for {
				p.conn.SetReadDeadline(time.Now().Add(time.Second))
				p.in.ReadByte()
				select {
				case <-stop:
					p.conn.SetReadDeadline(time.Time{})
					return
				default:
				}
			}
		}()
		if _, err := c.Do(context.Background(), Command{Line: "AT+CSQ"}); !errors.Is(err, ErrTimeout) {
			t.Fatal(err)
		}
		if _, err := c.Do(context.Background(), Command{Line: "AT+CSQ"}); !errors.Is(err, ErrNotAnswering) {
			t.Fatal(err)
		}
		close(stop)
		<-deaf
		got := do(c, Command{Line: "AT+CSQ"})
		p.settles()
		p.wants("AT+CSQ\r")
		p.says("OK\r\n")
		if o := <-got; o.err != nil {
			t.Fatal(o.err)
		}
	})
}
