package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"attestd/internal/demo"
)

type demoCmd struct {
	Once   bool          `help:"End when the filing has ended; exit 0 only if it passed."`
	JSON   bool          `help:"One JSON object a step."`
	Listen string        `placeholder:"ADDR" help:"Where the API listens (default 127.0.0.1:8480, or a free port when that is taken)."`
	Radio  time.Duration `default:"400ms" help:"How long a message is on air."`
	Log    bool          `help:"Show the gateway's own log on standard error too."`
}

func (c *demoCmd) Help() string {
	return `Runs the whole gateway on two simulated modems in a temporary folder: a filing with two persons arrives over
HTTP, two SMS leave through AT commands on real serial ports (ptys), delivery reports come back, one person enters the
code, the other answers by SMS, the filing passes. Nothing leaves this machine.`
}

func (c *demoCmd) Run(a *app) error {
	o := demo.Options{Once: c.Once, Listen: c.Listen, Radio: c.Radio, Version: version, Tell: c.tell(a)}
	if c.Log {
		o.Logger = slog.New(slog.NewTextHandler(a.stderr, nil))
	}
	if !c.JSON {
		fmt.Fprintln(a.stdout, "attestd demo: two persons verify one filing over two simulated modems")
		fmt.Fprintln(a.stdout)
	}
	began := time.Now()
	if err := demo.Run(a.ctx, o); err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(a.stdout, "\nThe filing passed. %.1f s in all.\n", time.Since(began).Seconds())
	}
	return nil
}

func (c *demoCmd) tell(a *app) func(demo.Step) {
	if c.JSON {
		out := json.NewEncoder(a.stdout)
		return func(s demo.Step) { _ = out.Encode(s) }
	}
	return func(s demo.Step) {
		fmt.Fprintf(a.stdout, "%7.2f s  %-8s  %s\n", s.At.Seconds(), s.Who, s.What)
	}
}
