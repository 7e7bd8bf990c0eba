package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// reloadAnswer is the file in $RUNTIME_DIRECTORY in which a gateway says what came of a SIGHUP: one line, "ok" or what
// was wrong.
const reloadAnswer = "reload"

type reloadCmd struct {
	PID     int           `required:"" placeholder:"PID" help:"The gateway's process: $$MAINPID in a unit."`
	Timeout time.Duration `default:"60s" placeholder:"60s" help:"How long it may take."`
}

func (c *reloadCmd) Help() string {
	return `Sends SIGHUP and waits for what came of it: exit 0, or 1 with the reason when the configuration has a fault, and nothing was changed.
It is for ExecReload= of the unit, so that systemctl reload fails too; the gateway answers in $RUNTIME_DIRECTORY.`
}

func (c *reloadCmd) Run(a *app) error {
	dir := os.Getenv("RUNTIME_DIRECTORY")
	if dir == "" {
		return errors.New("$RUNTIME_DIRECTORY is not set: this is for the unit (systemctl reload attestd); elsewhere send the gateway a SIGHUP and read its log")
	}
	file := filepath.Join(dir, reloadAnswer)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syscall.Kill(c.PID, syscall.SIGHUP); err != nil {
		return fmt.Errorf("--pid %d: %w", c.PID, err)
	}
	for deadline := time.Now().Add(c.Timeout); time.Now().Before(deadline); {
		text, err := os.ReadFile(file)
		switch answer := strings.TrimSpace(string(text)); {
		case err == nil && answer == "ok":
			return nil
		case err == nil:
			return errors.New(answer)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		select {
		case <-a.ctx.Done():
			return a.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("the gateway did not answer within %s", c.Timeout)
}

// answerReload tells who waits for it what came of a reload. Outside of a unit nobody waits.
func answerReload(fault error) error {
	dir := os.Getenv("RUNTIME_DIRECTORY")
	if dir == "" {
		return nil
	}
	text := "ok"
	if fault != nil {
		text = oneLine(fault.Error())
	}
	file := filepath.Join(dir, reloadAnswer)
	if err := os.WriteFile(file+".new", []byte(text+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
