package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/modem"

	"golang.org/x/sys/unix"
)

type checkCmd struct {
	Config  string        `placeholder:"FILE" help:"The configuration to check."`
	Example bool          `help:"Print config.example.toml: every key with its default, explained."`
	Probe   bool          `help:"Open each modem, say who it is and what network it has, and close it again. No PIN is tried and nothing is sent."`
	Wait    time.Duration `default:"10s" placeholder:"10s" help:"With --probe: how long a modem may look for its network."`
	JSON    bool          `help:"Print as JSON."`
}

func (c *checkCmd) Help() string {
	return `Tells every fault of a configuration at once and exits 1, or says that it is good and shows the text of each template. The first configuration:
  attestd check --example > config.toml`
}

// checked is the answer of --json.
type checked struct {
	OK       bool     `json:"ok"`
	Faults   []string `json:"faults"`
	Warnings []string `json:"warnings"`
	Modems   []probed `json:"modems,omitempty"`
	// Templates are the texts of codes, filled in with the longest that can come into them.
	Templates []daemon.Preview `json:"templates,omitempty"`
}

// probed is what a modem said of itself.
type probed struct {
	Name         string `json:"name"`
	Port         string `json:"port"`
	OK           bool   `json:"ok"`
	Error        string `json:"error,omitempty"`
	Manufacturer string `json:"manufacturer,omitempty"`
	Model        string `json:"model,omitempty"`
	Revision     string `json:"revision,omitempty"`
	IMEI         string `json:"imei,omitempty"`
	SIM          string `json:"sim,omitempty"`
	SMSC         string `json:"smsc,omitempty"`
	Network      string `json:"network,omitempty"`
	Signal       string `json:"signal,omitempty"`
}

func (c *checkCmd) Run(a *app) error {
	if c.Example {
		_, err := io.WriteString(a.stdout, config.Example)
		return err
	}
	if c.Config == "" {
		return errors.New("name the configuration to check with --config FILE, or print one to begin with: attestd check --example")
	}
	result := checked{Faults: []string{}, Warnings: []string{}}
	cfg, unseen, err := config.LoadToCheck(c.Config)
	if err == nil {
		err = errors.Join(cfg.NobodysFault(), daemon.Check(cfg), daemon.CheckDatabase(a.ctx, cfg))
	}
	var faults *config.Error
	switch {
	case err != nil && !c.JSON:
		return err
	case errors.As(err, &faults):
		result.Faults = faults.Faults
	case err != nil:
		result.Faults = []string{err.Error()}
	default:
		result.OK = true
		result.Warnings = append(append(result.Warnings, cfg.Warnings()...), unseen...)
		if note := folderNote(cfg); note != "" {
			result.Warnings = append(result.Warnings, note)
		}
		result.Templates = daemon.Previews(cfg)
	}
	if result.OK && c.Probe {
		result.Modems = c.probe(a.ctx, cfg)
		for _, p := range result.Modems {
			result.OK = result.OK && p.OK
		}
	}
	if err := c.print(a, cfg, result); err != nil {
		return err
	}
	if !result.OK {
		return errExit(1)
	}
	return nil
}

// folderNote says that the database's folder is missing or cannot be written by whoever asks, and what to do.
func folderNote(cfg config.Config) string {
	dir := filepath.Dir(databasePath(cfg))
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("store.url: there is no folder %s yet: the unit makes it (StateDirectory=); to run attestd as yourself: sudo install -d -m 700 -o \"$USER\" %s", dir, dir)
	case err != nil:
		return "store.url: " + err.Error()
	case !info.IsDir():
		return fmt.Sprintf("store.url: %s is no folder", dir)
	case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
		return fmt.Sprintf("store.url: this user may not write in %s: run attestd as its owner, or choose another place", dir)
	}
	return ""
}

