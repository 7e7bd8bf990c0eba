package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTheJournalIsToldHowGraveEachLineIsAndNobodyElse(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		file, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		var stat syscall.Stat_t
		if err := syscall.Fstat(int(file.Fd()), &stat); err != nil {
			t.Fatal(err)
		}
		level := new(slog.LevelVar)
		level.Set(slog.LevelDebug)
		tell := func() string {
			log := logger(file, format, level).With("modem", "m0").WithGroup("g")
			log.Debug("details")
			log.Info("news\nof two lines")
			log.Warn("a warning")
			log.Error("an error")
			text, err := os.ReadFile(file.Name())
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino+1)) // inherited, and not ours
		if text := tell(); strings.HasPrefix(text, "<") || strings.Contains(text, "\n<") {
			t.Errorf("%s: priorities elsewhere:\n%s", format, text)
		}
		if err := file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
		lines := strings.Split(strings.TrimSpace(tell()), "\n")
		if len(lines) != 4 {
			t.Fatalf("%s: %q", format, lines)
		}
		for i, want := range []string{"<7>", "<6>", "<4>", "<3>"} {
			if !strings.HasPrefix(lines[i], want) || !strings.Contains(lines[i], "m0") {
				t.Errorf("%s: %q, want %s", format, lines[i], want)
			}
		}
	}
}
