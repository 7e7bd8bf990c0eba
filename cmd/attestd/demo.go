package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"

	"attestd/internal/demo"

	"golang.org/x/sys/unix"
)

type demoCmd struct {
	Once   bool          `help:"End when the filing has ended; exit 0 only if it passed."`
	JSON   bool          `help:"One JSON object a step."`
	Listen string        `placeholder:"ADDR" help:"Where the API listens (default 127.0.0.1:8480, or a free port when that is taken)."`
	Radio  time.Duration `default:"400ms" help:"How long a message is on air."`
	Log    bool          `help:"Show the gateway's own log on standard error too."`
	SVG    bool          `name:"svg" hidden:"" help:"As a picture: docs/demo.svg is made so (make demo-svg)."`
}

func (c *demoCmd) Help() string {
	return `Runs the whole gateway on two simulated modems in a temporary folder: a filing with two persons arrives over
HTTP, two SMS leave through AT commands on real serial ports (ptys), delivery reports come back, one person enters the
code, the other answers by SMS, the filing passes. Nothing leaves this machine. Colours only on a terminal, and not with NO_COLOR.`
}

func (c *demoCmd) Run(a *app) error {
	// Who reads us may go (demo | head): then we end as we always do, and leave nothing behind.
	signal.Ignore(syscall.SIGPIPE)
	ctx, leave := context.WithCancelCause(a.ctx)
	defer leave(nil)
	out := &audience{w: a.stdout, gone: leave}
	show := c.show(out, a)
	o := demo.Options{Once: c.Once || c.SVG, Listen: c.Listen, Radio: c.Radio, Version: version, Program: os.Args[0], Tell: show.step}
	if c.Log {
		o.Logger = slog.New(slog.NewTextHandler(a.stderr, nil))
	}
	show.title("attestd demo: two persons verify one filing over two simulated modems")
	began := time.Now()
	err := demo.Run(ctx, o)
	if out.lost != nil {
		return errExit(1) // nobody is there to be told
	}
	if err != nil {
		return err
	}
	show.end(fmt.Sprintf("The filing passed. %.1f s in all.", time.Since(began).Seconds()))
	return nil
}

// audience is an output whose reader may go.
type audience struct {
	w    io.Writer
	gone context.CancelCauseFunc
	lost error
}

func (o *audience) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil && o.lost == nil {
		o.lost = err
		o.gone(err)
	}
	return n, err
}

// stage shows the steps in one form.
type stage struct {
	title, end func(string)
	step       func(demo.Step)
}

func (c *demoCmd) show(out io.Writer, a *app) stage {
	switch {
	case c.JSON:
		e := json.NewEncoder(out)
		return stage{func(string) {}, func(string) {}, func(s demo.Step) { _ = e.Encode(s) }}
	case c.SVG:
		p := &demo.Picture{}
		p.Add("", "", "$ make run")
		return stage{func(s string) { p.Add("", "", s); p.Add("", "", "") }, func(s string) { p.Add("", "", ""); p.Add("", "", s); _, _ = io.WriteString(out, p.SVG()) },
			func(s demo.Step) {
				for i, line := range fold(demo.Tidy(s.What), stepRoom) {
					at, who := stamp(s), s.Who
					if i > 0 {
						at, who = "", ""
					}
					p.Add(at, who, line)
				}
			}}
	}
	colour := func(code, s string) string { return s }
	if f, ok := a.stdout.(*os.File); ok && isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		colour = func(code, s string) string { return "\x1b[" + code + "m" + s + "\x1b[0m" }
	}
	return stage{func(s string) { fmt.Fprintln(out, s+"\n") }, func(s string) { fmt.Fprintln(out, "\n"+s) }, func(s demo.Step) {
		if strings.HasPrefix(s.What, "  ") { // to copy
			fmt.Fprintln(out, s.What)
			return
		}
		for i, line := range fold(s.What, stepRoom) {
			at, who := stamp(s), fmt.Sprintf("%-8s", s.Who)
			if i > 0 {
				at, who = strings.Repeat(" ", len(at)), strings.Repeat(" ", len(who))
			}
			fmt.Fprintln(out, colour("2", at)+"  "+colour(colours[s.Who], who)+"  "+line)
		}
	}}
}

func stamp(s demo.Step) string { return fmt.Sprintf("%7.2f s", s.At.Seconds()) }

// colours are the terminal's own, so that they fit light and dark ones.
var colours = map[string]string{"modem": "32", "gateway": "32", "platform": "34", "network": "33", "person": "35", "filing": "36", "metrics": "2", "demo": "1"}

// stepRoom is what is left of 80 columns beside the time and who it is.
const stepRoom = 80 - 21

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// fold breaks a line into lines of at most width columns, at spaces or between Chinese characters, which take two. A
// word that is longer
// stays whole.
func fold(s string, width int) (lines []string) {
	line, used := "", 0
	var word strings.Builder
	flush := func(space bool) {
		w := word.String()
		word.Reset()
		n := columns(w)
		if used+n > width && used > 0 {
			lines = append(lines, strings.TrimRight(line, " "))
			line, used = "", 0
		}
		if line += w; space {
			line, n = line+" ", n+1
		}
		used += n
	}
	for _, r := range s {
		switch {
		case r == ' ':
			flush(true)
		case doubleWidth(r):
			if !strings.ContainsRune("，。：；、？！）》”", r) {
				flush(false)
			}
			word.WriteRune(r)
		default:
			word.WriteRune(r)
		}
	}
	flush(false)
	return append(lines, strings.TrimRight(line, " "))
}

func columns(s string) (n int) {
	for _, r := range s {
		if n++; doubleWidth(r) {
			n++
		}
	}
	return n
}

// doubleWidth says whether a character takes two columns (UAX #11, as far as our texts have them).
func doubleWidth(r rune) bool {
	return unicode.In(r, unicode.Han) || r >= 0x3000 && r <= 0x303f || r >= 0xff01 && r <= 0xff60
}
