package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"attestd/internal/client"
	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/store"

	"golang.org/x/sys/unix"
)

type unlockCmd struct {
	Modem    string `arg:"" help:"The modem's name."`
	Config   string `placeholder:"FILE" help:"The gateway's configuration. With it the PIN is tried directly when no gateway runs."`
	PINFile  string `name:"pin-file" placeholder:"FILE" help:"A file with the PIN; without it the PIN is asked for, or read from standard input."`
	apiFlags `embed:""`
}

func (c *unlockCmd) Help() string {
	return `The gateway enters a PIN by itself only while the card has all its tries, and never again one that the card has refused. This tries another
one, once, because you ask for it, and shows how many tries the card had before and has after: never the last one, and not where the modem does not tell.
When all tries are back, write the PIN into pin_file and reload, or the modem will be parked again after its next restart.

A running gateway does it (a token with the scope admin is needed). With --config and no gateway running, it is done here.`
}

func (c *unlockCmd) Run(a *app) error {
	pin, err := c.pin(a)
	if err != nil {
		return err
	}
	var done client.Unlocked
	if err := c.try(a, pin, &done); err != nil {
		return err
	}
	if c.JSON {
		if err := a.printJSON(done); err != nil {
			return err
		}
	} else {
		c.tell(a, done)
	}
	if !done.Unlocked {
		return errExit(1)
	}
	return nil
}

// try has the gateway do it, or does it where none has the database.
func (c *unlockCmd) try(a *app, pin string, done *client.Unlocked) error {
	if c.Config != "" {
		cfg, err := config.LoadSettings(c.Config)
		if err != nil {
			return err
		}
		defer giveBack(databasePath(cfg))
		local, err := daemon.Unlock(a.asUser(), cfg, c.Modem, pin)
		if !errors.Is(err, store.ErrInUse) {
			*done = client.Unlocked(local)
			return err
		}
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	return cl.Do(a.ctx, http.MethodPost, "/v1/modems/"+url.PathEscape(c.Modem)+"/unlock", client.Unlock{PIN: pin}, done)
}

func (c *unlockCmd) tell(a *app, done client.Unlocked) {
	tries := func(n *int) string {
		if n == nil {
			return "not told"
		}
		return strconv.Itoa(*n)
	}
	word := "is unlocked"
	if !done.Unlocked {
		word = "is NOT unlocked"
	}
	fmt.Fprintf(a.stdout, "%s %s. Tries left: %s before, %s now.\n", done.Modem, word, tries(done.TriesBefore), tries(done.TriesAfter))
	if done.Detail != "" {
		fmt.Fprintln(a.stdout, oneLine(done.Detail))
	}
	if done.Unlocked {
		fmt.Fprintf(a.stdout, "Now write the PIN into modem %s's pin_file and reload, or it will be parked again after its next restart.\n", done.Modem)
	}
}

// pin reads the PIN from a file, a terminal without echo, or a pipe; never from the command line, which others see.
func (c *unlockCmd) pin(a *app) (string, error) {
	if c.PINFile != "" {
		m := config.Modem{Name: c.Modem, ModemDefaults: config.ModemDefaults{PINFile: c.PINFile}}
		if err := m.ReadPIN(); err != nil {
			return "", errors.New("--pin-file: " + strings.TrimPrefix(err.Error(), "modem."+c.Modem+".pin_file: "))
		}
		return string(m.PIN), nil
	}
	restore := func() {}
	if f, ok := a.stdin.(*os.File); ok {
		if quiet := echoOff(f); quiet != nil {
			fmt.Fprintf(a.stderr, "PIN of the card in %s: ", c.Modem)
			restore = func() { quiet(); fmt.Fprintln(a.stderr) }
		}
	}
	defer restore()
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() { // a terminal that is waited for does not see Ctrl-C
		line, err := bufio.NewReader(io.LimitReader(a.stdin, 64)).ReadString('\n')
		read <- answer{line, err}
	}()
	select {
	case <-a.ctx.Done():
		return "", a.ctx.Err()
	case said := <-read:
		if said.err != nil && !errors.Is(said.err, io.EOF) {
			return "", said.err
		}
		if pin := strings.TrimSpace(said.line); config.IsPIN(pin) {
			return pin, nil
		}
		return "", errors.New("a PIN is 4 to 8 digits: nothing was tried")
	}
}

// echoOff keeps a terminal from showing what is typed, and gives what ends that; nil when f is no terminal.
func echoOff(f *os.File) (restore func()) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil
	}
	quiet := *before
	quiet.Lflag &^= unix.ECHO
	if unix.IoctlSetTermios(fd, unix.TCSETS, &quiet) != nil {
		return nil
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }
}
