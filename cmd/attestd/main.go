// Command attestd drives USB GSM and LTE modems to send verification SMS and to match the answers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"attestd/internal/access"

	"github.com/alecthomas/kong"
)

// cli is the whole command line: one field a command, each in a file of its own.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the gateway."`
	Demo     demoCmd     `cmd:"" help:"Watch the main job on simulated modems; needs no hardware."`
	Loopback loopbackCmd `cmd:"" help:"Send an SMS through a modem to itself and time each leg."`
	Simulate simulateCmd `cmd:"" help:"Offer simulated modems as serial ports, for any program that drives modems."`
	Bench    benchCmd    `cmd:"" help:"Measure the whole gateway on simulated modems."`
	Faults   faultsCmd   `cmd:"" help:"Run the fault matrix on simulated modems: what each fault loses, repeats, and how soon it is over."`
	Crash    crashCmd    `cmd:"" help:"Kill the gateway again and again on simulated modems, and count what was lost or doubled."`
	Soak     soakCmd     `cmd:"" help:"Run the gateway for long on simulated modems with random faults; count losses, repeats and leaks."`

	Send     sendCmd     `cmd:"" help:"Send a message through a running gateway."`
	Status   statusCmd   `cmd:"" help:"A running gateway at a glance."`
	Messages messagesCmd `cmd:"" help:"List messages, or show one."`
	Filings  filingsCmd  `cmd:"" help:"List and search filings, show one with its story, create, amend, cancel."`
	Inbox    inboxCmd    `cmd:"" help:"List received texts, or show one."`
	Optout   optoutCmd   `cmd:"" help:"Who has opted out of texts: list, add, remove."`
	Modems   modemsCmd   `cmd:"" help:"List modems."`
	Webhooks webhooksCmd `cmd:"" help:"What is told to other programs: list, replay, secrets."`

	Reload reloadCmd `cmd:"" help:"Have a gateway under systemd read its configuration again, and say what came of it."`
	Check  checkCmd  `cmd:"" help:"Check a configuration, and its modems."`
	Token  tokenCmd  `cmd:"" help:"Make, list, rotate and revoke tokens of the API."`
	Audit  auditCmd  `cmd:"" help:"Who did what, when."`
	Keys   keysCmd   `cmd:"" help:"The key that seals: list, rotate, retire."`
	Unlock unlockCmd `cmd:"" help:"Try another PIN on a parked modem, once; never the last try."`
	Forget forgetCmd `cmd:"" help:"Erase everything of one person, by the number."`

	Encode  encodeCmd  `cmd:"" help:"Show what a text costs, and the PDUs that carry it."`
	Decode  decodeCmd  `cmd:"" help:"Tell what a PDU says."`
	Join    joinCmd    `cmd:"" help:"Join the parts of long texts."`
	Version versionCmd `cmd:"" help:"Print the version and what it was built with."`
}

// app is what a command gets from main: where to read and print, and a context that ends at SIGINT or SIGTERM.
type app struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// errExit ends the program with a code after the command has said everything itself.
type errExit int

func (e errExit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	syscall.Umask(0o077) // SQLite makes files of its own, and they tell what the database tells
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks to stop; a second one ends the process at once, as kill -9 would
	code := run(&app{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run parses args and runs the command. It returns the exit code: 0 done, 1 failed, 2 called wrongly.
func run(a *app, args []string) (code int) {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("attestd"),
		kong.Description("Sends verification SMS through USB GSM/LTE modems and matches the answers.\n\nNo modem at hand? Run: attestd demo"),
		kong.Writers(a.stdout, a.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Exit(func(code int) { exited = code }),
		kong.Vars{"scopes": strings.ReplaceAll(access.All.String(), ",", ", "), "platform": access.Platform.String()},
		kong.Bind(a),
	)
	if err != nil {
		fmt.Fprintln(a.stderr, "attestd:", err)
		return 1
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help has been printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "attestd: %v\nRun attestd --help, or attestd COMMAND --help.\n", err)
		return 2
	}
	err = parsed.Run(a)
	var exit errExit
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case err != nil:
		fmt.Fprintln(a.stderr, "attestd:", err)
		return 1
	}
	return 0
}
