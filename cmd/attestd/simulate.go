package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"attestd/modem/simulator"
	"attestd/pdu"
)

// simulateCmd offers simulated modems to any program that drives modems.
type simulateCmd struct {
	Modems      int           `help:"How many modems." default:"1" placeholder:"N"`
	Dir         string        `help:"Where the ports appear, as DIR/modem0 and so on." required:"" placeholder:"DIR"`
	Profile     string        `help:"The modems' dialect: ${enum}." enum:"generic,huawei,quectel,simcom,zte" default:"generic"`
	Radio       time.Duration `help:"How long a message occupies the radio." default:"0s"`
	Linked      time.Duration `help:"The same for a message on a link held by AT+CMMS; six tenths of --radio unless given." placeholder:"1.5s"`
	Baud        int           `help:"Pace the line to this speed; 0 leaves it unpaced." default:"0" placeholder:"N"`
	Ledger      string        `help:"Write what goes on air to this file, as JSON lines." placeholder:"FILE"`
	Control     string        `help:"Serve the control interface below on this address." placeholder:"ADDR"`
	ReportDelay time.Duration `help:"From acceptance to the status report." default:"1s"`
	NoReports   bool          `help:"A network that sends no status reports."`
	PIN         string        `help:"Lock the SIMs with this PIN." name:"pin" placeholder:"PIN"`
	SIMSlots    int           `help:"Slots of the store SM." name:"sim-slots" default:"20" placeholder:"N"`
	Late        time.Duration `help:"How late a late final result is." default:"5s"`
	Replug      time.Duration `help:"How long a vanished port stays away." default:"2s"`
	Answer      string        `help:"Every handset answers a message with this text." placeholder:"TEXT"`
	AnswerAfter time.Duration `help:"How long a handset takes to answer." default:"2s"`
	Seed        int64         `help:"Other identities: IMEI, IMSI, ICCID, numbers." default:"0" placeholder:"N"`
	Commands    bool          `help:"Every AT command line into the ledger, too."`
	Quiet       bool          `help:"Do not tell what happens." short:"q"`
	JSON        bool          `help:"Tell it as JSON: the modems first, then the entries of the ledger." name:"json"`
}

// Help is what stands below the flags: the fates, the faults and the control interface, from their one source.
func (c *simulateCmd) Help() string {
	var b strings.Builder
	b.WriteString("Ordinary numbers just work. The last five digits of a recipient choose another fate:\n\n")
	indent(&b, simulator.FateTable())
	b.WriteString("\nThe control interface (--control):\n\n")
	indent(&b, simulator.ControlHelp)
	b.WriteString("\nFaults:\n\n")
	for _, f := range simulator.Faults() {
		fmt.Fprintf(&b, "  %-13s %s\n", f.Name, f.Meaning)
	}
	return b.String()
}

func indent(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
}

// Run offers the modems until the context ends.
func (c *simulateCmd) Run(a *app) (err error) {
	config := simulator.Config{
		Modems: c.Modems, Profile: c.Profile, Radio: c.Radio, LinkedRadio: c.Linked, Baud: c.Baud, ReportDelay: c.ReportDelay,
		NoReports: c.NoReports, PIN: c.PIN, SIMCapacity: c.SIMSlots, Late: c.Late, Replug: c.Replug, Seed: c.Seed,
		Commands: c.Commands, Keep: 100_000,
	}
	if c.Ledger != "" {
		file, err := os.OpenFile(c.Ledger, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("--ledger: %w", err)
		}
		defer file.Close()
		config.Ledger = file
	}
	n, err := simulator.New(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	syscall.Umask(0o022) // the ports are for other programs, of other users too
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	entries, stop := n.Watch(10_000)
	defer stop()
	for i := range n.Modems() {
		if _, err := n.Modem(i).Listen(c.Dir); err != nil {
			return err
		}
	}
	if c.Answer != "" {
		n.Handset("*", func(string) (string, time.Duration) { return c.Answer, c.AnswerAfter })
	}
	if err := c.announce(a.stdout, n); err != nil {
		return err
	}
	if c.Control != "" {
		stopControl, err := serveControl(a, c.Control, n)
		if err != nil {
			return err
		}
		defer stopControl()
	}
	return c.tell(a, entries)
}

// announce prints the modems: a fragment for config.toml, or JSON.
func (c *simulateCmd) announce(w io.Writer, n *simulator.Network) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(map[string]any{"modems": n.Infos()})
	}
	for _, m := range n.Infos() {
		if _, err := fmt.Fprintf(w, "[[modem]]\nname = \"m%d\"\nport = %s\n\n", m.Modem, strconv.Quote(m.Path)); err != nil {
			return err
		}
	}
	return nil
}

func serveControl(a *app, address string, n *simulator.Network) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--control: %w", err)
	}
	server := &http.Server{Handler: n.Control(), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close
	}()
	fmt.Fprintf(a.stderr, "control interface on http://%s\n", listener.Addr())
	return func() {
		server.Close()
		<-done
	}, nil
}

// tell says what happens until the end.
func (c *simulateCmd) tell(a *app, entries <-chan simulator.Entry) error {
	if !c.Quiet && !c.JSON {
		fmt.Fprintln(a.stderr, "running until Ctrl-C")
	}
	enc := json.NewEncoder(a.stdout)
	for {
		done := a.ctx.Done()
		if len(entries) > 0 {
			done = nil // what has happened by the end is told
		}
		select {
		case <-done:
			return nil
		case e := <-entries:
			switch {
			case c.Quiet:
			case c.JSON:
				if err := enc.Encode(e); err != nil {
					return err
				}
			default:
				if line := narrate(e); line != "" {
					fmt.Fprintf(a.stderr, "%s modem%d %s\n", e.At.Format("15:04:05.000"), e.Modem, line)
				}
			}
		}
	}
}

// narrate is an entry as a person reads it; "" for those that say nothing new.
func narrate(e simulator.Entry) string {
	part := ""
	if e.Parts > 0 {
		part = fmt.Sprintf(" part %d/%d", e.Part, e.Parts)
	}
	switch e.Kind {
	case simulator.KindSubmit:
		fate := ""
		if e.Fate != "" {
			fate = " [" + e.Fate + "]"
		}
		if !e.Accepted {
			return fmt.Sprintf("NOT on air to %s%s%s: %s%s", e.To, part, fate, e.Result, e.Detail)
		}
		return fmt.Sprintf("on air to %s%s, reference %d%s: %q", e.To, part, *e.MR, fate, e.Text)
	case simulator.KindReport:
		if e.Status == nil {
			return "status report, raw, " + e.Detail
		}
		return fmt.Sprintf("status report %s for reference %d to %s, %s", pdu.Status(*e.Status), *e.MR, e.To, e.Detail)
	case simulator.KindDeliver:
		return fmt.Sprintf("inbound from %s%s, %s %s: %q", e.From, part, e.Detail, e.Memory, e.Text)
	case simulator.KindHandset:
		return fmt.Sprintf("handset %s reads %q", e.To, e.Text)
	case simulator.KindAT:
		return "AT line " + strconv.Quote(e.Detail)
	case simulator.KindPort:
		return "port " + e.Detail
	case simulator.KindModem:
		return e.Detail
	}
	return ""
}
