package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/selftest"
	"attestd/modem"
	"attestd/modem/simulator"
)

type loopbackCmd struct {
	Config string        `placeholder:"FILE" help:"Test a modem of this configuration (stop the gateway first); without it, a simulated one."`
	Modem  string        `placeholder:"NAME" help:"Which modem of the configuration."`
	To     string        `placeholder:"NUMBER" help:"The SIM's own number, where the SIM does not say it."`
	Wait   time.Duration `default:"2m" help:"How long to wait for the report and for the text, each."`
	JSON   bool          `help:"Print the result as JSON."`
}

func (c *loopbackCmd) Help() string {
	return `Sends one SMS through a modem to its own number and times every leg: open, network, submit, delivery report, receive.
Exit 0 only if all came back. On a real modem it costs one SMS.`
}

func (c *loopbackCmd) Run(a *app) error {
	o := selftest.Options{To: c.To, Wait: c.Wait}
	if !c.JSON {
		o.Tell = func(l selftest.Leg) {
			fmt.Fprintf(a.stdout, "  %-8s %10s  %s\n", l.Name, l.Took.Round(10*time.Microsecond), l.Detail)
		}
	}
	var err error
	if c.Config == "" {
		var done func()
		if o.Modem, done, err = simulated(); err != nil {
			return err
		}
		defer done()
	} else if o.Modem, err = c.configured(a.ctx); err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(a.stdout, "loopback on %s\n", o.Modem.Port)
	}
	r := selftest.Run(a.ctx, o)
	if c.JSON {
		if err := json.NewEncoder(a.stdout).Encode(r); err != nil {
			return err
		}
	}
	if !r.Passed {
		return errors.New(r.Err)
	}
	if !c.JSON {
		fmt.Fprintln(a.stdout, "passed")
	}
	return nil
}

// simulated puts a simulated modem on a pty in a temporary folder.
func simulated() (c modem.Config, done func(), err error) {
	dir, err := os.MkdirTemp("", "attestd-loopback-")
	if err != nil {
		return c, nil, err
	}
	network, err := simulator.New(simulator.Config{Radio: 200 * time.Millisecond, ReportDelay: 200 * time.Millisecond})
	if err != nil {
		return c, nil, err
	}
	done = func() { _ = network.Close(); _ = os.RemoveAll(dir) }
	if c.Port, err = network.Modem(0).Listen(dir); err != nil {
		done()
		return c, nil, err
	}
	return c, done, nil
}

func (c *loopbackCmd) configured(ctx context.Context) (modem.Config, error) {
	cfg, err := config.LoadSettings(c.Config)
	if err != nil {
		return modem.Config{}, err
	}
	var names []string
	for _, m := range cfg.Modem {
		if m.Name == c.Modem || c.Modem == "" && len(cfg.Modem) == 1 {
			if m.Searched() {
				paths, missing := daemon.Locate(ctx, cfg)
				if err := missing[m.Name]; err != nil {
					return modem.Config{}, err
				}
				m.Port = paths[m.Name]
			}
			if err := m.ReadPIN(); err != nil {
				return modem.Config{}, err
			}
			return modem.Config{
				Port: m.Port, Baud: m.Baud, PIN: string(m.PIN), SMSC: m.SMSC, DirectDelivery: m.DirectDelivery, UnconfirmedReports: !m.ConfirmReports,
				CommandTimeout: m.CommandTimeout, PromptTimeout: m.PromptTimeout, SubmitTimeout: m.SubmitTimeout, LateResultWait: m.LateResultWait,
				AskAfter: cmp.Or(m.AskAfter, -1), PINGuard: countedOnly{},
			}, nil
		}
		names = append(names, m.Name)
	}
	return modem.Config{}, fmt.Errorf("--modem: %s has %q: name one of them", c.Config, names)
}

// countedOnly lets a PIN be entered only where the card's own counter tells that nothing can be lost by it: which card
// has refused which
// PIN is remembered by the gateway alone.
type countedOnly struct{}

func (countedOnly) Before(_, _ string, counted bool) error {
	if !counted {
		return errors.New("this modem does not tell how many tries its card has left, so only attestd serve, which remembers, enters the PIN")
	}
	return nil
}

func (countedOnly) After(_, _ string, _ modem.PINVerdict) error { return nil }