func (c *checkCmd) print(a *app, cfg config.Config, r checked) error {
	if c.JSON {
		return a.printJSON(r)
	}
	fmt.Fprintf(a.stdout, "%s is good: %d modems, API on %s, database %s\n", c.Config, len(cfg.Modem), cfg.HTTP.Listen, cfg.Store.URL)
	for _, w := range r.Warnings {
		fmt.Fprintf(a.stdout, "note: %s\n", w)
	}
	if err := c.printTemplates(a, r.Templates); err != nil || len(r.Modems) == 0 {
		return err
	}
	fmt.Fprintln(a.stdout)
	rows := make([][]string, len(r.Modems))
	for i, p := range r.Modems {
		state := "ok"
		if !p.OK {
			state = "FAILED"
		}
		rows[i] = []string{p.Name, state, p.Network, p.Signal, p.Model, p.IMEI, p.SIM, p.Port}
	}
	if err := a.table("NAME PROBE NETWORK SIGNAL MODEL IMEI SIM PORT", rows); err != nil {
		return err
	}
	for _, p := range r.Modems {
		if p.Error != "" {
			fmt.Fprintf(a.stdout, "%s: %s\n", p.Name, oneLine(p.Error))
		}
	}
	return nil
}

// printTemplates shows each text as the longest that can come of it.
func (c *checkCmd) printTemplates(a *app, all []daemon.Preview) error {
	rows := make([][]string, len(all))
	for i, p := range all {
		rows[i] = []string{p.Language + "." + p.Key, strconv.Itoa(p.Segments), fmt.Sprintf("%d/%d", p.Units, p.Room), p.Alphabet, oneLine(p.Text)}
	}
	fmt.Fprintln(a.stdout, "\nThe texts of codes, each as the longest that can come of it:")
	return a.table("TEMPLATE SMS UNITS ALPHABET TEXT", rows)
}

// probe opens all modems at once: each may take a while.
func (c *checkCmd) probe(ctx context.Context, cfg config.Config) []probed {
	paths, missing := daemon.Locate(ctx, cfg)
	all := make([]probed, 0, len(cfg.Modem))
	for _, m := range cfg.Modem {
		if m.Enabled {
			all = append(all, probed{Name: m.Name, Port: m.Port})
		}
	}
	var wait sync.WaitGroup
	i := 0
	for _, m := range cfg.Modem {
		if m.Enabled {
			p := &all[i]
			i++
			if err := missing[m.Name]; err != nil {
				p.Error = err.Error()
				continue
			}
			m.Port, p.Port = paths[m.Name], paths[m.Name]
			wait.Go(func() { c.ask(ctx, m, p) })
		}
	}
	wait.Wait()
	return all
}

func (c *checkCmd) ask(ctx context.Context, m config.Modem, p *probed) {
	ctx, cancel := context.WithTimeout(ctx, c.Wait+time.Minute)
	defer cancel()
	// Without the PIN: only the gateway remembers which card has refused which, and must be the one to try.
	opened, err := modem.Open(ctx, modem.Config{
		Port: m.Port, Baud: m.Baud, SMSC: m.SMSC, CommandTimeout: m.CommandTimeout, PromptTimeout: m.PromptTimeout,
		SubmitTimeout: m.SubmitTimeout, LateResultWait: m.LateResultWait, Registration: c.Wait,
	})
	switch {
	case errors.Is(err, modem.ErrPINRequired) && m.PINFile != "":
		p.OK, p.Network = true, "(locked)"
		p.Error = "the SIM asks for its PIN; attestd serve will give it the one in pin_file, a probe does not"
		return
	case err != nil:
		p.Error = err.Error()
		return
	}
	defer opened.Close()
	id := opened.Identity()
	p.Manufacturer, p.Model, p.Revision, p.IMEI, p.SIM, p.SMSC = id.Manufacturer, id.Model, id.Revision, id.IMEI, id.ICCID, id.SMSC
	registration, err := opened.Registration(ctx)
	if err != nil {
		p.Error = err.Error()
		return
	}
	p.Network = registration.String()
	if signal, err := opened.Signal(ctx); err == nil {
		p.Signal = signal.String()
	}
	switch {
	case !registration.Ready():
		p.Error = "no network has registered it: is the antenna on, the SIM active, the PIN right?"
	case m.IMEI != "" && m.IMEI != id.IMEI:
		p.Error = fmt.Sprintf("modem.%s.imei names another module", m.Name)
	case m.SIM != "" && m.SIM != id.ICCID:
		p.Error = fmt.Sprintf("modem.%s.sim names another card", m.Name)
	default:
		p.OK = true
	}
}
