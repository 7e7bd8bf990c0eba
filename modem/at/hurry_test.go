package at

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAResultThatIsKnownByOtherMeansIsWaitedForNoLonger(t *testing.T) {
	for name, c := range map[string]struct {
		hurry func(c *Conn)
		want  time.Duration
	}{
		"its own":           {func(c *Conn) { c.Hurry("AA", 5*time.Second) }, 25 * time.Second},
		"another's":         {func(c *Conn) { c.Hurry("BB", 5*time.Second) }, 180 * time.Second},
		"more than is left": {func(c *Conn) { c.Hurry("AA", time.Hour) }, 180 * time.Second},
		"too many to listen": {func(c *Conn) {
			for range 9 {
				c.Hurry("BB", time.Second)
			}
		}, 180 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			talk(t, Options{}, func(conn *Conn, p *peer) {
				first := do(conn, submit("AA"))
				p.wants("AT+CMGS=15\r")
				p.says("\r\n> ")
				p.wants("0011000B91AA\x1a")
				began := time.Now()
				time.Sleep(20 * time.Second)
				c.hurry(conn)
				o := <-first
				if took := time.Since(began); !errors.Is(o.err, ErrTimeout) || !o.res.Paid || took != c.want {
					t.Fatalf("%+v after %v, want %v", o, took, c.want)
				}
				next := do(conn, Command{Line: "AT+CSQ", Prefix: "+CSQ:"})
				p.settles()
				p.wants("AT+CSQ\r")
				p.says("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
				if o := <-next; o.err != nil {
					t.Fatal(o.err)
				}
				synctest.Wait()
				if c.want == 25*time.Second && time.Since(began) > 30*time.Second {
					t.Errorf("the line was taken up again after %v", time.Since(began))
				}
			})
		})
	}
}

func TestAResultThatComesWithinTheHurryCounts(t *testing.T) {
	talk(t, Options{}, func(conn *Conn, p *peer) {
		first := do(conn, submit("AA"))
		p.wants("AT+CMGS=15\r")
		p.says("\r\n> ")
		p.wants("0011000B91AA\x1a")
		conn.Hurry("AA", 5*time.Second)
		time.Sleep(4 * time.Second)
		p.says("\r\n+CMGS: 8\r\n\r\nOK\r\n")
		if o := <-first; o.err != nil || !slices.Equal(o.res.Lines, []string{"+CMGS: 8"}) {
			t.Fatalf("%+v", o)
		}
	})
}
