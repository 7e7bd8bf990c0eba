package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestAReloadOfTheUnitFailsWithTheReasonWhenTheFileIsFaulty(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "c.toml")
	configure := func(more string) {
		t.Helper()
		text := "[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://" + dir + "/attestd.db\"\n" + more
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("")
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir())
	serve := attestd(t, "077", "serve", "--config", file)
	stderr, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), "attestd serves") {
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
		}
	}()
	pid := strconv.Itoa(serve.Process.Pid)
	if out, errs, code := say("", "reload", "--pid", pid); code != 0 {
		t.Errorf("a good file: %d %s%s", code, out, errs)
	}
	configure("[queue]\nmax_attempts = 0\n")
	if _, errs, code := say("", "reload", "--pid", pid); code != 1 || !strings.Contains(errs, "queue.max_attempts: want from 1 to 100") {
		t.Errorf("a faulty file: %d %s", code, errs)
	}
	configure("[verify.templates.zh]\ncode = \"公安部 {code}\"\n[page]\nlogo_file = \"none.svg\"\n")
	if _, errs, code := say("", "reload", "--pid", pid); code != 1 || !strings.Contains(errs, "logo_file") {
		t.Errorf("a file that is missing: %d %s", code, errs)
	}
	configure("[queue]\nmax_attempts = 7\n")
	if out, errs, code := say("", "reload", "--pid", pid); code != 0 {
		t.Errorf("mended: %d %s%s", code, out, errs)
	}
	_ = serve.Process.Signal(syscall.SIGTERM)
	<-ended
	if err := serve.Wait(); err != nil {
		t.Error(err)
	}
	if _, errs, code := say("", "reload", "--pid", pid); code != 1 || !strings.Contains(errs, "no such process") {
		t.Errorf("no gateway: %d %s", code, errs)
	}
	t.Setenv("RUNTIME_DIRECTORY", "")
	if _, errs, code := say("", "reload", "--pid", "1"); code != 1 || !strings.Contains(errs, "systemctl reload") {
		t.Errorf("outside of a unit: %d %s", code, errs)
	}
}
