// Package demo is the main job on simulated modems: the whole gateway, with its real database, serial ports and API, in
// a temporary folder; only the radio is pretended. It plays the platform and both persons, and tells each step.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// Step is one thing that happened.
type Step struct {
	At   time.Duration  `json:"at_ns"` // since the start
	Who  string         `json:"who"`   // demo, platform, modem, network, person, filing, metrics
	What string         `json:"what"`
	Data map[string]any `json:"data,omitempty"`
}

// Options say how to run it.
type Options struct {
	Once    bool // end when the filing has ended, instead of when ctx does
	Tell    func(Step)
	Logger  *slog.Logger // the gateway's own log; nil throws it away
	Version string
	Program string        // how it was called, for commands to copy; "" = attestd
	Listen  string        // "" = 127.0.0.1:8480, or any free port when that is taken
	Radio   time.Duration // how long a message is on air; 0 = 400 ms
	Timeout time.Duration // for the filing to pass; 0 = 30 s
}

// The persons of the demo. Nobody's phone rings: the network is pretended.
const (
	headNumber, headTail = "13712345671", "02531X"
	siteNumber, siteTail = "15912345672", "R(0)12"
	siteName             = "示例网站"
)

// ErrNotPassed says that the filing did not pass.
var ErrNotPassed = errors.New("the filing did not pass")

// demo is one run.
type demo struct {
	o      Options
	began  time.Time
	rig    *rig.Rig
	api    *api
	inbox  chan string // what the entity head's phone shows
	voice  sync.Mutex  // steps come from several goroutines, and are told one at a time
	silent bool        // the demo is over
}

// Run plays the demo. It returns nil when the filing passed (and, without Once, when ctx has ended).
func Run(ctx context.Context, o Options) (err error) {
	d := &demo{o: o, began: time.Now(), inbox: make(chan string, 4)}
	if d.o.Radio == 0 {
		d.o.Radio = 400 * time.Millisecond
	}
	if d.o.Timeout == 0 {
		d.o.Timeout = 30 * time.Second
	}
	defer func() {
		d.voice.Lock()
		d.silent = true
		d.voice.Unlock()
	}()
	return d.run(ctx)
}

func (d *demo) run(ctx context.Context) (err error) {
	d.rig, err = rig.Start(ctx, rig.Options{
		Simulator: simulator.Config{Modems: 2, Profile: "quectel", Radio: d.o.Radio, ReportDelay: d.o.Radio},
		Edit:      d.configure, Logger: d.o.Logger, Version: d.o.Version,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.rig.Close()) }()
	d.phones()
	defer d.watchAir()()
	d.api = &api{base: d.rig.URL, token: d.rig.Token}
	for i, m := range d.rig.Config.Modem {
		d.tell("modem", fmt.Sprintf("%s: a simulated modem on %s (IMEI %s)", m.Name, m.Port, d.rig.Network.Modem(i).IMEI()), map[string]any{"port": m.Port})
	}
	d.tell("gateway", "database, queue and API are up: "+d.api.base, map[string]any{"api": d.api.base})
	d.tell("gateway", "the page on which persons enter their codes: "+d.api.base+"/", map[string]any{"page": d.api.base + "/"})

	bounded, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	if err := d.play(bounded); err != nil {
		return err
	}
	if !d.o.Once {
		d.invite()
		<-ctx.Done()
	}
	return nil
}

// phones are the two persons': the first shows its texts to its owner, the second's owner answers by SMS.
func (d *demo) phones() {
	d.rig.Network.Handset("+86"+headNumber, func(text string) (string, time.Duration) {
		d.inbox <- text
		return "", 0
	})
	d.rig.Network.Handset("+86"+siteNumber, func(text string) (string, time.Duration) {
		if codeIn(text) == "" { // the answer to her answer
			d.tell("person", fmt.Sprintf("website head reads %q", text), nil)
			return "", 0
		}
		d.tell("person", fmt.Sprintf("website head reads %q and answers by SMS: code and certificate tail", text), nil)
		return codeIn(text) + " " + siteTail, time.Second
	})
}

func (d *demo) configure(cfg *config.Config) {
	cfg.Verify.Site = siteName
	cfg.Verify.Replies = true
	cfg.HTTP.Listen = config.Default().HTTP.Listen
	if d.o.Listen != "" {
		cfg.HTTP.Listen = d.o.Listen
	} else if l, err := net.Listen("tcp", cfg.HTTP.Listen); err != nil {
		cfg.HTTP.Listen = "127.0.0.1:0"
	} else {
		_ = l.Close()
	}
}

func (d *demo) tell(who, what string, data map[string]any) {
	d.voice.Lock()
	defer d.voice.Unlock()
	if !d.silent {
		d.o.Tell(Step{At: time.Since(d.began), Who: who, What: what, Data: data})
	}
}

// invite says what a reader can do while the demo stays up.
func (d *demo) invite() {
	d.tell("demo", "stays up until Ctrl-C; try it yourself:", map[string]any{"api": d.api.base, "token": d.api.token})
	program := d.o.Program
	if program == "" {
		program = "attestd"
	}
	for _, line := range []string{
		"export ATTESTD_URL=" + d.api.base,
		"export ATTESTD_TOKEN=" + d.api.token,
		program + " send --to +8613800138000 --text 'Hello from the demo' --wait",
		program + " status; " + program + " messages; " + program + " filings",
		"curl -H \"Authorization: Bearer $ATTESTD_TOKEN\" $ATTESTD_URL/v1/modems",
	} {
		d.tell("demo", "  "+line, nil)
	}
}
